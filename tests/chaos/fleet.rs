//! The worker processes of a scenario.

use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

use rustix::process::Signal;
use tokio::process::Child;

use crate::world::{World, signal};

/// A worker that was told to stop is gone within this.
const STOPPING: Duration = Duration::from_mins(1);

/// A worker process.
pub(crate) struct Member {
    child: Child,
    log: PathBuf,
}

impl Member {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_else(|error| format!("(no log: {error})"))
    }

    /// Its last words, for people.
    fn last_words(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        format!("{}:\n{}", self.log.display(), lines[lines.len().saturating_sub(15)..].join("\n"))
    }
}

/// Worker processes that are to run until they are told otherwise.
#[derive(Default)]
pub(crate) struct Fleet {
    members: Vec<Member>,
    started: usize,
}

impl Fleet {
    /// Starts a worker, in an environment of its own.
    pub(crate) fn add(&mut self, world: &World, environment: &[(&str, &str)]) {
        self.started += 1;
        let log = world.folder.path().join(format!("worker-{}.log", self.started));
        let mut command = world.command("worker", [""; 0]);
        command.envs(environment.iter().copied());
        // A pipe that nobody reads would stop a worker that has much to say.
        command.stdout(File::create(log.with_extension("out")).unwrap()).stderr(File::create(&log).unwrap());
        self.members.push(Member { child: command.spawn().unwrap(), log });
    }

    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    pub(crate) fn member(&self, which: usize) -> &Member {
        &self.members[which]
    }

    pub(crate) fn signal(&self, which: usize, what: Signal) {
        signal(&self.members[which].child, what);
    }

    /// Ends a worker as a lack of memory does.
    pub(crate) async fn kill(&mut self, which: usize) {
        let mut member = self.members.swap_remove(which);
        member.child.kill().await.unwrap();
    }

    /// Tells the worker that has run for longest to stop, and waits until it has.
    pub(crate) async fn stop_oldest(&mut self) {
        let member = self.members.remove(0);
        signal(&member.child, Signal::TERM);
        stopped(member).await;
    }

    /// Tells all to stop; each must end as one that was told to.
    pub(crate) async fn stop(&mut self) {
        for member in &self.members {
            signal(&member.child, Signal::TERM);
        }
        for member in self.members.drain(..) {
            stopped(member).await;
        }
    }

    /// Panics where a worker has ended: nothing but a signal is to end one.
    pub(crate) fn assert_all_run(&mut self) {
        for member in &mut self.members {
            if let Some(status) = member.child.try_wait().unwrap() {
                panic!("a worker ended by itself, {status}; {}", member.last_words());
            }
        }
    }

    /// What the workers said last.
    pub(crate) fn last_words(&self) -> String {
        self.members.iter().map(Member::last_words).collect::<Vec<_>>().join("\n\n")
    }

    /// The lines of all logs that are warnings or errors.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let is_complaint = |line: &&str| line.contains(" WARN ") || line.contains(" ERROR ");
        let logs = self.members.iter().map(Member::log);
        logs.flat_map(|log| log.lines().filter(is_complaint).map(str::to_owned).collect::<Vec<_>>()).collect()
    }
}

async fn stopped(mut member: Member) {
    let Ok(status) = tokio::time::timeout(STOPPING, member.child.wait()).await else {
        panic!("a worker that was told to stop hangs; {}", member.last_words());
    };
    let status = status.unwrap();
    assert!(status.success(), "a worker that was told to stop ended with {status}; {}", member.last_words());
}
