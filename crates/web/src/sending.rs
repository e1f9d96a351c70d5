//! Files that somebody sends with a form (`multipart/form-data`): the token and the key come first, and are looked
//! at before anything of a file is read. What is read is handed on as it arrives; nothing is held whole.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::{BodyDataStream, Bytes};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header;
use futures_util::{Stream, StreamExt, stream};
use kernel::IdempotencyKey;
use multer::{Constraints, Field, Multipart, SizeLimit};
use practice::exchange::uploads::receiving::Receiving;
use practice::exchange::uploads::{FILES_MAX, UploadError};

use crate::AppState;
use crate::csrf::{self, Whose};
use crate::errors::PageError;
use crate::limits::{BodyMax, DRAIN_BYTES_MAX, FORM_BYTES_MAX};
use crate::views::fault::Fault;
use crate::who::{Caller, Member};

/// The longest token or key.
const GUARD_BYTES_MAX: usize = 1024;

/// Files on their way, from a page of ours: who sends them is known, and the token was theirs.
pub struct Sending {
    /// Who sends them.
    pub by: Member,
    /// Makes the upload happen once, however often the form is sent.
    pub once: IdempotencyKey,
    /// The files.
    pub files: Files,
}

/// The files of a form, one after the other.
pub struct Files {
    form: Multipart<'static>,
    held: Held,
}

/// How much has arrived since something was last made of it. What reads the form holds that, and has no limit of
/// its own: a head that never ends would fill the memory.
#[derive(Clone, Default)]
struct Held(Arc<AtomicUsize>);

/// The most of that.
const HELD_BYTES_MAX: usize = 32 * 1024 * 1024;

impl Held {
    fn add(&self, bytes: usize) -> Result<(), io::Error> {
        let held = self.0.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        if held > HELD_BYTES_MAX { Err(io::ErrorKind::InvalidData.into()) } else { Ok(()) }
    }

    fn taken(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

/// Why files did not arrive.
pub enum Broken {
    /// The form is none of ours, or its sender went away.
    Page(PageError),
    /// What arrived is not taken.
    Upload(UploadError),
}

impl From<UploadError> for Broken {
    fn from(error: UploadError) -> Self {
        Self::Upload(error)
    }
}

impl FromRequest<AppState> for Sending {
    type Rejection = PageError;

    async fn from_request(request: Request, app: &AppState) -> Result<Self, PageError> {
        let (mut parts, body) = request.into_parts();
        let by = Member::from_request_parts(&mut parts, app).await?;
        let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let boundary = multer::parse_boundary(kind).map_err(|_| PageError::BAD_REQUEST)?;
        let bytes_max = parts.extensions.get::<BodyMax>().map_or(FORM_BYTES_MAX, |max| max.0);
        let limits = SizeLimit::new().whole_stream(u64::try_from(bytes_max).unwrap_or(u64::MAX));
        let held = Held::default();
        let bytes = in_time(body.into_data_stream(), app.settings.limits.upload_idle_max, held.clone());
        let mut form = Multipart::with_constraints(bytes, boundary, Constraints::new().size_limit(limits));
        let token = guard(&mut form, "csrf").await?;
        match csrf::whose(Member::TIE, &by.secret(), by.practice(), &token) {
            Whose::Ours => {}
            Whose::OfAnotherPractice => return Err(PageError::Fault(Fault::OtherPractice)),
            Whose::Foreign => {
                tracing::warn!("files with another browser's token were refused");
                return Err(PageError::BAD_REQUEST);
            }
        }
        let once = guard(&mut form, "once").await?.parse().map_err(|_| PageError::BAD_REQUEST)?;
        Ok(Self { by, once, files: Files { form, held } })
    }
}

/// A body whose sender may not keep us waiting for its next bytes, nor send more than is made something of.
fn in_time(
    body: BodyDataStream,
    idle_max: Duration,
    held: Held,
) -> impl Stream<Item = Result<Bytes, io::Error>> + Send + 'static {
    let next = move |body: Option<BodyDataStream>| {
        let held = held.clone();
        async move {
            let mut body = body?;
            match tokio::time::timeout(idle_max, body.next()).await {
                Ok(None) => None,
                Ok(Some(Ok(bytes))) => match held.add(bytes.len()) {
                    Ok(()) => Some((Ok(bytes), Some(body))),
                    Err(error) => Some((Err(error), None)),
                },
                Ok(Some(Err(_))) => Some((Err(io::ErrorKind::BrokenPipe.into()), None)),
                Err(_late) => Some((Err(io::ErrorKind::TimedOut.into()), None)),
            }
        }
    };
    stream::unfold(Some(body), next).boxed()
}

/// The next field, which must be this one.
async fn guard(form: &mut Multipart<'static>, name: &str) -> Result<String, PageError> {
    let mut field = next(form).await?.filter(|field| field.name() == Some(name)).ok_or(PageError::BAD_REQUEST)?;
    let mut text = Vec::new();
    while let Some(bytes) = field.chunk().await.map_err(|error| unreadable(&error))? {
        text.extend_from_slice(&bytes);
        if text.len() > GUARD_BYTES_MAX {
            return Err(PageError::BAD_REQUEST);
        }
    }
    String::from_utf8(text).map_err(|_| PageError::BAD_REQUEST)
}

async fn next(form: &mut Multipart<'static>) -> Result<Option<Field<'static>>, PageError> {
    form.next_field().await.map_err(|error| unreadable(&error))
}

fn unreadable(error: &multer::Error) -> PageError {
    tracing::warn!("files could not be read as they were sent");
    match error {
        multer::Error::StreamSizeExceeded { .. } => PageError::Fault(Fault::TooLarge),
        _ => PageError::BAD_REQUEST,
    }
}

impl Files {
    /// Takes all of them in.
    pub async fn take_in(&mut self, receiving: &mut Receiving<'_>) -> Result<(), Broken> {
        let mut seen = 0;
        while let Some(mut file) = next(&mut self.form).await.map_err(Broken::Page)? {
            seen += 1;
            // A field that nobody reads would be lost in silence.
            if file.name() != Some("files") || file.file_name().is_none() || seen > FILES_MAX + 1 {
                return Err(Broken::Page(PageError::BAD_REQUEST));
            }
            receiving.begin_file(file.file_name().unwrap_or_default())?;
            while let Some(bytes) = file.chunk().await.map_err(|error| Broken::Page(unreadable(&error)))? {
                self.held.taken();
                receiving.take(&bytes).await?;
            }
            receiving.end_file().await?;
        }
        Ok(())
    }

    /// Reads some of what is still coming and throws it away: browsers that are still sending do not look at an
    /// answer.
    pub async fn drain(&mut self) {
        let mut drained = 0_usize;
        while let Ok(Some(mut file)) = self.form.next_field().await {
            while let Ok(Some(bytes)) = file.chunk().await {
                self.held.taken();
                drained = drained.saturating_add(bytes.len());
                if drained > DRAIN_BYTES_MAX {
                    return;
                }
            }
        }
    }
}
