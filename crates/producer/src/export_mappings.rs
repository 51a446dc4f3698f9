use std::fmt;
use std::fs;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use anyhow::Context;
use certferry_bootstrap::{Config, Hint, HintFrom, OutputFile, Shutdown};
use certferry_store::{Error, Mapping, Transaction};
use serde::Serialize;

use crate::cli::ExportMappings;
use crate::{connections, mapping_file};

/// Entries read at a time.
const PAGE: i64 = 10_000;

/// What `producer export-mappings` wrote.
#[derive(Debug, Serialize)]
pub(crate) struct Exported {
    files: Vec<ExportedFile>,
}

#[derive(Debug, Serialize)]
struct ExportedFile {
    entity: &'static str,
    file: PathBuf,
    entries: u64,
}

impl fmt::Display for Exported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, ExportedFile { entity, file, entries }) in self.files.iter().enumerate() {
            let end = if at == 0 { "" } else { "\n" };
            write!(f, "{end}{}: {entries} {entity} mappings", file.display())?;
        }
        Ok(())
    }
}

/// Writes the four mapping files as they are at one moment; what was there before stays until all are complete.
pub(crate) async fn run(config: &Config, arguments: &ExportMappings, shutdown: &Shutdown) -> anyhow::Result<Exported> {
    let work = export(config, &arguments.dir);
    shutdown.interrupting(work).await.context("interrupted; no file was changed")?
}

async fn export(config: &Config, dir: &Path) -> anyhow::Result<Exported> {
    let refused = || format!("could not write mapping files to {}", dir.display());
    // First of all, so that a folder that cannot be written does not show after minutes of reading.
    fs::create_dir_all(dir).with_context(refused).hint("name another folder")?;
    let temporary = |mapping| -> anyhow::Result<(Mapping, OutputFile)> {
        let path = dir.join(mapping_file::file_name(mapping));
        Ok((mapping, OutputFile::create(&path, "the mappings").hint("name another folder")?))
    };
    let files = Mapping::ALL.into_iter().map(temporary).collect::<anyhow::Result<Vec<_>>>()?;

    let database = connections::ready_database(config).await?;
    let mut snapshot = database.begin_snapshot().await?;
    let mut complete = Vec::new();
    for (mapping, mut file) in files {
        let entries = write(&mut snapshot, mapping, &mut file).await.with_context(refused)?;
        complete.push((mapping, file, entries));
    }
    snapshot.rollback().await?;
    database.close().await;

    let place = |(mapping, file, entries): (Mapping, OutputFile, u64)| {
        file.finish()?;
        Ok(ExportedFile { entity: mapping.entity(), file: dir.join(mapping_file::file_name(mapping)), entries })
    };
    let files = complete.into_iter().map(place).collect::<anyhow::Result<_>>()?;
    Ok(Exported { files })
}

async fn write(snapshot: &mut Transaction, mapping: Mapping, file: &mut OutputFile) -> anyhow::Result<u64> {
    let mut writer = mapping_file::Writer::new(BufWriter::new(file.file()))?;
    let mut after = None;
    loop {
        let page = certferry_store::mapping_page(snapshot, mapping, after, PAGE).await.hint_from(Error::hint)?;
        writer.write(&page)?;
        match page.last() {
            Some((last, _)) => after = Some(*last),
            None => break,
        }
    }
    let entries = writer.finish()?;
    Ok(entries)
}
