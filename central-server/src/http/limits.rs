//! How much anybody may ask in a while: one table, [`TABLE`]; docs/limits.md shows it with those of guesses.
//!
//! Each row is a bucket for each of those it counts by: a call takes one out, time puts them back in, and who finds his
//! bucket empty is told when to come again. The numbers let everything through that the product itself does: a dashboard
//! open all day on its busiest page, a hall with thirty boxes and five operators behind one address. They stop programs
//! that have run wild, and people who try credentials.
//!
//! Buckets are in this process's memory: with several replicas one gets that many times as much. Only what guards
//! passwords and codes is counted in the database. Signs of life, files, pages and the live channel are not counted here.

mod shown;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::extract::{FromRequestParts as _, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

pub use self::shown::{Shown, routes};
use super::ClientAddress;
use crate::app::App;
use crate::auth::Presented;
use crate::clock::Time;
use crate::error::{Error, Result, is_forbidden, opens_nothing};
use crate::ids::{SessionId, SiteId, UserId};

/// Whom a limit counts by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = RateLimitBy)]
pub enum Who {
    /// An address; of IPv6 the first half, which is one household.
    Address,
    /// A person, whatever his sessions.
    User,
    /// A token of the API.
    Token,
    /// A site, whoever acts on it.
    Site,
    /// An account together with the address or browser from which it is tried.
    Pair,
    /// An account, from wherever it is tried.
    Account,
}

/// What a limit is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Calls without a session or token, or with what never was one of ours or has expired.
    Anonymous,
    /// Calls with a token that opens nothing. A session that was ended is counted by itself.
    Refused,
    /// All calls of a person's sessions.
    User,
    /// Those of them that change something.
    UserWrites,
    /// All calls of a token.
    Token,
    /// Calls that change something about one site, its box told to do something included.
    Site,
}

/// A row of the table: how many calls at once, and how many a minute in the long run.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    name: Limit,
    who: Who,
    burst: u32,
    per_minute: u32,
}

/// Every limit, in the order of [`Limit`].
pub const TABLE: [Row; 6] = [
    row(Limit::Anonymous, Who::Address, 600, 300),
    row(Limit::Refused, Who::Address, 200, 60),
    row(Limit::User, Who::User, 1_500, 7_500),
    row(Limit::UserWrites, Who::User, 1_000, 600),
    row(Limit::Token, Who::Token, 600, 1_200),
    row(Limit::Site, Who::Site, 120, 60),
];

const fn row(name: Limit, who: Who, burst: u32, per_minute: u32) -> Row {
    Row { name, who, burst, per_minute }
}

/// Buckets of a row at most; an attacker with more addresses than this gains nothing but forgetting.
const MOST_BUCKETS: usize = 20_000;

/// The buckets of one row, each as the moment at which it will be full again, in microseconds since 1970. A bucket that
/// is full is as good as none.
#[derive(Debug, Default)]
struct Buckets(HashMap<u128, i64>);

impl Buckets {
    /// Takes one out, or says how many seconds there are to wait.
    fn take(&mut self, key: u128, row: &Row, now: i64) -> Result<(), u64> {
        if self.0.len() >= MOST_BUCKETS && !self.0.contains_key(&key) {
            self.0.retain(|_, full| *full > now);
            if self.0.len() > MOST_BUCKETS * 3 / 4 {
                self.0.clear();
            }
        }
        let full = self.0.entry(key).or_insert(now);
        let after = (*full).max(now) + row.refill();
        let over = after - now - row.refill() * i64::from(row.burst);
        if over > 0 {
            return Err(u64::try_from(over).unwrap_or_default().div_ceil(1_000_000));
        }
        *full = after;
        Ok(())
    }

    fn give_back(&mut self, key: u128, row: &Row) {
        if let Some(full) = self.0.get_mut(&key) {
            *full -= row.refill();
        }
    }

    fn is_in_use(&self, key: u128, now: i64) -> bool {
        self.0.get(&key).is_some_and(|full| *full > now)
    }
}

impl Row {
    /// Microseconds after which one more is in the bucket.
    const fn refill(&self) -> i64 {
        60_000_000 / self.per_minute as i64
    }
}

/// Who calls, and what is counted of it.
#[derive(Debug, Clone, Copy)]
pub struct Visit {
    /// Where it comes from.
    pub address: IpAddr,
    /// Who it says it is.
    pub visitor: Visitor,
    /// Whether it is to change something.
    pub acts: bool,
    /// The site that it is about.
    pub site: Option<SiteId>,
}

/// Who calls, before the database has been asked.
#[derive(Debug, Clone, Copy)]
pub enum Visitor {
    /// Anybody.
    Stranger,
    /// A person with a session whose token is ours.
    Session(UserId, SessionId),
    /// A program with a token, by its fingerprint.
    Token(u128),
}

impl Visit {
    /// What a call is, or none if it is not counted.
    fn of(request: &Request, address: IpAddr, app: &App) -> Option<Self> {
        let path = request.uri().path();
        if !path.starts_with("/api/") || path == "/api/health" {
            return None;
        }
        let visitor = match Presented::of(request.method(), request.headers(), app) {
            Ok(Presented::Session(claims)) => Visitor::Session(claims.id, claims.sid),
            Ok(Presented::Token(secret)) => Visitor::Token(secret.fingerprint()),
            Err(_) => Visitor::Stranger,
        };
        let acts = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
        let site = path.strip_prefix("/api/sites/").and_then(|rest| rest.split('/').next()?.parse().ok());
        Some(Self { address, visitor, acts, site })
    }

    fn address(&self) -> u128 {
        match self.address {
            IpAddr::V4(address) => u128::from(u32::from(address)),
            IpAddr::V6(address) => ((u128::from(address) >> 64) << 64) | (1 << 63),
        }
    }
}

/// What became of a visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It was answered, if only with what was wrong with it.
    Served,
    /// What it showed opens nothing.
    Refused,
    /// Who it is may not do this.
    Forbidden,
}

impl End {
    fn of(response: &Response) -> Self {
        match (opens_nothing(response), is_forbidden(response)) {
            (true, _) => Self::Refused,
            (_, true) => Self::Forbidden,
            _ => Self::Served,
        }
    }
}

/// The buckets of this process.
#[derive(Debug, Default)]
pub struct Limits([Mutex<Buckets>; TABLE.len()]);

/// One bucket that a visit takes from.
type Payment = (Limit, u128);

/// A visit that was let in, and what was taken for it.
#[derive(Debug)]
#[must_use = "what became of it is to be learnt"]
pub struct Admitted {
    visit: Visit,
    payments: Vec<Payment>,
}

impl Limits {
    /// Lets a visit in, or says after how many seconds it may come again.
    ///
    /// # Errors
    /// One of its buckets is empty; nothing was taken from the others then.
    pub fn admit(&self, visit: &Visit, now: Time) -> Result<Admitted, u64> {
        let (payments, now) = (self.payments(visit, now), now.unix_micros());
        for (at, (limit, key)) in payments.iter().enumerate() {
            if let Err(seconds) = self.lock(*limit).take(*key, limit.row(), now) {
                payments[..at].iter().for_each(|payment| self.give_back(payment));
                return Err(seconds);
            }
        }
        Ok(Admitted { visit: *visit, payments })
    }

    /// Learns what became of a visit. Nobody can use up what belongs to a person with a session that was ended, nor keep a
    /// good token out by trying others, nor use up a site's without a right to act on it.
    pub fn learn(&self, admitted: &Admitted, end: End, now: Time) {
        let Admitted { visit, payments } = admitted;
        let (of_site, payments): (Vec<&Payment>, Vec<&Payment>) =
            payments.iter().partition(|(limit, _)| *limit == Limit::Site);
        if end != End::Served {
            of_site.into_iter().for_each(|payment| self.give_back(payment));
        }
        let of_refused = payments.iter().find(|(limit, _)| *limit == Limit::Refused);
        // Who was let in already is not turned away any more: an empty bucket matters to the next.
        let also = |limit: Limit, key| {
            let _ = self.lock(limit).take(key, limit.row(), now.unix_micros());
        };
        match (visit.visitor, end == End::Refused, of_refused) {
            (Visitor::Session(_, session), true, None) => {
                payments.into_iter().for_each(|payment| self.give_back(payment));
                also(Limit::Refused, session.0.as_u128());
            }
            (Visitor::Token(token), true, None) => {
                self.lock(Limit::Token).0.remove(&token);
                also(Limit::Refused, visit.address());
            }
            (Visitor::Token(token), false, Some(payment)) => {
                self.give_back(payment);
                also(Limit::Token, token);
            }
            _ => {}
        }
    }

    fn payments(&self, visit: &Visit, now: Time) -> Vec<Payment> {
        let mut payments = Vec::with_capacity(3);
        match visit.visitor {
            Visitor::Stranger => payments.push((Limit::Anonymous, visit.address())),
            Visitor::Session(_, session) if self.is_refused(session, now.unix_micros()) => {
                payments.push((Limit::Refused, session.0.as_u128()));
            }
            Visitor::Session(user, _) => {
                payments.push((Limit::User, user.0.as_u128()));
                if visit.acts {
                    payments.push((Limit::UserWrites, user.0.as_u128()));
                }
            }
            Visitor::Token(token) if self.knows(token) => payments.push((Limit::Token, token)),
            Visitor::Token(_) => payments.push((Limit::Refused, visit.address())),
        }
        if let (Some(site), true, false) = (visit.site, visit.acts, matches!(visit.visitor, Visitor::Stranger)) {
            payments.push((Limit::Site, site.0.as_u128()));
        }
        payments
    }

    fn is_refused(&self, session: SessionId, now: i64) -> bool {
        self.lock(Limit::Refused).is_in_use(session.0.as_u128(), now)
    }

    fn knows(&self, token: u128) -> bool {
        self.lock(Limit::Token).0.contains_key(&token)
    }

    fn give_back(&self, (limit, key): &Payment) {
        self.lock(*limit).give_back(*key, limit.row());
    }

    fn lock(&self, limit: Limit) -> MutexGuard<'_, Buckets> {
        self.0[limit as usize].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Limit {
    fn row(self) -> &'static Row {
        &TABLE[self as usize]
    }

    fn word(self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::Refused => "refused",
            Self::User => "user",
            Self::UserWrites => "user_writes",
            Self::Token => "token",
            Self::Site => "site",
        }
    }
}

/// Counts a call of the API, and refuses it if it is one too many.
pub async fn limited(State(app): State<App>, request: Request, next: Next) -> Result<Response> {
    if !app.config.rate_limits {
        return Ok(next.run(request).await);
    }
    let (mut parts, body) = request.into_parts();
    let Ok(ClientAddress(address)) = ClientAddress::from_request_parts(&mut parts, &app).await;
    let request = Request::from_parts(parts, body);
    let Some(visit) = Visit::of(&request, address, &app) else { return Ok(next.run(request).await) };
    let admitted = app.limits.admit(&visit, app.clock.now()).map_err(Error::TooManyRequests)?;
    let response = next.run(request).await;
    app.limits.learn(&admitted, End::of(&response), app.clock.now());
    Ok(response)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::http::limits::Visitor::{Session, Stranger, Token};

    fn visit(address: [u8; 4], visitor: Visitor) -> Visit {
        Visit { address: IpAddr::from(address), visitor, acts: false, site: None }
    }

    fn at(seconds: u64) -> Time {
        Time::from_unix_micros(1_800_000_000_000_000).plus(Duration::from_secs(seconds))
    }

    /// How many of these are let in at this moment.
    fn count(limits: &Limits, visit: &Visit, now: Time) -> usize {
        (0..100_000).take_while(|_| limits.admit(visit, now).is_ok()).count()
    }

    #[test]
    fn the_table_is_in_the_order_of_its_names() {
        for (at, row) in TABLE.iter().enumerate() {
            assert_eq!(row.name as usize, at);
            assert_eq!(60_000_000 % row.per_minute, 0, "{:?}: a whole number of microseconds", row.name);
        }
    }

    #[test]
    fn a_bucket_gives_its_burst_and_then_what_time_puts_in() {
        let (limits, here) = (Limits::default(), visit([1, 1, 1, 1], Stranger));
        assert_eq!(count(&limits, &here, at(0)), 600);
        assert_eq!(limits.admit(&here, at(0)).err(), Some(1));
        assert_eq!(count(&limits, &here, at(1)), 5, "300 a minute");
        assert_eq!(count(&limits, &here, at(61)), 300);
        assert_eq!(count(&limits, &here, at(3_600)), 600, "never more than the burst");
        assert_eq!(count(&limits, &visit([2, 2, 2, 2], Stranger), at(3_600)), 600, "another has one of its own");
        let household = |last: u16| Visit { address: IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, last]), ..here };
        assert_eq!(count(&limits, &household(1), at(0)), 600);
        assert_eq!(count(&limits, &household(2), at(0)), 0, "of IPv6 a household is one address");
    }

    #[test]
    fn who_writes_or_acts_on_one_site_has_less() {
        let (limits, user) = (Limits::default(), UserId::new());
        let one = SiteId::new();
        let on = |site| Visit { acts: true, site, ..visit([1, 1, 1, 1], Session(user, SessionId::new())) };
        assert_eq!(count(&limits, &on(Some(one)), at(0)), 120);
        assert_eq!(count(&limits, &on(Some(SiteId::new())), at(0)), 120);
        assert_eq!(count(&limits, &on(None), at(0)), 1_000 - 240, "all sessions of a person count together");
        // What was refused for one bucket's sake was not taken from the others.
        let reads = visit([1, 1, 1, 1], Session(user, SessionId::new()));
        assert_eq!(count(&limits, &reads, at(0)), 1_500 - 1_000);
    }

    #[test]
    fn who_may_not_act_on_a_site_uses_up_nothing_of_it() {
        let (limits, site) = (Limits::default(), Some(SiteId::new()));
        let on = |address, visitor| Visit { acts: true, site, ..visit(address, visitor) };
        let somebody = || Session(UserId::new(), SessionId::new());
        let (viewer, over) = (somebody(), somebody());
        for number in 0..150u8 {
            let invented = Token(number.into());
            for (who, end) in [(viewer, End::Forbidden), (over, End::Refused), (invented, End::Refused)] {
                let admitted = limits.admit(&on([6, 6, 6, number], who), at(0)).expect("let in");
                limits.learn(&admitted, end, at(0));
            }
        }
        assert_eq!(count(&limits, &on([1, 1, 1, 1], somebody()), at(0)), 120);
    }

    #[test]
    fn a_session_that_was_ended_uses_up_nothing_of_its_persons() {
        let (limits, user) = (Limits::default(), UserId::new());
        let stolen = visit([6, 6, 6, 6], Session(user, SessionId::new()));
        let mut let_in = 0;
        while let Ok(admitted) = limits.admit(&stolen, at(0)) {
            limits.learn(&admitted, End::Refused, at(0));
            let_in += 1;
            assert!(let_in < 1_000);
        }
        assert_eq!(let_in, 200);
        assert_eq!(count(&limits, &visit([1, 1, 1, 1], Session(user, SessionId::new())), at(0)), 1_500);
    }

    #[test]
    fn who_tries_tokens_is_stopped_and_keeps_no_good_one_out() {
        let (limits, good) = (Limits::default(), visit([1, 1, 1, 1], Token(7)));
        let admitted = limits.admit(&good, at(0)).expect("a first call");
        limits.learn(&admitted, End::Served, at(0));
        let mut tried = 0;
        for guess in 100.. {
            let Ok(admitted) = limits.admit(&visit([1, 1, 1, 1], Token(guess)), at(0)) else { break };
            limits.learn(&admitted, End::Refused, at(0));
            tried += 1;
        }
        assert_eq!(tried, 200);
        assert_eq!(count(&limits, &good, at(0)), 599, "behind the same address");
        let last = limits.admit(&good, at(60)).expect("a minute later");
        limits.learn(&last, End::Refused, at(60));
        assert_eq!(count(&limits, &good, at(60)), 59, "once it is revoked it is one of those");
    }

    #[test]
    fn memory_has_an_end_and_forgets_nobody_who_waits_before_the_others() {
        let (limits, loud) = (Limits::default(), visit([1, 1, 1, 1], Stranger));
        count(&limits, &loud, at(0));
        for number in 0..100_000u32 {
            let quiet = Visit { address: IpAddr::V4((0x0a00_0000 + number).into()), ..loud };
            let _ = limits.admit(&quiet, at(0).plus(Duration::from_millis(u64::from(number))));
        }
        assert!(limits.lock(Limit::Anonymous).0.len() <= MOST_BUCKETS);
        assert!(count(&limits, &loud, at(100)) <= 500, "100 s put 500 back, and its bucket is still known");
    }
}
