//! `serve` and `up`: from settings to a running installation, and its clean end.
//!
//! Started as root, this process keeps root's rights and does three things only: it watches the two
//! PostgreSQL servers, watches the application (which runs as an account of its own), and passes on
//! what it is told. It holds no key and opens no record.

use std::io::{BufRead, BufReader};
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::accounts::Accounts;
use crate::application::{READY, Serving, Tls};
use crate::config::Config;
use crate::doors::Doors;
use crate::failure::Failure;
use crate::job::{self, Job};
use crate::logs::{self, Logging};
use crate::mail::Post;
use crate::place::Place;
use crate::servers::{self, Servers};
use crate::terminal::{say, step};
use crate::up::invented::Demonstration;

/// A restart follows a crash at once; each that fails soon doubles the pause before the next.
const PAUSE_FIRST: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(15);
/// An application that ran this long had started well.
const STEADY: Duration = Duration::from_mins(1);
/// Beyond what requests get to finish: closing pools and writing the last events.
const STOP_MARGIN: Duration = Duration::from_secs(5);

/// What is to run.
pub(crate) struct Installation {
    pub(crate) config: Config,
    pub(crate) tls: Tls,
    pub(crate) post: Post,
    /// In a demonstration: whom to make, and what to print.
    pub(crate) demonstration: Option<Demonstration>,
    /// Says that it serves.
    pub(crate) greet: Box<dyn Fn() + Send + Sync>,
}

/// A token that is cancelled by SIGTERM or SIGINT.
pub(crate) fn told_to_stop() -> Result<CancellationToken, Failure> {
    let failed = |error| Failure::said(format!("cannot listen for signals: {error}"));
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let token = CancellationToken::new();
    let told = token.clone();
    tokio::spawn(async move {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        tracing::info!("told to stop");
        told.cancel();
    });
    Ok(token)
}

impl Installation {
    /// Runs until told to stop.
    pub(crate) async fn run(self, place: Place, accounts: Accounts) -> Result<(), Failure> {
        let stop = told_to_stop()?;
        let log = self.config.log.file.as_deref().map(logs::open).transpose()?;
        let logging = Logging { level: self.config.log.level, format: self.config.log.format };
        let log_of_child = log.as_ref().map(std::fs::File::try_clone).transpose();
        let log_of_child = log_of_child.map_err(|error| Failure::said(format!("cannot share the log: {error}")))?;
        logs::begin(logging, log);
        tracing::info!(version = env!("CARGO_PKG_VERSION"), "starting");
        servers::reaches(&accounts, &self.config.top.folder)?;
        let (root_key, folder) = (self.config.keys.root_key.clone(), self.config.top.folder.clone());
        Box::pin(Job::TryRootKey { root_key, folder }.perform_as(&accounts)).await?;

        let servers = tokio::select! {
            servers = self.start_servers(&place, &accounts) => servers?,
            // Dropping a start that is under way ends what it has started.
            () = stop.cancelled() => return Ok(()),
        };
        let served = self.serve(servers.as_ref(), &accounts, logging, log_of_child, &stop).await;
        if let Some(servers) = servers {
            step("stopping PostgreSQL");
            servers.stop().await?;
        }
        tracing::info!("stopped");
        served
    }

    async fn start_servers(&self, place: &Place, accounts: &Accounts) -> Result<Option<Servers>, Failure> {
        if self.config.postgresql.managed {
            Servers::start(&self.config, place, accounts).await.map(Some)
        } else {
            servers::migrate_outside(&self.config).await.map(|()| None)
        }
    }

    async fn serve(
        &self,
        servers: Option<&Servers>,
        accounts: &Accounts,
        logging: Logging,
        log: Option<std::fs::File>,
        stop: &CancellationToken,
    ) -> Result<(), Failure> {
        let doors = match servers {
            Some(servers) => Doors::managed(&self.config, servers.reached()),
            None => Doors::outside(&self.config)?,
        };
        let serving =
            Serving::new(&self.config, doors, self.tls.clone(), self.post.clone(), self.demonstration.clone());
        step("starting the application");
        if accounts.application().is_none() {
            return Box::pin(serving.run_until(stop.clone(), &self.greet)).await;
        }
        let job = Job::Serve(Box::new(serving.logging(logging)));
        self.watch(&job, accounts, log, stop).await
    }

    /// Runs the application under its own account, again whenever it ends unasked. An application that
    /// never came so far as to serve is not tried again: what is wrong then is for a person to put right.
    async fn watch(
        &self,
        job: &Job,
        accounts: &Accounts,
        log: Option<std::fs::File>,
        stop: &CancellationToken,
    ) -> Result<(), Failure> {
        let Some(account) = accounts.application() else { return Ok(()) };
        let low_port = [Some(self.config.web.listen), self.config.web.redirect_listen];
        let low_port = low_port.into_iter().flatten().map(|address| address.port()).min();
        let (mut pause, mut served_before) = (PAUSE_FIRST, false);
        loop {
            let log = match &log {
                Some(file) => {
                    Stdio::from(file.try_clone().map_err(|e| Failure::said(format!("cannot share the log: {e}")))?)
                }
                None => Stdio::inherit(),
            };
            let began = Instant::now();
            let child = job::start(job, accounts, account, Stdio::piped(), log, low_port)?;
            let mut child = Watched::new(child)?;
            let limit = Duration::from_secs(self.config.web.stop_seconds_max.get().into()) + STOP_MARGIN;
            loop {
                tokio::select! {
                    Some(line) = child.lines.recv() => {
                        if line != READY {
                            say(&line);
                        } else if !served_before {
                            served_before = true;
                            (self.greet)();
                        }
                    }
                    status = &mut child.ended => {
                        let how = status.map_or_else(|_| "unknown".to_owned(), |status| status.to_string());
                        if !served_before {
                            return Err(Failure::SaidElsewhere);
                        }
                        tracing::error!(how, "the application ended and will be started again");
                        break;
                    }
                    () = stop.cancelled() => return child.stop(limit).await,
                }
            }
            if began.elapsed() > STEADY {
                pause = PAUSE_FIRST;
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => pause = (pause * 2).min(PAUSE_MAX),
                () = stop.cancelled() => return Ok(()),
            }
        }
    }
}

/// The application as a child: what it says, and its end.
struct Watched {
    pid: Pid,
    lines: tokio::sync::mpsc::Receiver<String>,
    ended: oneshot::Receiver<ExitStatus>,
}

impl Watched {
    fn new(mut child: Child) -> Result<Self, Failure> {
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| Failure::said("the application has no process number"))?;
        let (tell, lines) = tokio::sync::mpsc::channel(64);
        let (end, ended) = oneshot::channel();
        let out = child.stdout.take();
        // Threads of their own: the child's life is tied to the thread that made it, which is the main one.
        let listen = move || {
            for line in out.into_iter().flat_map(|out| BufReader::new(out).lines()).map_while(Result::ok) {
                if tell.blocking_send(line).is_err() {
                    break;
                }
            }
            // Nothing more is said by a process that ends; its end is told after its last words.
            drop(tell);
            if let Ok(status) = child.wait() {
                let _ = end.send(status);
            }
        };
        std::thread::Builder::new()
            .name("application".to_owned())
            .spawn(listen)
            .map_err(|error| Failure::said(format!("cannot watch the application: {error}")))?;
        Ok(Self { pid, lines, ended })
    }

    /// Tells it to stop, and ends it when it takes too long.
    async fn stop(mut self, limit: Duration) -> Result<(), Failure> {
        // The number is the child's own until it has been waited for, and that is told through `ended`.
        let _ = kill_process(self.pid, Signal::TERM);
        let ended = tokio::time::timeout(limit, async {
            while let Some(line) = self.lines.recv().await {
                if line != READY {
                    say(&line);
                }
            }
            (&mut self.ended).await
        });
        match ended.await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(_) => {
                tracing::warn!("the application did not end cleanly");
                Ok(())
            }
            Err(_) => {
                tracing::warn!(limit_s = limit.as_secs(), "the application did not end in time and was ended");
                let _ = kill_process(self.pid, Signal::KILL);
                let _ = (&mut self.ended).await;
                Ok(())
            }
        }
    }
}
