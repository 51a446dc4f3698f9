//! What triggers, rules and views of the destination make of rows that are given to it.

/// The destination stored something else than it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Difference {
    /// It took the row and stored none.
    #[error("a trigger or rule of the destination dropped the row of {table}")]
    Dropped {
        /// The contract's table.
        table: &'static str,
    },
    /// It stored the row, and nobody knows under which id.
    #[error("the destination gave no id for the row of {table}; a trigger instead of its insert must fill it in")]
    NoId {
        /// The contract's table.
        table: &'static str,
    },
    /// It stored another value.
    #[error("a trigger, rule or view of the destination changed the value of {table}.{column}")]
    Changed {
        /// The contract's table.
        table: &'static str,
        /// The contract's column.
        column: &'static str,
    },
}

impl Difference {
    pub(crate) fn table(self) -> &'static str {
        match self {
            Self::Dropped { table } | Self::NoId { table } | Self::Changed { table, .. } => table,
        }
    }

    pub(crate) fn column(self) -> Option<&'static str> {
        match self {
            Self::Dropped { .. } | Self::NoId { .. } => None,
            Self::Changed { column, .. } => Some(column),
        }
    }

    /// The first column of a row whose value is another one than was given.
    pub(crate) fn between<const N: usize>(
        table: &'static str,
        columns: [&'static str; N],
        given: [Option<&str>; N],
        stored: [Option<&str>; N],
    ) -> Option<Self> {
        let mut values = columns.into_iter().zip(given.into_iter().zip(stored));
        let (column, _) = values.find(|(_, (given, stored))| given != stored)?;
        Some(Self::Changed { table, column })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_of_the_code_shows_the_message() {
        let example = certferry_certificate::Code::ConstraintViolation.page().example();
        let changed = Difference::Changed { table: "certificates", column: "remarks" };
        assert!(example.contains(&changed.to_string()), "{example}");
    }

    #[test]
    fn the_first_column_that_differs_is_named() {
        let between = |stored| Difference::between("t", ["a", "b", "c"], [Some("1"), None, Some("")], stored);
        assert_eq!(between([Some("1"), None, Some("")]), None);
        assert_eq!(between([Some("1"), Some(""), None]), Some(Difference::Changed { table: "t", column: "b" }));
        assert_eq!(between([Some("1"), None, None]), Some(Difference::Changed { table: "t", column: "c" }));
    }
}
