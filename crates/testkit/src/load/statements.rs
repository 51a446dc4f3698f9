//! Rows as `INSERT` statements, for the engines that have no `COPY`.

/// How long a statement becomes, at most by a row: far below what any server takes.
const STATEMENT: usize = 1 << 19;

/// The statements that insert `rows` into a table, each with as many rows as it has room for.
pub(super) fn inserts<'a>(
    table: &'a str,
    columns: &'a str,
    rows: impl Iterator<Item = Vec<Option<String>>> + 'a,
) -> impl Iterator<Item = String> + 'a {
    let mut rows = rows.peekable();
    std::iter::from_fn(move || {
        rows.peek()?;
        let mut statement = format!("INSERT INTO {table} ({columns}) VALUES");
        let mut separator = '\n';
        while statement.len() < STATEMENT
            && let Some(row) = rows.next()
        {
            statement.push(separator);
            statement.push('(');
            for (at, value) in row.iter().enumerate() {
                if at > 0 {
                    statement.push(',');
                }
                match value {
                    Some(text) => statement.push_str(&quoted(text)),
                    None => statement.push_str("NULL"),
                }
            }
            statement.push(')');
            separator = ',';
        }
        Some(statement)
    })
}

/// Text in quotes; in MySQL this takes the SQL mode `NO_BACKSLASH_ESCAPES`.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The rows of a chunk in the text format of `COPY`.
pub(super) fn rows_of_text(chunk: &[u8]) -> Vec<Vec<Option<String>>> {
    let text = String::from_utf8_lossy(chunk);
    text.lines().map(|line| line.split('\t').map(value_of_text).collect()).collect()
}

fn value_of_text(field: &str) -> Option<String> {
    if field == r"\N" {
        return None;
    }
    let mut value = String::with_capacity(field.len());
    let mut characters = field.chars();
    while let Some(character) = characters.next() {
        value.push(match character {
            '\\' => match characters.next() {
                Some('t') => '\t',
                Some('n') => '\n',
                Some('r') => '\r',
                other => other.unwrap_or('\\'),
            },
            other => other,
        });
    }
    Some(value)
}

/// The rows of a CSV file, `\N` being NULL.
pub(super) fn rows_of_csv(text: &[u8]) -> Result<Vec<Vec<Option<String>>>, csv::Error> {
    let value = |field: &str| (field != r"\N").then(|| field.to_owned());
    csv::Reader::from_reader(text).records().map(|record| Ok(record?.iter().map(value).collect())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Line;
    use crate::load::rows::line;

    #[test]
    fn what_was_written_for_copy_is_read_back() {
        let text = "a\tb\\N\r\n'é";
        let line: String = line(|line: &mut Line<'_>| {
            line.number(-1).text(text).text(None).text("");
        });
        let row = vec![Some("-1".to_owned()), Some(text.to_owned()), None, Some(String::new())];
        assert_eq!(rows_of_text(line.as_bytes()), [row]);
    }

    #[test]
    fn a_csv_file_is_read_with_its_nulls() {
        let rows = rows_of_csv(b"a,b\n\"x \"\"y\"\"\n\",\\N\n,2\n").expect("rows");
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(rows, [[text("x \"y\"\n"), None], [text(""), text("2")]]);
    }

    #[test]
    fn statements_hold_all_rows_and_are_of_bounded_length() {
        let rows = (0..50_000).map(|number: i32| vec![Some(number.to_string()), Some("it's".to_owned()), None]);
        let statements: Vec<String> = inserts("t", "a, b, c", rows).collect();
        assert!(statements.len() > 1 && statements.iter().all(|statement| statement.len() < STATEMENT + 100));
        assert!(statements[0].starts_with("INSERT INTO t (a, b, c) VALUES\n('0','it''s',NULL),('1',"));
        assert_eq!(statements.iter().map(|statement| statement.matches("it''s").count()).sum::<usize>(), 50_000);
        assert_eq!(inserts("t", "a", std::iter::empty()).count(), 0);
    }
}
