//! Somebody with the servers of an installation in their hands: its superuser, with PostgreSQL's own tools.

use std::process::Command;

use crate::harness::Place;

/// The number of a server's first process, if its file is there and whole.
pub(crate) fn postmaster_of(place: &Place, server: &str) -> Option<u32> {
    let text = std::fs::read_to_string(place.path("data").join(format!("pg-{server}/data/postmaster.pid"))).ok()?;
    text.lines().next().filter(|_| text.lines().count() >= 8)?.parse().ok()
}

/// One of PostgreSQL's own tools, as the superuser: whoever started the installation may be that.
pub(crate) fn tool(place: &Place, server: &str, name: &str) -> Command {
    let file = place.path("data").join(format!("pg-{server}/data/postmaster.pid"));
    let lines = std::fs::read_to_string(file).unwrap_or_default();
    let mut command = Command::new(cluster::find_binaries(None).unwrap().dir.join(name));
    // Port and folder of the socket, as the server itself has noted them.
    let mut noted = lines.lines().skip(3);
    if let (Some(port), Some(sockets)) = (noted.next(), noted.next()) {
        command.env("PGPORT", port).env("PGHOST", sockets);
    }
    command.env("PGUSER", "postgres").current_dir("/");
    command
}

/// The rows of a statement, run by the superuser.
pub(crate) fn sql(place: &Place, server: &str, statement: &str) -> Vec<Vec<String>> {
    let mut psql = tool(place, server, "psql");
    let done =
        psql.args(["-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", "vouchsafe", "-c", statement]).output().unwrap();
    assert!(done.status.success(), "{statement}: {}", String::from_utf8_lossy(&done.stderr));
    let text = String::from_utf8(done.stdout).unwrap();
    text.lines().map(|line| line.split('|').map(str::to_owned).collect()).collect()
}

/// The one number that a statement gives.
pub(crate) fn number(place: &Place, server: &str, statement: &str) -> i64 {
    sql(place, server, statement)[0][0].parse().unwrap()
}
