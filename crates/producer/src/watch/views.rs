//! The parts of the screen below its head: the overview, and what is opened from it.

use certferry_certificate::Remedy;
use certferry_queue::WorkerLease;
use certferry_store::{Cause, LastFailed};
use chrono::{DateTime, Utc};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Text};
use ratatui::widgets::{Block, Borders, Cell, Paragraph, Row, Table, TableState, Wrap};

use super::model::Model;
use crate::figures::grouped;

/// Causes, workers and the latest failures.
pub(super) fn overview(frame: &mut Frame, model: &Model, area: Rect) {
    let [upper, lower] = Layout::vertical([Constraint::Fill(1), Constraint::Fill(1)]).areas(area);
    let [left, right] = Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]).spacing(1).areas(upper);
    frame.render_widget(cause_table(model).block(block("failed because of")), left);
    draw_workers(frame, model, right);
    let failures = &model.dashboard.latest_failures;
    frame.render_widget(failure_table(model, failures).block(block("failed lately")), lower);
}

/// All causes, one of them selected.
pub(super) fn causes(frame: &mut Frame, model: &Model, selected: usize, area: Rect) {
    let causes = &model.dashboard.causes;
    let rows = causes.iter().map(|cause| {
        let remedy = Remedy::of(&cause.code).in_short;
        Row::new([right(&grouped(cause.certificates)), Cell::from(name(cause)), Cell::from(remedy)])
    });
    let names = causes.iter().map(|cause| name(cause).chars().count()).max().unwrap_or_default();
    let names = Constraint::Length(u16::try_from(names).unwrap_or(u16::MAX).clamp(20, 60));
    let table = Table::new(rows, [Constraint::Length(11), names, Constraint::Fill(1)]);
    let table = table.row_highlight_style(highlight()).block(block("failed because of"));
    draw_selected(frame, table, selected, area);
    if causes.is_empty() {
        say(frame, "nothing failed", area);
    }
}

/// One cause: what to do about it, and the latest certificates that failed of it.
pub(super) fn cause(
    frame: &mut Frame,
    model: &Model,
    cause: &Cause,
    failures: Option<&[LastFailed]>,
    selected: usize,
    area: Rect,
) {
    let [advice, list] = Layout::vertical([Constraint::Length(6), Constraint::Fill(1)]).areas(area);
    let text = Text::from(vec![
        Line::raw(Remedy::of(&cause.code).in_full),
        Line::raw(format!("step by step: producer explain {}", cause.code)),
        Line::raw(format!("after mending it: producer retry --code {}{}", cause.code, field_option(cause))),
    ]);
    let title = format!("{}: {} certificates", name(cause), grouped(cause.certificates));
    frame.render_widget(Paragraph::new(text).wrap(Wrap { trim: true }).block(block(&title)), advice);
    let table = failure_table(model, failures.unwrap_or_default());
    let table = table.row_highlight_style(highlight()).block(block("the latest, one of each batch"));
    draw_selected(frame, table, selected, list);
    match failures {
        None => say(frame, "asking the database …", list),
        Some([]) => say(frame, "none of the latest failures is of this cause; the report has them all", list),
        Some(_) => {}
    }
}

/// What is recorded of one certificate.
pub(super) fn certificate(frame: &mut Frame, id: &str, text: Option<&str>, scroll: usize, area: Rect) {
    let text = text.unwrap_or("asking the database …");
    let scroll = u16::try_from(scroll).unwrap_or(u16::MAX);
    let paragraph = Paragraph::new(text).wrap(Wrap { trim: false }).scroll((scroll, 0));
    frame.render_widget(paragraph.block(block(&format!("certificate {id}"))), area);
}

fn block(title: &str) -> Block<'static> {
    Block::new().borders(Borders::TOP).title(format!(" {title} "))
}

fn highlight() -> Style {
    Style::new().add_modifier(Modifier::REVERSED)
}

fn right(text: &str) -> Cell<'static> {
    Cell::from(Text::from(text.to_owned()).right_aligned())
}

/// A sentence where a table has no rows.
fn say(frame: &mut Frame, text: &str, area: Rect) {
    let inner = block("").inner(area);
    frame.render_widget(Paragraph::new(text), inner);
}

fn draw_selected(frame: &mut Frame, table: Table, selected: usize, area: Rect) {
    let mut state = TableState::new().with_selected(selected);
    frame.render_stateful_widget(table, area, &mut state);
}

/// A cause in a few words.
fn name(cause: &Cause) -> String {
    match &cause.field {
        Some(field) => format!("{}, {field}", cause.code),
        None => cause.code.clone(),
    }
}

fn field_option(cause: &Cause) -> String {
    cause.field.as_ref().map(|field| format!(" --field {field}")).unwrap_or_default()
}

fn cause_table(model: &Model) -> Table<'static> {
    let rows = model
        .dashboard
        .causes
        .iter()
        .map(|cause| Row::new([right(&grouped(cause.certificates)), Cell::from(name(cause))]));
    Table::new(rows, [Constraint::Length(9), Constraint::Fill(1)])
}

fn failure_table(model: &Model, failures: &[LastFailed]) -> Table<'static> {
    let time = |at: DateTime<Utc>| at.with_timezone(&model.timezone).format("%H:%M:%S").to_string();
    let ids = failures.iter().map(|failure| failure.certificate_id.to_string()).collect::<Vec<_>>();
    let width = ids.iter().map(String::len).max().unwrap_or_default();
    let rows = failures.iter().zip(ids).map(|(failure, id)| {
        Row::new([
            Cell::from(time(failure.at)),
            right(&id),
            Cell::from(failure.code.clone()).style(model.colour(Color::Red)),
            Cell::from(failure.message.clone()),
        ])
    });
    let codes = failures.iter().map(|failure| failure.code.len()).max().unwrap_or_default();
    let length = |length: usize| Constraint::Length(u16::try_from(length).unwrap_or(u16::MAX));
    Table::new(rows, [Constraint::Length(8), length(width), length(codes), Constraint::Fill(1)])
}

fn draw_workers(frame: &mut Frame, model: &Model, area: Rect) {
    let progress = &model.dashboard.progress;
    let is_paused = progress.paused;
    let names = usize::from(area.width.saturating_sub(31)).max(8);
    let rows = progress.leases.iter().map(|lease| {
        let row = Row::new([
            Cell::from(ending(&lease.worker, names)),
            Cell::from(doing(lease, is_paused)),
            right(&left_of(lease)),
        ]);
        row.style(if lease.is_overdue { model.colour(Color::Red) } else { Style::new() })
    });
    let title = match progress.workers {
        0 => "no worker is alive".to_owned(),
        1 => "1 worker is alive".to_owned(),
        n => format!("{n} workers are alive"),
    };
    let table = Table::new(rows, [Constraint::Fill(1), Constraint::Length(20), Constraint::Length(9)]);
    frame.render_widget(table.block(block(&title)), area);
}

fn doing(lease: &WorkerLease, is_paused: bool) -> String {
    match (lease.certificates, lease.claimed_seconds_ago) {
        (_, _) if lease.is_overdue => format!("{} in hand, SILENT", lease.certificates),
        (0, _) if is_paused => "paused".to_owned(),
        (0, _) => "waits for work".to_owned(),
        (certificates, Some(seconds)) => format!("{certificates} in hand, {seconds:.0}s"),
        (certificates, None) => format!("{certificates} in hand"),
    }
}

fn left_of(lease: &WorkerLease) -> String {
    match lease.runs_out_in_seconds {
        seconds if seconds >= 99.5 => format!("{:.0}min left", seconds / 60.0),
        seconds if seconds >= 0.0 => format!("lease {seconds:.0}s"),
        _ => "lost".to_owned(),
    }
}

/// The end of a name, by which workers of one machine differ.
fn ending(name: &str, width: usize) -> String {
    let length = name.chars().count();
    if length <= width {
        return name.to_owned();
    }
    ['…'].into_iter().chain(name.chars().skip(length + 1 - width)).collect()
}
