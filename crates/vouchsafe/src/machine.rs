//! What is taken of the machine where nobody says how much: it is shared with the managed PostgreSQL servers.

use std::fs;
use std::num::NonZero;
use std::thread::available_parallelism;

/// More is the host's to say: beyond it the system's own cache of files does as well.
const DATA_BUFFERS_MIB_MAX: u64 = 1024;
/// PostgreSQL's own standard.
const DATA_BUFFERS_MIB_MIN: u64 = 128;
const KEYRING_BUFFERS_MIB_MIN: u32 = 32;

/// Where a container is told what it may have (cgroup v2).
const ALLOWED: &str = "/sys/fs/cgroup/memory.max";

/// Shared buffers of the data server, in MiB: a quarter of the memory there is (PostgreSQL's manual, "Resource
/// Consumption").
pub(crate) fn for_data_buffers() -> u32 {
    let machine = rustix::system::sysinfo();
    let has = machine.totalram.saturating_mul(machine.mem_unit.into());
    let allowed = fs::read_to_string(ALLOWED).ok().and_then(|text| text.trim().parse().ok());
    a_quarter(allowed.map_or(has, |allowed: u64| allowed.min(has)))
}

fn a_quarter(bytes: u64) -> u32 {
    let quarter = (bytes / 4 / 1024 / 1024).clamp(DATA_BUFFERS_MIB_MIN, DATA_BUFFERS_MIB_MAX);
    u32::try_from(quarter).unwrap_or(u32::MAX)
}

/// Shared buffers of the keyring server, in MiB: what a key takes is less than an eighth of what it covers.
pub(crate) fn for_keyring_buffers(data_mib: u32) -> u32 {
    (data_mib / 8).max(KEYRING_BUFFERS_MIB_MIN)
}

/// Threads that answer requests. Managed PostgreSQL servers do two thirds of the work (docs/bench.md) on the same
/// processors: more threads than are left to them cost more than they bring.
pub(crate) fn threads(managed: bool) -> usize {
    let processors = available_parallelism().map_or(1, NonZero::get);
    if managed { (processors / 2).max(1) } else { processors }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1024 * 1024 * 1024;

    #[test]
    fn the_servers_get_a_quarter_of_the_memory_within_limits() {
        assert_eq!(a_quarter(GIB / 8), 128);
        assert_eq!(a_quarter(2 * GIB), 512);
        assert_eq!(a_quarter(64 * GIB), 1024);
        assert_eq!([128, 512, 1024].map(for_keyring_buffers), [32, 64, 128]);
        assert!((128..=1024).contains(&for_data_buffers()));
    }
}
