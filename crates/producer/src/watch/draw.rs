//! The screen as a function of the model.

use certferry_operations::Progress;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Sparkline, Wrap};

use super::model::{Model, Prompt, View};
use super::views;
use crate::figures::{duration, grouped};
use crate::status::text::percent;

/// The most lines of a sentence that something is wrong, or was done.
const SENTENCE_LINES: u16 = 4;

/// Below this width the sparkline has no room beside the rate.
const RATE_WIDTH: u16 = 34;

/// Draws everything.
pub(super) fn draw(frame: &mut Frame, model: &Model) {
    let area = frame.area();
    let sentences = sentences(model);
    let equation = equation(model);
    let height = |line: &Line| lines_of(line, area.width);
    let constraints = [
        Constraint::Length(1),
        Constraint::Length(height(&equation)),
        Constraint::Length(1),
        Constraint::Length(2),
        Constraint::Length(sentences.iter().map(height).sum()),
        Constraint::Fill(1),
        Constraint::Length(1),
    ];
    let [title, sum, bar, rate, told, body, footer] = Layout::vertical(constraints).areas(area);
    draw_title(frame, model, title);
    frame.render_widget(Paragraph::new(equation).wrap(Wrap { trim: true }), sum);
    draw_bar(frame, model, bar);
    draw_rate(frame, model, rate);
    frame.render_widget(Paragraph::new(sentences).wrap(Wrap { trim: true }), told);
    match model.views.last() {
        None => views::overview(frame, model, body),
        Some(View::Causes { selected }) => views::causes(frame, model, *selected, body),
        Some(View::Cause { cause, failures, selected }) => {
            views::cause(frame, model, cause, failures.as_deref(), *selected, body);
        }
        Some(View::Certificate { id, text, scroll }) => {
            views::certificate(frame, &id.to_string(), text.as_deref(), *scroll, body);
        }
    }
    draw_footer(frame, model, footer);
}

impl Model {
    /// A colour of the terminal's sixteen, where colours are wanted.
    pub(super) fn colour(&self, colour: Color) -> Style {
        if self.has_colours { Style::new().fg(colour) } else { Style::new() }
    }
}

/// How many lines it takes to show a line in so many columns, or as many as are granted; words are kept together.
fn lines_of(line: &Line, width: u16) -> u16 {
    let width = usize::from(width.max(1));
    let text: String = line.iter().map(|span| span.content.as_ref()).collect();
    let (mut lines, mut column) = (1, 0);
    for word in text.split(' ').map(|word| Span::raw(word).width()) {
        match column {
            0 => column = word,
            _ if column + 1 + word <= width => column += 1 + word,
            _ => (lines, column) = (lines + 1, word),
        }
        lines += column.saturating_sub(1) / width;
        column -= (column.saturating_sub(1) / width) * width;
    }
    lines.min(usize::from(SENTENCE_LINES)).try_into().unwrap_or(SENTENCE_LINES)
}

fn draw_title(frame: &mut Frame, model: &Model, area: Rect) {
    let what = match &model.dashboard.progress.run {
        None => "certferry: all certificates".to_owned(),
        Some(run) => format!("certferry: run {}, {} by {}", run.run, run.kind.as_str(), run.by),
    };
    let at = model.dashboard.progress.summary.as_of.map(|at| {
        let at = at.with_timezone(&model.timezone);
        format!("{} {}", at.format("%Y-%m-%d %H:%M:%S"), model.timezone.name())
    });
    let style = Style::new().add_modifier(Modifier::REVERSED);
    frame.render_widget(Paragraph::new(format!(" {what}")).style(style), area);
    let at = at.map(|at| format!("  {at} ")).unwrap_or_default();
    let width = u16::try_from(at.chars().count()).unwrap_or(u16::MAX);
    if area.width > width {
        let right = Rect { x: area.x + area.width - width, width, ..area };
        frame.render_widget(Paragraph::new(at).style(style), right);
    }
}

/// The states of the certificates, with the character and the colour of each.
fn states(progress: &Progress) -> [(&'static str, i64, char, Color); 5] {
    let summary = &progress.summary;
    [
        ("migrated", summary.migrated, '█', Color::Green),
        ("failed", summary.failed, '▓', Color::Red),
        ("skipped", summary.skipped, '▒', Color::Yellow),
        ("reverted", summary.reverted, '▒', Color::Magenta),
        ("queued", summary.queued, '░', Color::Reset),
    ]
}

/// All certificates are those of each state: what must close at any time.
fn equation(model: &Model) -> Line<'static> {
    let progress = &model.dashboard.progress;
    let mut spans = Vec::new();
    match &progress.run {
        Some(run) => spans.push(Span::raw(format!("{} selected = ", grouped(run.selected)))),
        None => spans.push(Span::raw(format!("{} = ", grouped(progress.summary.total())))),
    }
    let always = ["migrated", "failed", "queued"];
    let shown = states(progress).into_iter().filter(|(name, count, ..)| *count != 0 || always.contains(name));
    for (at, (name, count, _, colour)) in shown.enumerate() {
        spans.push(Span::raw(if at == 0 { "" } else { " + " }));
        spans.push(Span::styled(format!("{} {name}", grouped(count)), model.colour(colour)));
    }
    if progress.run.as_ref().is_some_and(|run| !run.adds_up()) {
        spans.push(Span::styled(" (does not add up)", alarm(model)));
    }
    Line::from(spans)
}

fn alarm(model: &Model) -> Style {
    model.colour(Color::Red).add_modifier(Modifier::BOLD)
}

/// How much is behind us: a bar of all states.
fn draw_bar(frame: &mut Frame, model: &Model, area: Rect) {
    let progress = &model.dashboard.progress;
    let summary = &progress.summary;
    let total = summary.total();
    if total == 0 {
        frame.render_widget(Paragraph::new("no certificate was ever enqueued; do it with `producer enqueue`"), area);
        return;
    }
    let done = format!(" {:.1}% done", percent(total - summary.queued, total));
    let success = match summary.migrated + summary.failed {
        0 => String::new(),
        tried => format!(", {:.1}% of those migrated", percent(summary.migrated, tried)),
    };
    let text = format!("{done}{success}");
    let width = i64::from(area.width) - i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    let mut spans = Vec::new();
    let (mut before, mut drawn) = (0, 0);
    for (_, count, character, colour) in states(progress) {
        before += count;
        let until = width.max(0) * before / total;
        let cells = usize::try_from(until - drawn).unwrap_or_default();
        drawn = until;
        spans.push(Span::styled(character.to_string().repeat(cells), model.colour(colour)));
    }
    spans.push(Span::raw(text));
    frame.render_widget(Paragraph::new(Line::from(spans)), area);
}

fn draw_rate(frame: &mut Frame, model: &Model, area: Rect) {
    let [words, line] = Layout::horizontal([Constraint::Length(RATE_WIDTH), Constraint::Fill(1)]).areas(area);
    let progress = &model.dashboard.progress;
    let limit = match &progress.limit {
        Some(limit) => format!(", limited to {}/s", limit.per_second),
        None => String::new(),
    };
    let rate = format!("{:.0}/s{limit}", progress.rate_per_second);
    let left = match progress.eta_seconds {
        _ if progress.summary.queued == 0 => "nothing is queued".to_owned(),
        Some(seconds) => format!("about {} left", duration(seconds)),
        None => "time left is not known".to_owned(),
    };
    frame.render_widget(Paragraph::new(vec![Line::raw(rate), Line::raw(left)]), words);
    let finished = &model.dashboard.finished;
    let data = &finished[finished.len().saturating_sub(usize::from(line.width))..];
    frame.render_widget(Sparkline::default().data(data).style(model.colour(Color::Cyan)), line);
}

/// What somebody must know: that nothing can be seen, that nothing moves, and what became of a wish.
fn sentences(model: &Model) -> Vec<Line<'static>> {
    let progress = &model.dashboard.progress;
    let mut lines = Vec::new();
    let mut put = |style: Style, what: &str, text: &str| {
        lines.push(Line::from(vec![Span::styled(what.to_owned(), style), Span::raw(text.to_owned())]));
    };
    let bold = Style::new().add_modifier(Modifier::BOLD);
    if let Some(away) = &model.away {
        put(alarm(model), "NOTHING NEWER CAN BE SEEN: ", &format!("{away}; looking again"));
    }
    let warning = model.colour(Color::Yellow).add_modifier(Modifier::BOLD);
    match (&progress.pause, &progress.waiting_because) {
        (_, Some(reason)) => put(warning, if progress.paused { "PAUSED: " } else { "WAITING: " }, reason),
        (Some(pause), None) => put(warning, "PAUSED ", &format!("by {}", pause.by)),
        (None, None) => {}
    }
    if let Some(notice) = &model.notice {
        put(bold, "> ", notice);
    }
    lines
}

fn draw_footer(frame: &mut Frame, model: &Model, area: Rect) {
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let text = match &model.prompt {
        Some(Prompt::Pause(reason)) => {
            return ask(frame, area, "Pause all workers? Enter does, Esc does not; reason: ", reason, bold);
        }
        Some(Prompt::Limit(rate)) => {
            return ask(frame, area, "Certificates a second at most (nothing: no limit), then Enter: ", rate, bold);
        }
        Some(Prompt::Resume) => {
            frame.render_widget(Paragraph::new("Let the workers go on? Enter does, Esc does not").style(bold), area);
            return;
        }
        None => match model.views.last() {
            None => "p pause  l limit  c causes  Enter details  q quit",
            Some(View::Causes { .. }) => "↑↓ select  Enter certificates of it  Esc back  p pause  l limit  q quit",
            Some(View::Cause { .. }) => "↑↓ select  Enter the certificate  Esc back  p pause  l limit  q quit",
            Some(View::Certificate { .. }) => "↑↓ scroll  Esc back  p pause  l limit  q quit",
        },
    };
    let text = match (&model.prompt, model.dashboard.progress.paused) {
        (None, true) => text.replace("p pause", "p go on"),
        _ => text.to_owned(),
    };
    frame.render_widget(Paragraph::new(text).style(Style::new().add_modifier(Modifier::REVERSED)), area);
}

/// Draws what is asked, and the end of what was typed with the cursor behind it.
fn ask(frame: &mut Frame, area: Rect, question: &str, typed: &str, style: Style) {
    let room = usize::from(area.width).saturating_sub(question.chars().count() + 1);
    let skipped = typed.chars().count().saturating_sub(room);
    let visible: String = typed.chars().skip(skipped).collect();
    let line = Line::from(vec![Span::styled(question.to_owned(), style), Span::raw(visible)]);
    let column = u16::try_from(line.width()).unwrap_or(u16::MAX).min(area.width.saturating_sub(1));
    frame.render_widget(Paragraph::new(line), area);
    if area.height > 0 {
        frame.set_cursor_position((area.x + column, area.y));
    }
}

#[cfg(test)]
mod tests;
