//! A view of the database that stands still, for what has to be read in many pieces and yet at one moment.

use deadpool_postgres::{ClientWrapper, Object};

use super::{Db, Error, Scope, Statements};

/// A transaction that reads, and sees nothing of what others commit meanwhile. Its connection goes with it: it is never
/// anybody else's.
pub struct Still(ClientWrapper);

impl std::fmt::Debug for Still {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Still")
    }
}

impl Db {
    /// Begins to look, in the server's own scope.
    ///
    /// # Errors
    /// There is no connection, or none that may read.
    pub async fn still(&self) -> Result<Still, Error> {
        let client = Object::take(self.pool.get().await?);
        let head = Scope::System.head(None);
        let settings = head.trim_start_matches("begin;");
        client.batch_execute(&format!("begin isolation level repeatable read read only; {settings}")).await?;
        Ok(Still(client))
    }
}

impl Still {
    /// Reads.
    ///
    /// # Errors
    /// See [`Error`]. Nothing more can be read then.
    pub async fn read<S: Statements>(&self, statements: S) -> Result<S::Output, Error> {
        statements.run(&self.0).await
    }
}
