//! The other servers on the same database: whether they have our secrets, and our version.

use std::collections::BTreeSet;

use super::Finding;
use super::catalogue::{REPLICAS_SECRETS, REPLICAS_VERSIONS};
use super::words::{self, Said};
use crate::config::{Config, Secret};
use crate::db::{Db, Error};
use crate::health::VERSION;
use crate::replicas::{Other, Prints, compare};

/// Everything about them, as the roll has it.
///
/// # Errors
/// The database does not answer.
pub(super) async fn look(config: &Config, db: &Db) -> Result<[Finding; 2], Error> {
    let secrets = (config.jwt_secret.as_ref(), config.mfa_encryption_key.as_ref());
    let is_whole = matches!(secrets, (Some(_), Some(_)));
    let text = |secret: Option<&Secret>| secret.map_or("", Secret::expose).to_owned();
    let others = compare(db, &Prints::of(&text(secrets.0), &text(secrets.1))).await?;
    let of_secrets = match is_whole {
        true => alike(&others),
        false => Finding::not_checked(REPLICAS_SECRETS, words::REPLICAS_NO_SECRETS),
    };
    Ok([of_secrets, versions(&others)])
}

fn alike(others: &[Other]) -> Finding {
    let differs = |is_same: fn(&Other) -> bool| others.iter().any(|other| !is_same(other));
    let names: Vec<&str> =
        [("JWT_SECRET", differs(|other| other.same_jwt)), ("MFA_ENCRYPTION_KEY", differs(|other| other.same_mfa))]
            .into_iter()
            .filter_map(|(name, differs)| differs.then_some(name))
            .collect();
    if names.is_empty() {
        return Finding::ok(REPLICAS_SECRETS, Said::new(words::REPLICAS_ALIKE).with("count", others.len()));
    }
    let said = Said::new(words::REPLICAS_DIFFER).with("names", names.join(", "));
    Finding::error(REPLICAS_SECRETS, said, words::MEND_REPLICAS)
}

fn versions(others: &[Other]) -> Finding {
    let versions: BTreeSet<&str> = others.iter().map(|other| other.version.as_str()).collect();
    let said = |words| {
        let names = versions.iter().copied().collect::<Vec<_>>().join(", ");
        Said::new(words).with("ours", VERSION).with("names", super::net::one_line(&names))
    };
    match versions.iter().all(|version| *version == VERSION) {
        true => Finding::ok(REPLICAS_VERSIONS, said(words::REPLICAS_VERSION)),
        false => Finding::warning(REPLICAS_VERSIONS, said(words::REPLICAS_OTHER_VERSION), words::MEND_OTHER_VERSION),
    }
}
