//! Every address of the house, as data: method, path, who may call. Tests walk the table, so that no
//! address is left out of the matrix of routes and roles (policy/routes.md).

use std::convert::Infallible;

use axum::extract::DefaultBodyLimit;
use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{MethodFilter, on};
use axum::{Extension, Router, middleware};

use crate::api::caller::{TakesApiCaller, TakesApiSent, TakesProof};
use crate::extract::{TakesForm, TakesNoBody};
use crate::limits::{BodyMax, FORM_BYTES_MAX};
use crate::{AppState, api, pages, passage};

/// Who may call an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allow {
    /// Everybody.
    Public,
    /// Whoever is signed in, about themselves.
    SignedIn,
    /// Whom the policies allow all actions of these names.
    Action(&'static [&'static str]),
    /// Programs, whom the policies allow all actions of these names by their scopes.
    Client(&'static [&'static str]),
}

impl Allow {
    /// Whom the policies allow this action (or set of actions).
    #[must_use]
    pub const fn to<A: store::Action>() -> Self {
        Self::Action(A::PARTS)
    }

    /// The programs whose scopes the policies allow this action (or set of actions).
    #[must_use]
    pub const fn client<A: store::Action>() -> Self {
        Self::Client(A::PARTS)
    }
}

/// An address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// GET (which answers HEAD too) or POST; in the API, whatever changes something.
    pub method: Method,
    /// The path, with its ids in braces.
    pub path: &'static str,
    /// Who may call it.
    pub allow: Allow,
    /// Whether it is an address of the API ([`crate::api`]), at which no cookie counts.
    pub api: bool,
}

/// How an address of the API changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// POST: make one, search, or set something going.
    Post,
    /// PUT: make it as it is sent.
    Put,
    /// PATCH: change parts.
    Patch,
    /// DELETE.
    Delete,
}

impl Change {
    const fn method(self) -> (Method, MethodFilter) {
        match self {
            Self::Post => (Method::POST, MethodFilter::POST),
            Self::Put => (Method::PUT, MethodFilter::PUT),
            Self::Patch => (Method::PATCH, MethodFilter::PATCH),
            Self::Delete => (Method::DELETE, MethodFilter::DELETE),
        }
    }
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
        let route = Route { method: Method::GET, path, allow, api: false };
        self.add(route, MethodFilter::GET, 0, handler)
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
        let route = Route { method: Method::POST, path, allow, api: false };
        self.add(route, MethodFilter::POST, bytes_max, handler)
    }

    /// An address of the API at which a known program reads. The path begins with `/fhir/r4/{practice}`.
    #[must_use]
    pub fn api_read<H, T>(self, path: &'static str, allow: Allow, handler: H) -> Self
    where
        H: Handler<T, AppState>,
        T: TakesApiCaller + 'static,
    {
        let route = Route { method: Method::GET, path, allow, api: true };
        self.add(route, MethodFilter::GET, 0, handler)
    }

    /// An address of the API at which a known program changes something, by a body of at most so many bytes.
    #[must_use]
    pub fn api_change<H, T>(self, how: Change, bytes_max: usize, path: &'static str, allow: Allow, handler: H) -> Self
    where
        H: Handler<T, AppState>,
        T: TakesApiSent + 'static,
    {
        let (method, filter) = how.method();
        self.add(Route { method, path, allow, api: true }, filter, bytes_max, handler)
    }

    /// An address of the API that says the same to everybody.
    #[must_use]
    pub fn api_public<H, T>(self, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, AppState>,
        T: TakesNoBody + 'static,
    {
        let route = Route { method: Method::GET, path, allow: Allow::Public, api: true };
        self.add(route, MethodFilter::GET, 0, handler)
    }

    /// An address of the API at which a program proves itself.
    #[must_use]
    pub fn api_proof<H, T>(self, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, AppState>,
        T: TakesProof + 'static,
    {
        let route = Route { method: Method::POST, path, allow: Allow::Public, api: true };
        self.add(route, MethodFilter::POST, FORM_BYTES_MAX, handler)
    }

    /// The files built into the program.
    pub(crate) fn files(mut self, path: &'static str, files: Router<AppState>) -> Self {
        self.routes.push(Route { method: Method::GET, path, allow: Allow::Public, api: false });
        self.router = self.router.merge(files);
        self
    }

    fn add<H, T>(mut self, route: Route, filter: MethodFilter, bytes_max: usize, handler: H) -> Self
    where
        H: Handler<T, AppState>,
        T: 'static,
    {
        let path = route.path;
        self.routes.push(route);
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
    everything().routes
}

/// The pages and the API, for a site of them or of them and more.
#[must_use]
pub fn everything() -> Pages {
    api::all(pages::all(Pages::default()))
}

/// The whole site.
pub fn router(app: AppState) -> Router {
    site(app, everything())
}

/// A site of these pages. Whatever they are, all that every request and answer needs is round them.
pub fn site(app: AppState, pages: Pages) -> Router {
    pages.router.layer(middleware::from_fn_with_state(app.clone(), passage::walk)).with_state(app)
}
