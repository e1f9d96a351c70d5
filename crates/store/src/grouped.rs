//! Small things that many wait for at the same time, done together: one trip to PostgreSQL for all that came while the
//! one before was under way. Nobody waits for others to come: what comes alone is done alone.

use std::future::Future;

use tokio::sync::{mpsc, oneshot};

use crate::StoreError;

/// At most this many in one go.
pub(crate) const GROUP_MAX: usize = 128;
/// At most this many wait; past it, they are told to try again.
pub(crate) const QUEUE_MAX: usize = 2048;

/// Something asked, and who waits for the answer.
pub(crate) type Waiting<Asked, Answer> = (Asked, oneshot::Sender<Result<Answer, StoreError>>);

/// Takes what is asked, and hands it on in groups.
pub(crate) struct Grouped<Asked, Answer> {
    queue: mpsc::Sender<Waiting<Asked, Answer>>,
    away: &'static str,
}

impl<Asked: Send + 'static, Answer: Send + 'static> Grouped<Asked, Answer> {
    /// Starts the task that does it; it ends when this is dropped. `away` is said to whoever cannot be helped now.
    pub(crate) fn start<Done: Future<Output = ()> + Send>(
        away: &'static str,
        group_done: impl Fn(Vec<Waiting<Asked, Answer>>) -> Done + Send + 'static,
    ) -> Self {
        let (queue, mut waiting) = mpsc::channel(QUEUE_MAX);
        tokio::spawn(async move {
            let mut group = Vec::with_capacity(GROUP_MAX);
            while waiting.recv_many(&mut group, GROUP_MAX).await > 0 {
                group_done(std::mem::take(&mut group)).await;
            }
        });
        Self { queue, away }
    }

    /// Asks with the next group, and waits for the answer.
    pub(crate) async fn ask(&self, asked: Asked) -> Result<Answer, StoreError> {
        let (tell, told) = oneshot::channel();
        let away = || StoreError::Away(self.away.into());
        self.queue.try_send((asked, tell)).map_err(|_| away())?;
        told.await.map_err(|_| away())?
    }
}
