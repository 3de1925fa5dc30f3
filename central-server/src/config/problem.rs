//! What is wrong with the environment, said once, completely, and without a single value of it.

use std::fmt;

use super::Variable;
use crate::words::{Said, step};

/// One variable that keeps the server from starting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The variable's name.
    pub variable: &'static str,
    /// What is wrong and what is expected. Holds no secret, no password and no URL.
    pub what: Said,
    /// Where the production guide gives the value: a step number (`2.2`) or the title of a part.
    pub step: &'static str,
    /// The command that makes a good value, for those that are generated.
    pub command: Option<&'static str>,
}

impl Problem {
    /// A problem of a variable of [`VARIABLES`](super::VARIABLES), with the step and the command found there.
    pub(super) fn of(variable: &'static str, what: Said) -> Self {
        let known = Variable::find(variable);
        Self {
            variable,
            what,
            step: known.map_or("6.4", |known| known.step),
            command: known.and_then(|known| known.command),
        }
    }
}

/// How much something about a variable matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gravity {
    /// The server does not start.
    Problem,
    /// It starts without what the variable asks for.
    Fault,
    /// It works, and is unwise.
    Warning,
    /// It works as well as any other value.
    Remark,
}

/// Something about a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// How much it matters.
    pub gravity: Gravity,
    /// What it is.
    pub problem: Problem,
}

/// Everything that reading an environment has to say of it, in the order in which the variables are read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notes(pub Vec<Note>);

impl Notes {
    /// Whether this variable has a value that cannot be used, or lacks the one that it must have.
    #[must_use]
    pub fn refuse(&self, variable: &str) -> bool {
        self.0.iter().any(|note| note.gravity == Gravity::Problem && note.problem.variable == variable)
    }

    /// Those about these variables.
    pub fn about<'a>(&'a self, variables: &'a [&str]) -> impl Iterator<Item = &'a Note> {
        self.0.iter().filter(|note| variables.contains(&note.problem.variable))
    }
}

/// All problems of one start, in the order in which the variables are read. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            1 => writeln!(f, "La configuration contient un problème ; rien ne démarre avant sa correction.")?,
            count => {
                writeln!(f, "La configuration contient {count} problèmes ; rien ne démarre avant leur correction.")?
            }
        }
        for (index, problem) in self.0.iter().enumerate() {
            writeln!(f, "\n{}. {} : {}", index + 1, problem.variable, problem.what.french())?;
            write!(f, "   Guide de mise en production : {}.", step(problem.step).french())?;
            if let Some(command) = problem.command {
                write!(f, "\n   Commande : {command}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
