//! `producer status --watch` in a terminal.

use std::os::unix::fs::symlink;

use rustix::process::Signal;

use crate::terminal::Terminal;
use crate::world::World;

/// Ten certificates: six migrated, two failed, two queued.
async fn under_way() -> World {
    let world = World::with_certificates(10).await;
    world.run("enqueue").good();
    world
        .execute(
            "UPDATE certferry.certificate_status SET state = 'migrated', new_certificate_id = certificate_id, worker = 'w',
                started_at = now() - interval '10 seconds', finished_at = now()
             WHERE certificate_id <= 6;
             UPDATE certferry.certificate_status SET state = 'failed', error_kind = 'mapping', error_code = 'missing_device',
                error_message = 'no device ECU7', started_at = now(), finished_at = now(),
                issues = '[{\"kind\": \"mapping\", \"code\": \"missing_device\", \"field\": \"ecu_number\", \"message\": \"no device\"}]'
             WHERE certificate_id IN (7, 8)",
        )
        .await;
    world
}

#[tokio::test]
async fn the_screen_shows_how_far_it_is_and_opens_what_failed() {
    let world = under_way().await;
    let before = world.state().await;
    let mut terminal = Terminal::run(&world.producer(["status", "--watch"]), 80, 24);
    let shown = terminal.until_shown("q quit");
    for text in [
        "10 = 6 migrated + 2 failed + 2 queued",
        "80.0% done, 75.0% of those migrated",
        "time left is not known",
        "WAITING: no worker is alive; start one with `worker`",
        "2 missing_device, ecu_number",
        "8 missing_device no device ECU7",
    ] {
        assert!(shown.contains(text), "{text} in\n{shown}");
    }
    terminal.resize(200, 50);
    terminal.until("keys in the last of 50 lines", |screen| {
        screen.rows(0, 200).nth(49).is_some_and(|line| line.contains("q quit"))
    });
    terminal.resize(80, 24);
    terminal.until("keys in the last of 24 lines", |screen| {
        screen.rows(0, 80).nth(23).is_some_and(|line| line.contains("q quit"))
    });
    terminal.type_in("c");
    terminal.until_shown("add the device to the new system");
    terminal.type_in("\r");
    terminal.until_shown("producer retry --code missing_device --field ecu_number");
    // Rows are drawn from above: with the last line, nothing of the view before is left that looks like an answer.
    terminal.until("the failures, as the database has them", |screen| {
        let shown = screen.contents();
        shown.contains("Enter the certificate")
            && shown.contains("no device ECU7")
            && !shown.contains("asking the database")
    });
    terminal.type_in("\r");
    terminal.until_shown("what became of it");
    terminal.type_in("q");
    assert_eq!(terminal.end().code(), Some(0));
    assert_eq!(world.state().await, before, "looking changes nothing");
    assert_eq!(world.number("SELECT count(*) FROM certferry.pause").await, 0);
}

#[tokio::test]
async fn only_enter_changes_something() {
    let world = under_way().await;
    let mut terminal = Terminal::run(&world.producer(["status", "--watch"]), 80, 24);
    terminal.until_shown("q quit");
    terminal.type_in("plunch");
    terminal.until_shown("reason: lunch");
    terminal.type_in("\u{1b}");
    terminal.until_shown("p pause");
    assert_eq!(world.number("SELECT count(*) FROM certferry.pause").await, 0);
    terminal.type_in("plunch\r");
    terminal.until_shown("PAUSED: the run is paused since");
    assert_eq!(world.number("SELECT count(*) FROM certferry.pause WHERE reason = 'lunch'").await, 1);
    terminal.type_in("p\r");
    terminal.until_shown("WAITING: no worker is alive");
    assert_eq!(world.number("SELECT count(*) FROM certferry.pause WHERE resumed_at IS NULL").await, 0);
    terminal.type_in("lfew\r");
    terminal.until_shown("it is no number");
    terminal.type_in("\u{7f}\u{7f}\u{7f}250\r");
    terminal.until_shown("limited to 250/s");
    assert_eq!(world.number("SELECT per_second::bigint FROM certferry.rate_limit").await, 250);
    terminal.type_in("l\r");
    terminal.until_shown("the rate is not limited");
    assert_eq!(world.number("SELECT count(*) FROM certferry.rate_limit").await, 0);
    terminal.type_in("\u{3}");
    assert_eq!(terminal.end().code(), Some(0));
}

#[tokio::test]
async fn a_signal_leaves_the_terminal_as_it_was() {
    let world = under_way().await;
    for signal in [Signal::TERM, Signal::INT] {
        let mut terminal = Terminal::run(&world.producer(["status", "--watch"]), 80, 24);
        terminal.until_shown("q quit");
        terminal.signal(signal);
        assert_eq!(terminal.end().code(), Some(0));
    }
}

#[tokio::test]
async fn a_database_that_is_away_is_shown_and_waited_for() {
    let world = under_way().await;
    // The way to the server: without it nothing new gets there, and what is there is cut.
    let way = world.path("way");
    let (before, after) = world.database.split_once("host=").expect("a socket");
    let (folder, after) = after.split_once('&').expect("more parameters");
    let away = async || {
        std::fs::remove_file(&way).expect("it was there");
        let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                   WHERE datname = current_database() AND pid <> pg_backend_pid()";
        world.execute(cut).await;
    };
    symlink(folder, &way).expect("a way");
    let mut command = world.producer(["status", "--watch"]);
    command.env("DATABASE_URL", format!("{before}host={}&{after}", way.display()));
    let mut terminal = Terminal::run(&command, 80, 24);
    terminal.until_shown("q quit");
    away().await;
    let shown = terminal.until_shown("NOTHING NEWER CAN BE SEEN");
    assert!(shown.contains("10 = 6 migrated + 2 failed + 2 queued"), "what was seen last stays:\n{shown}");
    symlink(folder, &way).expect("a way");
    world
        .execute(
            "UPDATE certferry.certificate_status SET state = 'skipped', finished_at = now() WHERE state = 'queued'",
        )
        .await;
    let shown = terminal.until_shown("2 skipped");
    assert!(!shown.contains("NOTHING NEWER"), "{shown}");
    away().await;
    terminal.until_shown("NOTHING NEWER CAN BE SEEN");
    terminal.type_in("q");
    assert_eq!(terminal.end().code(), Some(0));
}

#[tokio::test]
async fn colours_can_be_switched_off() {
    let world = under_way().await;
    let mut command = world.producer(["status", "--watch"]);
    command.env("NO_COLOR", "1");
    let mut terminal = Terminal::run(&command, 80, 24);
    terminal.until("text without colours", |screen| {
        let cells = (0..24).flat_map(|row| (0..80).filter_map(move |column| screen.cell(row, column)));
        screen.contents().contains("q quit") && cells.into_iter().all(|cell| cell.fgcolor() == vt100::Color::Default)
    });
    terminal.type_in("q");
    assert_eq!(terminal.end().code(), Some(0));
}
