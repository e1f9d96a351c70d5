//! Bringing records in and taking them back, at the command line.

/// Servers of its own.
mod own_cluster {
    use crate::front::found;
    use crate::harness::{Place, said};

    const TABLE: &str = "Pat.-Nr.;Nachname;Vorname;Geburtsdatum;Kasse\n\
        17;Müller;Jürgen;03.04.1980;AOK\n18;Weiß;Jörg;31.12.1955;\n19;Özdemir;Ayşe;29.02.1981;\n";

    #[test]
    fn a_table_is_mapped_brought_in_listed_and_taken_back_at_the_command_line() {
        let place = Place::with_key();
        let program = place.serving();
        place.answers();
        found(&place, "rivonia", "Rivonia Rooms");
        let table = place.path("patienten.csv").display().to_string();
        std::fs::write(&table, encoding_of_windows(TABLE)).unwrap();
        let run = |words: &[&str]| {
            let done = place.run(&[&["import"], words].concat());
            (done.status.success(), said(&done))
        };

        let (fine, asked) = run(&["csv", "rivonia", &table]);
        assert!(!fine && asked.contains("say with --mapping FILE what each is"), "{asked}");
        // The suggestion needs no installation.
        let suggested = crate::harness::program().args(["import", "mapping", &table]).output().unwrap();
        assert!(suggested.status.success(), "{suggested:?}");
        let suggested = String::from_utf8(suggested.stdout).unwrap();
        assert!(suggested.contains("windows-1252") && suggested.contains("\"birth-date\""), "{suggested}");
        let mapping = place.path("mapping.json").display().to_string();
        std::fs::write(&mapping, &suggested).unwrap();
        let (fine, asked) = run(&["csv", "rivonia", &table, "--mapping", &mapping]);
        assert!(!fine && asked.contains("day first, month first or year first"), "{asked}");
        std::fs::write(&mapping, suggested.replacen("\"header\"", "\"dates\": \"dmy\",\n  \"header\"", 1)).unwrap();

        let (fine, dry) = run(&["csv", "rivonia", &table, "--mapping", &mapping, "--dry-run"]);
        assert!(fine && dry.contains("nothing was changed") && dry.contains("column 4 (birth date)"), "{dry}");
        let (fine, report) = run(&["csv", "rivonia", &table, "--mapping", &mapping, "--dry-run", "--csv-report"]);
        assert!(fine && report.starts_with("outcome,file,line,"), "{report}");
        assert!(report.contains("reject,patienten.csv,4,,column 4 (birth date),is no date"), "{report}");
        let (fine, done) = run(&["csv", "rivonia", &table, "--mapping", &mapping]);
        assert!(fine && done.contains("\"Kasse\" was left out: 1 cell"), "{done}");
        assert!(!done.contains("AOK") && !done.contains("Özdemir"), "no value is repeated: {done}");
        let (fine, again) = run(&["csv", "rivonia", &table]);
        assert!(fine, "the mapping was kept: {again}");

        let (_, listed) = run(&["list", "rivonia"]);
        let ids: Vec<&str> = listed.lines().skip(1).filter_map(|line| line.split_whitespace().next()).collect();
        assert_eq!(ids.len(), 2, "{listed}");
        let (fine, undone) = run(&["undo", "rivonia", ids[1]]);
        assert!(fine && undone.contains("took 2 patients"), "{undone}");
        let (fine, twice) = run(&["undo", "rivonia", ids[1]]);
        assert!(!fine && twice.contains("taken back already"), "{twice}");
        program.stops();
    }

    fn encoding_of_windows(text: &str) -> Vec<u8> {
        // Of these letters only Ş is not in Windows-1252.
        text.replace('ş', "s").chars().map(|c| u8::try_from(c).unwrap()).collect()
    }
}
