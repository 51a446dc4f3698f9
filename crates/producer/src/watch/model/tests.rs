use certferry_operations::Progress;
use chrono::DateTime;

use super::*;

fn cause(code: &str, field: Option<&str>, certificates: i64) -> Cause {
    Cause { kind: "mapping".to_owned(), code: code.to_owned(), field: field.map(str::to_owned), certificates }
}

fn with_causes(causes: Vec<Cause>) -> Dashboard {
    Dashboard { causes, ..Dashboard::default() }
}

fn model() -> Model {
    let causes = vec![cause("missing_device", Some("ecu_number"), 9), cause("unique_violation", None, 1)];
    Model::new(with_causes(causes), chrono_tz::Asia::Dubai, true)
}

fn press(model: &mut Model, code: KeyCode) -> Option<Wish> {
    model.press(KeyEvent::new(code, KeyModifiers::NONE))
}

fn type_in(model: &mut Model, text: &str) {
    for character in text.chars() {
        assert_eq!(press(model, KeyCode::Char(character)), None, "{character}");
    }
}

fn failure(id: i64) -> LastFailed {
    LastFailed {
        certificate_id: OldId(id),
        code: "missing_device".into(),
        message: "no".into(),
        at: DateTime::UNIX_EPOCH,
    }
}

#[test]
fn q_and_control_c_leave() {
    assert_eq!(press(&mut model(), KeyCode::Char('q')), Some(Wish::Quit));
    let control_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert_eq!(model().press(control_c), Some(Wish::Quit));
    let mut asking = model();
    press(&mut asking, KeyCode::Char('p'));
    assert_eq!(press(&mut asking, KeyCode::Char('q')), None, "q is a letter of the reason");
    assert_eq!(asking.press(control_c), Some(Wish::Quit));
}

#[test]
fn nothing_but_a_prompt_that_enter_confirms_changes_anything() {
    let changes =
        |wish: &Option<Wish>| matches!(wish, Some(Wish::Ask(Request::Pause(_) | Request::Resume | Request::Limit(_))));
    let keys: Vec<KeyCode> = (' '..='~')
        .map(KeyCode::Char)
        .chain([
            KeyCode::Esc,
            KeyCode::Up,
            KeyCode::Down,
            KeyCode::Tab,
            KeyCode::PageDown,
            KeyCode::Backspace,
            KeyCode::F(1),
        ])
        .collect();
    // No two keys without Enter, and no key and Enter but the two that ask.
    for first in &keys {
        for second in keys.iter().chain([&KeyCode::Enter]) {
            let mut model = model();
            let wishes = [press(&mut model, *first), press(&mut model, *second)];
            let asks = matches!(first, KeyCode::Char('p' | 'l')) && *second == KeyCode::Enter;
            assert_eq!(wishes.iter().any(changes), asks, "{first:?} {second:?}");
        }
    }
}

#[test]
fn a_pause_is_confirmed_with_its_reason() {
    let mut model = model();
    press(&mut model, KeyCode::Char('p'));
    type_in(&mut model, " lunxh");
    press(&mut model, KeyCode::Backspace);
    press(&mut model, KeyCode::Backspace);
    type_in(&mut model, "ch ");
    assert_eq!(press(&mut model, KeyCode::Enter), Some(Wish::Ask(Request::Pause(Some("lunch".to_owned())))));
    assert_eq!(model.prompt, None);
    press(&mut model, KeyCode::Char('p'));
    assert_eq!(press(&mut model, KeyCode::Enter), Some(Wish::Ask(Request::Pause(None))));
    press(&mut model, KeyCode::Char('p'));
    assert_eq!((press(&mut model, KeyCode::Esc), &model.prompt), (None, &None));
}

#[test]
fn where_it_is_paused_the_same_key_lets_it_go_on() {
    let progress = Progress { paused: true, ..Progress::default() };
    let mut model = Model::new(Dashboard { progress, ..Dashboard::default() }, chrono_tz::UTC, true);
    press(&mut model, KeyCode::Char('p'));
    // Somebody else resumes it meanwhile: what was asked is what is done.
    model.take(Update::Seen(Box::default()));
    assert_eq!(press(&mut model, KeyCode::Enter), Some(Wish::Ask(Request::Resume)));
}

#[test]
fn a_limit_is_a_rate_or_nothing() {
    for (typed, expected) in [
        ("500", Some(Request::Limit(Some(500.0)))),
        (" 0.5 ", Some(Request::Limit(Some(0.5)))),
        ("", Some(Request::Limit(None))),
        ("0", None),
        ("-1", None),
        ("many", None),
        ("inf", None),
        ("NaN", None),
    ] {
        let mut model = model();
        press(&mut model, KeyCode::Char('l'));
        type_in(&mut model, typed);
        assert_eq!(press(&mut model, KeyCode::Enter), expected.clone().map(Wish::Ask), "{typed}");
        // What cannot be is said, and may be mended.
        assert_eq!(model.prompt.is_some(), expected.is_none(), "{typed}");
        assert!(model.notice.is_some());
    }
}

#[test]
fn what_is_typed_has_a_bound() {
    let mut model = model();
    press(&mut model, KeyCode::Char('p'));
    type_in(&mut model, &"x".repeat(LONGEST_INPUT + 50));
    assert_eq!(model.prompt, Some(Prompt::Pause("x".repeat(LONGEST_INPUT))));
}

#[test]
fn enter_goes_from_causes_to_certificates_and_escape_back() {
    let mut model = model();
    assert_eq!(press(&mut model, KeyCode::Char('c')), None);
    press(&mut model, KeyCode::Down);
    press(&mut model, KeyCode::Down);
    let unique = cause("unique_violation", None, 1);
    assert_eq!(press(&mut model, KeyCode::Enter), Some(Wish::Ask(Request::FailuresOf(unique.clone()))));
    assert_eq!(press(&mut model, KeyCode::Enter), None, "nothing is there to be opened yet");
    model.take(Update::Failures(cause("missing_device", Some("ecu_number"), 9), vec![failure(1)]));
    assert_eq!(press(&mut model, KeyCode::Enter), None, "that was the answer to another question");
    model.take(Update::Failures(unique, vec![failure(7), failure(8)]));
    press(&mut model, KeyCode::End);
    assert_eq!(press(&mut model, KeyCode::Enter), Some(Wish::Ask(Request::Show(OldId(8)))));
    model.take(Update::Certificate(OldId(8), "one\ntwo\nthree".to_owned()));
    press(&mut model, KeyCode::PageDown);
    let shown = View::Certificate { id: OldId(8), text: Some("one\ntwo\nthree".to_owned()), scroll: 2 };
    assert_eq!(model.views.last(), Some(&shown));
    for left in [2, 1, 0, 0] {
        press(&mut model, KeyCode::Esc);
        assert_eq!(model.views.len(), left);
    }
}

#[test]
fn the_cause_that_is_selected_stays_selected_when_others_overtake_it() {
    let mut model = model();
    press(&mut model, KeyCode::Enter);
    assert_eq!(model.views, [View::Causes { selected: 0 }]);
    let (device, unique) = (cause("missing_device", Some("ecu_number"), 9), cause("unique_violation", None, 90));
    model.take(Update::Seen(Box::new(with_causes(vec![unique.clone(), device]))));
    assert_eq!(model.views, [View::Causes { selected: 1 }]);
    model.take(Update::Seen(Box::new(with_causes(vec![unique]))));
    assert_eq!(model.views, [View::Causes { selected: 0 }]);
    model.take(Update::Seen(Box::default()));
    assert_eq!((press(&mut model, KeyCode::Enter), &model.views[..]), (None, &[View::Causes { selected: 0 }][..]));
}

#[test]
fn what_was_seen_last_stays_while_nothing_newer_can_be_seen() {
    let mut model = model();
    model.take(Update::Away("no route".to_owned()));
    assert_eq!((model.away.as_deref(), model.dashboard.causes.len()), (Some("no route"), 2));
    model.take(Update::Seen(Box::default()));
    assert_eq!(model.away, None);
}
