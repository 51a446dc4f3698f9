//! What `EXPLAIN` says about finding a row by its id.

/// The columns of a line that matter here; empty is NULL.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) select_type: String,
    pub(super) table: String,
    pub(super) possible_keys: String,
    pub(super) extra: String,
}

/// Whether the rows wanted are found by an index.
///
/// The table that is read first is the one that the condition on the id is about. Where that is the result of a query of
/// its own, the condition must have found its way into that query, and into each of its parts. On a small table the
/// server would rather read everything, whatever index there is, so what counts is that it could use one.
pub(super) fn finds_by_index(lines: &[Line]) -> bool {
    let Some(first) = lines.first() else { return true };
    if first.table.is_empty() {
        // It has looked already, and there was nothing.
        return first.extra.contains("const table");
    }
    if !first.table.starts_with('<') {
        return !first.possible_keys.is_empty();
    }
    let mut parts = lines
        .iter()
        .filter(|line| matches!(line.select_type.as_str(), "DERIVED" | "UNION") && !line.table.starts_with('<'))
        .peekable();
    parts.peek().is_some() && parts.all(|line| !line.possible_keys.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(lines: &[(&str, &str, &str)]) -> Vec<Line> {
        let line = |(select_type, table, possible_keys): &(&str, &str, &str)| Line {
            select_type: (*select_type).to_owned(),
            table: (*table).to_owned(),
            possible_keys: (*possible_keys).to_owned(),
            extra: String::new(),
        };
        lines.iter().map(line).collect()
    }

    #[test]
    fn the_first_table_needs_an_index() {
        assert!(finds_by_index(&lines(&[("SIMPLE", "licence", "PRIMARY"), ("SIMPLE", "holder", "")])));
        assert!(!finds_by_index(&lines(&[("SIMPLE", "holder", ""), ("SIMPLE", "licence", "PRIMARY")])));
    }

    #[test]
    fn so_does_every_part_of_a_query_that_is_not_merged() {
        let outer = ("PRIMARY", "<derived2>", "");
        assert!(finds_by_index(&lines(&[outer, ("DERIVED", "a", "PRIMARY"), ("UNION", "b", "PRIMARY")])));
        assert!(!finds_by_index(&lines(&[outer, ("DERIVED", "a", "PRIMARY"), ("UNION", "b", "")])));
        assert!(!finds_by_index(&lines(&[outer])));
    }
}
