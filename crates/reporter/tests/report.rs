//! Reports of a real status table, read back.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first thing that is not as it must be")]

use std::error::Error;
use std::fs::{self, File};
use std::io::BufReader;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use calamine::{Data, DataType, Range, Reader, Xlsx};
use certferry_store::{Settings, migrate};
use certferry_testkit::postgres::{Database, Template};
use sqlx::{Connection, PgConnection};

type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

/// More certificates than a page has, in every state, with the values that are hard on a spreadsheet.
const ROWS: &str = include_str!("status_rows.sql");

async fn database(rows: &'static str) -> Database {
    let template = Template::filled("status_table", &rows, move |url| async move {
        let settings = Settings {
            url: url.clone(),
            destination_schema: "public".to_owned(),
            max_connections: 1,
            connect_timeout: std::time::Duration::from_secs(10),
            statement_timeout: std::time::Duration::from_mins(1),
            lock_timeout: std::time::Duration::from_mins(1),
            application_name: "certferry",
        };
        let store = certferry_store::Database::connect(&settings).await?;
        migrate(&store).await?;
        store.close().await;
        let mut connection = PgConnection::connect(&url).await?;
        sqlx::raw_sql(rows).execute(&mut connection).await?;
        connection.close().await?;
        Outcome::Ok(())
    });
    Database::fresh(template).await.unwrap()
}

fn reporter(database_url: &str, folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_reporter"))
        .args(arguments)
        .current_dir(folder)
        .env_remove("CERTFERRY_CONFIG")
        .env_remove("SOURCE_URL")
        .env("DATABASE_URL", database_url)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn done(output: &Output) -> String {
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

fn failed(output: &Output, code: i32) -> String {
    assert_eq!(output.status.code(), Some(code), "{}", text(&output.stdout));
    assert_eq!(text(&output.stdout), "");
    text(&output.stderr)
}

struct Book(Xlsx<BufReader<File>>);

impl Book {
    fn open(path: &Path) -> Self {
        Self(calamine::open_workbook(path).unwrap())
    }

    fn sheet(&mut self, name: &str) -> Range<Data> {
        self.0.worksheet_range(name).unwrap()
    }
}

/// The row whose first cell is the id.
fn row_of(sheet: &Range<Data>, id: &Data) -> Vec<Data> {
    sheet.rows().find(|cells| cells[0] == *id).unwrap_or_else(|| panic!("no row {id}")).to_vec()
}

/// The cell beside a label of the summary.
fn beside(sheet: &Range<Data>, label: &str) -> Data {
    sheet.rows().find(|cells| cells[0] == *label).unwrap_or_else(|| panic!("no label {label}"))[1].clone()
}

#[tokio::test]
async fn the_workbook_has_every_certificate_and_adds_up() {
    let database = database(ROWS).await;
    let folder = tempfile::tempdir().unwrap();
    let output = done(&reporter(&database.url(), folder.path(), &[]));
    insta::assert_snapshot!(output.trim_end(), @r#"
    report: certificate_migration_report.xlsx
    total: 5007
    migrated: 4503
    failed: 502
    queued: 1
    skipped: 1
    reverted: 0
    success rate: 90.0% (4503 migrated of 5005 finished)
    "#);

    let mut book = Book::open(&folder.path().join("certificate_migration_report.xlsx"));
    assert_eq!(
        book.0.sheet_names(),
        ["Summary", "Migrated", "Unmigrated", "Warnings", "Created", "Causes", "Runs", "Throughput"]
    );
    let (migrated, unmigrated, summary) = (book.sheet("Migrated"), book.sheet("Unmigrated"), book.sheet("Summary"));
    assert_eq!((migrated.height(), unmigrated.height()), (1 + 4503, 1 + 504));

    assert_eq!(beside(&summary, "Total"), 5007.0);
    assert_eq!(beside(&summary, "Migrated"), 4503.0);
    assert_eq!(beside(&summary, "Failed"), 502.0);
    assert_eq!(beside(&summary, "Queued"), 1.0);
    assert_eq!(beside(&summary, "Skipped"), 1.0);
    let rate = beside(&summary, "Success rate").as_f64().unwrap();
    assert!((rate - 4503.0 / 5005.0).abs() < 1e-9, "{rate}");
    assert_eq!(beside(&summary, "Certificate id"), 6001.0);
    assert_eq!(beside(&summary, "Code"), "invalid_speed");
    let time = |data: &Data| data.as_datetime().unwrap().to_string();
    assert_eq!(time(&beside(&summary, "First started")), "2025-01-01 04:00:00");
    assert_eq!(time(&beside(&summary, "Last finished")), "2025-01-02 05:00:01");
    assert_eq!(beside(&summary, "From start to finish"), "1 d 1 h 0 min");
    let codes: Vec<_> = summary.rows().filter(|cells| cells[1] == *"mapping" || cells[1] == *"validation").collect();
    assert_eq!(codes.len(), 2);
    assert!(codes[0][0] == *"missing_device" && codes[0][2] == 501.0 && codes[0][3].to_string().contains("ECU number"));
    assert!(codes[1][0] == *"invalid_speed" && codes[1][2] == 1.0);
    let warning = summary.rows().find(|cells| cells[0] == *"vehicle_missing").unwrap();
    assert_eq!(warning[2], 2.0);
}

#[tokio::test]
async fn the_workbook_keeps_values_that_are_hard_on_a_spreadsheet() {
    let database = database(ROWS).await;
    let folder = tempfile::tempdir().unwrap();
    done(&reporter(&database.url(), folder.path(), &["--output", "hard.xlsx"]));
    let mut book = Book::open(&folder.path().join("hard.xlsx"));

    let migrated = book.sheet("Migrated");
    let headers: Vec<_> = migrated.rows().next().unwrap().iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(headers.join(" | "), @"Certificate id | Certificate number | ECU number | New certificate id | New vehicle id | Warnings | Run | Attempts | Worker | Finished (Asia/Dubai) | Finished (UTC) | UNFINISHED: 1 certificate was still queued when this report was made");
    let formula = row_of(&migrated, &Data::Float(5001.0));
    assert_eq!(formula[1], *"=HYPERLINK(\"http://example.invalid\")");
    assert_eq!(formula[2], *"007");
    assert!(book.0.worksheet_formula("Migrated").unwrap().is_empty(), "nothing is a formula");
    assert_eq!(formula[5], *"vehicle_missing");
    let finished = (formula[9].as_datetime().unwrap().to_string(), formula[10].as_datetime().unwrap().to_string());
    assert_eq!(finished, ("2025-01-01 04:30:00".to_owned(), "2025-01-01 00:30:00".to_owned()));
    let warning = row_of(&book.sheet("Warnings"), &Data::String("9007199254740993".to_owned()));
    assert_eq!(
        (warning[3].to_string(), warning[4].to_string()),
        ("vehicle_missing".to_owned(), "لا توجد مركبة".to_owned())
    );
    let large = row_of(&migrated, &Data::String("9007199254740993".to_owned()));
    assert_eq!(large[1], *"شهادة ٧");
    assert_eq!(large[3], *"9223372036854775807");

    let unmigrated = book.sheet("Unmigrated");
    let headers: Vec<_> = unmigrated.rows().next().unwrap().iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(headers.join(" | "), @"Certificate id | Certificate number | ECU number | State | Kind | Code | Field | Raw value | Message | What to do | Other issues | Attempts | Run | Worker | Enqueued (Asia/Dubai) | Last tried (Asia/Dubai) | Last tried (UTC) | UNFINISHED: 1 certificate was still queued when this report was made");
    let failed = row_of(&unmigrated, &Data::Float(6001.0));
    assert_eq!(failed[3..6], ["failed", "validation", "invalid_speed"].map(|text| Data::String(text.to_owned())));
    assert_eq!(failed[6], *"speed");
    assert_eq!(failed[8], *"`1,200` is not a speed");
    assert!(failed[9].to_string().contains("speed"), "{:?}", failed[9]);
    assert_eq!(failed[10], *"code_of_tomorrow: line one\nline two \u{1}");
    assert_eq!(failed[11], 5.0);
    assert_eq!(failed[15].as_datetime().unwrap().to_string(), "2025-01-02 05:00:01");
    assert_eq!(failed[16].as_datetime().unwrap().to_string(), "2025-01-02 01:00:01");
    let long = row_of(&unmigrated, &Data::Float(6002.0))[8].to_string();
    assert_eq!(long.encode_utf16().count(), 32_767);
    assert!(long.ends_with("[shortened: 40000 characters]"));
    let queued = row_of(&unmigrated, &Data::Float(6003.0));
    assert_eq!(queued[3], *"queued");
    assert!(queued[4..9].iter().chain(&queued[15..]).all(Data::is_empty), "{queued:?}");
    assert!(queued[9].to_string().starts_with("Wait for a worker"));
}

#[tokio::test]
async fn causes_count_each_issue_with_the_most_frequent_on_top() {
    let database = database(ROWS).await;
    let folder = tempfile::tempdir().unwrap();
    done(&reporter(&database.url(), folder.path(), &["--output", "causes.xlsx"]));
    let causes = Book::open(&folder.path().join("causes.xlsx")).sheet("Causes");
    let rows: Vec<String> =
        causes.rows().map(|cells| cells[..7].iter().map(ToString::to_string).collect::<Vec<_>>().join(" | ")).collect();
    insta::assert_snapshot!(rows.join("\n"), @r"
    Code | Field | Raw value | Certificates | Nothing else | Kind | First certificate
    missing_device | ecu_number |  | 500 | 500 | mapping | 4501
    missing_device |  |  | 1 | 1 | mapping | 6002
    code_of_tomorrow |  |  | 1 | 0 | validation | 6001
    invalid_speed | speed |  | 1 | 0 | validation | 6001
    ");
}

#[tokio::test]
async fn a_filter_narrows_every_format() {
    let database = database(ROWS).await;
    let folder = tempfile::tempdir().unwrap();
    let narrowed = |arguments: &[&str]| {
        let json = done(&reporter(&database.url(), folder.path(), &[arguments, &["--json"]].concat()));
        let document: serde_json::Value = serde_json::from_str(&json).unwrap();
        (document["total"].as_i64().unwrap(), document["failed"].as_i64().unwrap(), document["unaccounted"].is_null())
    };
    let codes = ["--code", "missing_device", "--field", "ecu_number", "--output"];
    for file in ["codes.xlsx", "codes.csv", "codes.jsonl", "codes.html"] {
        assert_eq!(narrowed(&[&codes[..], &[file]].concat()), (500, 500, true), "{file}");
    }
    let mut book = Book::open(&folder.path().join("codes.xlsx"));
    assert_eq!(book.0.sheet_names(), ["Summary", "Migrated", "Unmigrated", "Warnings", "Causes", "Runs"]);
    assert_eq!((book.sheet("Migrated").height(), book.sheet("Unmigrated").height()), (1, 501));
    let said = book.sheet("Summary").rows().nth(1).unwrap()[0].to_string();
    assert_eq!(said, "Only certificates of: --code missing_device --field ecu_number");
    assert_eq!(csv::Reader::from_path(folder.path().join("codes.csv")).unwrap().records().count(), 500);
    // In dates.timezone, four hours ahead: from 20:00 of the day before in UTC.
    assert_eq!(narrowed(&["--since", "2025-01-02"]), (2, 1, true));
    assert_eq!(narrowed(&["--since", "2025-01-02T01:00:02Z"]), (1, 0, true));
    assert_eq!(narrowed(&["--id", "6001", "--id", "5001", "--state", "failed"]), (1, 1, true));
    assert_eq!(reporter(&database.url(), folder.path(), &["--since", "yesterday"]).status.code(), Some(2));
}

#[tokio::test]
async fn a_migration_that_is_not_finished_is_marked_on_every_sheet() {
    let database = database(ROWS).await;
    let folder = tempfile::tempdir().unwrap();
    done(&reporter(&database.url(), folder.path(), &["--output", "marked.xlsx"]));
    let mark = "UNFINISHED: 1 certificate was still queued when this report was made";
    let mut book = Book::open(&folder.path().join("marked.xlsx"));
    for name in book.0.sheet_names() {
        let sheet = book.sheet(&name);
        assert!(sheet.rows().take(3).flatten().any(|cell| *cell == *mark), "{name}");
    }
    let mut connection = PgConnection::connect(&database.url()).await.unwrap();
    let finishing =
        "UPDATE certferry.certificate_status SET state = 'skipped', finished_at = now() WHERE state = 'queued'";
    sqlx::raw_sql(finishing).execute(&mut connection).await.unwrap();
    done(&reporter(&database.url(), folder.path(), &["--output", "marked.xlsx"]));
    let mut book = Book::open(&folder.path().join("marked.xlsx"));
    for name in book.0.sheet_names() {
        let sheet = book.sheet(&name);
        assert!(!sheet.rows().flatten().any(|cell| cell.to_string().contains("UNFINISHED")), "{name}");
    }
}

#[tokio::test]
async fn counts_that_are_not_those_of_the_rows_need_a_person() {
    let database = database(ROWS).await;
    let folder = tempfile::tempdir().unwrap();
    let mut connection = PgConnection::connect(&database.url()).await.unwrap();
    let untold = "INSERT INTO certferry.tally (state, certificates, in_run) VALUES ('migrated', 1, 1)";
    sqlx::raw_sql(untold).execute(&mut connection).await.unwrap();
    let output = reporter(&database.url(), folder.path(), &["--output", "report.xlsx"]);
    assert_eq!(output.status.code(), Some(3));
    let said = text(&output.stderr);
    let expected = "attention: the counts that were kept are not those of the rows (migrated: 4504 and 4503)\n";
    assert!(said.contains(expected), "{said}");
    let summary = Book::open(&folder.path().join("report.xlsx")).sheet("Summary");
    assert!(beside(&summary, "Check").to_string().starts_with("DOES NOT ADD UP: "));
    assert_eq!(beside(&summary, "Migrated"), 4503.0);
}

#[tokio::test]
async fn a_page_needs_nothing_but_itself() {
    let database = database(ROWS).await;
    let folder = tempfile::tempdir().unwrap();
    done(&reporter(&database.url(), folder.path(), &["--output", "report.html"]));
    let page = fs::read_to_string(folder.path().join("report.html")).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"));
    for part in ["5,007", "UNFINISHED", "missing_device", "<svg ", "prefers-color-scheme: dark", "size: A4", "adds up"]
    {
        assert!(page.contains(part), "{part}");
    }
    for part in ["<script", "http://", "https://", "url(", "<link", "<img"] {
        assert!(!page.contains(part), "{part}");
    }
}

#[tokio::test]
async fn csv_and_json_lines_have_every_certificate_once() {
    let database = database(ROWS).await;
    let folder = tempfile::tempdir().unwrap();
    let json = done(&reporter(&database.url(), folder.path(), &["--format", "csv", "--json"]));
    let document: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(document["output"], "certificate_migration_report.csv");
    assert_eq!((&document["total"], &document["by_code"]["missing_device"]), (&5007.into(), &501.into()));
    done(&reporter(&database.url(), folder.path(), &["--output", "report.jsonl"]));

    let mut table = csv::Reader::from_path(folder.path().join("certificate_migration_report.csv")).unwrap();
    let records: Vec<_> = table.records().map(Result::unwrap).collect();
    let lines = fs::read_to_string(folder.path().join("report.jsonl")).unwrap();
    let lines: Vec<serde_json::Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((records.len(), lines.len()), (5007, 5007));
    let ids: Vec<_> = lines.iter().map(|line| line["certificate_id"].as_i64().unwrap()).collect();
    assert!(ids.is_sorted_by(|left, right| left < right));
    assert!(records.iter().zip(&ids).all(|(record, id)| record[0] == id.to_string()));

    let formula = records.iter().find(|record| &record[0] == "5001").unwrap();
    assert_eq!(&formula[2], "'=HYPERLINK(\"http://example.invalid\")");
    let failed = lines.iter().find(|line| line["certificate_id"] == 6001).unwrap();
    assert_eq!(failed["issues"][0]["field"], "speed");
    assert_eq!(failed["finished_at"], "2025-01-02T01:00:01.750Z");
}

#[tokio::test]
async fn an_empty_status_table_makes_a_report_too() {
    let database = database("").await;
    let folder = tempfile::tempdir().unwrap();
    let output = done(&reporter(&database.url(), folder.path(), &[]));
    assert!(
        output.contains("total: 0\n") && output.contains("success rate: 0.0% (0 migrated of 0 finished)"),
        "{output}"
    );
    let mut book = Book::open(&folder.path().join("certificate_migration_report.xlsx"));
    let summary = book.sheet("Summary");
    assert_eq!(
        (beside(&summary, "Total"), beside(&summary, "Success rate")),
        (Data::Float(0.0), Data::String("-".to_owned()))
    );
    assert_eq!(book.sheet("Unmigrated").height(), 1);
}

#[tokio::test]
async fn what_is_in_the_way_is_said_and_nothing_is_left_half_done() {
    let bare = Database::fresh(Template::empty()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.xlsx");
    fs::write(&report, "before").unwrap();
    let output = reporter(&bare.url(), folder.path(), &["--output", "report.xlsx"]);
    let message = failed(&output, 1);
    assert!(message.starts_with("error: could not count the status table\n"), "{message}");
    assert!(message.ends_with("\nhint: run `producer setup` first\n"), "{message}");
    let output = reporter(&bare.url(), folder.path(), &["--output", "nowhere/report.xlsx"]);
    insta::assert_snapshot!(failed(&output, 1), @r#"
    error: could not write the report to nowhere/report.xlsx
      caused by: there is no folder nowhere
    hint: name another file with --output
    "#);
    let output = reporter("postgres://app:s3cret@localhost:1/none", folder.path(), &[]);
    let message = failed(&output, 1);
    assert!(message.starts_with("error: could not connect to the database at localhost:1\n"), "{message}");
    assert!(!message.contains("s3cret"), "{message}");
    let output = reporter("", folder.path(), &[]);
    insta::assert_snapshot!(failed(&output, 2), @r#"
    error: database.url is not set
    hint: set database.url in the configuration file, or the environment variable DATABASE_URL
    "#);
    assert_eq!(reporter("", folder.path(), &["--format", "pdf"]).status.code(), Some(2));

    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!((left, fs::read_to_string(&report).unwrap().as_str()), (vec!["report.xlsx".into()], "before"));
}

#[tokio::test]
async fn no_room_on_the_disk_is_an_error_and_leaves_nothing() {
    let database = database(ROWS).await;
    let folder = tempfile::tempdir().unwrap();
    for format in ["xlsx", "csv", "jsonl"] {
        // No file may grow beyond 16 KiB, neither the report nor the rows set aside for it.
        let script = "trap '' XFSZ; ulimit -f 32; exec \"$0\" \"$@\"";
        let output = Command::new("sh")
            .args(["-c", script, env!("CARGO_BIN_EXE_reporter"), "--format", format])
            .current_dir(folder.path())
            .env_remove("CERTFERRY_CONFIG")
            .env("DATABASE_URL", database.url())
            .output()
            .unwrap();
        let message = failed(&output, 1);
        let expected = format!("error: could not write the report to certificate_migration_report.{format}\n");
        assert!(message.contains(&expected) && message.contains("File too large"), "{message}");
        assert!(!message.contains("internal error") && !message.contains("panicked"), "{message}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}

#[test]
fn the_effective_configuration_is_shown_without_a_database() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("certferry.toml"), "[report]\noutput = 'mine.xlsx'").unwrap();
    let shown = done(&reporter("postgres://app:s3cret@localhost/new", folder.path(), &["--check-config"]));
    assert!(shown.contains("url = \"postgres://app:***@localhost/new\"") && shown.contains("output = \"mine.xlsx\""));
    assert!(!shown.contains("s3cret"), "{shown}");
}

#[tokio::test]
async fn a_dash_is_standard_output_in_every_format() {
    let database = database(ROWS).await;
    let folder = tempfile::tempdir().unwrap();
    for format in ["xlsx", "csv", "jsonl", "html"] {
        let output = reporter(&database.url(), folder.path(), &["--output", "-", "--format", format]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let said = text(&output.stderr);
        assert!(said.contains("report: -\ntotal: 5007\n"), "{said}");
        match format {
            "xlsx" => {
                let mut book = Xlsx::new(std::io::Cursor::new(output.stdout)).unwrap();
                assert_eq!(book.worksheet_range("Migrated").unwrap().height(), 1 + 4503);
            }
            "csv" => assert_eq!(csv::Reader::from_reader(&*output.stdout).records().count(), 5007),
            "html" => assert!(text(&output.stdout).ends_with("</html>\n")),
            _ => assert_eq!(text(&output.stdout).lines().count(), 5007),
        }
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "no file is named -");

    let command = |stdout: std::process::Stdio| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_reporter"));
        command
            .args(["--output", "-", "--format", "csv"])
            .current_dir(folder.path())
            .env("DATABASE_URL", database.url());
        command.stdout(stdout).stderr(std::process::Stdio::piped()).spawn().unwrap()
    };
    let mut unread = command(std::process::Stdio::piped());
    drop(unread.stdout.take());
    let ended = unread.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(0), "whoever read has seen enough");
    assert!(!text(&ended.stderr).contains("error: "), "{}", text(&ended.stderr));
    let full = command(File::options().write(true).open("/dev/full").unwrap().into()).wait_with_output().unwrap();
    assert_eq!(full.status.code(), Some(1));
    let message = text(&full.stderr);
    assert!(message.contains("error: could not write to standard output\n") && message.contains("No space left"));
}

#[tokio::test]
async fn a_table_leaves_numbers_alone_and_puts_all_text_in_quotes() {
    let database = database(ROWS).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.csv");
    done(&reporter(&database.url(), folder.path(), &["--output", "report.csv"]));
    let table = fs::read_to_string(&path).unwrap();
    assert!(table.starts_with("\"certificate_id\",\"state\",\"certificate_number\","), "{table:.100}");
    let line = table.lines().find(|line| line.starts_with("5001,")).unwrap();
    assert!(line.starts_with("5001,\"migrated\",\"'=HYPERLINK(\"\"http://example.invalid\"\")\",\"007\","), "{line}");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "it names people");
}

#[tokio::test]
async fn a_place_that_takes_no_file_is_named_before_anything_is_read() {
    let folder = tempfile::tempdir().unwrap();
    for (place, says) in [("/proc/report.csv", "a file could not be made in the folder /proc"), (".", "name of a file")]
    {
        // Nothing answers at this address: the place is looked at first.
        let message = failed(&reporter("postgres://localhost:1/none", folder.path(), &["--output", place]), 1);
        assert!(message.starts_with(&format!("error: could not write the report to {place}\n")), "{message}");
        assert!(message.contains(says) && message.ends_with("hint: name another file with --output\n"), "{message}");
    }
    fs::create_dir(folder.path().join("a")).unwrap();
    let message = failed(&reporter("postgres://localhost:1/none", folder.path(), &["--output", "a"]), 1);
    assert!(message.contains("it is a folder"), "{message}");
}
