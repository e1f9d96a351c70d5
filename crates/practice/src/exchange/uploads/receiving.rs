//! Taking files in as they arrive: into pieces, each sealed and committed before the next is held. What a file is,
//! and in which encoding it stands, is found while it passes by.

use kernel::{IdempotencyKey, UploadId};
use store::{Actor, Store};

use super::sniff::{HEAD_BYTES, kind_of};
use super::{FILES_MAX, FileKind, NAME_CHARS_MAX, NotAFile, PIECE_BYTES, SentFile, UploadError, UploadLimits, writes};
use crate::exchange::csv::Finder;

/// An upload that has begun, or the answer of the time it was sent before.
pub enum Begun<'a> {
    /// Its files can come.
    Fresh(Box<Receiving<'a>>),
    /// The same form was sent before, and became this.
    Before(UploadId),
}

/// An upload whose files arrive. Dropped, what came of it is put away when its time is over.
pub struct Receiving<'a> {
    store: &'a Store,
    actor: &'a Actor,
    limits: UploadLimits,
    id: UploadId,
    files: Vec<SentFile>,
    kind: Option<FileKind>,
    open: Option<Open>,
}

/// The file that arrives now.
struct Open {
    name: String,
    bytes: u64,
    pieces: i32,
    /// What is not yet a piece.
    held: Vec<u8>,
    head: Vec<u8>,
    finder: Finder,
}

/// Asks for files to be taken in.
///
/// # Errors
/// The doors say no; or the practice has as much here as it may.
pub async fn begin<'a>(
    store: &'a Store,
    actor: &'a Actor,
    key: IdempotencyKey,
    limits: UploadLimits,
) -> Result<Begun<'a>, UploadError> {
    let (id, fresh) = writes::begin(store, actor, key, limits).await?;
    let (files, kind, open) = (Vec::new(), None, None);
    Ok(if fresh {
        Begun::Fresh(Box::new(Receiving { store, actor, limits, id, files, kind, open }))
    } else {
        Begun::Before(id)
    })
}

/// A name as it is kept: the last part of a path, without what no name has.
fn name_of(sent: &str) -> String {
    let last = sent.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = last.chars().filter(|c| !c.is_control()).take(NAME_CHARS_MAX).collect();
    name.trim().to_owned()
}

impl Receiving<'_> {
    /// A file begins.
    ///
    /// # Errors
    /// It is one too many.
    pub fn begin_file(&mut self, name: &str) -> Result<(), UploadError> {
        if self.files.len() >= FILES_MAX {
            return Err(UploadError::TooMany);
        }
        self.open = Some(Open {
            name: name_of(name),
            bytes: 0,
            pieces: 0,
            held: Vec::with_capacity(PIECE_BYTES),
            head: Vec::new(),
            finder: Finder::default(),
        });
        Ok(())
    }

    /// The next bytes of the file.
    ///
    /// # Errors
    /// It is too large, or the practice has as much here as it may; the doors say no.
    pub async fn take(&mut self, mut bytes: &[u8]) -> Result<(), UploadError> {
        let at = self.files.len();
        let Some(open) = &mut self.open else { return Err(UploadError::Nothing) };
        open.bytes = open.bytes.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        if open.bytes > self.limits.file_bytes_max {
            let (bytes_max, name) = (self.limits.file_bytes_max, open.name.clone());
            return Err(UploadError::TooLarge { bytes_max, name });
        }
        open.head.extend(bytes.iter().take(HEAD_BYTES - open.head.len()));
        open.finder.feed(bytes);
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(PIECE_BYTES - open.held.len()));
            open.held.extend_from_slice(now);
            bytes = later;
            if open.held.len() == PIECE_BYTES {
                open.piece(self.store, self.actor, self.id, at, self.limits).await?;
            }
        }
        Ok(())
    }

    /// The file is at its end.
    ///
    /// # Errors
    /// It is none that could be brought in, or not together with the others.
    pub async fn end_file(&mut self) -> Result<(), UploadError> {
        let at = self.files.len();
        let Some(mut open) = self.open.take() else { return Ok(()) };
        // What a browser sends where nobody chose a file.
        if open.name.is_empty() && open.bytes == 0 {
            return Ok(());
        }
        if !open.held.is_empty() {
            open.piece(self.store, self.actor, self.id, at, self.limits).await?;
        }
        let Open { name, bytes, pieces, head, finder, .. } = open;
        let encoding = finder.found();
        let refused = |what| UploadError::NotAFile { what, name: name.clone() };
        if bytes == 0 {
            return Err(refused(NotAFile::Empty));
        }
        let (kind, whole) = kind_of(&name, &head, encoding).map_err(refused)?;
        let together = self.kind.is_none_or(|before| before == kind && kind == FileKind::Fhir);
        if !together {
            return Err(UploadError::NotTogether);
        }
        self.kind = Some(kind);
        let encoding = encoding.name().to_ascii_lowercase();
        self.files.push(SentFile { name, bytes, pieces, whole, encoding });
        Ok(())
    }

    /// All files are here.
    ///
    /// # Errors
    /// There was none; the doors say no.
    pub async fn finish(&mut self) -> Result<UploadId, UploadError> {
        let kind = self.kind.ok_or(UploadError::Nothing)?;
        writes::complete(self.store, self.actor, self.id, kind, std::mem::take(&mut self.files)).await?;
        Ok(self.id)
    }

    /// Puts away what came, at once.
    ///
    /// # Errors
    /// The doors say no; then it is put away when its time is over.
    pub async fn give_up(&self) -> Result<(), UploadError> {
        let key = IdempotencyKey::new(self.store.clock().now(), self.store.entropy());
        writes::discard(self.store, self.actor, key, self.id).await
    }
}

impl Open {
    async fn piece(
        &mut self,
        store: &Store,
        actor: &Actor,
        id: UploadId,
        file: usize,
        limits: UploadLimits,
    ) -> Result<(), UploadError> {
        let file = i32::try_from(file).unwrap_or(i32::MAX);
        writes::piece(store, actor, limits, id, (file, self.pieces), &self.held).await?;
        self.held.clear();
        self.pieces += 1;
        Ok(())
    }
}
