//! What to measure, and with which programs: all from the environment, as `make bench` hands it on.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// The number of certificates of most measurements.
const CERTIFICATES: u64 = 50_000;

/// Runs of each measurement, where they are short enough.
const REPETITIONS: usize = 3;

/// A part of the benchmark that can be run alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Processes,
    Script,
    Floor,
    Queue,
    Latency,
    Scale,
    Costs,
    Single,
    Refused,
    Collector,
    Commands,
}

impl Phase {
    pub(crate) const ALL: [Self; 11] = [
        Self::Processes,
        Self::Script,
        Self::Floor,
        Self::Queue,
        Self::Latency,
        Self::Scale,
        Self::Costs,
        Self::Single,
        Self::Refused,
        Self::Collector,
        Self::Commands,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Processes => "processes",
            Self::Script => "script",
            Self::Floor => "floor",
            Self::Queue => "queue",
            Self::Latency => "latency",
            Self::Scale => "scale",
            Self::Costs => "costs",
            Self::Single => "single",
            Self::Refused => "refused",
            Self::Collector => "collector",
            Self::Commands => "commands",
        }
    }
}

/// What was asked for.
#[derive(Debug)]
pub(crate) struct Options {
    /// `ONLY`: the phases to run, separated by commas or blanks; all when it is empty.
    pub(crate) phases: Vec<Phase>,
    /// `BENCH_CERTIFICATES`: fewer, to try the benchmark itself.
    pub(crate) certificates: u64,
    /// `BENCH_FULL`: whether to measure the scale up to twenty times that number.
    pub(crate) full: bool,
    /// `BENCH_REPETITIONS`: runs of each measurement at most.
    pub(crate) repetitions: usize,
    /// `BENCH_BINARIES`: where `producer` and `worker` are, by default beside this program.
    pub(crate) binaries: PathBuf,
    /// `BENCH_PYTHON`: the interpreter that has psycopg.
    pub(crate) python: PathBuf,
    /// `BENCH_FOLDER`: for what is written along the way.
    pub(crate) folder: PathBuf,
}

impl Options {
    pub(crate) fn from_environment() -> Result<Self> {
        let own = env::current_exe().context("could not find out where this program itself is")?;
        let beside = own.parent().unwrap_or(Path::new(".")).to_owned();
        let folder = given("BENCH_FOLDER").map_or_else(|| beside.join("../bench"), PathBuf::from);
        let binaries = given("BENCH_BINARIES").map_or(beside, PathBuf::from);
        for name in ["producer", "worker"] {
            if !binaries.join(name).is_file() {
                bail!("{name} is not in {}; build it, or name its folder in BENCH_BINARIES", binaries.display());
            }
        }
        std::fs::create_dir_all(&folder).with_context(|| format!("could not make {}", folder.display()))?;
        let folder = folder.canonicalize()?;
        let python = given("BENCH_PYTHON").map_or_else(|| folder.join("venv/bin/python"), PathBuf::from);
        let phases = phases(given("ONLY").as_deref().unwrap_or_default())?;
        let needs_python = [Phase::Script, Phase::Latency, Phase::Costs].iter().any(|phase| phases.contains(phase));
        if needs_python && !python.is_file() {
            bail!("{} is not there; use `make bench`, which sets it up", python.display());
        }
        Ok(Self {
            phases,
            certificates: number("BENCH_CERTIFICATES", CERTIFICATES)?,
            full: given("BENCH_FULL").is_some_and(|value| value != "0"),
            repetitions: usize::try_from(number("BENCH_REPETITIONS", REPETITIONS as u64)?)?,
            binaries: binaries.canonicalize()?,
            python,
            folder,
        })
    }

    /// Whether everything is measured at the size the goals are stated for.
    pub(crate) fn is_whole(&self) -> bool {
        self.phases.len() == Phase::ALL.len() && self.certificates == CERTIFICATES && !cfg!(debug_assertions)
    }

    /// Only a whole run replaces the results in the repository.
    pub(crate) fn report_path(&self) -> PathBuf {
        if self.is_whole() {
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../bench/RESULTS.md")
        } else {
            self.folder.join("RESULTS.md")
        }
    }
}

fn given(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.trim().is_empty())
}

fn number(name: &str, default: u64) -> Result<u64> {
    let Some(value) = given(name) else { return Ok(default) };
    match value.replace('_', "").parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => bail!("{name} is {value:?}, and must be a number from 1"),
    }
}

fn phases(only: &str) -> Result<Vec<Phase>> {
    let mut phases = Vec::new();
    for name in only.split([',', ' ']).filter(|name| !name.is_empty()) {
        let known = || Phase::ALL.map(Phase::name).join(", ");
        let phase = Phase::ALL.into_iter().find(|phase| phase.name() == name);
        phases.push(phase.with_context(|| format!("ONLY names {name:?}, and the phases are {}", known()))?);
    }
    Ok(if phases.is_empty() { Phase::ALL.to_vec() } else { phases })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_are_named_or_all() {
        assert_eq!(phases("").unwrap(), Phase::ALL);
        assert_eq!(phases("queue, floor").unwrap(), [Phase::Queue, Phase::Floor]);
        assert!(phases("queue,flor").unwrap_err().to_string().contains("processes, script"));
    }
}
