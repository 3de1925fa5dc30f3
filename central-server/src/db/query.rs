//! Statements as values.
//!
//! A store function does not run its statement: it returns it, with its parameters and with the way to
//! read its rows. That is what lets [`Db::run`](super::Db::run) put a whole request (role, tenant, session
//! check, one to four statements, commit) on the wire at once. A store function that took a connection
//! and awaited could not know where the commit goes.

use std::borrow::Cow;

use tokio_postgres::{
    Client, Row,
    types::{FromSqlOwned, ToSql, Type},
};

use super::{Error, SqlType};

/// A statement and its parameters, before it is known what its rows are.
#[derive(Debug)]
pub struct Statement {
    sql: Cow<'static, str>,
    params: Vec<(Box<dyn ToSql + Sync + Send>, Type)>,
    is_heavy: bool,
}

/// Starts a statement: `query("select … where id = $1").bind(id).optional::<Site>()`.
///
/// Result columns are of built-in types only: a custom one (enum, citext, composite) makes the driver
/// prepare a named statement behind our back, which is wrong behind a transaction pooler. Cast to text.
pub fn query(sql: impl Into<Cow<'static, str>>) -> Statement {
    Statement { sql: sql.into(), params: Vec::new(), is_heavy: false }
}

impl Statement {
    /// Adds the next parameter: the first call binds `$1`.
    #[must_use]
    pub fn bind<P: ToSql + SqlType + Sync + Send + 'static>(mut self, value: P) -> Self {
        self.params.push((Box::new(value), P::TYPE));
        self
    }

    /// Whether its parameters are megabytes. The connection that has carried them is not used again: its buffers would
    /// stay as large as they are.
    #[must_use]
    pub fn heavy(mut self, is_heavy: bool) -> Self {
        self.is_heavy = is_heavy;
        self
    }

    /// Every row.
    pub fn all<R: FromRow>(self) -> Query<Vec<R>> {
        self.read(|rows| rows.iter().map(R::from_row).collect())
    }

    /// The first row, or `None`.
    pub fn optional<R: FromRow>(self) -> Query<Option<R>> {
        self.read(|rows| rows.first().map(R::from_row).transpose())
    }

    /// The only row. Its absence is a bug of ours, not of the caller.
    pub fn one<R: FromRow>(self) -> Query<R> {
        self.read(|rows| rows.first().map(R::from_row).unwrap_or(Err(Error::Missing)))
    }

    /// Runs for its effect.
    pub fn nothing(self) -> Query<()> {
        self.read(|_| Ok(()))
    }

    fn read<T>(self, read: impl FnOnce(Vec<Row>) -> Result<T, Error> + Send + 'static) -> Query<T> {
        Query { statement: self, read: Box::new(read) }
    }
}

/// A statement that yields a `T` once it is run.
#[must_use = "a query does nothing until it is run"]
pub struct Query<T> {
    statement: Statement,
    read: Box<dyn FnOnce(Vec<Row>) -> Result<T, Error> + Send>,
}

impl<T: 'static> Query<T> {
    /// The same statement, its result put into another shape.
    pub fn map<U>(self, change: impl FnOnce(T) -> U + Send + 'static) -> Query<U> {
        let Self { statement, read } = self;
        Query { statement, read: Box::new(move |rows| read(rows).map(change)) }
    }
}

impl<T> std::fmt::Debug for Query<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Query").field(&self.statement.sql).finish()
    }
}

/// Up to four statements that travel in one flush.
pub trait Statements: Send {
    /// What they yield together.
    type Output: Send;

    /// Queues every statement at the first poll and reads the answers in order.
    ///
    /// All must be polled before any is awaited: what follows on the connection (the commit) is queued
    /// right behind.
    fn run(self, client: &Client) -> impl Future<Output = Result<Self::Output, Error>> + Send;

    /// Whether one of them is [heavy](Statement::heavy).
    fn is_heavy(&self) -> bool;
}

/// Ends the transaction that it is sent in.
const UNSENT: &str = "do $$ begin raise 'a statement could not be sent'; end $$";

/// No statement: only the session is proven.
impl Statements for () {
    type Output = ();

    async fn run(self, _: &Client) -> Result<(), Error> {
        Ok(())
    }

    fn is_heavy(&self) -> bool {
        false
    }
}

impl<T: Send> Statements for Query<T> {
    type Output = T;

    async fn run(self, client: &Client) -> Result<T, Error> {
        let params: Vec<(&(dyn ToSql + Sync), Type)> =
            self.statement.params.iter().map(|(value, ty)| (&**value as &(dyn ToSql + Sync), ty.clone())).collect();
        let rows = match client.query_typed(&self.statement.sql, &params).await {
            Ok(rows) => rows,
            Err(error) => {
                if error.as_db_error().is_none() {
                    // A parameter that could not be written: the statement has not left. What fails instead is
                    // queued in its place, before the commit, so that the others are not written without it.
                    let _ = client.batch_execute(UNSENT).await;
                }
                return Err(error.into());
            }
        };
        (self.read)(rows)
    }

    fn is_heavy(&self) -> bool {
        self.statement.is_heavy
    }
}

/// A statement that some requests need and others do not.
impl<S: Statements> Statements for Option<S> {
    type Output = Option<S::Output>;

    async fn run(self, client: &Client) -> Result<Self::Output, Error> {
        match self {
            Some(statements) => statements.run(client).await.map(Some),
            None => Ok(None),
        }
    }

    fn is_heavy(&self) -> bool {
        self.as_ref().is_some_and(Statements::is_heavy)
    }
}

macro_rules! statements {
    ($($name:ident $index:tt),+) => {
        impl<$($name: Statements),+> Statements for ($($name,)+) {
            type Output = ($($name::Output,)+);

            async fn run(self, client: &Client) -> Result<Self::Output, Error> {
                let results = tokio::join!(biased; $(self.$index.run(client)),+);
                // In order: the first failure is the cause, those behind it are its consequence.
                Ok(($(results.$index?,)+))
            }

            fn is_heavy(&self) -> bool {
                $(self.$index.is_heavy())||+
            }
        }
    };
}

statements!(A 0);
statements!(A 0, B 1);
statements!(A 0, B 1, C 2);
statements!(A 0, B 1, C 2, D 3);

/// A row read into a value, by column name.
pub trait FromRow: Sized + Send + 'static {
    /// Reads the row.
    ///
    /// # Errors
    /// A missing column or another type: a mistake in our SQL.
    fn from_row(row: &Row) -> Result<Self, Error>;
}

/// The columns that a struct is read from.
pub trait Columns {
    /// Their names, in the order of the fields.
    const NAMES: &'static [&'static str];

    /// The columns of the table with this name, for a join.
    #[must_use]
    fn columns_of(table: &str) -> String {
        Self::NAMES.iter().map(|column| format!("{table}.{column}")).collect::<Vec<_>>().join(", ")
    }
}

/// A single column of a built-in type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scalar<T>(pub T);

impl<T: FromSqlOwned + Send + 'static> FromRow for Scalar<T> {
    fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self(row.try_get(0)?))
    }
}

/// The column of this name, which is most likely the one at `expected`: to look for each of a wide row by its name
/// costs as much as to read it.
pub(crate) fn read_column<T: FromSqlOwned>(row: &Row, expected: usize, name: &str) -> Result<T, Error> {
    let is_there = row.columns().get(expected).is_some_and(|column| column.name() == name);
    Ok(if is_there { row.try_get(expected)? } else { row.try_get(name)? })
}

/// Declares a struct that is read from a row: each field from the column of its name.
macro_rules! row {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident {
            $($(#[$field_meta:meta])* $field_vis:vis $field:ident: $ty:ty,)+
        }
    ) => {
        $(#[$meta])*
        $vis struct $name {
            $($(#[$field_meta])* $field_vis $field: $ty,)+
        }

        impl $crate::db::Columns for $name {
            const NAMES: &'static [&'static str] = &[$(stringify!($field)),+];
        }

        impl $crate::db::FromRow for $name {
            fn from_row(row: &tokio_postgres::Row) -> Result<Self, $crate::db::Error> {
                let mut expected = 0..;
                Ok(Self {
                    $($field: {
                        let expected = expected.next().unwrap_or_default();
                        $crate::db::read_column(row, expected, stringify!($field))?
                    },)+
                })
            }
        }
    };
}
pub(crate) use row;
