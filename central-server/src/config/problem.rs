//! What is wrong with the environment, said once, completely, and without a single value of it.

use std::fmt;

use super::variables::{Variable, in_words};

/// One variable that keeps the server from starting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The variable's name.
    pub variable: &'static str,
    /// A French sentence: what is wrong and what is expected. Holds no secret, no password and no URL.
    pub what: String,
    /// Where the production guide gives the value: a step number (`2.2`) or the title of a part.
    pub step: &'static str,
    /// The command that makes a good value, for those that are generated.
    pub command: Option<&'static str>,
}

impl Problem {
    /// A problem of a variable of [`VARIABLES`](super::VARIABLES), with the step and the command found there.
    pub(super) fn of(variable: &'static str, what: String) -> Self {
        let known = Variable::find(variable);
        Self {
            variable,
            what,
            step: known.map_or("6.4", |known| known.step),
            command: known.and_then(|known| known.command),
        }
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
            writeln!(f, "\n{}. {} : {}", index + 1, problem.variable, problem.what)?;
            write!(f, "   Guide de mise en production : {}.", in_words(problem.step))?;
            if let Some(command) = problem.command {
                write!(f, "\n   Commande : {command}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
