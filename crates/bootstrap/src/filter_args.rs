use std::path::PathBuf;

use anyhow::anyhow;
use certferry_certificate::{Code, Filter, Kind, OldId, State};
use clap::builder::{NonEmptyStringValueParser, PossibleValuesParser, TypedValueParser};

use crate::Hint;
use crate::ids_file::read_ids;

/// Which certificates a command is about: the flags are the same for all commands and programs.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Which certificates")]
pub struct FilterArgs {
    /// Only certificates in this state; may be repeated.
    #[arg(long, value_parser = states())]
    pub state: Vec<State>,
    /// Only certificates whose first issue is of this kind; may be repeated.
    #[arg(long, value_parser = kinds())]
    pub kind: Vec<Kind>,
    /// Only certificates whose first issue has this code; may be repeated.
    #[arg(long, value_parser = codes())]
    pub code: Vec<Code>,
    /// Only certificates whose first issue is about this field, such as speed or customer.name; may be repeated.
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    pub field: Vec<String>,
    /// Only certificates of this ECU number, whatever white space is around it; may be repeated.
    #[arg(long, value_name = "ECU", value_parser = NonEmptyStringValueParser::new())]
    pub ecu: Vec<String>,
    /// Only the certificate with this legacy id; may be repeated.
    #[arg(long, value_name = "ID", allow_negative_numbers = true)]
    pub id: Vec<i64>,
    /// Only certificates whose legacy ids are in this file: one a line; empty lines and # comments are skipped.
    #[arg(long, value_name = "FILE")]
    pub ids_file: Option<PathBuf>,
    /// Only certificates that this run queued last.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(1..))]
    pub run: Option<i64>,
}

impl FilterArgs {
    /// The filter that they are; reads the ids file.
    pub fn filter(&self) -> anyhow::Result<Filter> {
        let mut ids: Option<Vec<OldId>> = (!self.id.is_empty()).then(|| self.id.iter().copied().map(OldId).collect());
        if let Some(path) = &self.ids_file {
            ids.get_or_insert_default().extend(read_ids(path)?);
        }
        if let Some(ids) = &mut ids {
            ids.sort_unstable();
            ids.dedup();
        }
        let filter = Filter {
            states: self.state.clone(),
            kinds: self.kind.clone(),
            codes: self.code.clone(),
            fields: self.field.clone(),
            // Status rows hold ECU numbers trimmed.
            ecu_numbers: self.ecu.iter().map(|ecu| ecu.trim().to_owned()).collect(),
            ids,
            run: self.run,
        };
        if filter.contradicts_itself() {
            let code = filter.codes[0];
            let (kind, of) = (filter.kinds[0].as_str(), code.kind().as_str());
            return Err(anyhow!("no certificate can match: {} is of kind {of}, not {kind}", code.as_str())).usage();
        }
        Ok(filter)
    }
}

fn states() -> impl TypedValueParser<Value = State> {
    let names = PossibleValuesParser::new(State::ALL.iter().map(|state| state.as_str()));
    names.map(|name| State::parse(&name).expect("it is one of these names"))
}

fn kinds() -> impl TypedValueParser<Value = Kind> {
    let names = PossibleValuesParser::new(Kind::ALL.iter().map(|kind| kind.as_str()));
    names.map(|name| *Kind::ALL.iter().find(|kind| kind.as_str() == name).expect("it is one of these names"))
}

fn codes() -> impl TypedValueParser<Value = Code> {
    let names = PossibleValuesParser::new(Code::ALL.iter().map(|code| code.as_str()));
    names.map(|name| *Code::ALL.iter().find(|code| code.as_str() == name).expect("it is one of these names"))
}
