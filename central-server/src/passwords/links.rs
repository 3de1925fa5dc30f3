//! Invitations: the statements by which a new account gets its first link.

use super::{Kind, Token, hash_of, store};
use crate::app::App;
use crate::db::Query;
use crate::error::Error;
use crate::ids::UserId;
use crate::notify::mail::{self, Letter};

/// Invites a person: a link, which voids the invitation before it, and the mail with it. Both belong into the flush that
/// makes the account, behind its row, in any scope. The first one undoes the flush with [`crate::db::Error::Gone`] if the
/// account is not there or may not act. Ring [`App::jobs`] behind the flush.
///
/// # Errors
/// The system has no randomness.
pub fn invite(app: &App, user: UserId) -> Result<(Query<()>, Query<()>), Error> {
    let (now, kind) = (app.clock.now(), Kind::Invitation);
    let token = Token::fresh().map_err(|error| Error::Internal(error.to_string()))?;
    let issue = store::issue(user, kind, hash_of(&token), now.plus(kind.lifetime()), now);
    Ok((issue, mail::enqueue(app, user, &Letter::Invitation { token }, None)?))
}
