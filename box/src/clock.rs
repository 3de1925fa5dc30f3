//! The only reader of the wall clock. A box may have none that is right: nothing that has to happen depends on it.

use jiff::Timestamp;

/// Now, by the machine's clock.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the one reader of the wall clock")]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// Milliseconds since 1970-01-01 UTC.
#[must_use]
pub fn unix_millis() -> i64 {
    now().as_millisecond()
}

/// Now as ISO 8601 in UTC with milliseconds, the shape of every time on the wire.
#[must_use]
pub fn iso() -> String {
    now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}
