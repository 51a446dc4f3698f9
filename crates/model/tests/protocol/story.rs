//! A counter-example in words.

use std::fmt::Write;

use stateright::{Model, Path};

use crate::action::{Action, letters};
use crate::database::{Certificate, Status};
use crate::protocol::{Protocol, State};

/// What happened, a line a step, and under it what the database has then, where it changed.
pub(crate) fn tell(protocol: &Protocol, path: Path<State, Action>) -> String {
    let mut story = String::new();
    let mut before = protocol.init_states()[0].clone();
    let mut line = |line: String| writeln!(story, "{line}").expect("a String takes everything");
    line(format!("   {}", rows(&before)));
    for (place, action) in path.into_actions().into_iter().enumerate() {
        let after = protocol.next_state(&before, action.clone()).expect("the path was walked before");
        line(format!("{}. {}", place + 1, sentence(&before, &action)));
        if after.database != before.database {
            line(format!("   {}", rows(&after)));
        }
        before = after;
    }
    story
}

fn sentence(state: &State, action: &Action) -> String {
    let of = |worker: &usize, object: &str| {
        format!("{} {action} {object}", state.workers[*worker].name).trim_end().to_owned()
    };
    match action {
        Action::Claim { worker, certificates } | Action::ClaimUnheard { worker, certificates } => {
            of(worker, &letters(certificates))
        }
        Action::Prepare { worker, batch }
        | Action::CompleteFirst { worker, batch }
        | Action::Commit { worker, batch, .. }
        | Action::Look { worker, batch }
        | Action::CommitCarefully { worker, batch, .. }
        | Action::Undo { worker, batch }
        | Action::Postpone { worker, batch } => {
            of(worker, &letters(&state.workers[*worker].batches[*batch].certificates))
        }
        Action::LeaseRunsOut { worker }
        | Action::Renew { worker }
        | Action::Rescue { worker }
        | Action::Crash { worker }
        | Action::Abandon { worker }
        | Action::End { worker }
        | Action::ReleaseStrays { worker }
        | Action::Start { worker } => of(worker, ""),
        Action::Requeue { certificate }
        | Action::LoseJob { certificate }
        | Action::Miss { certificate }
        | Action::Restore { certificate } => format!("{} {action}", letters(&[*certificate])),
    }
}

fn rows(state: &State) -> String {
    let rows = state.database.certificates.iter().enumerate();
    rows.map(|(id, certificate)| format!("{}: {}", letters(&[id]), row(certificate))).collect::<Vec<_>>().join("; ")
}

fn row(certificate: &Certificate) -> String {
    let status = match certificate.status {
        Status::Queued => "queued",
        Status::Migrated(_) => "migrated",
        Status::Failed(_) => "failed",
    };
    let written = match certificate.written {
        0 => "",
        1 => ", written",
        _ => ", WRITTEN TWICE",
    };
    let job = match certificate.job {
        None if certificate.status == Status::Queued => "NO JOB".to_owned(),
        None => "no job".to_owned(),
        Some(job) => job.lock_by.map_or_else(|| "job waits".to_owned(), |name| format!("job is {name}'s")),
    };
    format!("{status}{written}, {job}")
}
