use std::fmt;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use certferry_bootstrap::{Config, Hint, HintFrom, Shutdown};
use certferry_operations::Participant;
use certferry_store::{Contradictions, Entry, Error, Mapping};
use serde::Serialize;

use crate::cli::ImportMappings;
use crate::{connections, mapping_file};

/// What `producer import-mappings` did.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Imported {
    files: Vec<ImportedFile>,
    /// Jobs of certificates that an imported file says are migrated.
    jobs_removed: u64,
}

#[derive(Debug, Serialize)]
struct ImportedFile {
    entity: &'static str,
    file: String,
    entries: usize,
    added: u64,
    already_known: u64,
    /// New ids that the destination does not have.
    not_in_destination: u64,
}

impl fmt::Display for Imported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, file) in self.files.iter().enumerate() {
            let end = if at == 0 { "" } else { "\n" };
            let ImportedFile { entity, entries, added, already_known, not_in_destination, .. } = file;
            write!(f, "{end}{entity} mappings: {entries} in the file, {added} added, {already_known} already known")?;
            if *not_in_destination > 0 {
                write!(f, ", {not_in_destination} lead to ids that the destination does not have")?;
            }
        }
        if self.jobs_removed > 0 {
            write!(f, "\n{} certificates were queued and are migrated now; their jobs are gone", self.jobs_removed)?;
        }
        Ok(())
    }
}

/// A mapping file that was read.
struct ReadFile {
    mapping: Mapping,
    path: PathBuf,
    entries: Vec<Entry>,
}

/// Records mapping files, all in one transaction: whatever is wrong with one of them, nothing is recorded.
pub(crate) async fn run(config: &Config, arguments: &ImportMappings, shutdown: &Shutdown) -> anyhow::Result<Imported> {
    let files = read(&selected(arguments)?)?;
    shutdown.interrupting(Box::pin(import(config, &files))).await.context("interrupted; nothing was imported")?
}

/// Which file is whose.
fn selected(arguments: &ImportMappings) -> anyhow::Result<Vec<(Mapping, PathBuf)>> {
    let ImportMappings { dir, users, customers, technicians, certificates } = arguments;
    if let Some(dir) = dir.as_deref().filter(|dir| !dir.is_dir()) {
        return Err(anyhow!("there is no folder {}", dir.display())).hint("name the folder with the files").usage();
    }
    let given = |mapping| match mapping {
        Mapping::Users => users,
        Mapping::Customers => customers,
        Mapping::Technicians => technicians,
        Mapping::Certificates => certificates,
    };
    let in_dir = |mapping| {
        let path = dir.as_deref()?.join(mapping_file::file_name(mapping));
        path.exists().then_some(path)
    };
    let files = Mapping::ALL.into_iter();
    let files: Vec<_> =
        files.filter_map(|mapping| Some((mapping, given(mapping).clone().or_else(|| in_dir(mapping))?))).collect();
    if files.is_empty() {
        let names = Mapping::ALL.map(mapping_file::file_name).join(", ");
        let dir = dir.as_deref().unwrap_or(Path::new(".")).display();
        return Err(anyhow!("there is no mapping file in {dir}")).hint(format!("they are named {names}")).usage();
    }
    Ok(files)
}

/// Reads all files before anything is done, and names the mistakes of all of them.
fn read(files: &[(Mapping, PathBuf)]) -> anyhow::Result<Vec<ReadFile>> {
    let (mut good, mut mistakes) = (Vec::new(), Vec::new());
    for (mapping, path) in files {
        let entries = File::open(path).map_err(mapping_file::Mistake::Unreadable);
        match entries.and_then(|file| mapping_file::read(BufReader::new(file))) {
            Ok(entries) => good.push(ReadFile { mapping: *mapping, path: path.clone(), entries }),
            Err(mapping_file::Mistake::Unreadable(reason)) => mistakes.push(format!("{}: {reason}", path.display())),
            Err(mistake) => mistakes.push(format!("{}: {mistake}", path.display())),
        }
    }
    if mistakes.is_empty() {
        return Ok(good);
    }
    Err(anyhow!("{}", mistakes.join("\n")))
        .hint("a mapping file is one JSON object, {\"<old id>\": <new id>}; nothing was imported")
        .usage()
}

async fn import(config: &Config, files: &[ReadFile]) -> anyhow::Result<Imported> {
    let database = connections::ready_database(config).await?;
    // New ids are those of the destination that is recorded.
    let participant = Participant { uses_rules: false, ..connections::participant(config, &database, None, "") };
    participant.agree_without_a_trace().await?;
    let mut transaction = database.begin().await?;
    let mut result = Imported::default();
    let (mut contradictions, mut migrated) = (Contradictions::default(), Vec::new());
    for ReadFile { mapping, path, entries } in files {
        let imported =
            certferry_store::import_mapping(&mut transaction, *mapping, entries).await.hint_from(Error::hint)?;
        contradictions.total += imported.contradictions.total;
        contradictions.named.extend(imported.contradictions.named);
        migrated.extend(imported.migrated);
        result.files.push(ImportedFile {
            entity: mapping.entity(),
            file: path.display().to_string(),
            entries: entries.len(),
            added: imported.added,
            already_known: imported.known,
            not_in_destination: imported.dangling,
        });
    }
    if contradictions.total > 0 {
        transaction.rollback().await?;
        return refused(&contradictions).hint(
            "correct the file, or the row of certferry.mapping or certferry.certificate_status; nothing was imported",
        );
    }
    result.jobs_removed =
        certferry_queue::remove(&mut transaction, &migrated).await.hint_from(certferry_queue::Error::hint)?;
    transaction.commit().await?;
    database.close().await;
    Ok(result)
}

fn refused(contradictions: &Contradictions) -> anyhow::Result<Imported> {
    let named: Vec<_> = contradictions.named.iter().map(ToString::to_string).collect();
    let others = contradictions.total.saturating_sub(named.len() as u64);
    let more = if others > 0 { format!("\nand {others} more") } else { String::new() };
    bail!("the files contradict what is recorded:\n{}{more}", named.join("\n"))
}
