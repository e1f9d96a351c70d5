//! Where the bytes of an import are: in a file of this computer, or in the sealed pieces of what somebody sent.
//! They are read in a thread of their own, a few lines ahead of whoever writes them.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use store::StoreError;
use tokio::runtime::Handle;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::{JoinHandle, spawn_blocking};

use super::ImportError;
use crate::exchange::fhir::Line;
use crate::exchange::uploads::Pieces;

/// Lines that are read ahead in one go.
const AHEAD_LINES: usize = 200;
/// Bytes of them; one line alone may have more.
const AHEAD_BYTES: u64 = 256 * 1024;
/// How much of a file is held.
const BUFFER_BYTES: usize = 256 * 1024;

/// One file to bring in.
#[derive(Clone)]
pub(super) struct Input {
    pub(super) name: String,
    pub(super) bytes: u64,
    /// Whether it is one JSON value, and not one in each line.
    pub(super) whole: bool,
    place: Place,
}

#[derive(Clone)]
enum Place {
    File(PathBuf),
    Pieces(Pieces),
}

/// The bytes of an input, from its start.
pub(super) type Opened = BufReader<Box<dyn Read + Send>>;
/// What an input holds, one after the other.
pub(super) type Lines = Box<dyn Iterator<Item = io::Result<Line>> + Send>;
/// Reads an input from its start.
pub(super) type Reading = Arc<dyn Fn(&Input) -> Result<Lines, ImportError> + Send + Sync>;

pub(super) fn ends_in(name: &str, extension: &str) -> bool {
    Path::new(name).extension().is_some_and(|found| found.eq_ignore_ascii_case(extension))
}

impl Input {
    /// A file that somebody named.
    pub(super) fn named(path: &Path) -> Result<Self, ImportError> {
        let failed = |error| ImportError::File { path: path.display().to_string(), error };
        let bytes = path.metadata().map_err(failed)?.len();
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        Ok(Self { whole: ends_in(&name, "json"), place: Place::File(path.to_owned()), name, bytes })
    }

    /// A file that somebody sent.
    pub(super) fn sent(name: String, bytes: u64, whole: bool, pieces: Pieces) -> Self {
        Self { name, bytes, whole, place: Place::Pieces(pieces) }
    }

    pub(super) fn bytes(&self) -> io::Result<Opened> {
        let bytes: Box<dyn Read + Send> = match &self.place {
            Place::File(path) => Box::new(File::open(path)?),
            Place::Pieces(pieces) => Box::new(PieceReader::new(pieces.clone())),
        };
        Ok(BufReader::with_capacity(BUFFER_BYTES, bytes))
    }

    pub(super) fn open(&self) -> Result<Opened, ImportError> {
        self.bytes().map_err(|error| self.failed(error))
    }

    pub(super) fn failed(&self, error: io::Error) -> ImportError {
        let path = match &self.place {
            Place::File(path) => path.display().to_string(),
            Place::Pieces(_) => self.name.clone(),
        };
        // What the doors said while a piece was fetched is theirs, and no fault of a file.
        match error.downcast::<StoreError>() {
            Ok(store) => ImportError::Store(store),
            Err(error) => ImportError::File { path, error },
        }
    }
}

/// Pieces as one file. Holds one at a time. Must be read in a thread that may wait.
struct PieceReader {
    pieces: Pieces,
    next: i32,
    held: Cursor<Vec<u8>>,
    runtime: Handle,
}

impl PieceReader {
    fn new(pieces: Pieces) -> Self {
        Self { pieces, next: 0, held: Cursor::default(), runtime: Handle::current() }
    }
}

impl Read for PieceReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.held.read(into)?;
            if count > 0 || into.is_empty() || self.next == self.pieces.count() {
                return Ok(count);
            }
            self.held = Cursor::default();
            let piece = self.runtime.block_on(self.pieces.piece(self.next)).map_err(io::Error::other)?;
            self.held = Cursor::new(piece);
            self.next += 1;
        }
    }
}

/// Does something that waits for files in a thread of its own.
pub(super) async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ImportError> + Send + 'static,
) -> Result<T, ImportError> {
    spawn_blocking(work).await.map_err(|_| ImportError::Broke)?
}

/// The lines of an input, a few at a time.
pub(super) struct Feed {
    lines: Receiver<Result<Vec<Line>, ImportError>>,
    thread: Option<JoinHandle<()>>,
}

impl Feed {
    /// Begins to read.
    pub(super) fn of(input: &Input, read: &Reading) -> Self {
        let (send, lines) = channel(1);
        let (input, read) = (input.clone(), Arc::clone(read));
        Self { lines, thread: Some(spawn_blocking(move || feed(&input, &read, &send))) }
    }

    /// The next lines; nothing at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Line>>, ImportError> {
        if let Some(lines) = self.lines.recv().await {
            return lines.map(Some);
        }
        // A reader that broke off must not look like one that came to its end.
        let ended = match self.thread.take() {
            Some(thread) => thread.await,
            None => Ok(()),
        };
        ended.map(|()| None).map_err(|_| ImportError::Broke)
    }
}

/// Inputs that are read side by side, each lane as far on its way as the others: so what several files say of one patient
/// comes close together, and is written under one event. The same files give the same order each time.
pub(super) struct Weave<'p> {
    lanes: Vec<Lane<'p>>,
    read: &'p Reading,
    done: u64,
}

/// Inputs that are read one after the other.
struct Lane<'p> {
    inputs: std::vec::IntoIter<&'p Input>,
    feed: Option<Feed>,
    lines: std::vec::IntoIter<Line>,
    bytes: u64,
    /// Of the inputs before the one at hand.
    before: u64,
    /// Of the one at hand, and how far it is read.
    of: u64,
    at: u64,
}

impl<'p> Lane<'p> {
    fn of(inputs: Vec<&'p Input>) -> Self {
        let bytes = inputs.iter().map(|input| input.bytes).sum();
        let (inputs, lines) = (inputs.into_iter(), Vec::new().into_iter());
        Self { inputs, feed: None, lines, bytes, before: 0, of: 0, at: 0 }
    }

    fn done(&self) -> u64 {
        self.before + self.at
    }

    /// Of its way, in millionths.
    fn share(&self) -> u128 {
        u128::from(self.done()) * 1_000_000 / u128::from(self.bytes.max(1))
    }

    async fn next(&mut self, read: &Reading) -> Result<Option<Line>, ImportError> {
        loop {
            if let Some(line) = self.lines.next() {
                self.at = line.end;
                return Ok(Some(line));
            }
            if let Some(feed) = &mut self.feed {
                if let Some(lines) = feed.next().await? {
                    self.lines = lines.into_iter();
                    continue;
                }
                (self.feed, self.before, self.at) = (None, self.before + self.of, 0);
            }
            let Some(input) = self.inputs.next() else { return Ok(None) };
            (self.feed, self.of) = (Some(Feed::of(input, read)), input.bytes);
        }
    }
}

impl<'p> Weave<'p> {
    pub(super) fn of(lanes: &[Vec<&'p Input>], read: &'p Reading) -> Self {
        Self { lanes: lanes.iter().cloned().map(Lane::of).collect(), read, done: 0 }
    }

    /// The next line of whichever lane has come least far.
    pub(super) async fn next(&mut self) -> Result<Option<Line>, ImportError> {
        while let Some((place, lane)) = self.lanes.iter_mut().enumerate().min_by_key(|(_, lane)| lane.share()) {
            match lane.next(self.read).await? {
                Some(line) => return Ok(Some(line)),
                None => self.done += self.lanes.remove(place).bytes,
            }
        }
        Ok(None)
    }

    /// Bytes that were read, of all lanes.
    pub(super) fn done(&self) -> u64 {
        self.done + self.lanes.iter().map(Lane::done).sum::<u64>()
    }
}

fn feed(input: &Input, read: &Reading, send: &Sender<Result<Vec<Line>, ImportError>>) {
    let lines = match read(input) {
        Ok(lines) => lines,
        Err(error) => return drop(send.blocking_send(Err(error))),
    };
    let (mut some, mut from) = (Vec::new(), 0);
    for line in lines {
        let line = match line {
            Ok(line) => line,
            Err(error) => {
                // What was read before it counts, as it did.
                let before = send.blocking_send(Ok(some));
                return drop(before.and_then(|()| send.blocking_send(Err(input.failed(error)))));
            }
        };
        let end = line.end;
        some.push(line);
        if some.len() >= AHEAD_LINES || end.saturating_sub(from) >= AHEAD_BYTES {
            from = end;
            if send.blocking_send(Ok(std::mem::take(&mut some))).is_err() {
                return;
            }
        }
    }
    drop(send.blocking_send(Ok(some)));
}
