//! The program as people meet it: the real binary, with servers of its own.
//!
//! As root it is started as root, with accounts that every machine has (`daemon`, `bin`, `nobody`), and
//! drops its rights itself; otherwise everything runs as the account that runs the tests.

#[cfg(test)]
mod canary;
#[cfg(test)]
mod exports;
#[cfg(test)]
mod front;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod imports;
#[cfg(test)]
mod kills;
#[cfg(test)]
mod outside;
#[cfg(test)]
mod own_cluster;
#[cfg(test)]
mod servers;
#[cfg(test)]
mod settings;
