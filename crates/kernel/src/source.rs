//! Where an act came from.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// Where an act came from, as the audit shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// A browser or program at a network address. IPv4-mapped IPv6 addresses are held as IPv4.
    Network(IpAddr),
    /// The command line of the host, or a job of the program itself.
    Host,
}

impl Source {
    /// A network source, with an IPv4-mapped address unmapped.
    #[must_use]
    pub fn network(address: IpAddr) -> Self {
        Self::Network(address.to_canonical())
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(address) => address.fmt(f),
            Self::Host => f.write_str("host"),
        }
    }
}
