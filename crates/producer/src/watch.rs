//! `producer status --watch` on a terminal: a full screen. Looking changes nothing; only a prompt that Enter confirms does.

mod draw;
mod model;
mod terminal;
mod views;

use std::time::Duration;

use certferry_bootstrap::{HintFrom, output};
use certferry_certificate::OldId;
use certferry_operations::{Dashboard, Error, Watched};
use certferry_store::Cause;
use ratatui::crossterm::event::Event;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::limiting::{self, Change};
use crate::lock_wait::{is_lock_timeout, naming_the_holder};
use crate::pausing;
use crate::show::Certificate;
use crate::status::{is_outage, no_such_run};
use model::{Model, Request, Update, Wish};
use terminal::Screen;

/// How often it looks.
const INTERVAL: Duration = Duration::from_secs(1);

/// Wishes and answers that wait.
const WAITING: usize = 8;

/// Whether the terminal, as `TERM` names it, moves its cursor.
pub(crate) fn is_possible() -> bool {
    std::env::var("TERM").is_ok_and(|name| !name.is_empty() && name != "dumb")
}

/// Shows the screen until a person leaves it. What goes wrong at the first look is an error; after that a database that is away
/// is shown, and waited for.
pub(crate) async fn run(watched: &Watched) -> anyhow::Result<()> {
    let first = async {
        certferry_store::ensure_ready(&watched.database).await.hint_from(certferry_store::Error::hint)?;
        look(watched).await
    };
    let dashboard = naming_the_holder(&watched.database, Box::pin(first)).await?;
    let has_colours = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let mut model = Model::new(dashboard, watched.timezone, has_colours);

    let (requests, asked) = mpsc::channel(WAITING);
    let (answers, mut answered) = mpsc::channel(WAITING);
    // Ends with this function.
    let mut asking = JoinSet::new();
    asking.spawn(serve(watched.clone(), asked, answers));
    let mut screen = Screen::take().map_err(output::OutputError::from)?;
    loop {
        screen.terminal.draw(|frame| draw::draw(frame, &model)).map_err(output::OutputError::from)?;
        tokio::select! {
            event = screen.event() => {
                let wish = match event.map_err(output::OutputError::from)? {
                    Event::Key(key) => model.press(key),
                    _ => None,
                };
                let is_busy = match wish {
                    Some(Wish::Quit) => return Ok(()),
                    Some(Wish::Ask(request)) => requests.try_send(request).is_err(),
                    None => false,
                };
                if is_busy {
                    model.notice = Some("the database is still busy with what was asked before".to_owned());
                }
            }
            Some(answer) = answered.recv() => model.take(answer?),
            Some(ended) = asking.join_next() => ended?,
        }
    }
}

/// Looks every second, and at once after a change; does what is asked in between.
async fn serve(watched: Watched, mut asked: Receiver<Request>, answers: Sender<anyhow::Result<Update>>) {
    let mut ticks = interval_at(Instant::now() + INTERVAL, INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let answer = tokio::select! {
            request = asked.recv() => {
                let Some(request) = request else { return };
                let answering = Box::pin(answer(&watched, request));
                ticks.reset_immediately();
                let answer = naming_the_holder(&watched.database, answering).await;
                // What cannot be done is said; the screen stays.
                Ok(answer.unwrap_or_else(|error| Update::Notice(format!("{error:#}"))))
            }
            _ = ticks.tick() => match naming_the_holder(&watched.database, Box::pin(look(&watched))).await {
                Ok(dashboard) => Ok(Update::Seen(Box::new(dashboard))),
                Err(error) if is_outage(&error) || is_lock_timeout(&error) => Ok(Update::Away(format!("{error:#}"))),
                Err(error) => Err(error),
            },
        };
        if answers.send(answer).await.is_err() {
            return;
        }
    }
}

async fn look(watched: &Watched) -> anyhow::Result<Dashboard> {
    let dashboard = certferry_operations::dashboard(watched).await.hint_from(Error::hint)?;
    dashboard.map_or_else(|| Err(no_such_run(watched)), Ok)
}

async fn answer(watched: &Watched, request: Request) -> anyhow::Result<Update> {
    let database = &watched.database;
    let notice = match request {
        Request::Pause(reason) => pausing::pause_run(database, reason.as_deref()).await?.to_string(),
        Request::Resume => pausing::resume_run(database).await?.to_string(),
        Request::Limit(rate) => {
            let change = rate.map_or(Change::Lift, Change::Set);
            limiting::limit(database, change).await?.to_string()
        }
        Request::FailuresOf(cause) => return failures(watched, cause).await,
        Request::Show(id) => return show(watched, id).await,
    };
    Ok(Update::Notice(notice))
}

async fn failures(watched: &Watched, cause: Cause) -> anyhow::Result<Update> {
    let failures = certferry_operations::failures_of(watched, &cause).await.hint_from(Error::hint)?;
    Ok(Update::Failures(cause, failures))
}

async fn show(watched: &Watched, id: OldId) -> anyhow::Result<Update> {
    let shown = certferry_operations::show(&watched.database, None, id).await.hint_from(Error::hint)?;
    let text = shown.map_or_else(
        || format!("the status table does not have certificate {id} any more"),
        |shown| Certificate::recorded(shown, watched.timezone),
    );
    Ok(Update::Certificate(id, text))
}
