//! To whom a mail goes.

use crate::clock::Time;
use crate::db::{Query, query, row};
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
