use certferry_certificate::OldId;
use certferry_operations::Dashboard;
use certferry_queue::WorkerLease;
use certferry_store::{Cause, LastFailed, Pause, RateLimit, Run, RunKind, Summary};
use chrono::{DateTime, TimeDelta, Utc};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;

use super::*;
use crate::watch::model::Update;

const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

fn lease(worker: &str, seen_seconds_ago: f64, certificates: i64) -> WorkerLease {
    WorkerLease {
        worker: worker.to_owned(),
        seen_seconds_ago,
        runs_out_in_seconds: 30.0 - seen_seconds_ago,
        is_overdue: seen_seconds_ago > 12.0,
        certificates,
        claimed_seconds_ago: (certificates > 0).then_some(1.4),
    }
}

fn cause(code: &str, field: &str, certificates: i64) -> Cause {
    let field = Some(field.to_owned()).filter(|field| !field.is_empty());
    Cause { kind: "mapping".to_owned(), code: code.to_owned(), field, certificates }
}

fn failure(id: i64, code: &str, message: &str) -> LastFailed {
    let at = NOW - TimeDelta::seconds(id % 60);
    LastFailed { certificate_id: OldId(id), code: code.to_owned(), message: message.to_owned(), at }
}

fn dashboard() -> Dashboard {
    let summary = Summary { queued: 186_421, migrated: 812_345, failed: 1_234, as_of: Some(NOW), ..Summary::default() };
    let leases = vec![
        lease("host.example.com-4711-0000abcd", 2.0, 1000),
        lease("host.example.com-4712-1111abcd", 14.6, 50),
        lease("other-9-2222abcd", 0.4, 0),
    ];
    let progress = Progress {
        summary,
        workers: 3,
        leases,
        rate_per_second: 812.4,
        eta_seconds: Some(229.0),
        ..Progress::default()
    };
    let causes = vec![
        cause("missing_device", "ecu_number", 1_000),
        cause("unmapped_user", "user_id", 200),
        cause("invalid_date", "calibration_date", 30),
        cause("unique_violation", "", 4),
    ];
    let latest_failures = vec![
        failure(4_711, "missing_device", "no device has the ECU number 'ECU\u{1b}[2J\n4711'"),
        failure(123_456, "unmapped_user", "user 115 is not mapped to anybody of the new system"),
        failure(7, "invalid_date", "calibration_date '31.02.2020' is no date: مركبة"),
    ];
    let finished = (0..200).map(|at| u64::from(at % 17_u32) * 100).collect();
    Dashboard { progress, finished, causes, latest_failures }
}

fn model() -> Model {
    Model::new(dashboard(), chrono_tz::Asia::Dubai, true)
}

fn buffer(model: &Model, width: u16, height: u16) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a terminal");
    terminal.draw(|frame| draw(frame, model)).expect("it draws");
    terminal.backend().buffer().clone()
}

fn screen(model: &Model, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a terminal");
    terminal.draw(|frame| draw(frame, model)).expect("it draws");
    terminal.backend().to_string()
}

fn views() -> Vec<(&'static str, Model)> {
    let paused = {
        let mut model = model();
        let progress = &mut model.dashboard.progress;
        progress.paused = true;
        progress.pause = Some(Pause { at: NOW, by: "anna@desk".to_owned(), reason: None });
        progress.waiting_because =
            Some("the run is paused since 1970-01-01 04:00:00 by anna@desk; go on with `producer resume`".to_owned());
        progress.eta_seconds = None;
        model.prompt = Some(Prompt::Resume);
        model
    };
    let mut away = model();
    away.take(Update::Away(
        "could not read the status: could not connect to the destination's database: Connection refused".to_owned(),
    ));
    away.prompt =
        Some(Prompt::Pause("a long reason that has more characters than there is room for on a line of it".to_owned()));
    let of_a_run = {
        let mut model = model();
        let summary = model.dashboard.progress.summary.clone();
        model.dashboard.progress.run = Some(Run {
            run: 3,
            kind: RunKind::Retry,
            by: "anna".to_owned(),
            host: "desk".to_owned(),
            at: NOW,
            filter: serde_json::Value::Null,
            selected: 1_000_001,
            queued: summary.queued,
            migrated: summary.migrated,
            failed: summary.failed,
            skipped: 0,
            reverted: 0,
            is_selecting: false,
            ended_at: None,
            cancelled_at: None,
            cancelled_by: None,
        });
        model.dashboard.progress.limit = Some(RateLimit { per_second: 900.0, by: "anna".to_owned(), at: NOW });
        model.notice = Some("all workers together take up at most 900 certificates a second".to_owned());
        model
    };
    let mut causes = model();
    causes.views = vec![View::Causes { selected: 1 }];
    let mut one = model();
    let failures = Some(dashboard().latest_failures);
    one.views = vec![View::Cause { cause: cause("missing_device", "ecu_number", 1_000), failures, selected: 1 }];
    let mut certificate = model();
    let text = "certificate 7: failed, run 3\nissue invalid_date: '31.02.2020' is no date\n  what to do: correct it"
        .to_owned();
    certificate.views = vec![View::Certificate { id: OldId(7), text: Some(text), scroll: 1 }];
    let mut nothing = Model::new(Dashboard::default(), chrono_tz::Asia::Dubai, true);
    nothing.prompt = Some(Prompt::Limit("500".to_owned()));
    vec![
        ("moving", model()),
        ("paused", paused),
        ("away", away),
        ("of_a_run", of_a_run),
        ("causes", causes),
        ("cause", one),
        ("certificate", certificate),
        ("nothing", nothing),
    ]
}

#[test]
fn each_view_at_80_by_24() {
    for (name, model) in views() {
        insta::assert_snapshot!(format!("{name}_80x24"), screen(&model, 80, 24));
    }
}

#[test]
fn the_overview_at_200_by_50() {
    insta::assert_snapshot!("moving_200x50", screen(&model(), 200, 50));
}

#[test]
fn any_size_is_drawn() {
    for (name, model) in views() {
        for (width, height) in [(1, 1), (1, 50), (200, 1), (5, 5), (20, 8), (40, 12), (300, 100)] {
            assert_eq!(buffer(&model, width, height).area().width, width, "{name}");
        }
    }
}

#[test]
fn colours_are_those_of_the_terminal_or_none() {
    for (name, mut model) in views() {
        let of = |model: &Model| {
            let buffer = buffer(model, 80, 24);
            buffer.content().iter().flat_map(|cell| [cell.fg, cell.bg]).collect::<Vec<_>>()
        };
        let is_of_many = |colour: &Color| matches!(colour, Color::Rgb(..) | Color::Indexed(_));
        assert!(!of(&model).iter().any(is_of_many), "{name}");
        model.has_colours = false;
        assert!(of(&model).iter().all(|colour| *colour == Color::Reset), "{name}");
    }
}

#[test]
fn what_a_database_holds_moves_no_cursor() {
    let shown = screen(&model(), 200, 50);
    assert!(shown.contains("no device has the ECU number") && !shown.contains('\u{1b}'));
}

#[test]
fn sentences_get_the_lines_they_need() {
    for (text, width, lines) in [
        ("", 10, 1),
        ("one two", 7, 1),
        ("one two", 6, 2),
        ("a bb ccc", 4, 2),
        ("0123456789", 5, 2),
        ("01234567890", 5, 3),
        ("a b c d e f", 1, SENTENCE_LINES),
    ] {
        assert_eq!(lines_of(&Line::raw(text), width), lines, "{text} in {width}");
    }
}
