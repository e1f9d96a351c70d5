use std::path::Path;

use super::section::standard;
use super::values::Value;
use super::*;

fn parse(text: &str) -> Result<Config, String> {
    Config::parse(Path::new("house.toml"), text).map_err(|wrong| wrong.to_string())
}

fn refused(text: &str) -> String {
    parse(text).expect_err("refused")
}

#[test]
fn an_empty_file_is_a_whole_one() {
    let config = parse("").unwrap();
    assert_eq!(config.web.listen.port(), 8443);
    assert_eq!(config.keys.root_key, Path::new("/etc/vouchsafe/keys/root.key"));
    assert!(config.postgresql.managed);
}

#[test]
fn the_page_of_settings_is_what_the_program_reads() {
    let page = page::page();
    let kept = include_str!("../../../../docs/configuration.md");
    assert_eq!(kept, page, "docs/configuration.md: vouchsafe check-config --page > docs/configuration.md");
    for about in &SECTIONS {
        for entry in about.entries {
            assert!(page.contains(&section::full_name(about.table, entry.key)));
            assert!(entry.doc.trim().ends_with('.'), "{}.{} says what it is", about.table, entry.key);
        }
    }
}

#[test]
fn every_setting_can_be_written_as_its_default() {
    for about in &SECTIONS {
        for entry in about.entries.iter().filter(|entry| !entry.default.is_empty()) {
            let head = if about.table.is_empty() { String::new() } else { format!("[{}]\n", about.table) };
            let text = format!("{head}{} = {}\n", entry.key, entry.default);
            assert!(parse(&text).is_ok(), "{text}");
        }
    }
}

#[test]
fn the_examples_of_the_page_are_right() {
    let page = page::page();
    for example in page.split("```toml\n").skip(1) {
        let text = example.split("```").next().unwrap();
        assert_eq!(parse(text).err(), None, "{text}");
    }
}

#[test]
fn a_setting_that_is_not_there_is_named_with_the_nearest() {
    assert_eq!(
        refused("folder = \"/srv/v\"\n[web]\nlisten = \"[::]:443\"\norigen = \"https://v.example.org\"\n"),
        "house.toml: line 4, web.origen: there is no such setting; did you mean `web.origin`? (known in [web]: listen, \
         origin, certificate, certificate_key, redirect_listen, trusted_proxies, threads, stop_seconds_max)"
    );
    assert!(
        refused("root_key = \"/x\"")
            .contains("line 1, root_key: there is no such setting; `root_key` belongs into the section [keys]")
    );
    assert!(refused("[web]\nfolder = \"/x\"").contains("stands at the top of the file"));
    assert!(refused("[wep]\n").contains("did you mean the section [web]?"));
    assert!(refused("web = 3").contains("write [web] on a line of its own"));
}

#[test]
fn a_wrong_value_is_shown_with_what_to_write() {
    for (text, said) in [
        ("folder = \"data\"", "line 1, folder: \"data\" is not understood; write an absolute path in quotes"),
        ("[web]\nlisten = 8443", "line 2, web.listen: 8443 is not understood; write an address and a port in quotes"),
        ("[web]\norigin = \"http://x\"", "write the address that people type, in quotes, with https"),
        ("[web]\norigin = \"https://x/y\"", "write the address that people type"),
        ("[web]\norigin = \"https://x y\"", "write the address that people type"),
        ("[web]\ntrusted_proxies = [\"ten\"]", "write a list of networks"),
        ("[web]\nstop_seconds_max = 0", "0 is not understood; write a whole number from 1 to 300"),
        ("[web]\nstop_seconds_max = \"20\"", "write a whole number from 1 to 300, without quotes"),
        ("[postgresql]\nmanaged = \"yes\"", "\"yes\" is not understood; write true or false, without quotes"),
        ("[mail]\ntls = \"ssl\"", "write one of \"implicit\", \"starttls\", \"none\""),
        ("[mail]\nfrom = \"nobody\"", "write an e-mail address in quotes"),
        ("[log]\nlevel = \"loud\"", "write one of \"error\", \"warn\", \"info\", \"debug\""),
        ("listen: 3", "house.toml: line 1: this is not TOML"),
    ] {
        let told = refused(text);
        assert!(told.contains(said), "{text}\n{told}");
        assert!(told.starts_with("house.toml: "), "{told}");
    }
}

#[test]
fn all_mistakes_are_told_at_once() {
    let told = refused("[web]\nlisten = 1\norigen = 2\n[log]\nlevel = 3\n");
    assert_eq!(told.lines().count(), 3, "{told}");
}

#[test]
fn a_connection_string_is_never_shown() {
    let told = refused("[postgresql]\nmanaged = false\n[outside]\ndata_run = 7\n");
    assert!(told.contains("what is there is not understood"), "{told}");
    let told = refused("[outside]\ndata_run = \"host=h password=hunter22\"\n");
    assert!(!told.contains("hunter22"), "{told}");
    assert!(told.contains("outside.data_run: it names a server of others, and the servers are managed"), "{told}");
}

#[test]
fn servers_of_others_must_all_be_named() {
    let told = refused("[postgresql]\nmanaged = false\n[outside]\ndata_run = \"host=h\"\n");
    for missing in ["outside.data_owner", "outside.keyring_owner", "outside.keyring_run"] {
        assert!(told.contains(&format!("{missing}: it is missing")), "{told}");
    }
}

#[test]
fn a_root_key_inside_the_data_is_refused_wherever_links_lead() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("data");
    std::fs::create_dir(&folder).unwrap();
    std::os::unix::fs::symlink(&folder, place.path().join("elsewhere")).unwrap();
    let (folder, place) = (folder.display(), place.path().display());
    for inside in ["data/root.key", "elsewhere/root.key", "data/../data/keys/root.key"] {
        let told = refused(&format!("folder = \"{folder}\"\n[keys]\nroot_key = \"{place}/{inside}\"\n"));
        assert!(told.contains("line 3, keys.root_key:") && told.contains("inside the data folder"), "{told}");
    }
    for outside in ["root.key", "data-keys/root.key", "data/../root.key"] {
        assert!(parse(&format!("folder = \"{folder}\"\n[keys]\nroot_key = \"{place}/{outside}\"\n")).is_ok());
    }
}

#[test]
fn letters_cross_no_network_in_the_open() {
    assert!(refused("[mail]\nhost = \"mail.example.org\"").contains("mail.tls: letters to mail.example.org"));
    for fine in ["host = \"127.0.0.1\"", "host = \"::1\"", "host = \"mail.example.org\"\ntls = \"starttls\""] {
        assert!(parse(&format!("[mail]\n{fine}\n")).is_ok(), "{fine}");
    }
    assert!(refused("[mail]\nuser = \"v\"").contains("write the path of a file"));
}

#[test]
fn accounts_and_pools_must_fit_together() {
    assert!(refused("[accounts]\ndata = \"vouchsafe\"").contains("the three accounts must differ"));
    assert!(
        refused("[pools]\ndata_connections_max = 200")
            .contains("postgresql.connections_max: the pools need more; write 210")
    );
}

#[test]
fn a_file_with_passwords_is_refused_while_others_can_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("house.toml");
    let all = ["data_owner", "data_run", "keyring_owner", "keyring_run"];
    let lines = all.map(|key| format!("{key} = \"host=h password=x\"\n")).concat();
    std::fs::write(&file, format!("[postgresql]\nmanaged = false\n[outside]\n{lines}")).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(Config::load(&file).unwrap_err().to_string().contains("chmod 600"));
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    assert!(Config::load(&file).is_ok());
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let told = Config::load(Path::new("/nowhere/house.toml")).unwrap_err().to_string();
    assert!(told.starts_with("/nowhere/house.toml: cannot be read:"), "{told}");
}

#[test]
fn a_whole_number_may_be_written_in_any_way_toml_knows() {
    let port = |text: &str| standard::<Whole<1, 65535>>(text).map(Whole::get);
    assert_eq!(
        (port("587"), port("0x24b"), port("6_5"), port("-1"), port("70000")),
        (Some(587), Some(587), Some(65), None, None)
    );
    assert_eq!(String::unset(), None);
}
