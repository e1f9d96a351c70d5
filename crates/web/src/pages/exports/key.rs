//! A key pair for whoever has no command line. It is made here, told once, as a file, and kept nowhere.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::IntoResponse as _;
use practice::exchange::archive::Identity;
use practice::exchange::export::actions::ReadExports;
use store::Resource;

use crate::errors::Answer;
use crate::extract::Sent;
use crate::pages::Button;
use crate::text::{say, say_with};

/// `POST /practice/export/key`
pub(super) async fn make(sent: Sent<Button>) -> Answer {
    sent.by.must::<ReadExports>(Resource::Practice).await?;
    let identity = Identity::fresh();
    let text = format!(
        "# {}\r\n# {}\r\n#\r\n# {}\r\n{}\r\n",
        say("export-key-file-lead"),
        say_with("export-key-file-public", &[("key", &identity.recipient().to_string())]),
        say("export-key-file-secret"),
        identity.text().expose(),
    );
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8")),
        (header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"export-key.txt\"")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((StatusCode::OK, headers, text).into_response())
}
