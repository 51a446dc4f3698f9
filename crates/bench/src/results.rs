//! What was measured.

use crate::commands::Timed;
use crate::meter::Spent;
use crate::program::Ended;

/// One run of one measurement.
#[derive(Debug, Clone, Default)]
pub(crate) struct Run {
    pub(crate) certificates: u64,
    /// From the first to the last thing done.
    pub(crate) seconds: f64,
    /// What the seconds consist of, where there is more than one part.
    pub(crate) parts: Vec<(&'static str, f64)>,
    /// The programs that ran.
    pub(crate) programs: Vec<Ended>,
    pub(crate) spent: Spent,
}

impl Run {
    /// Certificates a second.
    #[expect(clippy::cast_precision_loss, reason = "no run has 2^53 certificates")]
    pub(crate) fn rate(&self) -> f64 {
        self.certificates as f64 / self.seconds
    }

    /// Processor time of the programs, in seconds.
    pub(crate) fn client_processor(&self) -> f64 {
        // Not `sum`, which makes -0 of nothing.
        self.programs.iter().fold(0.0, |all, program| all + program.processor)
    }

    /// The programs by name, in the order in which they ran.
    pub(crate) fn program_names(&self) -> Vec<&'static str> {
        let mut names = Vec::new();
        for program in &self.programs {
            if !names.contains(&program.name) {
                names.push(program.name);
            }
        }
        names
    }

    /// The highest memory of any of the programs with this name.
    pub(crate) fn peak_memory(&self, name: &str) -> u64 {
        let programs = self.programs.iter().filter(|program| program.name == name);
        programs.map(|program| program.peak_memory).max().unwrap_or(0)
    }
}

/// All runs of one measurement.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// What others know it by.
    pub(crate) key: String,
    pub(crate) label: String,
    pub(crate) runs: Vec<Run>,
    pub(crate) remark: String,
}

impl Row {
    /// The rates, lowest first.
    pub(crate) fn rates(&self) -> Vec<f64> {
        let mut rates: Vec<f64> = self.runs.iter().map(Run::rate).collect();
        rates.sort_by(f64::total_cmp);
        rates
    }

    pub(crate) fn median_rate(&self) -> f64 {
        median(self.rates())
    }

    /// The run in the middle by rate, which stands for all where one must.
    pub(crate) fn middle(&self) -> Option<&Run> {
        let mut runs: Vec<&Run> = self.runs.iter().collect();
        runs.sort_by(|one, other| one.rate().total_cmp(&other.rate()));
        runs.get((runs.len().max(1) - 1) / 2).copied()
    }

    /// The highest memory of any program with this name in any run.
    pub(crate) fn peak_memory(&self, name: &str) -> Option<u64> {
        self.runs.iter().map(|run| run.peak_memory(name)).max().filter(|bytes| *bytes > 0)
    }
}

/// Milliseconds from enqueueing a certificate to its being migrated.
#[derive(Debug, Clone)]
pub(crate) struct Latencies {
    /// Until another session sees it.
    pub(crate) seen: Vec<f64>,
    /// Until the status row's `finished_at`.
    pub(crate) finished: Vec<f64>,
}

/// What one run costs, seen through a proxy that adds nothing but counts.
#[derive(Debug, Clone)]
pub(crate) struct Exchanges {
    pub(crate) label: &'static str,
    pub(crate) certificates: u64,
    pub(crate) times: u64,
}

/// Everything that was measured.
#[derive(Debug, Default)]
pub(crate) struct Results {
    pub(crate) machine: Vec<(&'static str, String)>,
    pub(crate) rows: Vec<Row>,
    pub(crate) exchanges: Vec<Exchanges>,
    /// The round trips through the proxy: added milliseconds and measured ones.
    pub(crate) round_trips: Vec<(u64, f64)>,
    pub(crate) single: Option<Latencies>,
    /// The commands that people wait for, with a million status rows.
    pub(crate) commands: Vec<Timed>,
    /// What could not be measured, and why.
    pub(crate) failures: Vec<String>,
    pub(crate) minutes: f64,
}

impl Results {
    pub(crate) fn row(&self, key: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.key == key)
    }
}

/// The middle of some figures, the mean of the two middle ones where there is no middle; 0 of none.
pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    let half = figures.len() / 2;
    match figures.len() {
        0 => 0.0,
        odd if odd % 2 == 1 => figures[half],
        _ => f64::midpoint(figures[half - 1], figures[half]),
    }
}

/// The smallest figure that at least this many in a hundred do not exceed; 0 of none.
pub(crate) fn percentile(mut figures: Vec<f64>, hundredths: usize) -> f64 {
    figures.sort_by(f64::total_cmp);
    let rank = (figures.len() * hundredths).div_ceil(100).max(1);
    figures.get(rank - 1).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert!(median(vec![]).abs() < 1e-9);
        assert!((median(vec![3.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
        assert!((median(vec![4.0, 1.0]) - 2.5).abs() < 1e-9);
    }

    #[test]
    fn a_percentile_is_one_of_the_figures() {
        let figures: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert!((percentile(figures.clone(), 99) - 99.0).abs() < 1e-9);
        assert!((percentile(figures, 50) - 50.0).abs() < 1e-9);
        assert!((percentile(vec![7.0], 99) - 7.0).abs() < 1e-9);
    }

    #[test]
    fn the_run_in_the_middle_stands_for_all() {
        let run = |seconds| Run { certificates: 100, seconds, ..Run::default() };
        let runs = vec![run(4.0), run(1.0), run(2.0)];
        let row = Row { key: String::new(), label: String::new(), runs, remark: String::new() };
        assert!((row.middle().unwrap().seconds - 2.0).abs() < 1e-9);
        assert!((row.median_rate() - 50.0).abs() < 1e-9);
    }
}
