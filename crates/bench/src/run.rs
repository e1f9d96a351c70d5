//! The whole measurement, from an empty folder to the figures.

use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;

use crate::cpu::{self, Cost};
use crate::drive::{Drive, Driven, Scene};
use crate::floor::{Floor, FloorScene, Floored};
use crate::installation::Installation;
use crate::large;
use crate::load::{Load, Loaded};
use crate::report::{self, Figures, FloorFigure, Import, Ratio, SceneFigure, Spread};
use crate::work::{Said, Work, Worker};
use crate::{Options, Outcome};

/// Connections at which everything is measured.
const CONNECTIONS: [usize; 3] = [1, 4, 16];
/// At which a comparison is made.
const MANY: usize = 16;

/// Measures and tells.
pub(crate) fn run(options: &Options) -> Outcome {
    let mut figures = Figures::none_yet(options);
    if options.practices > 0 {
        main_part(options, &mut figures)?;
    }
    if !options.spreads.is_empty() {
        println!("\nthe same patients over other numbers of practices");
        (figures.spreads, figures.ratios) = spreads(options)?;
    }
    if options.large > 0 {
        println!("\n{} resources come into one practice and go out of it", options.large);
        let house = Installation::make(&options.program, options.folder.as_deref())?;
        let empty = founded(&house, 0, 1)?;
        let practice = empty.practices.first().ok_or("no practice was founded")?;
        figures.large = Some(large::measured(&house, &options.program, practice, options.large)?);
    }
    println!("{figures}");
    if let Some(file) = &options.json {
        std::fs::write(file, serde_json::to_vec_pretty(&figures)?)?;
        println!("the figures are in {}", file.display());
    }
    Ok(())
}

fn scenes_of(options: &Options) -> impl Iterator<Item = Scene> {
    Scene::ALL.into_iter().filter(|scene| options.only.is_empty() || options.only.contains(scene))
}

fn main_part(options: &Options, figures: &mut Figures) -> Outcome {
    let (house, loaded) = filled(options, options.practices)?;
    figures.import = Some(Import { resources: loaded.resources, seconds: loaded.import_s });
    figures.rss_idle_mb = cpu::rss_mb(house.pid())?;
    for scene in scenes_of(options) {
        for connections in CONNECTIONS {
            figures.scenes.push(measured(options, &house, &loaded, scene, connections)?);
        }
    }
    figures.rss_mb = cpu::rss_mb(house.pid())?;
    for scene in FloorScene::ALL.into_iter().filter(|_| options.only.is_empty()) {
        figures.floor.push(floored(options, &house, &loaded, scene)?);
    }
    Ok(())
}

/// The same patients over other numbers of practices. Their installations stand side by side and take turns, so that
/// what else the machine does meets all alike, and a turn of one is compared with the same turn of another.
fn spreads(options: &Options) -> Outcome<(Vec<Spread>, Vec<Ratio>)> {
    let mut standing = Vec::new();
    for practices in &options.spreads {
        standing.push((Spread { practices: *practices, scenes: Vec::new() }, filled(options, *practices)?));
    }
    let mut ratios = Vec::new();
    for scene in scenes_of(options) {
        let mut runs: Vec<Vec<SceneFigure>> = vec![Vec::new(); standing.len()];
        for run in 0..options.runs.max(1) {
            for ((_, (house, loaded)), runs) in standing.iter().zip(&mut runs) {
                runs.push(once(options, house, loaded, scene, MANY, run)?);
            }
        }
        let practices: Vec<usize> = standing.iter().map(|(spread, _)| spread.practices).collect();
        ratios.extend(Ratio::of(scene, &practices, &runs));
        for ((spread, _), runs) in standing.iter_mut().zip(runs) {
            let figure = SceneFigure::median(runs).ok_or("nothing was measured")?;
            println!("{:>5} practices: {figure}", spread.practices);
            spread.scenes.push(figure);
        }
    }
    Ok((standing.into_iter().map(|(spread, _)| spread).collect(), ratios))
}

/// An installation with patients in it.
fn filled(options: &Options, practices: usize) -> Outcome<(Installation, Loaded)> {
    let house = Installation::make(&options.program, options.folder.as_deref())?;
    println!("an installation runs; {} patients come in over {practices} practices", options.patients);
    let began = Instant::now();
    let loaded = founded(&house, options.patients, practices)?;
    let rate = report::as_f64(loaded.resources) / loaded.import_s;
    println!(
        "{} resources came in by the import in {:.0} s ({rate:.0} a second); {:.0} s in all",
        loaded.resources,
        loaded.import_s,
        began.elapsed().as_secs_f64()
    );
    tidied(&house)?;
    Ok((house, loaded))
}

/// Founds practices in an installation and brings patients into them.
fn founded(house: &Installation, patients: usize, practices: usize) -> Outcome<Loaded> {
    let work = Work::Load(Load {
        data: house.sockets.data.clone(),
        keyring: house.sockets.keyring.clone(),
        root_key: house.root_key(),
        origin: format!("https://localhost:{}", house.address.port),
        patients,
        practices,
    });
    done(&mut Worker::start(&work, house.application()?)?)
}

/// What PostgreSQL would tidy in the background after so much came in, done now and not while it counts.
fn tidied(house: &Installation) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        for socket in [&house.sockets.data, &house.sockets.keyring] {
            socket.connect("vouchsafe_owner").await?.batch_execute("vacuum (analyze)").await?;
        }
        Ok(())
    })
}

fn done<T: DeserializeOwned>(worker: &mut Worker) -> Outcome<T> {
    loop {
        match worker.hear()? {
            Said::Progress(words) => println!("  {words}"),
            Said::Done(done) => return Ok(done),
            Said::Begins | Said::Ends => {}
        }
    }
}

/// What a worker counted, and what that cost in the meantime.
fn costed<T: DeserializeOwned>(worker: &mut Worker, cost: impl Fn() -> Outcome<Cost>) -> Outcome<(T, Cost)> {
    let mut before = Cost::default();
    let mut spent = Cost::default();
    loop {
        match worker.hear()? {
            Said::Begins => before = cost()?,
            Said::Ends => spent = cost()?.since(before),
            Said::Done(done) => return Ok((done, spent)),
            Said::Progress(_) => {}
        }
    }
}

/// One scene at so many connections: the median of the runs.
fn measured(
    options: &Options,
    house: &Installation,
    loaded: &Loaded,
    scene: Scene,
    connections: usize,
) -> Outcome<SceneFigure> {
    let runs = 0..options.runs.max(1);
    let runs = runs.map(|run| once(options, house, loaded, scene, connections, run)).collect::<Outcome<_>>()?;
    let figure = SceneFigure::median(runs).ok_or("nothing was measured")?;
    println!("{figure}");
    Ok(figure)
}

/// One run of a scene.
fn once(
    options: &Options,
    house: &Installation,
    loaded: &Loaded,
    scene: Scene,
    connections: usize,
    run: usize,
) -> Outcome<SceneFigure> {
    let work = Work::Drive(Drive {
        address: house.address.clone(),
        practices: loaded.practices.clone(),
        scene,
        connections,
        warm_up_ms: if run == 0 { 2_000 } else { 500 },
        count_ms: u64::try_from(Duration::from_secs(options.seconds).as_millis())?,
        seed: u64::try_from(run * 100 + connections)?,
    });
    let mut worker = Worker::start(&work, None)?;
    let (driven, cost): (Driven, Cost) = costed(&mut worker, || cpu::of(house.pid()))?;
    SceneFigure::of(scene, connections, &driven, cost)
}

fn floored(options: &Options, house: &Installation, loaded: &Loaded, scene: FloorScene) -> Outcome<FloorFigure> {
    let mut runs = Vec::new();
    for run in 0..options.runs.max(1) {
        let work = Work::Floor(Floor {
            data: house.sockets.data.clone(),
            practices: loaded.practices.clone(),
            scene,
            connections: MANY,
            count_ms: u64::try_from(Duration::from_secs(options.seconds).as_millis())?,
            seed: u64::try_from(run)?,
        });
        let mut worker = Worker::start(&work, house.application()?)?;
        let driver = worker.pid();
        let cost = || Ok(Cost { program_ms: cpu::of_one(driver)?, ..cpu::of(house.pid())? });
        let (floored, cost): (Floored, Cost) = costed(&mut worker, cost)?;
        runs.push(FloorFigure::of(scene, MANY, &floored, cost)?);
    }
    let figure = FloorFigure::median(runs).ok_or("nothing was measured")?;
    println!("{figure}");
    Ok(figure)
}

/// The value below which so many of a hundred are, of sorted microseconds, in milliseconds.
pub(crate) fn rank_ms(sorted_us: &[u32], percent: usize) -> f64 {
    let at = (sorted_us.len() * percent / 100).min(sorted_us.len().saturating_sub(1));
    f64::from(sorted_us.get(at).copied().unwrap_or(0)) / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_a_hundred_are_below_the_middle() {
        let sorted: Vec<u32> = (0..100).map(|n| n * 1000).collect();
        assert!((rank_ms(&sorted, 50) - 50.0).abs() < f64::EPSILON);
        assert!((rank_ms(&sorted, 99) - 99.0).abs() < f64::EPSILON);
        assert!((rank_ms(&[], 99)).abs() < f64::EPSILON);
    }
}
