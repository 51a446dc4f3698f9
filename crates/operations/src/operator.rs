use std::fmt;

/// Who does something, and from where: recorded with it for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    /// The user's name, as far as the system says.
    pub user: String,
    /// The machine's name.
    pub host: String,
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.user, self.host)
    }
}

/// Who runs this process.
#[must_use]
pub fn operator() -> Operator {
    Operator {
        user: whoami::username().unwrap_or_else(|_| "somebody".to_owned()),
        host: whoami::hostname().unwrap_or_else(|_| "somewhere".to_owned()),
    }
}
