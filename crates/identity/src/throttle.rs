//! How guessing is slowed down: some attempts are free, after that each failure doubles the time
//! until the next attempt. This file is the rule; the counts live in the database.
//!
//! Invariant: an attempt is counted before it is tried and given back when it succeeds, so a
//! hundred attempts at once are a hundred attempts. An attempt that is refused for being too early
//! is not counted: waiting always helps.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use jiff::{SignedDuration, Timestamp};

/// What is being counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rule {
    /// Passwords tried for one e-mail address, whether or not somebody has it.
    SignInAccount,
    /// Passwords tried from one network.
    SignInNetwork,
    /// One-time and recovery codes tried for one person.
    SecondFactor,
    /// Mails asked for one e-mail address.
    ResetAccount,
    /// Mails asked from one network.
    ResetNetwork,
    /// Unknown invitation and reset links opened from one network.
    LinkNetwork,
    /// Proofs sent for one program of the API, whether or not there is such a one.
    ApiClient,
    /// Proofs of programs sent from one network.
    ApiNetwork,
}

/// The numbers of a rule.
#[derive(Debug, Clone, Copy)]
struct Pace {
    /// Failures that cost nothing.
    free: u32,
    /// The wait after the failure that was one too many; each further one doubles it.
    first_wait: SignedDuration,
    /// The longest wait.
    longest_wait: SignedDuration,
    /// After this long without an attempt everything is forgotten.
    forgotten_after: SignedDuration,
}

impl Rule {
    /// Every rule.
    pub const ALL: [Self; 8] = [
        Self::SignInAccount,
        Self::SignInNetwork,
        Self::SecondFactor,
        Self::ResetAccount,
        Self::ResetNetwork,
        Self::LinkNetwork,
        Self::ApiClient,
        Self::ApiNetwork,
    ];

    /// The rule's name in the database.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::SignInAccount => "sign-in.account",
            Self::SignInNetwork => "sign-in.network",
            Self::SecondFactor => "second.account",
            Self::ResetAccount => "reset.account",
            Self::ResetNetwork => "reset.network",
            Self::LinkNetwork => "link.network",
            Self::ApiClient => "api.client",
            Self::ApiNetwork => "api.network",
        }
    }

    const fn pace(self) -> Pace {
        match self {
            // About a hundred guesses a day at one account, and nobody is locked out for good.
            Self::SignInAccount | Self::SecondFactor | Self::ApiClient => Pace {
                free: 5,
                first_wait: SignedDuration::from_secs(5),
                longest_wait: SignedDuration::from_mins(15),
                forgotten_after: SignedDuration::from_hours(24),
            },
            // A whole practice may sit behind one address: forgotten sooner.
            Self::SignInNetwork | Self::LinkNetwork | Self::ApiNetwork => Pace {
                free: 5,
                first_wait: SignedDuration::from_secs(2),
                longest_wait: SignedDuration::from_mins(15),
                forgotten_after: SignedDuration::from_hours(1),
            },
            // Three mails an hour.
            Self::ResetAccount => Pace {
                free: 3,
                first_wait: SignedDuration::from_hours(1),
                longest_wait: SignedDuration::from_hours(1),
                forgotten_after: SignedDuration::from_hours(1),
            },
            Self::ResetNetwork => Pace {
                free: 10,
                first_wait: SignedDuration::from_mins(1),
                longest_wait: SignedDuration::from_hours(1),
                forgotten_after: SignedDuration::from_hours(1),
            },
        }
    }

    /// Asks for one more attempt at `now`. `Ok` is the count to keep before trying: it takes the
    /// attempt for a failure until [`Rule::give_back`].
    pub fn attempt(self, count: Option<Count>, now: Timestamp) -> Result<Count, TooEarly> {
        let count = self.remembered(count, now);
        let until = count.map_or(now, |count| self.next_attempt(count, now));
        if now < until {
            return Err(TooEarly { until });
        }
        let failures = count.map_or(0, |count| count.failures).saturating_add(1);
        Ok(Count { failures, last_at: now })
    }

    /// Takes `attempts` back after a success. `None`: nothing is left to keep.
    ///
    /// For an account everything is given back. For a network only what this account's attempts
    /// had added is: somebody with an account of their own cannot buy guesses at others.
    #[must_use]
    pub fn give_back(self, count: Option<Count>, attempts: u32, now: Timestamp) -> Option<Count> {
        let count = self.remembered(count, now)?;
        let failures = count.failures.saturating_sub(attempts);
        (failures > 0).then_some(Count { failures, ..count })
    }

    /// The count, unless it is so old that it no longer matters. A `last_at` in the future (the
    /// clock was set back) is read as now.
    fn remembered(self, count: Option<Count>, now: Timestamp) -> Option<Count> {
        let count = count?;
        let last_at = count.last_at.min(now);
        (now.duration_since(last_at) < self.pace().forgotten_after).then_some(Count { last_at, ..count })
    }

    fn next_attempt(self, count: Count, now: Timestamp) -> Timestamp {
        count.last_at.saturating_add(self.wait_after(count.failures)).unwrap_or(now)
    }

    /// How long after the last of `failures` failures the next attempt may be made.
    #[must_use]
    pub fn wait_after(self, failures: u32) -> SignedDuration {
        let pace = self.pace();
        let Some(doublings) = failures.checked_sub(pace.free) else { return SignedDuration::ZERO };
        2_i32
            .checked_pow(doublings)
            .and_then(|factor| pace.first_wait.checked_mul(factor))
            .map_or(pace.longest_wait, |wait| wait.min(pace.longest_wait))
    }
}

/// Failures so far and the time of the last, as kept in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// Attempts that failed or are being tried at this moment.
    pub failures: u32,
    /// When the last of them was.
    pub last_at: Timestamp,
}

/// The attempt comes too early.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many attempts: try again later")]
pub struct TooEarly {
    /// When the next attempt may be made.
    pub until: Timestamp,
}

impl TooEarly {
    /// Whole seconds to wait, at least one: the `Retry-After` of the answer.
    #[must_use]
    pub fn seconds(self, now: Timestamp) -> u64 {
        let wait = self.until.duration_since(now);
        let rounded_up = wait.as_secs().saturating_add(i64::from(wait.subsec_nanos() > 0));
        u64::try_from(rounded_up).unwrap_or(0).max(1)
    }
}

/// The network that an address belongs to, for counting: an IPv4 /24 or an IPv6 /64. One address
/// is too little: most attackers have many neighbouring ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network(IpAddr);

impl Network {
    /// The network of `address`; an IPv4-mapped address counts as IPv4.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(v4) => Ipv4Addr::from_bits(v4.to_bits() & !0xff).into(),
            IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into(),
        })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = if self.0.is_ipv4() { 24 } else { 64 };
        write!(f, "{}/{bits}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    const RULE: Rule = Rule::SignInAccount;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn count(failures: u32, second: i64) -> Count {
        Count { failures, last_at: at(second) }
    }

    #[test]
    fn five_failures_are_free_and_then_each_doubles_the_wait() {
        let waits: Vec<i64> = (0..16).map(|failures| RULE.wait_after(failures).as_secs()).collect();
        assert_eq!(waits, [0, 0, 0, 0, 0, 5, 10, 20, 40, 80, 160, 320, 640, 900, 900, 900]);
        assert_eq!(RULE.wait_after(u32::MAX).as_secs(), 900);
    }

    #[test]
    fn the_sixth_attempt_waits_and_waiting_is_enough() {
        let mut kept = None;
        for _ in 0..5 {
            kept = Some(RULE.attempt(kept, at(0)).unwrap());
        }
        assert_eq!(RULE.attempt(kept, at(0)), Err(TooEarly { until: at(5) }));
        assert_eq!(RULE.attempt(kept, at(4)), Err(TooEarly { until: at(5) }));
        assert_eq!(RULE.attempt(kept, at(5)), Ok(Count { failures: 6, last_at: at(5) }));
    }

    #[test]
    fn a_success_gives_the_account_everything_back() {
        assert_eq!(RULE.give_back(Some(count(7, 0)), u32::MAX, at(1)), None);
        assert_eq!(RULE.give_back(None, u32::MAX, at(1)), None);
    }

    #[test]
    fn a_success_gives_the_network_only_its_own_attempts_back() {
        assert_eq!(Rule::SignInNetwork.give_back(Some(count(7, 0)), 2, at(1)), Some(count(5, 0)));
        assert_eq!(Rule::SignInNetwork.give_back(Some(count(2, 0)), 2, at(1)), None);
    }

    #[test]
    fn what_is_long_past_is_forgotten() {
        let day = 24 * 60 * 60;
        assert_eq!(RULE.attempt(Some(count(40, 0)), at(day)), Ok(Count { failures: 1, last_at: at(day) }));
        assert_eq!(RULE.attempt(Some(count(40, 0)), at(day - 1)).map(|count| count.failures), Ok(41));
    }

    #[test]
    fn a_clock_set_back_makes_nobody_wait_longer_than_the_rule_says() {
        assert_eq!(RULE.attempt(Some(count(5, 1_000_000)), at(0)), Err(TooEarly { until: at(5) }));
    }

    #[test]
    fn three_mails_an_hour_are_sent_to_one_address() {
        let rule = Rule::ResetAccount;
        let mut kept = None;
        for second in [0, 60, 120] {
            kept = Some(rule.attempt(kept, at(second)).unwrap());
        }
        assert_eq!(rule.attempt(kept, at(180)), Err(TooEarly { until: at(120 + 3600) }));
        assert!(rule.attempt(kept, at(120 + 3600)).is_ok());
    }

    #[test]
    fn the_wait_is_said_in_whole_seconds_and_never_none() {
        let early = TooEarly { until: at(5) };
        assert_eq!(early.seconds(at(0)), 5);
        assert_eq!(early.seconds(at(5)), 1);
        assert_eq!(early.seconds(at(0) + SignedDuration::from_millis(1)), 5);
    }

    #[test]
    fn neighbouring_addresses_are_one_network() {
        let network = |text: &str| Network::of(text.parse().unwrap()).to_string();
        assert_eq!(network("203.0.113.7"), "203.0.113.0/24");
        assert_eq!(network("203.0.113.255"), "203.0.113.0/24");
        assert_eq!(network("203.0.114.7"), "203.0.114.0/24");
        assert_eq!(network("::ffff:203.0.113.7"), "203.0.113.0/24");
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
        assert_eq!(network("2001:db8:1:2:ffff::"), "2001:db8:1:2::/64");
        assert_eq!(network("2001:db8:1:3::1"), "2001:db8:1:3::/64");
    }

    #[test]
    fn no_two_rules_share_a_name_and_no_wait_outlives_the_memory_of_it() {
        let names: BTreeSet<&str> = Rule::ALL.iter().map(|rule| rule.code()).collect();
        assert_eq!(names.len(), Rule::ALL.len());
        for rule in Rule::ALL {
            assert!(rule.pace().longest_wait <= rule.pace().forgotten_after, "{rule:?}");
        }
    }

    proptest! {
        #[test]
        fn more_failures_never_mean_a_shorter_wait(failures in 0_u32..u32::MAX, rule in 0..Rule::ALL.len()) {
            let rule = Rule::ALL[rule];
            prop_assert!(rule.wait_after(failures) <= rule.wait_after(failures + 1));
        }

        #[test]
        fn whoever_waits_as_told_may_try(failures in 0_u32..100, since in 0_i64..100_000, rule in 0..Rule::ALL.len()) {
            let rule = Rule::ALL[rule];
            if let Err(early) = rule.attempt(Some(count(failures, 0)), at(since)) {
                prop_assert!(early.until > at(since));
                prop_assert!(rule.attempt(Some(count(failures, 0)), early.until).is_ok());
            }
        }

        #[test]
        fn a_day_of_guessing_gives_about_a_hundred_guesses(gaps in prop::collection::vec(0_i64..1200, 0..2000)) {
            let (mut second, mut kept, mut guesses) = (0, None, 0);
            for gap in gaps {
                second += gap;
                if second >= 24 * 60 * 60 {
                    break;
                }
                if let Ok(count) = RULE.attempt(kept, at(second)) {
                    (kept, guesses) = (Some(count), guesses + 1);
                }
            }
            prop_assert!(guesses <= 110, "{guesses}");
        }
    }
}
