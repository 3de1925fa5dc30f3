//! What can go wrong in the database, in the words of the caller.

use tokio_postgres::error::SqlState;

/// Raised by `neopro_check_session` (see the first migration).
const SESSION_GONE: &str = "NP401";
/// Raised by `neopro_require`.
const REFUSED: &str = "NP412";
/// Raised by our functions when what they stand on is not there any more.
const GONE: &str = "NP410";

/// Raised by `neopro_must` (see migration 0017), with the rule's name in the place of a constraint's.
const RULE: &str = "NP409";

/// Why statements failed. What they wrote does not remain, but see [`super::Db::run`] for the exceptions.
#[derive(Debug)]
pub enum Error {
    /// No connection, no answer in time, or the database is going down. The text is for the log.
    Unavailable(String),
    /// The session of the request is over: logged out, expired, its user gone, suspended or in another role.
    SessionGone,
    /// What a statement requires does not hold.
    Refused,
    /// What one of the statements stands on is not there, or no more; it undid the flush.
    Gone,
    /// A value that must be unique exists already; the name of the constraint.
    Taken(String),
    /// A row that the new one refers to does not exist, or is still referred to; the name of the constraint.
    Reference(String),
    /// A rule of ours does not hold; its name.
    Rule(String),
    /// The database refused a value: text with a NUL, a number out of range, a broken rule of a table.
    Value(String),
    /// The database takes no writes (a full plan, a standby).
    ReadOnly,
    /// A row that has to be there is not.
    Missing,
    /// Anything else is a mistake of ours.
    Bug(tokio_postgres::Error),
}

impl Error {
    /// Whether this is the violation of this unique constraint.
    #[must_use]
    pub fn is_taken(&self, constraint: &str) -> bool {
        matches!(self, Self::Taken(name) if name == constraint)
    }

    /// Whether a statement undid the flush because what it stands on is not there.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        matches!(self, Self::Gone)
    }

    /// Whether this rule of ours does not hold.
    #[must_use]
    pub fn breaks(&self, rule: &str) -> bool {
        matches!(self, Self::Rule(name) if name == rule)
    }
}

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(db) = error.as_db_error() else {
            // Rows that cannot be read and parameters that cannot be written are ours; the rest is the wire.
            let text = chain(&error);
            return if text.contains("deserializing") || text.contains("serializing") || text.contains("number of") {
                Self::Bug(error)
            } else {
                Self::Unavailable(text)
            };
        };
        let constraint = || db.constraint().unwrap_or_default().to_owned();
        match db.code() {
            code if code.code() == SESSION_GONE => Self::SessionGone,
            code if code.code() == REFUSED => Self::Refused,
            code if code.code() == GONE => Self::Gone,
            code if code.code() == RULE => Self::Rule(constraint()),
            code if *code == SqlState::UNIQUE_VIOLATION => Self::Taken(constraint()),
            code if *code == SqlState::FOREIGN_KEY_VIOLATION => Self::Reference(constraint()),
            code if *code == SqlState::READ_ONLY_SQL_TRANSACTION => Self::ReadOnly,
            code if *code == SqlState::QUERY_CANCELED => Self::Unavailable(chain(&error)),
            // 22: data that a type refuses. 23: a rule of a table, beyond the two above.
            code if code.code().starts_with("22") || code.code().starts_with("23") => Self::Value(chain(&error)),
            // 08 connection, 28 login, 40 two transactions that stood in each other's way (nothing was written, another try
            // helps), 53 resources, 57 shutdown, XX000 what poolers answer.
            code if ["08", "28", "40", "53", "57"].iter().any(|class| code.code().starts_with(class)) => {
                Self::Unavailable(chain(&error))
            }
            code if *code == SqlState::INTERNAL_ERROR => Self::Unavailable(chain(&error)),
            _ => Self::Bug(error),
        }
    }
}

impl From<deadpool_postgres::PoolError> for Error {
    fn from(error: deadpool_postgres::PoolError) -> Self {
        match error {
            deadpool_postgres::PoolError::Backend(error) => Self::Unavailable(chain(&error)),
            other => Self::Unavailable(other.to_string()),
        }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unavailable(why) => write!(f, "the database is unavailable: {why}"),
            Self::SessionGone => f.write_str("the session is over"),
            Self::Refused => f.write_str("what a statement requires does not hold"),
            Self::Gone => f.write_str("what a statement stands on is gone"),
            Self::Taken(constraint) => write!(f, "a value exists already ({constraint})"),
            Self::Reference(constraint) => write!(f, "a referenced row is missing or in use ({constraint})"),
            Self::Rule(rule) => write!(f, "a rule does not hold ({rule})"),
            Self::Value(why) => write!(f, "the database refused a value: {why}"),
            Self::ReadOnly => f.write_str("the database takes no writes"),
            Self::Missing => f.write_str("a row that has to be there is not"),
            Self::Bug(error) => f.write_str(&chain(error)),
        }
    }
}

impl std::error::Error for Error {}

/// An error with its causes, on one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let words = inner.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = inner.source();
    }
    text
}
