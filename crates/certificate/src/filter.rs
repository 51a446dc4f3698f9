use serde::{Deserialize, Serialize};

use crate::{Code, Kind, OldId, State};

/// Which certificates: several conditions narrow each other, and one with several values is met by any of them. One that is
/// empty or none does not restrict.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Filter {
    /// The state.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub states: Vec<State>,
    /// The kind of the first issue.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<Kind>,
    /// The code of the first issue.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub codes: Vec<Code>,
    /// The field of the first issue.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
    /// ECU numbers, exactly.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ecu_numbers: Vec<String>,
    /// Legacy ids; an empty list selects nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ids: Option<Vec<OldId>>,
    /// The run that queued it last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<i64>,
}

impl Filter {
    /// The same with these states in place of its own.
    #[must_use]
    pub fn in_states(&self, states: &[State]) -> Self {
        Self { states: states.to_vec(), ..self.clone() }
    }

    /// Whether no certificate can meet it, as none of the codes is of one of the kinds.
    #[must_use]
    pub fn contradicts_itself(&self) -> bool {
        !self.kinds.is_empty()
            && !self.codes.is_empty()
            && !self.codes.iter().any(|code| self.kinds.contains(&code.kind()))
    }
}
