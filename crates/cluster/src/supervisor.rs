//! A server that comes back: restarted whenever it ends without having been asked to.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::error::ClusterError;
use crate::running::{Address, Plan, Running, Stopped, start};
use crate::settings::Settings;

/// A restart follows a crash at once; each that fails doubles the pause before the next.
const PAUSE_FIRST: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(15);

/// What the supervised server is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It answers.
    Up {
        /// The number of its first process.
        pid: u32,
        /// How often it had to be started again.
        restarts: u64,
    },
    /// It ended or did not start; another start follows.
    Down {
        /// How it ended, or why it did not start.
        why: String,
    },
    /// It was stopped on request.
    Stopped,
}

/// Keeps one server running until told to stop. Dropped, it stops the server too, as far as the
/// runtime lives long enough.
#[derive(Debug)]
pub struct Supervisor {
    address: Address,
    state: watch::Receiver<State>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<Stopped, ClusterError>>,
}

impl Supervisor {
    /// Starts the server as [`start`] does, and from then on keeps it running. A first start that
    /// fails is an error: what is wrong then is for a person to put right.
    pub async fn start(settings: Settings, progress: impl FnMut(&str)) -> Result<Self, ClusterError> {
        let running = start(settings, progress).await?;
        let address = running.address().clone();
        let (tell, state) = watch::channel(State::Up { pid: running.pid(), restarts: 0 });
        let (stop, asked) = oneshot::channel();
        let task = tokio::spawn(supervise(running, tell, asked));
        Ok(Self { address, state, stop, task })
    }

    /// Where the server is reached; the same after a restart.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// What it is doing, now and whenever that changes.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<State> {
        self.state.clone()
    }

    /// Stops the server for good, as [`Running::stop`] does.
    pub async fn stop(self) -> Result<Stopped, ClusterError> {
        // The task has ended already only if the runtime is ending; then the server is told by Drop.
        let _ = self.stop.send(());
        self.task.await.unwrap_or(Ok(Stopped::Unclean))
    }
}

async fn supervise(
    first: Running,
    tell: watch::Sender<State>,
    mut asked: oneshot::Receiver<()>,
) -> Result<Stopped, ClusterError> {
    let plan = first.plan();
    let mut server = first;
    let mut restarts = 0;
    let stopped = 'up: loop {
        let exit = tokio::select! {
            exit = server.wait_exit() => exit,
            _ = &mut asked => break server.stop().await,
        };
        down(&tell, format!("PostgreSQL ended: {}", exit.how));
        let mut pause = PAUSE_FIRST;
        server = loop {
            match attempt(&plan, &mut asked).await {
                Attempt::Up(again) => break again,
                Attempt::Asked(stopped) => break 'up stopped,
                Attempt::Failed(error) => down(&tell, error.to_string()),
            }
            tokio::select! {
                () = sleep(pause) => pause = (pause * 2).min(PAUSE_MAX),
                _ = &mut asked => break 'up Ok(Stopped::Unclean),
            }
        };
        restarts += 1;
        tracing::info!(pid = server.pid(), restarts, "PostgreSQL runs again");
        tell.send_replace(State::Up { pid: server.pid(), restarts });
    };
    tell.send_replace(State::Stopped);
    stopped
}

fn down(tell: &watch::Sender<State>, why: String) {
    tracing::error!(why, "PostgreSQL is down and will be started again");
    tell.send_replace(State::Down { why });
}

enum Attempt {
    Up(Running),
    Failed(ClusterError),
    /// Told to stop meanwhile.
    Asked(Result<Stopped, ClusterError>),
}

async fn attempt(plan: &Arc<Plan>, asked: &mut oneshot::Receiver<()>) -> Attempt {
    let mut progress = |text: &str| tracing::info!("{text}");
    let mut server = match Plan::spawn(plan, &mut progress).await {
        Ok(server) => server,
        Err(error) => return Attempt::Failed(error),
    };
    let ready = tokio::select! {
        ready = server.ready(&mut progress) => Some(ready),
        _ = asked => None,
    };
    match ready {
        Some(Ok(())) => Attempt::Up(server),
        Some(Err(error)) => match server.stop().await {
            Ok(_) => Attempt::Failed(error),
            Err(stuck) => Attempt::Failed(stuck),
        },
        None => Attempt::Asked(server.stop().await),
    }
}
