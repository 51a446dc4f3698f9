//! The results as a page.

use std::fmt::Write;

use anyhow::Result;

use crate::commands::Timed;
use crate::goals::{busy, goals};
use crate::options::Options;
use crate::profile::Profile;
use crate::results::{Results, Row, Run, median, percentile};

/// A statement is shortened to this many characters.
const STATEMENT: usize = 110;

/// The whole page.
pub(crate) fn markdown(results: &Results, options: &Options) -> Result<String> {
    let mut page = String::new();
    writeln!(page, "# Results of `make bench`\n")?;
    if !options.is_whole() {
        writeln!(
            page,
            "This run tried the benchmark itself (some phases, another size, or a debug build): no figures.\n"
        )?;
    }
    for (name, value) in &results.machine {
        writeln!(page, "- {name}: {value}")?;
    }
    writeln!(page, "- the whole run took {:.0} minutes\n", results.minutes)?;
    for failure in &results.failures {
        writeln!(page, "**Not measured:** {failure}\n")?;
    }
    table(&mut page, results)?;
    goal_table(&mut page, results, options)?;
    costs(&mut page, results)?;
    single(&mut page, results)?;
    commands(&mut page, results)?;
    profiles(&mut page, results, options)?;
    page.push_str(include_str!("how.md"));
    Ok(page)
}

fn table(page: &mut String, results: &Results) -> Result<()> {
    let rows: Vec<&Row> = results.rows.iter().filter(|row| !row.key.starts_with("costs/")).collect();
    if rows.is_empty() {
        return Ok(());
    }
    writeln!(page, "## Throughput\n")?;
    writeln!(
        page,
        "| measurement | certificates | runs | certificates/s, median (least–most) | of which, s | processors busy: server + programs | peak memory, MiB | remark |"
    )?;
    writeln!(page, "| --- | ---: | ---: | ---: | --- | --- | --- | --- |")?;
    for row in rows {
        let Some(run) = row.middle() else { continue };
        let (certificates, runs) = (thousands(run.certificates), row.runs.len());
        let (rate, parts, memory) = (per_second(row), parts(run), memory(row));
        let busy = busy(row).map_or_else(String::new, |(server, programs)| {
            format!("{:.0} % + {:.0} %", 100.0 * server, 100.0 * programs)
        });
        let (label, remark) = (&row.label, &row.remark);
        writeln!(page, "| {label} | {certificates} | {runs} | {rate} | {parts} | {busy} | {memory} | {remark} |")?;
    }
    for (added, measured) in &results.round_trips {
        writeln!(page, "\nWith {added} ms of latency a round trip takes {measured:.2} ms here.")?;
    }
    writeln!(page)?;
    Ok(())
}

fn commands(page: &mut String, results: &Results) -> Result<()> {
    if results.commands.is_empty() {
        return Ok(());
    }
    writeln!(page, "## Commands with 1,000,000 status rows\n")?;
    writeln!(page, "From the start of the program to its end; 300 ms at most are wanted.\n")?;
    writeln!(page, "| command | ms, median (least–most) |\n| --- | ---: |")?;
    for Timed { command, milliseconds } in &results.commands {
        let (Some(least), Some(most)) = (milliseconds.first(), milliseconds.last()) else { continue };
        let middle = median(milliseconds.clone());
        writeln!(page, "| `producer {command}` | {middle:.0} ({least:.0}–{most:.0}) |")?;
    }
    writeln!(page)?;
    Ok(())
}

fn goal_table(page: &mut String, results: &Results, options: &Options) -> Result<()> {
    let goals = goals(results, options);
    writeln!(page, "## Goals\n")?;
    writeln!(page, "| measure | wanted | measured (least–most) | reached |\n| --- | --- | --- | --- |")?;
    for goal in &goals {
        let (measured, reached) = match &goal.measured {
            Some(measured) => (measured.as_str(), if goal.is_reached { "yes" } else { "**no**" }),
            None => ("not measured", ""),
        };
        writeln!(page, "| {} | {} | {measured} | {reached} |", goal.measure, goal.wanted)?;
    }
    writeln!(page)?;
    for goal in goals.iter().filter(|goal| goal.measured.is_some() && !goal.is_reached) {
        writeln!(page, "- {}: bound by {}.", goal.measure, goal.bound)?;
    }
    writeln!(page)?;
    Ok(())
}

fn costs(page: &mut String, results: &Results) -> Result<()> {
    let rows: Vec<&Row> = results.rows.iter().filter(|row| row.key.starts_with("costs/")).collect();
    if rows.is_empty() {
        return Ok(());
    }
    writeln!(page, "## What a certificate costs\n")?;
    writeln!(page, "Each from one run. The producer is part of Certferry's.\n")?;
    writeln!(
        page,
        "| | WAL, bytes | commits | WAL written to disk, times | statements | round trips | server, µs of processor | programs, µs of processor |"
    )?;
    writeln!(page, "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")?;
    for row in rows {
        let Some(run) = row.middle() else { continue };
        let each =
            |number: Option<u64>| number.map_or("–".to_owned(), |number| figure(ratio(number, run.certificates)));
        let exchanges = results.exchanges.iter().find(|exchanges| exchanges.label == row.label);
        let exchanges = exchanges.map(|one| figure(ratio(one.times, one.certificates)));
        let micros = |seconds: f64| figure(seconds * 1e6 / ratio(run.certificates, 1));
        writeln!(
            page,
            "| {} | {} | {} | {} | {} | {} | {} | {} |",
            row.label,
            each(Some(run.spent.wal_bytes)),
            each(Some(run.spent.transactions)),
            each(run.spent.syncs),
            each(run.spent.statements),
            exchanges.unwrap_or_else(|| "–".to_owned()),
            run.spent.processor.map_or("–".to_owned(), micros),
            micros(run.client_processor()),
        )?;
    }
    writeln!(page)?;
    Ok(())
}

fn single(page: &mut String, results: &Results) -> Result<()> {
    let Some(latencies) = &results.single else { return Ok(()) };
    writeln!(page, "## One certificate on an idle system\n")?;
    writeln!(page, "| from its enqueueing, ms | p50 | p90 | p99 | most |\n| --- | ---: | ---: | ---: | ---: |")?;
    for (label, figures) in
        [("until another session sees it migrated", &latencies.seen), ("until `finished_at`", &latencies.finished)]
    {
        let at = |hundredths| percentile(figures.clone(), hundredths);
        writeln!(page, "| {label} | {:.1} | {:.1} | {:.1} | {:.1} |", at(50), at(90), at(99), at(100))?;
    }
    writeln!(page, "\n{} certificates, one after the other.\n", latencies.seen.len())?;
    Ok(())
}

/// Of the runs whose costs are told, and of whatever did not reach its goal.
fn profiles(page: &mut String, results: &Results, options: &Options) -> Result<()> {
    let missed = goals(results, options).into_iter().filter(|goal| goal.measured.is_some() && !goal.is_reached);
    let missed: Vec<String> = missed.map(|goal| goal.key).collect();
    let is_told = |row: &&Row| row.key.starts_with("costs/") || missed.contains(&row.key);
    for row in results.rows.iter().filter(is_told) {
        if let Some(run) = row.middle() {
            profile(page, &row.label, &run.spent.profile)?;
        }
    }
    Ok(())
}

fn profile(page: &mut String, label: &str, profile: &Profile) -> Result<()> {
    writeln!(page, "## Where the server's time goes: {label}\n")?;
    writeln!(
        page,
        "| statement | calls | ms | ms a call | rows | WAL, KiB |\n| --- | ---: | ---: | ---: | ---: | ---: |"
    )?;
    for statement in &profile.statements {
        let calls = u64::try_from(statement.calls).unwrap_or(0);
        let a_call = statement.milliseconds / ratio(calls.max(1), 1);
        let (query, milliseconds) = (shortened(&statement.query), statement.milliseconds);
        let (calls, wal) = (thousands(calls), thousands(u64::try_from(statement.wal_bytes).unwrap_or(0) >> 10));
        let rows = thousands(u64::try_from(statement.rows).unwrap_or(0));
        writeln!(page, "| `{query}` | {calls} | {milliseconds:.0} | {} | {rows} | {wal} |", figure(a_call))?;
    }
    writeln!(page, "\n| what busy sessions were seen at | share |\n| --- | ---: |")?;
    for (what, share) in profile.shares().into_iter().take(12) {
        writeln!(page, "| {what} | {:.1} % |", 100.0 * share)?;
    }
    writeln!(page)?;
    Ok(())
}

/// On one line, without what a table takes for its own.
fn shortened(query: &str) -> String {
    let lines = query.lines().map(str::trim).filter(|line| !line.starts_with("--"));
    let words: Vec<&str> = lines.flat_map(str::split_whitespace).collect();
    let line = words.join(" ").replace('|', "¦").replace('`', "'");
    if line.chars().count() <= STATEMENT { line } else { line.chars().take(STATEMENT).chain(['…']).collect() }
}

/// The median rate of a row, with the least and the most where it ran more than once.
pub(crate) fn per_second(row: &Row) -> String {
    let (rates, median) = (row.rates(), whole(row.median_rate()));
    match (rates.first(), rates.last()) {
        (Some(least), Some(most)) if rates.len() > 1 => format!("{median} ({}–{})", whole(*least), whole(*most)),
        _ => median,
    }
}

fn parts(run: &Run) -> String {
    let parts: Vec<String> = run.parts.iter().map(|(name, seconds)| format!("{name} {seconds:.2}")).collect();
    parts.join(", ")
}

fn memory(row: &Row) -> String {
    let names = row.runs.first().map(Run::program_names).unwrap_or_default();
    let peaks = names.iter().filter_map(|name| Some((name, row.peak_memory(name)?)));
    let peaks: Vec<String> = peaks.map(|(name, bytes)| format!("{name} {}", bytes.div_ceil(1 << 20))).collect();
    peaks.join(", ")
}

#[expect(clippy::cast_precision_loss, reason = "for people to read")]
fn ratio(number: u64, of: u64) -> f64 {
    number as f64 / of as f64
}

/// Three digits, more or less.
fn figure(number: f64) -> String {
    match number {
        large if large >= 100.0 => whole(large),
        middle if middle >= 1.0 => format!("{middle:.1}"),
        small => format!("{small:.4}"),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate is positive and far below 2^64")]
fn whole(number: f64) -> String {
    thousands(number.round() as u64)
}

/// A number with commas.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_for_people() {
        assert_eq!([0, 999, 1000, 1_234_567].map(thousands), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([1234.4, 12.34, 0.02].map(figure), ["1,234", "12.3", "0.0200"]);
    }

    #[test]
    fn a_statement_fits_into_a_table() {
        assert_eq!(shortened("-- Why.\nSELECT a || b\n  FROM c"), "SELECT a ¦¦ b FROM c");
        assert_eq!(shortened(&"x".repeat(500)).chars().count(), STATEMENT + 1);
    }
}
