use clap::{Command, Subcommand};
use clap_complete::Shell;
use clap_mangen::Man;

use crate::output;

/// The commands of every binary that print what its own command line is; they need no configuration and no database.
#[derive(Clone, Debug, Subcommand)]
pub enum Documentation {
    /// Print a script that completes the command line in a shell.
    Completions {
        /// The shell to print it for.
        shell: Shell,
    },
    /// Print a manual page, to be read with `man -l -`.
    Man {
        /// The command to print the page of; without it, the page of the program.
        command: Option<String>,
    },
}

impl Documentation {
    /// Prints what was asked for about the command line of a program.
    pub fn print(&self, mut program: Command) -> anyhow::Result<()> {
        let mut text = Vec::new();
        let source = format!("{} {}", program.get_name(), program.get_version().unwrap_or_default());
        match self {
            Self::Completions { shell } => {
                let name = program.get_name().to_owned();
                clap_complete::generate(*shell, &mut program, name, &mut text);
            }
            Self::Man { command } => {
                Man::new(page_of(program, command.as_deref())).source(source).manual("Certferry").render(&mut text)?;
            }
        }
        Ok(output::line(String::from_utf8_lossy(&text).trim_end())?)
    }
}

/// The program, or one of its commands by name; an unknown name is wrong usage.
fn page_of(program: Command, name: Option<&str>) -> Command {
    let mut program = program.disable_help_subcommand(true);
    program.build();
    let Some(name) = name else { return program };
    let names: Vec<&str> = program.get_subcommands().map(Command::get_name).collect();
    let list = names.join(", ");
    match program.find_subcommand(name) {
        Some(command) => command.clone(),
        None => program
            .error(clap::error::ErrorKind::InvalidValue, format!("there is no command {name:?}; there are {list}"))
            .exit(),
    }
}
