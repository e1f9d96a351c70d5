//! Letters leave here: claimed from the outbox, sent, noted as sent. A server that stalls or refuses
//! costs a letter one attempt and nothing else; a sender that dies between sending and noting sends that
//! one letter once more.

#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Duration;

use kernel::{ErrorKind, PracticeId, Secret};
use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use serde::{Deserialize, Serialize};
use store::{Letter, OutboxId, Outgoing, Store, StoreError};
use tokio_util::sync::CancellationToken;

use crate::config::{Config, MailTls};
use crate::failure::Failure;

/// Between two looks at the outboxes, in milliseconds: at least, and at most so much more. Not the same
/// every time, so that several nodes do not look in step.
const LOOK_MS: u64 = 2_000;
const LOOK_MS_MORE: u64 = 1_000;
/// A server that answers each step just in time may take this many times the limit of one step.
const STEPS: u32 = 6;

/// Where letters go.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Post {
    /// To a mail server.
    Server {
        host: String,
        port: u16,
        tls: MailTls,
        user: Option<(String, Secret<String>)>,
        from: String,
        timeout_seconds_max: u64,
    },
    /// Into a folder, one file each: in a demonstration.
    Folder { folder: PathBuf, from: String },
}

impl Post {
    /// As the settings say. The password is read here, while the rights to read it are still there.
    pub(crate) fn server(config: &Config) -> Result<Self, Failure> {
        let mail = &config.mail;
        let user = match (&mail.user, &mail.password_file) {
            (Some(user), Some(file)) => {
                let password =
                    std::fs::read_to_string(file).map_err(Failure::io("mail.password_file: cannot read", file))?;
                Some((user.clone(), Secret::new(password.trim_end_matches(['\r', '\n']).to_owned())))
            }
            _ => None,
        };
        Ok(Self::Server {
            host: mail.host.clone(),
            port: mail.port.small(),
            tls: mail.tls,
            user,
            from: mail.from.to_string(),
            timeout_seconds_max: mail.timeout_seconds_max.get().into(),
        })
    }
}

/// Why a letter did not go. No address, no content.
#[derive(Debug, thiserror::Error)]
enum NotSent {
    #[error("its address is no address")]
    Address,
    #[error("it cannot be written as a mail")]
    Form,
    #[error("the mail server refused it ({0})")]
    Refused(String),
    #[error("the mail server could not be reached")]
    Unreachable,
    #[error("the mail server took too long")]
    TooLong,
    #[error("the folder of mail cannot be written")]
    Folder,
}

enum Way {
    Server { transport: AsyncSmtpTransport<Tokio1Executor>, limit: Duration },
    Folder(PathBuf),
}

/// Sends letters.
pub(crate) struct Sender {
    store: Store,
    way: Way,
    from: Mailbox,
    /// Letters that do not open: told once, and not tried again before the next start.
    unreadable: HashSet<OutboxId>,
}

impl Sender {
    /// Prepares to send; connects to nothing yet.
    pub(crate) fn new(store: Store, post: &Post) -> Result<Self, Failure> {
        let (way, from) = match post {
            Post::Folder { folder, from } => (Way::Folder(folder.clone()), from),
            Post::Server { host, port, tls, user, from, timeout_seconds_max } => {
                let step = Duration::from_secs(*timeout_seconds_max);
                let parameters =
                    || TlsParameters::new(host.clone()).map_err(|error| Failure::said(format!("mail.host: {error}")));
                let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host.clone())
                    .port(*port)
                    .timeout(Some(step))
                    .tls(match tls {
                        MailTls::None => Tls::None,
                        MailTls::Starttls => Tls::Required(parameters()?),
                        MailTls::Implicit => Tls::Wrapper(parameters()?),
                    });
                if let Some((name, password)) = user {
                    builder = builder.credentials(Credentials::new(name.clone(), password.expose().clone()));
                }
                (Way::Server { transport: builder.build(), limit: step * STEPS }, from)
            }
        };
        let from = from.parse().map_err(|_| Failure::said("mail.from is no address"))?;
        Ok(Self { store, way, from, unreadable: HashSet::new() })
    }

    /// Sends what is due, until told to stop. A letter that is under way is finished first.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            if let Err(error) = self.round(&stop).await {
                tracing::warn!(%error, "the outboxes could not be read; trying again");
            }
            let more = u64::from_be_bytes(self.store.entropy().bytes()) % LOOK_MS_MORE;
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(LOOK_MS + more)) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    /// Looks once into every outbox, and sends what is due. What is wrong with one practice or one letter
    /// keeps no other.
    async fn round(&mut self, stop: &CancellationToken) -> Result<(), StoreError> {
        for practice in self.store.practices().await? {
            if let Err(error) = self.deliver(practice, stop).await {
                tracing::warn!(%practice, %error, "an outbox could not be read; trying again");
            }
        }
        Ok(())
    }

    /// Sends what is due of one practice.
    async fn deliver(&mut self, practice: PracticeId, stop: &CancellationToken) -> Result<(), StoreError> {
        for id in self.store.due_letters(practice).await? {
            if stop.is_cancelled() {
                break;
            }
            if self.unreadable.contains(&id) {
                continue;
            }
            match self.store.claim_letter(practice, id).await {
                Ok(Some(outgoing)) => self.send_one(practice, &outgoing).await?,
                Ok(None) => {}
                Err(error) if error.kind() == ErrorKind::Damaged => {
                    tracing::error!(%practice, letter = %id, %error, "a letter is damaged and stays unsent");
                    self.unreadable.insert(id);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn send_one(&self, practice: PracticeId, outgoing: &Outgoing) -> Result<(), StoreError> {
        match self.send(&outgoing.letter).await {
            Ok(()) => {
                self.store.letter_sent(outgoing).await?;
                tracing::info!(%practice, "a letter was sent");
            }
            // It was given its next time when it was claimed.
            Err(error) => tracing::warn!(%practice, %error, "a letter was not sent; it will be tried again"),
        }
        Ok(())
    }

    async fn send(&self, letter: &Letter) -> Result<(), NotSent> {
        let message = Message::builder()
            .from(self.from.clone())
            .to(letter.to.parse().map_err(|_| NotSent::Address)?)
            .date(self.store.clock().now().into())
            .subject(letter.subject.clone())
            .header(ContentType::TEXT_PLAIN)
            .body(letter.text.clone())
            .map_err(|_| NotSent::Form)?;
        match &self.way {
            Way::Server { transport, limit } => match tokio::time::timeout(*limit, transport.send(message)).await {
                Ok(Ok(_)) => Ok(()),
                Ok(Err(error)) if error.is_timeout() => Err(NotSent::TooLong),
                Ok(Err(error)) => match error.status() {
                    // The server's own words can quote the address; only the code goes on.
                    Some(code) => Err(NotSent::Refused(code.to_string())),
                    None => Err(NotSent::Unreachable),
                },
                Err(_) => Err(NotSent::TooLong),
            },
            Way::Folder(folder) => {
                let now = self.store.clock().now().as_microsecond();
                let file = folder.join(format!("{now}.eml"));
                tokio::fs::write(&file, message.formatted()).await.map_err(|_| NotSent::Folder)
            }
        }
    }
}
