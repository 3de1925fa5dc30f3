//! PostgreSQL: one round trip per request, correct behind a transaction pooler, tenants apart.
//!
//! [`Db::run`] is the whole of it. It sends `begin`, the role without rights of its own, the tenant, the
//! session check, the statements and `commit` in one flush, and reads the answers. Nothing that outlives a
//! transaction is ever set on a connection: behind a pooler the next transaction belongs to somebody else.

mod brake;
mod connect;
pub mod embedded;
mod error;
mod first_wall;
pub mod migrations;
mod obstacle;
mod query;
mod still;
mod types;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use deadpool_postgres::{Object, Pool};
use tokio_postgres::Client;
use uuid::Uuid;

use brake::Brake;
use connect::WAIT;

pub use brake::PAUSE as PAUSE_AFTER_REFUSED_LOGIN;
pub use connect::{Target, connect_once};
pub use error::Error;
pub use first_wall::first_wall;
#[cfg(debug_assertions)]
pub use first_wall::without_first_wall;
pub use obstacle::Obstacle;
pub use query::{Columns, FromRow, Query, Scalar, Statement, Statements, query};
pub(crate) use query::{read_column, row};
pub use still::Still;
pub(crate) use types::sql_newtype;
pub use types::{Json, SqlType};

use crate::clock::Time;
use crate::ids::{AgencyId, Credential, SponsorId, UserId};
use crate::prometheus::page::{Histograms, Kind, Page, float};

/// How long one statement may take in the database.
const STATEMENT_TIMEOUT_MS: u32 = 10_000;

/// How long a whole flush may take before its connection is given up.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(15);

/// Whose data a statement may touch.
///
/// Every store function for tenant data takes one, and every transaction carries one into the row-level
/// policies of the database: two walls, built apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The server itself: login, jobs, the command line.
    System,
    /// NeoPro's own people: every club.
    Staff(UserId),
    /// An agency: its clubs.
    Agency(UserId, AgencyId),
    /// A sponsor: the clubs that show it.
    Sponsor(UserId, SponsorId),
}

impl Scope {
    /// The value of the setting `neopro.scope` that the policies read.
    fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Staff(_) => "staff",
            Self::Agency(..) => "agency",
            Self::Sponsor(..) => "sponsor",
        }
    }

    /// The person who acts, if it is one.
    #[must_use]
    pub fn user(self) -> Option<UserId> {
        match self {
            Self::System => None,
            Self::Staff(user) | Self::Agency(user, _) | Self::Sponsor(user, _) => Some(user),
        }
    }

    /// The agency or sponsor whose data it is; none for those who see all.
    fn tenant(self) -> Option<Uuid> {
        match self {
            Self::System | Self::Staff(_) => None,
            Self::Agency(_, agency) => Some(agency.0),
            Self::Sponsor(_, sponsor) => Some(sponsor.0),
        }
    }

    /// The first statements of a transaction, with the proof of a claim: one message, which costs
    /// the database and us less than a statement with parameters of its own. Only UUIDs, fixed words and a time go into the text.
    fn head(self, claim: Option<&Claim>) -> String {
        let user = self.user().map(|id| id.to_string()).unwrap_or_default();
        let tenant = self.tenant().map(|id| id.to_string()).unwrap_or_default();
        let check = claim.map(|claim| format!(", {}", claim.check())).unwrap_or_default();
        format!(
            "begin; set local role neopro_app; set local statement_timeout = {STATEMENT_TIMEOUT_MS}; \
             select set_config('neopro.scope', '{}', true), set_config('neopro.user', '{user}', true), \
             set_config('neopro.tenant', '{tenant}', true){check}",
            self.name(),
        )
    }
}

/// A statement for tenant data, whose `$1` is the scope's tenant: null for those who see all.
pub fn scoped(scope: Scope, sql: String) -> Statement {
    query(sql).bind(scope.tenant())
}

/// Words as they stand, within a pattern of `like`.
#[must_use]
pub fn escape_like(words: &str) -> String {
    words.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_")
}

/// A claim that the head of the flush proves: this session or token still stands, and its user still has this role
/// and this tenant. If not, it raises and nothing behind it happens.
#[derive(Debug, Clone)]
pub struct Claim {
    /// The session, or the token of the API.
    pub credential: Credential,
    /// Whose it is said to be.
    pub user: UserId,
    /// The role that is claimed.
    pub role: &'static str,
    /// The agency that is claimed.
    pub agency: Option<AgencyId>,
    /// The sponsor that is claimed.
    pub sponsor: Option<SponsorId>,
    /// The moment of the request.
    pub now: Time,
    /// Where the request comes from, which is written down beside a token's last use.
    pub ip: IpAddr,
}

impl Claim {
    /// The call that proves it, and what is acted with, for what the rest of the flush writes into the journal.
    fn check(&self) -> String {
        let Self { credential, user, role, agency, sponsor, now, ip } = self;
        let tenant = |id: Option<Uuid>| id.map_or_else(|| "null".to_owned(), |id| format!("'{id}'"));
        let (agency, sponsor) = (tenant(agency.map(|id| id.0)), tenant(sponsor.map(|id| id.0)));
        let whose = format!("'{user}', '{role}', {agency}, {sponsor}, '{now}'");
        match credential {
            Credential::Session(id) => {
                // What a role may do with accounts is a person's, never a program's.
                format!(
                    "neopro_check_session('{id}', {whose}), set_config('neopro.session', '{id}', true), \
                     set_config('neopro.role', '{role}', true)"
                )
            }
            Credential::Token(id) => {
                format!("neopro_check_token('{id}', {whose}, '{ip}'), set_config('neopro.token', '{id}', true)")
            }
        }
    }
}

/// The way to the database: a pool of connections. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Db {
    pool: Pool,
    /// Held while the first connection of an empty pool is made.
    first: Arc<tokio::sync::Mutex<()>>,
    brake: Arc<Brake>,
    /// How long flushes have taken, the wait for a connection included.
    durations: Arc<Histograms>,
}

impl Db {
    /// Runs one to four statements in a transaction of the server's own scope.
    ///
    /// # Errors
    /// See [`Error`]; after an error nothing was written.
    pub async fn run_as_system<S: Statements>(&self, statements: S) -> Result<S::Output, Error> {
        self.run(Scope::System, None, statements).await
    }

    /// Runs one to four statements in one transaction and one round trip.
    ///
    /// With a `claim` the session or token is proven first, in the same flush. If this future is dropped before its
    /// end, either nothing was sent or everything was, the commit included: no connection goes back to the
    /// pool with an open transaction.
    ///
    /// # Errors
    /// See [`Error`]; after an error nothing was written, with two exceptions: [`Error::Unavailable`] may stand
    /// for a commit whose answer was lost, and rows that are missing or cannot be read ([`Error::Missing`],
    /// [`Error::Bug`]: mistakes in our SQL) are noticed behind the commit.
    pub async fn run<S: Statements>(
        &self,
        scope: Scope,
        claim: Option<&Claim>,
        statements: S,
    ) -> Result<S::Output, Error> {
        let began = Instant::now();
        let (client, is_heavy) = (self.client().await?, statements.is_heavy());
        let ended = tokio::time::timeout(FLUSH_TIMEOUT, flush(&client, scope, claim, statements)).await;
        let operation = if claim.is_some() { "request" } else { "background" };
        self.durations.observe(operation.into(), began.elapsed().as_secs_f64());
        match ended {
            Ok(result) => {
                // That nothing may be written is told to a connection when it begins: another one may be told otherwise.
                if is_heavy || matches!(result, Err(Error::ReadOnly)) {
                    drop(Object::take(client));
                }
                result
            }
            Err(_) => {
                // Its answers may still come, or never: this connection is nobody's any more.
                drop(Object::take(client));
                Err(Error::Unavailable("the database did not answer in time".into()))
            }
        }
    }

    /// A connection. As long as there is none, one is made, and the others wait for what becomes of it: a whole pool
    /// with a password that is refused would have a pooler's door closed at once.
    async fn client(&self) -> Result<Object, Error> {
        self.pool.retain(|client, _| !client.is_closed());
        let _first = match self.pool.status().size {
            0 => Some(tokio::time::timeout(WAIT, self.first.lock()).await.map_err(|_| {
                Error::Unavailable("no connection to the database in time: the first one is still being made".into())
            })?),
            _ => None,
        };
        let status = self.pool.status();
        if status.available == 0 && status.size < status.max_size && self.brake.holds() {
            return Err(Error::Unavailable("the database has refused a login; the next one is tried later".into()));
        }
        let taken = self.pool.get().await.map_err(Error::from);
        if taken.as_ref().is_err_and(|error| Obstacle::of(error).is_refused_login()) {
            self.brake.pull();
        }
        taken
    }

    /// Connections: open, and requests that wait for one.
    #[must_use]
    pub fn load(&self) -> (usize, usize) {
        let status = self.pool.status();
        (status.size, status.waiting)
    }

    /// The figures of the way to the database.
    pub(crate) fn write_figures(&self, page: &mut Page) {
        let status = self.pool.status();
        let count = |number: usize| float(number as u64);
        let mut family = page.family(Kind::Gauge, "neopro_db_connections", "Connections to the database.");
        family.sample(&[("state", "idle")], count(status.available));
        family.sample(&[("state", "in_use")], count(status.size.saturating_sub(status.available)));
        page.gauge("neopro_db_connections_max", "Connections that there may be.", count(status.max_size));
        page.gauge("neopro_db_requests_waiting", "Requests that wait for a connection.", count(status.waiting));
        let help = "Time of a whole flush, the wait for a connection included.";
        self.durations.write(page.family(Kind::Histogram, "neopro_db_query_duration_seconds", help), "operation");
    }

    /// Lets go of the connections that nobody uses: what they were told when they began may hold no more.
    pub fn renew(&self) {
        self.pool.retain(|_, _| false);
    }

    /// Lets no more statement in. Those that run end.
    pub fn close(&self) {
        self.pool.close();
    }
}

async fn flush<S: Statements>(
    client: &Client,
    scope: Scope,
    claim: Option<&Claim>,
    statements: S,
) -> Result<S::Output, Error> {
    let head = scope.head(claim);
    // Each future puts its message into the connection's queue when it is first polled, and `biased` polls
    // them in this order before any of them can wait: one flush, and nothing can come between.
    let (begun, output, committed) = tokio::join!(
        biased;
        client.batch_execute(&head),
        statements.run(client),
        client.batch_execute("commit"),
    );
    begun?;
    let output = output?;
    // After a failed statement `commit` reports success although it rolled back, hence the order above.
    committed?;
    Ok(output)
}
