//! What the operating system says of a process: memory and processor time. Nothing where there is no `/proc`.

use std::fs;

/// Bytes of memory.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Memory {
    pub(crate) now: u64,
    pub(crate) peak: u64,
}

impl Memory {
    pub(crate) fn of(process: u32) -> Option<Self> {
        let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
        Some(Self { now: field(&status, "VmRSS:")?, peak: field(&status, "VmHWM:")? })
    }
}

fn field(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes << 10)
}

/// A process as `/proc/PID/stat` has it; times in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Stat {
    pub(crate) parent: u32,
    /// Processor time of the process itself.
    pub(crate) own: f64,
    /// Processor time of its children that have ended.
    pub(crate) ended_children: f64,
}

impl Stat {
    pub(crate) fn of(process: u32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{process}/stat")).ok()?)
    }

    fn parse(stat: &str) -> Option<Self> {
        // The name, in parentheses, may hold anything; the fields are counted from after it.
        let fields: Vec<&str> = stat.get(stat.rfind(')')? + 1..)?.split_whitespace().collect();
        let seconds = |at: usize| {
            let ticks: u32 = fields.get(at)?.parse().ok()?;
            let a_second = u32::try_from(rustix::param::clock_ticks_per_second()).ok()?;
            Some(f64::from(ticks) / f64::from(a_second))
        };
        Some(Self {
            parent: fields.get(1)?.parse().ok()?,
            own: seconds(11)? + seconds(12)?,
            ended_children: seconds(13)? + seconds(14)?,
        })
    }
}

/// Processor time of a process and all its children so far, in seconds.
pub(crate) fn time_with_children(process: u32) -> Option<f64> {
    let stat = Stat::of(process)?;
    let alive = fs::read_dir("/proc").ok()?.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let children = alive.filter_map(Stat::of).filter(|child| child.parent == process);
    Some(stat.own + stat.ended_children + children.map(|child| child.own).sum::<f64>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read_whatever_its_name() {
        let stat = "42 (a ) (b) R 7 42 42 0 -1 4194304 1 2 3 4 150 50 30 20 20 0 1 0 100 1 1";
        let ticks = f64::from(u32::try_from(rustix::param::clock_ticks_per_second()).unwrap());
        let expected = Stat { parent: 7, own: 200.0 / ticks, ended_children: 50.0 / ticks };
        assert_eq!(Stat::parse(stat), Some(expected));
        assert_eq!(Stat::parse("42 (short) R 7"), None);
    }

    #[test]
    fn memory_is_in_bytes() {
        let status = "Name:\tworker\nVmHWM:\t   20480 kB\nVmRSS:\t   10240 kB\n";
        assert_eq!(field(status, "VmHWM:"), Some(20 << 20));
        assert_eq!(field(status, "VmSwap:"), None);
    }
}
