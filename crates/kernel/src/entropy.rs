//! Randomness is a parameter. Only this file may ask the machine for it.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::rand::{SecureRandom, SystemRandom};

/// Where random bytes come from. Cheap to clone.
#[derive(Clone)]
pub struct Entropy(Arc<dyn FillRandom>);

impl Entropy {
    /// `N` bytes that nobody can foresee.
    ///
    /// # Panics
    /// When the operating system has no randomness to give: nothing safe can be done then.
    #[must_use]
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut out = [0; N];
        self.fill(&mut out);
        out
    }

    /// Fills `out` with bytes that nobody can foresee. Panics like [`Entropy::bytes`].
    pub fn fill(&self, out: &mut [u8]) {
        self.0.fill(out);
    }
}

impl fmt::Debug for Entropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entropy")
    }
}

trait FillRandom: Send + Sync {
    fn fill(&self, out: &mut [u8]);
}

/// The operating system's randomness, through AWS-LC.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl FillRandom for SystemEntropy {
    #[allow(
        clippy::disallowed_methods,
        reason = "the one place that draws randomness; without it no key or id is safe, so stopping is the only right answer"
    )]
    fn fill(&self, out: &mut [u8]) {
        assert!(SystemRandom::new().fill(out).is_ok(), "the operating system gave no randomness");
    }
}

impl From<SystemEntropy> for Entropy {
    fn from(entropy: SystemEntropy) -> Self {
        Self(Arc::new(entropy))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_draws_differ() {
        let entropy = Entropy::from(SystemEntropy);
        assert_ne!(entropy.bytes::<32>(), entropy.bytes::<32>());
    }
}
