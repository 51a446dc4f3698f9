//! Old and new workers run side by side, so a migration of ours only ever adds; what takes away is a migration of a later
//! version, once no worker needs it, in a file whose name ends in `_contract.sql`.

use std::collections::BTreeSet;
use std::path::Path;

/// Words of a statement that break workers of the version before, or may: they select, insert and rely on what was there.
const TAKES_AWAY: [&str; 9] =
    ["DROP", "RENAME", "TYPE", "SET NOT NULL", "TRUNCATE", "DELETE", "REVOKE", "LOCK", "SET SCHEMA"];

/// Why workers of the version before might not live through a migration, one line a statement.
fn dangers(sql: &str) -> Vec<String> {
    let without_comments: Vec<&str> = sql.lines().map(|line| line.split("--").next().unwrap_or_default()).collect();
    let text = without_comments.join(" ").to_uppercase().replace(['(', ')', ','], " , ");
    let statements: Vec<Vec<&str>> = text.split(';').map(|one| one.split_whitespace().collect()).collect();
    // Nobody relies on a table that this migration makes.
    let new: BTreeSet<&str> = statements.iter().filter_map(|words| created_table(words)).collect();
    let judged = statements.iter().filter(|words| !touched_table(words).is_some_and(|table| new.contains(table)));
    judged.filter_map(|words| Some(format!("{}: {}", danger(words)?, words.join(" ")))).collect()
}

/// Constraints of which a migration lets more through than before: whatever older workers write meets them.
const WIDENED: [&str; 1] = ["STATE_IS_KNOWN"];

/// The statement without the replacement of a constraint that is widened.
fn without_widening(words: &[&str]) -> String {
    WIDENED.iter().fold(format!(" {} ", words.join(" ")), |text, name| {
        let replaced = text.replacen(&format!(" DROP CONSTRAINT {name} "), " ", 1);
        if replaced == text { text } else { replaced.replacen(&format!(" ADD CONSTRAINT {name} CHECK "), " ", 1) }
    })
}

fn created_table<'a>(words: &[&'a str]) -> Option<&'a str> {
    (words.len() > 2 && words[..2] == ["CREATE", "TABLE"])
        .then(|| words[2..].iter().find(|word| !["IF", "NOT", "EXISTS"].contains(word)).copied())
        .flatten()
}

fn touched_table<'a>(words: &[&'a str]) -> Option<&'a str> {
    let follows = |word: &str| words.iter().position(|other| *other == word).and_then(|at| words.get(at + 1)).copied();
    match words.first().copied() {
        Some("CREATE") => created_table(words).or_else(|| follows("ON")),
        Some("ALTER") => words[1..].iter().find(|word| !["TABLE", "ONLY", "IF", "EXISTS"].contains(word)).copied(),
        _ => None,
    }
}

fn danger(words: &[&str]) -> Option<&'static str> {
    let spaced = without_widening(words);
    // The events of a trigger take nothing away.
    if words.starts_with(&["CREATE", "TRIGGER"]) {
        return None;
    }
    let has = |phrase: &str| spaced.contains(&format!(" {phrase} "));
    if let Some(phrase) = TAKES_AWAY.iter().find(|phrase| has(phrase)) {
        return Some(phrase);
    }
    if words.first() == Some(&"ALTER") {
        // Each clause of its own: a default in one does not help the other.
        for clause in spaced.split(" ADD ").skip(1) {
            if clause.contains(" NOT NULL ") && !clause.contains(" DEFAULT ") {
                return Some("NOT NULL without DEFAULT");
            }
            if ["CONSTRAINT ", "CHECK ", "UNIQUE ", "FOREIGN ", "PRIMARY "].iter().any(|kind| clause.starts_with(kind))
            {
                return Some("a constraint that rows of older workers might violate");
            }
        }
    }
    has("UNIQUE INDEX").then_some("a constraint that rows of older workers might violate")
}

#[test]
fn no_migration_takes_anything_from_running_workers() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/store/migrations");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name.ends_with("_contract.sql") {
            continue;
        }
        let found = dangers(&std::fs::read_to_string(&path).unwrap());
        assert!(found.is_empty(), "{name}, under running workers of the version before: {found:#?}");
        seen += 1;
    }
    assert!(seen > 0);
}

#[test]
fn what_adds_is_no_danger_and_what_takes_away_is() {
    for harmless in [
        "CREATE TABLE certferry.control (id int PRIMARY KEY, CONSTRAINT one CHECK (id = 1)); -- DROP nothing
         ALTER TABLE certferry.control ADD CONSTRAINT two CHECK (id < 2); CREATE UNIQUE INDEX i ON certferry.control (id)",
        "ALTER TABLE certferry.mapping ADD COLUMN seen timestamptz",
        "ALTER TABLE certferry.mapping ADD COLUMN seen timestamptz NOT NULL DEFAULT now(), ADD COLUMN by text",
        "CREATE INDEX i ON certferry.mapping (new_id); ALTER TABLE certferry.mapping SET (fillfactor = 50)",
        "ALTER TABLE certferry.certificate_status DROP CONSTRAINT state_is_known,
             ADD CONSTRAINT state_is_known CHECK (state IN ('queued', 'other'))",
        "CREATE TRIGGER t AFTER DELETE ON certferry.mapping FOR EACH STATEMENT EXECUTE FUNCTION certferry.f()",
        "COMMENT ON TABLE certferry.mapping IS 'old id to new id'; INSERT INTO certferry.mapping VALUES ('user', 1, 1, 'x')",
    ] {
        assert_eq!(dangers(harmless), Vec::<String>::new());
    }
    for harmful in [
        "DROP TABLE certferry.late_result",
        "ALTER TABLE certferry.mapping DROP COLUMN origin",
        "ALTER TABLE certferry.certificate_status ADD CONSTRAINT state_is_known CHECK (state = 'queued')",
        "alter table certferry.mapping rename column old_id to legacy_id",
        "ALTER TABLE certferry.mapping ALTER COLUMN old_id TYPE text",
        "ALTER TABLE certferry.mapping ALTER COLUMN origin SET NOT NULL",
        "ALTER TABLE certferry.mapping ADD COLUMN by text NOT NULL",
        "ALTER TABLE certferry.mapping ADD COLUMN at timestamptz DEFAULT now(), ADD COLUMN by text NOT NULL",
        "ALTER TABLE certferry.mapping ADD CONSTRAINT known CHECK (origin <> 'x')",
        "CREATE UNIQUE INDEX i ON certferry.mapping (new_id)",
        "CREATE TABLE certferry.other (id int); DELETE FROM certferry.mapping",
    ] {
        assert_eq!(dangers(harmful).len(), 1, "{harmful}");
    }
}
