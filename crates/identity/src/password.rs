//! Passwords as they are typed and as they are kept: an Argon2id hash and nothing else.
//!
//! Invariant: a [`PasswordHash`] of a new password is had only through [`Hasher::hash_new`], which
//! asks the rules first; so no flow can forget them. Invariant: at most one hash per core is
//! computed at a time (each takes 19 MiB), and a caller who gives up waiting does not free that
//! memory early.

use std::num::NonZero;
use std::sync::Arc;

use argon2::password_hash::CustomizedPasswordHasher;
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Params, PasswordVerifier, Version};
use kernel::{Entropy, ErrorKind, Secret};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use unicode_normalization::UnicodeNormalization;

use crate::password_rules::{ContextWords, PasswordRefused, check};

/// Memory of one hash, in KiB: 19 MiB (OWASP Password Storage Cheat Sheet, first Argon2id line).
const MEMORY_KIB: u32 = 19_456;
/// Passes over that memory.
const PASSES: u32 = 2;
/// Lanes. One, because the cores are better used by other people's sign-ins.
const LANES: u32 = 1;
/// Bytes of salt, drawn afresh for every hash (RFC 9106, section 3.1).
const SALT_BYTES: usize = 16;
/// How many sign-ins may wait for each core before newcomers are turned away. At about 30 ms a
/// hash the last of them waits two seconds.
const WAITING_PER_CORE: usize = 64;

/// A password as somebody typed it, in Unicode form NFKC so that the same keys on another keyboard
/// or operating system give the same password. Spaces are kept. Not checked against any rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Password(Secret<String>);

impl Password {
    /// The password typed as `text`.
    #[must_use]
    pub fn typed(text: &str) -> Self {
        // Sized beforehand: growing the string would leave copies of its beginning in freed memory.
        let mut normal = String::with_capacity(text.len().saturating_mul(3));
        normal.extend(text.nfkc());
        Self(Secret::new(normal))
    }

    pub(crate) fn text(&self) -> &str {
        self.0.expose()
    }
}

/// What is kept of a password: an Argon2id PHC string, salt and cost within.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PasswordHash(Secret<String>);

impl PasswordHash {
    /// Whether this hash was made more cheaply than one made now would be (or by another
    /// algorithm), or does not parse.
    #[must_use]
    pub fn is_outdated(&self) -> bool {
        let Ok(hash) = argon2::PasswordHash::new(self.0.expose()) else { return true };
        let Ok(params) = Params::try_from(&hash) else { return true };
        hash.algorithm != ARGON2ID_IDENT
            || hash.version != Some(Version::V0x13.into())
            || params.m_cost() < MEMORY_KIB
            || params.t_cost() < PASSES
            || params.p_cost() != LANES
    }
}

/// What a comparison found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is not the password.
    Wrong,
    /// It is. `renewed` is to be kept instead of the old hash, where that had become too cheap.
    Right {
        /// The same password, hashed at today's cost.
        renewed: Option<PasswordHash>,
    },
}

/// Why no answer came about a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// Too many people are signing in at this moment.
    #[error("too many people are signing in at this moment: try again in a few seconds")]
    Busy,
    /// The hash could not be computed: no memory, or the program is stopping.
    #[error("a password hash could not be computed")]
    Failed,
}

impl HashError {
    /// What a caller can do about it.
    #[must_use]
    pub const fn kind(self) -> ErrorKind {
        match self {
            Self::Busy => ErrorKind::Busy,
            Self::Failed => ErrorKind::Internal,
        }
    }
}

/// Why a new password was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NewPasswordError {
    /// The rules refuse it.
    #[error(transparent)]
    Refused(#[from] PasswordRefused),
    /// No answer came.
    #[error(transparent)]
    Hash(#[from] HashError),
}

/// Hashes and compares passwords, as many at a time as there are cores. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Hasher(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    entropy: Entropy,
    running: Arc<Semaphore>,
    admitted: Arc<Semaphore>,
    /// The hash of a password that nobody has, so that an unknown account costs the same work.
    nobody: PasswordHash,
}

impl Hasher {
    /// A hasher for this machine's cores. Computes one hash, so it takes a few tens of milliseconds.
    pub fn new(entropy: Entropy) -> Result<Self, HashError> {
        Self::for_cores(std::thread::available_parallelism().map_or(1, NonZero::get), entropy)
    }

    fn for_cores(cores: usize, entropy: Entropy) -> Result<Self, HashError> {
        let nobody = hash(&entropy.bytes::<32>(), &entropy)?;
        let (running, admitted) = (Semaphore::new(cores), Semaphore::new(cores.saturating_mul(1 + WAITING_PER_CORE)));
        Ok(Self(Arc::new(Inner { entropy, running: Arc::new(running), admitted: Arc::new(admitted), nobody })))
    }

    /// Checks a new password against the rules and hashes it.
    pub async fn hash_new(&self, password: &Password, words: &ContextWords) -> Result<PasswordHash, NewPasswordError> {
        let (password, words, entropy) = (password.clone(), words.clone(), self.0.entropy.clone());
        self.in_turn(move || {
            check(&password, &words)?;
            Ok(hash(password.text().as_bytes(), &entropy)?)
        })
        .await?
    }

    /// Whether `password` is the one that `kept` was made from. `None` (no such account, or one
    /// without a password) is wrong after the same work.
    pub async fn verify(&self, password: &Password, kept: Option<&PasswordHash>) -> Result<Verdict, HashError> {
        let (password, known) = (password.clone(), kept.is_some());
        let kept = kept.unwrap_or(&self.0.nobody).clone();
        let entropy = self.0.entropy.clone();
        self.in_turn(move || {
            let parsed = argon2::PasswordHash::new(kept.0.expose()).map_err(|_| HashError::Failed)?;
            // Compares in constant time (phc::Output); takes the cost from the hash itself.
            let same = Argon2::default().verify_password(password.text().as_bytes(), &parsed).is_ok();
            if !(same && known) {
                return Ok(Verdict::Wrong);
            }
            let renewed = kept.is_outdated().then(|| hash(password.text().as_bytes(), &entropy)).transpose()?;
            Ok(Verdict::Right { renewed })
        })
        .await?
    }

    /// Runs `work` on a thread of its own when its turn comes.
    async fn in_turn<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, HashError> {
        let admitted = Arc::clone(&self.0.admitted).try_acquire_owned().map_err(|_| HashError::Busy)?;
        let turn = Arc::clone(&self.0.running).acquire_owned().await.map_err(|_| HashError::Failed)?;
        tokio::task::spawn_blocking(move || {
            let done = work();
            drop((turn, admitted));
            done
        })
        .await
        .map_err(|_| HashError::Failed)
    }
}

fn hash(password: &[u8], entropy: &Entropy) -> Result<PasswordHash, HashError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|_| HashError::Failed)?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
    let phc: argon2::PasswordHash = argon2
        .hash_password_with_params(password, &entropy.bytes::<SALT_BYTES>(), params)
        .map_err(|_| HashError::Failed)?;
    Ok(PasswordHash(Secret::new(phc.to_string())))
}

#[cfg(test)]
mod tests {
    use kernel::SystemEntropy;

    use super::*;

    const GOOD: &str = "nine quiet herons by the weir";

    fn hasher() -> Hasher {
        Hasher::new(Entropy::from(SystemEntropy)).unwrap()
    }

    fn words() -> ContextWords {
        ContextWords::new([])
    }

    fn cheap_hash(password: &str) -> PasswordHash {
        let params = Params::new(64, 1, 1, None).unwrap();
        let phc: argon2::PasswordHash =
            Argon2::default().hash_password_with_params(password.as_bytes(), &[7; 16], params).unwrap();
        PasswordHash(Secret::new(phc.to_string()))
    }

    #[tokio::test]
    async fn a_password_is_known_again_and_another_is_not() {
        let hasher = hasher();
        let kept = hasher.hash_new(&Password::typed(GOOD), &words()).await.unwrap();
        let right = hasher.verify(&Password::typed(GOOD), Some(&kept)).await;
        assert_eq!(right, Ok(Verdict::Right { renewed: None }));
        let wrong = hasher.verify(&Password::typed("nine quiet herons by the Weir"), Some(&kept)).await;
        assert_eq!(wrong, Ok(Verdict::Wrong));
    }

    #[tokio::test]
    async fn the_hash_is_argon2id_of_19_mib_and_two_passes_with_a_salt_of_its_own() {
        let hasher = hasher();
        let one = hasher.hash_new(&Password::typed(GOOD), &words()).await.unwrap();
        let two = hasher.hash_new(&Password::typed(GOOD), &words()).await.unwrap();
        assert!(one.0.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", one.0.expose());
        assert_ne!(one, two);
        assert!(!one.is_outdated());
        let salt = argon2::PasswordHash::new(one.0.expose()).unwrap().salt.unwrap();
        assert_eq!(salt.len(), SALT_BYTES);
    }

    #[tokio::test]
    async fn the_same_password_composed_differently_is_the_same() {
        let hasher = hasher();
        let composed = Password::typed("caf\u{e9} au lait und Zopf");
        let decomposed = Password::typed("cafe\u{301} au lait und Zopf");
        let kept = hasher.hash_new(&composed, &words()).await.unwrap();
        assert_eq!(hasher.verify(&decomposed, Some(&kept)).await, Ok(Verdict::Right { renewed: None }));
    }

    #[tokio::test]
    async fn spaces_at_the_ends_are_part_of_the_password() {
        let hasher = hasher();
        let kept = hasher.hash_new(&Password::typed(&format!(" {GOOD} ")), &words()).await.unwrap();
        assert_eq!(hasher.verify(&Password::typed(GOOD), Some(&kept)).await, Ok(Verdict::Wrong));
    }

    #[tokio::test]
    async fn a_cheaper_hash_is_renewed_when_its_password_is_proved_and_only_then() {
        let hasher = hasher();
        let old = cheap_hash(GOOD);
        assert!(old.is_outdated());
        assert_eq!(hasher.verify(&Password::typed("something else"), Some(&old)).await, Ok(Verdict::Wrong));
        let Ok(Verdict::Right { renewed: Some(renewed) }) = hasher.verify(&Password::typed(GOOD), Some(&old)).await
        else {
            panic!("the right password of an old hash")
        };
        assert!(!renewed.is_outdated());
        let again = hasher.verify(&Password::typed(GOOD), Some(&renewed)).await;
        assert_eq!(again, Ok(Verdict::Right { renewed: None }));
    }

    #[tokio::test]
    async fn an_unknown_account_is_compared_with_a_hash_of_the_same_cost() {
        let hasher = hasher();
        assert_eq!(hasher.verify(&Password::typed(GOOD), None).await, Ok(Verdict::Wrong));
        assert!(!hasher.0.nobody.is_outdated());
    }

    #[tokio::test]
    async fn a_refused_password_is_never_hashed() {
        let refused = hasher().hash_new(&Password::typed("short"), &words()).await;
        assert_eq!(refused, Err(NewPasswordError::Refused(PasswordRefused::TooShort { length: 5 })));
    }

    #[tokio::test]
    async fn when_every_place_is_taken_newcomers_are_told_to_come_back() {
        let hasher = Hasher::for_cores(1, Entropy::from(SystemEntropy)).unwrap();
        let places = Arc::clone(&hasher.0.admitted);
        let all = places.try_acquire_many_owned(u32::try_from(1 + WAITING_PER_CORE).unwrap()).unwrap();
        assert_eq!(hasher.verify(&Password::typed(GOOD), None).await, Err(HashError::Busy));
        drop(all);
        assert_eq!(hasher.verify(&Password::typed(GOOD), None).await, Ok(Verdict::Wrong));
    }

    #[tokio::test]
    async fn a_kept_hash_that_does_not_parse_fails_and_lets_nobody_in() {
        let broken = PasswordHash(Secret::new("$argon2id$".to_owned()));
        assert!(broken.is_outdated());
        assert_eq!(hasher().verify(&Password::typed(GOOD), Some(&broken)).await, Err(HashError::Failed));
    }

    #[test]
    fn debug_shows_neither_password_nor_hash() {
        let shown = format!("{:?} {:?}", Password::typed(GOOD), cheap_hash(GOOD));
        assert_eq!(shown, "Password(Secret) PasswordHash(Secret)");
    }
}
