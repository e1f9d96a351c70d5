//! Every address of the house, as data: method, path, who may call. Tests walk the table, so that no
//! address is left out of the matrix of routes and roles (policy/routes.md).

use std::convert::Infallible;

use axum::extract::DefaultBodyLimit;
use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{MethodFilter, on};
use axum::{Extension, Router, middleware};

use crate::extract::{TakesForm, TakesNoBody};
use crate::limits::{BodyMax, FORM_BYTES_MAX};
use crate::{AppState, pages, passage};

/// Who may call an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allow {
    /// Everybody.
    Public,
    /// Whoever is signed in, about themselves.
    SignedIn,
    /// Whom the policies allow all actions of these names.
    Action(&'static [&'static str]),
}

impl Allow {
    /// Whom the policies allow this action (or set of actions).
    #[must_use]
    pub const fn to<A: store::Action>() -> Self {
        Self::Action(A::PARTS)
    }
}

/// An address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// GET (which answers HEAD too) or POST.
    pub method: Method,
    /// The path, with its ids in braces.
    pub path: &'static str,
    /// Who may call it.
    pub allow: Allow,
}

/// The addresses while they are put together.
pub struct Pages {
    router: Router<AppState>,
    routes: Vec<Route>,
}

impl Default for Pages {
    fn default() -> Self {
        Self { router: Router::new(), routes: Vec::new() }
    }
}

impl Pages {
    /// An address that shows something.
    #[must_use]
    pub fn read<H, T>(self, path: &'static str, allow: Allow, handler: H) -> Self
    where
        H: Handler<T, AppState>,
        T: TakesNoBody + 'static,
    {
        self.add(Method::GET, MethodFilter::GET, path, allow, 0, handler)
    }

    /// An address that changes something, by a form of the usual size.
    #[must_use]
    pub fn change<H, T>(self, path: &'static str, allow: Allow, handler: H) -> Self
    where
        H: Handler<T, AppState>,
        T: TakesForm + 'static,
    {
        self.change_up_to(FORM_BYTES_MAX, path, allow, handler)
    }

    /// An address that changes something, by a form of at most so many bytes.
    #[must_use]
    pub fn change_up_to<H, T>(self, bytes_max: usize, path: &'static str, allow: Allow, handler: H) -> Self
    where
        H: Handler<T, AppState>,
        T: TakesForm + 'static,
    {
        self.add(Method::POST, MethodFilter::POST, path, allow, bytes_max, handler)
    }

    /// The files built into the program.
    pub(crate) fn files(mut self, path: &'static str, files: Router<AppState>) -> Self {
        self.routes.push(Route { method: Method::GET, path, allow: Allow::Public });
        self.router = self.router.merge(files);
        self
    }

    fn add<H, T>(
        mut self,
        method: Method,
        filter: MethodFilter,
        path: &'static str,
        allow: Allow,
        bytes_max: usize,
        handler: H,
    ) -> Self
    where
        H: Handler<T, AppState>,
        T: 'static,
    {
        self.routes.push(Route { method, path, allow });
        // Axum's own limit would cut a body off; ours answers with a page.
        let answers = on(filter, handler)
            .layer::<_, Infallible>(Extension(BodyMax(bytes_max)))
            .layer::<_, Infallible>(DefaultBodyLimit::disable());
        self.router = self.router.route(path, answers);
        self
    }
}

/// Every address of the house.
#[must_use]
pub fn routes() -> Vec<Route> {
    pages::all(Pages::default()).routes
}

/// The whole site.
pub fn router(app: AppState) -> Router {
    site(app, pages::all(Pages::default()))
}

/// A site of these pages. Whatever they are, all that every request and answer needs is round them.
pub fn site(app: AppState, pages: Pages) -> Router {
    pages.router.layer(middleware::from_fn_with_state(app.clone(), passage::walk)).with_state(app)
}
