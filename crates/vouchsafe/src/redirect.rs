//! Plain HTTP: says only where the house is. Every request is answered with the same page's address under
//! https, and the connection closed.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use web::Origin;
use web::origin::LocalPath;

const CONNECTIONS_MAX: usize = 128;
const REQUEST_BYTES_MAX: usize = 4096;
const REQUEST_TIME_MAX: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(50);

/// Answers until `stop`.
pub(crate) async fn serve(listener: TcpListener, origin: Origin, stop: CancellationToken) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!(%error, "plain HTTP cannot be answered"),
    };
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let accepted = tokio::select! { accepted = listener.accept() => accepted, () = stop.cancelled() => return };
        let Ok((stream, _)) = accepted else {
            // Out of file descriptors, perhaps: not asked again at once.
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        // One that is too many is closed.
        let Ok(permit) = Arc::clone(&room).try_acquire_owned() else { continue };
        let origin = origin.clone();
        tokio::spawn(async move {
            let _ = tokio::time::timeout(REQUEST_TIME_MAX, answer(stream, &origin)).await;
            drop(permit);
        });
    }
}

async fn answer(mut stream: TcpStream, origin: &Origin) -> std::io::Result<()> {
    let mut request = Vec::with_capacity(1024);
    while request.len() < REQUEST_BYTES_MAX && !request.windows(4).any(|end| end == b"\r\n\r\n") {
        if stream.read_buf(&mut request).await? == 0 {
            break;
        }
    }
    stream.write_all(response(&request, origin).as_bytes()).await?;
    stream.shutdown().await
}

fn response(request: &[u8], origin: &Origin) -> String {
    let line = request.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let path = std::str::from_utf8(line).ok().and_then(|line| line.split(' ').nth(1)).and_then(LocalPath::parse);
    let to = origin.with(path.as_ref().map_or("/", LocalPath::as_str));
    format!("HTTP/1.1 308 Permanent Redirect\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location(request: &str) -> String {
        let response = response(request.as_bytes(), &"https://v.example".parse().unwrap());
        response.lines().find_map(|line| line.strip_prefix("Location: ")).unwrap().to_owned()
    }

    #[test]
    fn the_same_page_is_named_under_https_and_never_another_site() {
        assert_eq!(
            location("GET /patients?q=ng HTTP/1.1\r\nHost: evil.example\r\n\r\n"),
            "https://v.example/patients?q=ng"
        );
        for odd in [
            "",
            "GET",
            "GET //evil.example/ HTTP/1.1\r\n",
            "GET https://evil.example/ HTTP/1.1\r\n",
            "\u{0}\r\n",
            "GET /a\nSet-Cookie:x HTTP/1.1\r\n",
        ] {
            assert_eq!(location(odd), "https://v.example/", "{odd:?}");
        }
    }
}
