//! docs/configuration.md, made of the declarations themselves.

use std::fmt::Write as _;

use super::SECTIONS;
use super::section::full_name;

const HEAD: &str = "# Settings

`vouchsafe serve --config FILE` reads one file in [TOML](https://toml.io). Every setting has a default, so a file holds
only what differs; `vouchsafe check-config FILE` says whether one is right. A setting that is unknown or wrong ends the
start (exit status 2) with the file, the line, the setting and what to write instead.

This page is made from the program (`vouchsafe check-config --page`), and a test keeps it true.

A small installation, started as root by systemd:

```toml
folder = \"/var/lib/vouchsafe\"

[web]
listen = \"[::]:443\"
redirect_listen = \"[::]:80\"
origin = \"https://vouchsafe.example.org\"
certificate = \"/etc/letsencrypt/live/vouchsafe.example.org/fullchain.pem\"
certificate_key = \"/etc/letsencrypt/live/vouchsafe.example.org/privkey.pem\"

[mail]
host = \"mail.example.org\"
port = 587
tls = \"starttls\"
user = \"vouchsafe\"
password_file = \"/etc/vouchsafe/mail-password\"
from = \"Vouchsafe <vouchsafe@example.org>\"
```

The root key is made once, and kept outside the data: see [the runbook of the keys](runbooks/keys.md). The unit:

```ini
[Unit]
Description=Vouchsafe
After=network-online.target
Wants=network-online.target

[Service]
ExecStart=/usr/local/bin/vouchsafe serve --config /etc/vouchsafe/vouchsafe.toml
# Vouchsafe stops its own servers, in order and with a checkpoint.
KillMode=mixed
TimeoutStopSec=120
Restart=on-failure

[Install]
WantedBy=multi-user.target
```
";

const TAIL: &str = "
## Servers of others

Vouchsafe needs two databases, on two servers: one for the data, one for the keyring (backed up apart, and kept for a
short time). On each, once, as a superuser:

```sql
create role vouchsafe_owner login password '...';
create role vouchsafe_run login password '...';
create database vouchsafe owner vouchsafe_owner;
revoke all on database vouchsafe from public;
grant connect on database vouchsafe to vouchsafe_run;
\\connect vouchsafe
alter schema public owner to vouchsafe_owner;
```

`vouchsafe_run` must own nothing and be neither superuser nor `bypassrls`. The servers must be PostgreSQL 15.20 or later
of 15, or the minors of 16, 17 and 18 that the program names when it refuses an older one.
";

/// The page.
pub(crate) fn page() -> String {
    let mut page = HEAD.to_owned();
    for about in &SECTIONS {
        let title = if about.table.is_empty() { "Top of the file".to_owned() } else { format!("`[{}]`", about.table) };
        let _ = write!(page, "\n## {title}\n\n{}\n", paragraph(about.doc));
        for entry in about.entries {
            let default = if entry.default.is_empty() { "unset".to_owned() } else { format!("`{}`", entry.default) };
            let _ = write!(
                page,
                "\n**`{}`**, default {default}\\\n{}\\\nWrite {}.\n",
                full_name(about.table, entry.key),
                paragraph(entry.doc),
                (entry.write)()
            );
        }
    }
    page + TAIL
}

fn paragraph(doc: &str) -> String {
    doc.split_whitespace().collect::<Vec<_>>().join(" ")
}
