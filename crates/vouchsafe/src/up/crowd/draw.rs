//! Drawing: numbers that look thrown, and are the same every time for the same seed.

/// Where the numbers come from: `SplitMix64` (Steele, Lea and Flood, 2014). It hides nothing and need not.
#[derive(Debug, Clone)]
pub(super) struct Draw(u64);

impl Draw {
    /// Beginning at a seed. `part` keeps what is drawn for one person apart from what is drawn for the next.
    pub(super) fn new(seed: u64, part: u64) -> Self {
        let mut draw = Self(seed ^ part.wrapping_mul(0xD6E8_FEB8_6659_FD93));
        draw.next();
        draw
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number from 0 up to and without `limit`.
    pub(super) fn below(&mut self, limit: u32) -> u32 {
        u32::try_from(self.next() % u64::from(limit.max(1))).unwrap_or(0)
    }

    /// A number from `low` to `high`, both among them.
    pub(super) fn between(&mut self, low: i32, high: i32) -> i32 {
        let span = u32::try_from(high.saturating_sub(low).max(0)).unwrap_or(0);
        low.saturating_add(i32::try_from(self.below(span.saturating_add(1))).unwrap_or(0))
    }

    /// Whether it happens, in so many of a hundred.
    pub(super) fn happens(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }

    /// One of several.
    pub(super) fn one_of<'a, T>(&mut self, several: &'a [T]) -> Option<&'a T> {
        let at = self.below(u32::try_from(several.len()).unwrap_or(u32::MAX));
        several.get(usize::try_from(at).unwrap_or(usize::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_draws_the_same_and_another_part_something_else() {
        let drawn = |part| {
            let mut draw = Draw::new(7, part);
            (0..8).map(|_| draw.below(1_000_000)).collect::<Vec<_>>()
        };
        assert_eq!(drawn(1), drawn(1));
        assert_ne!(drawn(1), drawn(2));
    }

    #[test]
    fn what_is_drawn_stays_within_its_limits() {
        let mut draw = Draw::new(1, 1);
        for _ in 0..1000 {
            assert!(draw.below(3) < 3);
            assert!((-2..=2).contains(&draw.between(-2, 2)));
        }
        assert_eq!(draw.one_of::<u8>(&[]), None);
    }
}
