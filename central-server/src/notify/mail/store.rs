//! To whom a mail goes.

use crate::alerts::rules::AlertSettings;
use crate::clock::Time;
use crate::db::{Json, Query, Scalar, query, row};
use crate::ids::UserId;

row! {
    /// Whoever reads a mail.
    #[derive(Debug)]
    pub struct Recipient {
        pub email: String,
        pub full_name: Option<String>,
        pub language: Option<String>,
    }
}

/// The account as it is now; nobody, if the mail is about a link and that is not the account's any more.
pub fn recipient(user: UserId, link: Option<String>, now: Time) -> Query<Option<Recipient>> {
    query(
        "select email, full_name, language from users \
         where id = $1 and ($2 is null or exists ( \
           select from password_links l where l.user_id = $1 and l.token_hash = $2 and l.expires_at > $3))",
    )
    .bind(user)
    .bind(link)
    .bind(now)
    .optional()
}

/// How many mails leave in a day before only those about accounts do; 0: as many as there are.
pub fn most_in_a_day() -> Query<i32> {
    query("select value from settings where key = 'alerts'").optional::<Scalar<Json>>().map(|stored| {
        let rules = stored.map_or_else(AlertSettings::default, |Scalar(stored)| AlertSettings::stored(&stored.read()));
        i32::try_from(rules.mails_per_day).unwrap_or(i32::MAX)
    })
}

/// A mail that was counted has not left.
pub fn uncount(now: Time) -> Query<()> {
    query("select neopro_uncount_mail($1)").bind(now).nothing()
}

/// Counts a mail, or says that it is to stay.
pub fn count(urgent: bool, most: i32, now: Time) -> Query<bool> {
    query("select neopro_count_mail($1, $2, $3)")
        .bind(urgent)
        .bind(most)
        .bind(now)
        .one::<Scalar<bool>>()
        .map(|Scalar(may)| may)
}
