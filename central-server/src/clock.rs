//! The only reader of the wall clock, so that tests can set the time.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use jiff::Timestamp;
use jiff::fmt::StdFmtWrite;
use jiff::fmt::temporal::DateTimePrinter;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

/// A moment in UTC, to the microsecond, as PostgreSQL's `timestamptz` keeps it.
///
/// In JSON it is ISO 8601 with milliseconds and `Z`, the shape that every client of NeoPro 1 reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, utoipa::ToSchema)]
#[schema(value_type = String, format = DateTime, example = "2026-11-25T18:20:00.000Z")]
pub struct Time(Timestamp);

/// Microseconds from the Unix epoch to PostgreSQL's, 2000-01-01.
const POSTGRES_EPOCH: i64 = 946_684_800_000_000;

impl Time {
    /// The moment this many microseconds after 1970-01-01 UTC, held within the years that can be written.
    #[must_use]
    pub fn from_unix_micros(micros: i64) -> Self {
        Self(Timestamp::from_microsecond(micros).unwrap_or(if micros < 0 { Timestamp::MIN } else { Timestamp::MAX }))
    }

    /// Microseconds since 1970-01-01 UTC.
    #[must_use]
    pub fn unix_micros(self) -> i64 {
        self.0.as_microsecond()
    }

    /// Whole seconds since 1970-01-01 UTC, the unit of a JWT.
    #[must_use]
    pub fn unix_seconds(self) -> i64 {
        self.0.as_second()
    }

    /// The moment `later` after this one.
    #[must_use]
    pub fn plus(self, later: Duration) -> Self {
        Self::from_unix_micros(self.unix_micros().saturating_add(i64::try_from(later.as_micros()).unwrap_or(i64::MAX)))
    }

    /// The moment `earlier` before this one.
    #[must_use]
    pub fn minus(self, earlier: Duration) -> Self {
        Self::from_unix_micros(
            self.unix_micros().saturating_sub(i64::try_from(earlier.as_micros()).unwrap_or(i64::MAX)),
        )
    }
}

impl Time {
    /// As S3's signatures have it, ISO 8601 without separators: `20260125T182000Z`.
    #[must_use]
    pub fn compact(self) -> String {
        self.0.strftime("%Y%m%dT%H%M%SZ").to_string()
    }

    /// As HTTP writes a date (RFC 9110, 5.6.7), to the second.
    #[must_use]
    pub fn http_date(self) -> String {
        self.0.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
    }
}

/// Reads RFC 3339: a moment without its offset from UTC is none.
impl std::str::FromStr for Time {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, jiff::Error> {
        // To the microsecond: what is stored is what is compared.
        Ok(Self::from_unix_micros(text.parse::<Timestamp>()?.as_microsecond()))
    }
}

impl std::fmt::Display for Time {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Lists have thousands of them: a format that is read anew for each costs three times as much.
        const PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(3));
        PRINTER.print_timestamp(&self.0, StdFmtWrite(f)).map_err(|_| std::fmt::Error)
    }
}

impl serde::Serialize for Time {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl ToSql for Time {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        (self.unix_micros() - POSTGRES_EPOCH).to_sql(&Type::INT8, out)
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::TIMESTAMPTZ
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Time {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self::from_unix_micros(i64::from_sql(&Type::INT8, raw)?.saturating_add(POSTGRES_EPOCH)))
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::TIMESTAMPTZ
    }
}

impl crate::db::SqlType for Time {
    const TYPE: Type = Type::TIMESTAMPTZ;
}

impl crate::db::SqlType for Vec<Time> {
    const TYPE: Type = Type::TIMESTAMPTZ_ARRAY;
}

impl crate::db::SqlType for Vec<Option<Time>> {
    const TYPE: Type = Type::TIMESTAMPTZ_ARRAY;
}

/// Where the time comes from: the machine, or a test's own hand.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// Microseconds since 1970, moved by [`Clock::advance`] only.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands at `start` until it is moved.
    #[must_use]
    pub fn manual(start: Time) -> Self {
        Self::Manual(Arc::new(AtomicI64::new(start.unix_micros())))
    }

    /// Now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one reader of the wall clock")]
    pub fn now(&self) -> Time {
        match self {
            Self::System => Time(Timestamp::now()),
            Self::Manual(micros) => Time::from_unix_micros(micros.load(Ordering::SeqCst)),
        }
    }

    /// Waits until a moment. A clock that a test moves by hand does not wait.
    pub async fn wait_until(&self, moment: Instant) {
        if let Self::System = self {
            tokio::time::sleep_until(moment.into()).await;
        }
    }

    /// Moves a manual clock on. The machine's clock cannot be moved; for it this does nothing.
    pub fn advance(&self, by: Duration) {
        if let Self::Manual(micros) = self {
            micros.fetch_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX), Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_with_milliseconds_and_z() {
        assert_eq!(Time::from_unix_micros(1_700_000_000_123_456).to_string(), "2023-11-14T22:13:20.123Z");
        assert_eq!(Time::from_unix_micros(0).to_string(), "1970-01-01T00:00:00.000Z");
        assert_eq!(Time::from_unix_micros(784_111_777_000_000).http_date(), "Sun, 06 Nov 1994 08:49:37 GMT");
    }

    #[test]
    fn a_time_survives_the_way_through_postgres() {
        let time = Time::from_unix_micros(1_764_095_000_123_456);
        let mut wire = BytesMut::new();
        time.to_sql(&Type::TIMESTAMPTZ, &mut wire).expect("a time can be written");
        assert_eq!(Time::from_sql(&Type::TIMESTAMPTZ, &wire).expect("and read"), time);
    }

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let clock = Clock::manual(Time::from_unix_micros(0));
        assert_eq!(clock.now(), clock.now());
        clock.advance(Duration::from_secs(2));
        assert_eq!(clock.now().unix_seconds(), 2);
    }
}
