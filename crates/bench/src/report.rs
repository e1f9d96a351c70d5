//! The figures: as JSON (its keys are explained in docs/bench.md) and as a table.

use std::fmt;

use serde::Serialize;

use crate::cpu::Cost;
use crate::drive::{Driven, Scene};
use crate::floor::{FloorScene, Floored};
use crate::{Options, Outcome};

/// All figures of one measurement.
#[derive(Serialize)]
pub(crate) struct Figures {
    /// Of these keys; another number means other keys.
    pub(crate) version: u32,
    machine: Machine,
    pub(crate) patients: usize,
    pub(crate) practices: usize,
    pub(crate) seconds: u64,
    pub(crate) runs: usize,
    pub(crate) import: Option<Import>,
    pub(crate) large: Option<Large>,
    pub(crate) scenes: Vec<SceneFigure>,
    pub(crate) floor: Vec<FloorFigure>,
    pub(crate) rss_idle_mb: f64,
    pub(crate) rss_mb: f64,
    pub(crate) spreads: Vec<Spread>,
    pub(crate) ratios: Vec<Ratio>,
}

impl Figures {
    /// Before anything was measured.
    pub(crate) fn none_yet(options: &Options) -> Self {
        Self {
            version: 2,
            machine: Machine::this(),
            patients: options.patients,
            practices: options.practices,
            seconds: options.seconds,
            runs: options.runs,
            import: None,
            large: None,
            scenes: Vec::new(),
            floor: Vec::new(),
            rss_idle_mb: 0.0,
            rss_mb: 0.0,
            spreads: Vec::new(),
            ratios: Vec::new(),
        }
    }
}

/// What it was measured on.
#[derive(Serialize)]
struct Machine {
    cpu: String,
    cores: usize,
    memory_mb: u64,
    kernel: String,
    /// Average number of processes that wanted a core in the minute before: others disturb.
    load_before: String,
}

impl Machine {
    fn this() -> Self {
        let read = |path| std::fs::read_to_string(path).unwrap_or_default();
        let field = |text: &str, name: &str| {
            let line = text.lines().find(|line| line.starts_with(name))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        };
        let memory = field(&read("/proc/meminfo"), "MemTotal").unwrap_or_default();
        let kib: u64 = memory.split_whitespace().next().and_then(|kib| kib.parse().ok()).unwrap_or(0);
        Self {
            cpu: field(&read("/proc/cpuinfo"), "model name").unwrap_or_else(|| "unknown".to_owned()),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            memory_mb: kib * 1024 / 1_000_000,
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            load_before: read("/proc/loadavg").split_whitespace().next().unwrap_or_default().to_owned(),
        }
    }
}

/// The import that filled it.
#[derive(Serialize)]
pub(crate) struct Import {
    pub(crate) resources: u64,
    pub(crate) seconds: f64,
}

/// A whole practice that came in and went out by the commands of the host.
#[derive(Serialize)]
pub(crate) struct Large {
    pub(crate) resources: u64,
    /// How often the import was killed on its way.
    pub(crate) killed: u64,
    /// From the first start to the end, with what the kills cost.
    pub(crate) import_s: f64,
    pub(crate) import_mb: f64,
    pub(crate) export_s: f64,
    pub(crate) export_mb: f64,
    pub(crate) archive_mb: f64,
}

/// The same patients over another number of practices.
#[derive(Serialize)]
pub(crate) struct Spread {
    pub(crate) practices: usize,
    pub(crate) scenes: Vec<SceneFigure>,
}

/// What a request costs with the most practices, as a multiple of what it costs with the fewest.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Ratio {
    pub(crate) scene: Scene,
    /// The median of the turns.
    pub(crate) median: f64,
    /// Of each turn.
    pub(crate) turns: Vec<f64>,
}

impl Ratio {
    /// Of the runs of each number of practices; nothing where there is nothing to compare.
    pub(crate) fn of(scene: Scene, practices: &[usize], runs: &[Vec<SceneFigure>]) -> Option<Self> {
        let by_practices = || practices.iter().zip(runs);
        let (fewest, few) = by_practices().min_by_key(|(practices, _)| **practices)?;
        let (most, many) = by_practices().max_by_key(|(practices, _)| **practices)?;
        if fewest == most {
            return None;
        }
        let turns: Vec<f64> = few.iter().zip(many).map(|(few, many)| many.cpu_ms / few.cpu_ms).collect();
        Some(Self { scene, median: middle(turns.clone(), |turn| *turn)?, turns })
    }
}

/// What a request of one scene costs.
#[derive(Clone, Serialize)]
pub(crate) struct SceneFigure {
    pub(crate) scene: Scene,
    pub(crate) connections: usize,
    pub(crate) requests: u64,
    pub(crate) requests_per_s: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) cpu_ms: f64,
    pub(crate) cpu_program_ms: f64,
    pub(crate) cpu_postgres_ms: f64,
}

impl SceneFigure {
    pub(crate) fn of(scene: Scene, connections: usize, driven: &Driven, cost: Cost) -> Outcome<Self> {
        if driven.requests == 0 {
            return Err(format!("{}: no request was answered in time", scene.name()).into());
        }
        let requests = as_f64(driven.requests);
        Ok(Self {
            scene,
            connections,
            requests: driven.requests,
            requests_per_s: requests / driven.seconds,
            p50_ms: driven.p50_ms,
            p99_ms: driven.p99_ms,
            cpu_ms: (cost.program_ms + cost.postgres_ms) / requests,
            cpu_program_ms: cost.program_ms / requests,
            cpu_postgres_ms: cost.postgres_ms / requests,
        })
    }

    /// The run in the middle by what a request cost.
    pub(crate) fn median(runs: Vec<Self>) -> Option<Self> {
        middle(runs, |run| run.cpu_ms)
    }
}

/// What the same statements cost without what stands round them.
#[derive(Clone, Serialize)]
pub(crate) struct FloorFigure {
    pub(crate) scene: FloorScene,
    pub(crate) connections: usize,
    pub(crate) requests_per_s: f64,
    pub(crate) cpu_ms: f64,
    pub(crate) cpu_driver_ms: f64,
    pub(crate) cpu_postgres_ms: f64,
}

impl FloorFigure {
    pub(crate) fn of(scene: FloorScene, connections: usize, floored: &Floored, cost: Cost) -> Outcome<Self> {
        if floored.rounds == 0 {
            return Err("the floor did nothing in time".into());
        }
        let rounds = as_f64(floored.rounds);
        Ok(Self {
            scene,
            connections,
            requests_per_s: rounds / floored.seconds,
            cpu_ms: (cost.program_ms + cost.postgres_ms) / rounds,
            cpu_driver_ms: cost.program_ms / rounds,
            cpu_postgres_ms: cost.postgres_ms / rounds,
        })
    }

    pub(crate) fn median(runs: Vec<Self>) -> Option<Self> {
        middle(runs, |run| run.cpu_ms)
    }
}

fn middle<T>(mut runs: Vec<T>, by: impl Fn(&T) -> f64) -> Option<T> {
    runs.sort_by(|a, b| by(a).total_cmp(&by(b)));
    let at = runs.len() / 2;
    runs.into_iter().nth(at)
}

#[allow(clippy::cast_precision_loss, reason = "nobody counts 2^52 requests")]
pub(crate) fn as_f64(count: u64) -> f64 {
    count as f64
}

impl fmt::Display for SceneFigure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:<13} {:>3} connections  {:>7.0}/s  p50 {:>7.2} ms  p99 {:>7.2} ms  CPU {:>6.3} ms ({:.3} program, {:.3} PostgreSQL)",
            self.scene.name(),
            self.connections,
            self.requests_per_s,
            self.p50_ms,
            self.p99_ms,
            self.cpu_ms,
            self.cpu_program_ms,
            self.cpu_postgres_ms
        )
    }
}

impl fmt::Display for FloorFigure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "floor: {:<13} {:>3} connections  {:>7.0}/s  CPU {:>6.3} ms ({:.3} driver, {:.3} PostgreSQL)",
            self.scene.name(),
            self.connections,
            self.requests_per_s,
            self.cpu_ms,
            self.cpu_driver_ms,
            self.cpu_postgres_ms
        )
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "\n{} patients over {} practices; {} cores of {}; load before: {}",
            self.patients, self.practices, self.machine.cores, self.machine.cpu, self.machine.load_before
        )?;
        for figure in &self.scenes {
            writeln!(f, "{figure}")?;
        }
        for figure in &self.floor {
            writeln!(f, "{figure}")?;
        }
        if self.practices > 0 {
            writeln!(f, "memory of the program: {:.0} MB at first, {:.0} MB after", self.rss_idle_mb, self.rss_mb)?;
        }
        if let Some(large) = &self.large {
            let resources = as_f64(large.resources);
            writeln!(
                f,
                "{} resources into one practice, killed {} times on the way: {:.0} a second, at most {:.0} MB; out of it \
                 {:.0} a second, at most {:.0} MB, an archive of {:.0} MB",
                large.resources,
                large.killed,
                resources / large.import_s,
                large.import_mb,
                resources / large.export_s,
                large.export_mb,
                large.archive_mb
            )?;
        }
        for Ratio { scene, median, turns } in &self.ratios {
            let turns: Vec<String> = turns.iter().map(|turn| format!("{turn:.2}")).collect();
            writeln!(
                f,
                "{:<13} costs {median:.2} times as much with the most practices as with the fewest (turns: {})",
                scene.name(),
                turns.join(", ")
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn costing(cpu_ms: f64) -> SceneFigure {
        let driven = Driven { requests: 1, seconds: 1.0, p50_ms: 1.0, p99_ms: 1.0 };
        let cost = Cost { program_ms: cpu_ms, ..Cost::default() };
        SceneFigure::of(Scene::FhirRead, 16, &driven, cost).unwrap()
    }

    #[test]
    fn a_turn_is_compared_with_the_same_turn_of_the_other_and_the_middle_counts() {
        // The machine is twice as slow in the second turn, for both.
        let few = [1.0, 2.0, 1.0].map(costing).to_vec();
        let many = [1.1, 2.4, 1.0].map(costing).to_vec();
        let between = [9.0, 9.0, 9.0].map(costing).to_vec();
        let ratio = Ratio::of(Scene::FhirRead, &[1000, 100, 1], &[many, between, few]).unwrap();
        assert_eq!(ratio, Ratio { scene: Scene::FhirRead, median: 1.1, turns: vec![1.1, 1.2, 1.0] });
        assert_eq!(Ratio::of(Scene::FhirRead, &[7], &[vec![costing(1.0)]]), None);
    }

    #[test]
    fn the_middle_of_three_runs_counts() {
        assert_eq!(middle(vec![3.0, 1.0, 2.0], |run| *run), Some(2.0));
        assert_eq!(middle(Vec::<f64>::new(), |run| *run), None);
    }
}
