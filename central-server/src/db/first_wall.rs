//! Where the conditions of the query layer pass, so that a test can take the first wall away and see what the second
//! keeps apart by itself.
//!
//! The switch is no part of a release: it needs `debug_assertions`, which no release profile has, and it is a value of
//! the task that a test wraps around its requests, never of a process. `cargo xtask check` has the compiler show that
//! this file without `debug_assertions` needs nothing but the condition that it is given.

#[cfg(debug_assertions)]
tokio::task_local! {
    static TAKEN_AWAY: ();
}

/// The condition under which a scope reaches a row. Every store function for tenant data has one, and passes it
/// through here.
#[must_use]
pub fn first_wall(condition: &'static str) -> &'static str {
    #[cfg(debug_assertions)]
    if TAKEN_AWAY.try_with(|()| ()).is_ok() {
        return "true";
    }
    condition
}

/// For tests of the second wall: what this future asks the database is under no condition of the query layer.
#[cfg(debug_assertions)]
#[doc(hidden)]
pub async fn without_first_wall<F: Future>(future: F) -> F::Output {
    TAKEN_AWAY.scope((), future).await
}
