//! The measurement itself, small: so that it cannot rot. How long anything took decides nothing here.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at the first surprise")]

mod long {
    use std::path::Path;
    use std::process::Command;

    use serde_json::Value;

    #[test]
    #[ignore = "long: it makes three installations and fills them"]
    fn a_small_measurement_comes_to_its_end_and_says_every_figure_of_the_documentation() {
        let bench = Path::new(env!("CARGO_BIN_EXE_bench"));
        let folder = tempfile::tempdir().unwrap();
        let json = folder.path().join("figures.json");
        let mut measuring = Command::new(bench);
        measuring.arg("run").arg("--program").arg(bench.with_file_name("vouchsafe"));
        measuring.args(["--patients", "300", "--practices", "3", "--seconds", "1", "--runs", "1", "--spreads", "1,6"]);
        measuring.args(["--large", "2400"]);
        let output = measuring.arg("--json").arg(&json).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let figures: Value = serde_json::from_slice(&std::fs::read(&json).unwrap()).unwrap();
        assert_eq!(figures["import"]["resources"], 1200);
        let scenes = figures["scenes"].as_array().unwrap();
        assert_eq!(scenes.len(), 7 * 3, "each scene at 1, 4 and 16 connections");
        assert_eq!(figures["spreads"].as_array().unwrap().len(), 2);
        assert_eq!(figures["large"]["killed"], 2, "{}", String::from_utf8_lossy(&output.stdout));
        let documented = include_str!("../../../docs/bench.md");
        let mut keys = Vec::new();
        names(&figures, &mut keys);
        let scenes = scenes.iter().map(|figure| figure["scene"].as_str().unwrap().to_owned());
        for key in keys.into_iter().chain(scenes) {
            assert!(documented.contains(&format!("`{key}`")), "docs/bench.md does not explain `{key}`");
        }
    }

    /// Every key that stands anywhere in it.
    fn names(value: &Value, keys: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    keys.push(key.clone());
                    names(value, keys);
                }
            }
            Value::Array(all) => all.iter().for_each(|one| names(one, keys)),
            _ => {}
        }
    }
}
