//! PostgreSQL: whether it is reached, how, as whom, and how it is; and who may get in.

use std::time::{Duration, Instant};

use tokio_postgres::Client;

use super::catalogue::{
    ACCOUNTS_ADMIN, ACCOUNTS_HASHES, DATABASE_ACTIVITY, DATABASE_CLOCK, DATABASE_CONNECTION, DATABASE_CONNECTIONS,
    DATABASE_DRIFT, DATABASE_LOGIN, DATABASE_OUTSIDERS, DATABASE_ROLE, DATABASE_SCHEMA, DATABASE_SIZE, DATABASE_TLS,
    DATABASE_WALLS, DATABASE_WRITES, MAIL_QUEUE, REPLICAS_SECRETS, REPLICAS_VERSIONS, STORAGE_ROOM, STORAGE_TRAFFIC,
};
use super::ground::Ground;
use super::store::{self, Facts, Installation};
use super::words::{self, Said};
use super::{Check, Finding, PATIENCE, mail, net, replicas, schema, storage};
use crate::clock::Time;
use crate::config::{Config, Database, DatabaseUrl, Tls};
use crate::db::{Error, Obstacle, Scope, Statements, Target, connect_once};
use crate::usage;

/// What Supabase's free plan lets a database have, in bytes.
const FREE_BYTES: i64 = 500 * 1024 * 1024;
/// From which share of a limit on one is warned, in percent.
const NEAR: i64 = 80;
/// From how many seconds on a clock is remarked, and from how many on codes are refused.
const SKEWED: (i64, i64) = (5, 30);

/// Everything that can only be said once the database answers.
const BEHIND: [&Check; 17] = [
    REPLICAS_SECRETS,
    REPLICAS_VERSIONS,
    DATABASE_LOGIN,
    DATABASE_ROLE,
    DATABASE_SCHEMA,
    DATABASE_DRIFT,
    DATABASE_WALLS,
    DATABASE_OUTSIDERS,
    DATABASE_WRITES,
    DATABASE_SIZE,
    DATABASE_CONNECTIONS,
    DATABASE_CLOCK,
    DATABASE_ACTIVITY,
    ACCOUNTS_ADMIN,
    ACCOUNTS_HASHES,
    STORAGE_ROOM,
    STORAGE_TRAFFIC,
];

/// Everything about it.
pub(super) async fn look(ground: &Ground<'_>) -> Vec<Finding> {
    let mut findings = vec![encryption(ground.config)];
    let client = match &ground.target {
        _ if ground.config.notes.refuse("DATABASE_URL") => {
            Err(Finding::not_checked(DATABASE_CONNECTION, words::NOT_USABLE))
        }
        None => Err(Finding::not_checked(DATABASE_CONNECTION, words::NOT_USABLE)),
        Some(Err(why)) => Err(failed(ground.config, why)),
        Some(Ok(target)) => reach(ground, target, &mut findings).await,
    };
    match client {
        Ok((client, target, facts)) => behind(ground, &client, target, &facts, &mut findings).await,
        Err(finding) => {
            findings.push(finding);
            let unknown = BEHIND.iter().chain([&MAIL_QUEUE]);
            findings.extend(unknown.map(|check| Finding::not_checked(check, words::NO_DATABASE)));
        }
    }
    findings
}

/// One connection, and what it tells.
async fn reach<'a>(
    ground: &Ground<'_>,
    target: &'a Target,
    findings: &mut Vec<Finding>,
) -> Result<(Client, &'a Target, Facts), Finding> {
    let began = Instant::now();
    let opened = within(async {
        let client = connect_once(target).await?;
        let facts = store::facts().run(&client).await?;
        Ok((client, facts))
    });
    let (client, facts) = opened.await.map_err(|error| unreached(ground.config, target, &error))?;
    let said = match &ground.config.database {
        Database::Embedded => Said::new(words::REACHED_EMBEDDED),
        Database::Url(url) => Said::new(words::REACHED).with("command", command(url)),
    };
    let said = said.with("version", &facts.version).with("ms", began.elapsed().as_millis());
    findings.push(Finding::ok(DATABASE_CONNECTION, said));
    Ok((client, target, facts))
}

async fn within<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let late = || Error::Unavailable("connection timed out: no answer from the database".into());
    tokio::time::timeout(PATIENCE, work).await.unwrap_or_else(|_| Err(late()))
}

/// The guide's own test, with everything of this environment in it but the password.
fn command(url: &DatabaseUrl) -> String {
    let DatabaseUrl { host, port, user, name, .. } = url;
    let encoded =
        |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
    let user = user.split('.').map(encoded).collect::<Vec<_>>().join(".");
    match host.starts_with('/') {
        true => format!("psql \"postgresql://{user}:PASSWORD@/{}?host={host}&port={port}\"", encoded(name)),
        false if host.contains(':') => {
            format!("psql \"postgresql://{user}:PASSWORD@[{host}]:{port}/{}\"", encoded(name))
        }
        false => format!("psql \"postgresql://{user}:PASSWORD@{host}:{port}/{}\"", encoded(name)),
    }
}

fn encryption(config: &Config) -> Finding {
    let Database::Url(url) = &config.database else { return Finding::ok(DATABASE_TLS, words::EMBEDDED) };
    match url.tls {
        Tls::Off => Finding::ok(DATABASE_TLS, words::TLS_OFF),
        Tls::Unverified => Finding::warning(DATABASE_TLS, words::TLS_UNVERIFIED, words::MEND_CA),
        Tls::Verified { .. } => Finding::ok(DATABASE_TLS, words::TLS_VERIFIED),
    }
}

/// What could not even be tried: the certificates of the configuration, or the embedded server.
fn failed(config: &Config, why: &Said) -> Finding {
    let check = if matches!(config.database, Database::Embedded) { DATABASE_CONNECTION } else { DATABASE_TLS };
    Finding::error(check, why.clone(), words::MEND_CA)
}

/// The troubleshooting entry that fits, in the words of the log.
fn unreached(config: &Config, target: &Target, error: &Error) -> Finding {
    let obstacle = Obstacle::of(error);
    let words = if obstacle == Obstacle::Other { words::CONNECTION_FAILED } else { words::NOT_REACHED };
    let why = net::one_line(&error.to_string());
    let found = Said::new(words)
        .with_words("what", obstacle.words())
        .with("address", target)
        .with("why", why.trim_end_matches('.'));
    let fix = match &config.database {
        Database::Embedded => Said::new(words::MEND_FOLDER),
        Database::Url(_) if obstacle.is_certificate() => Said::new(words::MEND_CA),
        Database::Url(_) if obstacle == Obstacle::Crowded => Said::new(words::MEND_CONNECTIONS),
        Database::Url(url) => Said::new(words::MEND_CONNECTION).with("command", command(url)),
    };
    Finding::error(DATABASE_CONNECTION, found, fix)
}

async fn behind(ground: &Ground<'_>, client: &Client, target: &Target, facts: &Facts, findings: &mut Vec<Finding>) {
    let config = ground.config;
    findings.extend([
        login(facts),
        app_role(facts),
        writes(facts),
        size(config, facts),
        connections(config, facts),
        clock(facts, ground.clock.now()),
    ]);
    let (is_whole, mut of_schema) = schema::look(client, facts).await;
    findings.append(&mut of_schema);
    let unknown = [
        DATABASE_ACTIVITY,
        ACCOUNTS_ADMIN,
        ACCOUNTS_HASHES,
        STORAGE_ROOM,
        STORAGE_TRAFFIC,
        MAIL_QUEUE,
        REPLICAS_SECRETS,
        REPLICAS_VERSIONS,
    ];
    if !is_whole {
        findings.extend(unknown.map(|check| Finding::not_checked(check, words::NO_SCHEMA)));
        return;
    }
    // By the server's own way: with the application's role, and through its policies.
    let now = ground.clock.now();
    let week = Duration::from_secs(7 * 24 * 3_600);
    let flush = (store::installation(now.minus(week)), usage::figures(Scope::System, now));
    let asked = within(async {
        let db = target.pool(1)?;
        let (there, figures) = db.run_as_system(flush).await?;
        Ok((there, figures, replicas::look(config, &db).await?))
    });
    match asked.await {
        Ok((there, figures, of_replicas)) => {
            findings.extend([activity(config, &there), admins(&there), hashes(&there), mail::queue(&there)]);
            findings.extend(storage::plan(config, &figures));
            findings.extend(of_replicas);
        }
        Err(error) => {
            let said = Said::new(words::NOT_READ).with("why", error);
            findings.extend(unknown.map(|check| Finding::not_checked(check, said.clone())));
        }
    }
}

fn login(facts: &Facts) -> Finding {
    let said = |words| Said::new(words).with("role", &facts.role);
    if facts.is_super {
        Finding::warning(DATABASE_LOGIN, said(words::LOGIN_SUPER), words::MEND_LOGIN)
    } else if facts.bypasses {
        Finding::ok(DATABASE_LOGIN, said(words::LOGIN_BYPASS))
    } else {
        Finding::ok(DATABASE_LOGIN, said(words::LOGIN_PLAIN))
    }
}

fn app_role(facts: &Facts) -> Finding {
    let mend = |statements: String| Said::new(words::MEND_ROLE).with("statements", statements);
    match facts {
        Facts { app_role_is_mighty: true, .. } => {
            Finding::error(DATABASE_ROLE, words::ROLE_MIGHTY, mend(store::HUMBLE.into()))
        }
        Facts { has_app_role: true, may_take_it_on: true, .. } => Finding::ok(DATABASE_ROLE, words::ROLE_OK),
        Facts { has_app_role: true, .. } => {
            let said = Said::new(words::ROLE_NOT_GRANTED).with("role", &facts.role);
            Finding::error(DATABASE_ROLE, said, mend(store::granting(&facts.role, true)))
        }
        Facts { is_super: true, .. } | Facts { makes_roles: true, .. } => {
            Finding::ok(DATABASE_ROLE, words::ROLE_COMING)
        }
        _ => {
            let said = Said::new(words::ROLE_MISSING).with("role", &facts.role);
            Finding::error(DATABASE_ROLE, said, mend(store::granting(&facts.role, false)))
        }
    }
}

fn writes(facts: &Facts) -> Finding {
    match facts.read_only {
        false => Finding::ok(DATABASE_WRITES, words::WRITES_OK),
        true => Finding::error(DATABASE_WRITES, words::WRITES_REFUSED, words::MEND_WRITES),
    }
}

/// Whether the database is one of Supabase's.
fn is_of_supabase(config: &Config) -> bool {
    let Database::Url(url) = &config.database else { return false };
    [".supabase.com", ".supabase.co"].iter().any(|domain| url.host.ends_with(domain))
}

fn size(config: &Config, facts: &Facts) -> Finding {
    let megabytes = |bytes: i64| (bytes + 524_288) / 1_048_576;
    if !is_of_supabase(config) {
        return Finding::ok(DATABASE_SIZE, Said::new(words::SIZE).with("used", megabytes(facts.bytes)));
    }
    let said = Said::new(words::SIZE_OF_PLAN).with("used", megabytes(facts.bytes)).with("most", megabytes(FREE_BYTES));
    // A paid plan has more, which nobody tells: it is a warning, and not an error.
    match facts.bytes >= FREE_BYTES / 100 * NEAR {
        true => Finding::warning(DATABASE_SIZE, said, words::MEND_SIZE),
        false => Finding::ok(DATABASE_SIZE, said),
    }
}

fn connections(config: &Config, facts: &Facts) -> Finding {
    let said = Said::new(words::CONNECTIONS)
        .with("used", facts.connections)
        .with("most", facts.most_connections)
        .with("pool", config.database_pool_size);
    match facts.connections * 100 >= facts.most_connections * NEAR {
        true => Finding::warning(DATABASE_CONNECTIONS, said, words::MEND_CONNECTIONS),
        false => Finding::ok(DATABASE_CONNECTIONS, said),
    }
}

fn clock(facts: &Facts, ours: Time) -> Finding {
    let away = (facts.now.unix_seconds() - ours.unix_seconds()).abs();
    let said = Said::new(words::CLOCK).with("seconds", away);
    match away {
        away if away >= SKEWED.1 => Finding::error(DATABASE_CLOCK, said, words::MEND_CLOCK),
        away if away >= SKEWED.0 => Finding::warning(DATABASE_CLOCK, said, words::MEND_CLOCK),
        _ => Finding::ok(DATABASE_CLOCK, said),
    }
}

fn activity(config: &Config, there: &Installation) -> Finding {
    if there.sites > 0 {
        return Finding::ok(DATABASE_ACTIVITY, Said::new(words::ACTIVITY_FLEET).with("sites", there.sites));
    }
    // Of the storage's project the same is true.
    let pauses =
        is_of_supabase(config) || config.supabase.as_ref().is_some_and(|project| project.url.ends_with(".supabase.co"));
    match pauses {
        true => Finding::warning(DATABASE_ACTIVITY, words::ACTIVITY_NONE, words::MEND_ACTIVITY),
        false => Finding::ok(DATABASE_ACTIVITY, words::ACTIVITY_NOT_SUPABASE),
    }
}

fn admins(there: &Installation) -> Finding {
    match there.admins {
        0 => Finding::error(ACCOUNTS_ADMIN, words::NO_ADMIN, words::MEND_NO_ADMIN),
        count => Finding::ok(ACCOUNTS_ADMIN, Said::new(words::ADMINS).with("count", count)),
    }
}

fn hashes(there: &Installation) -> Finding {
    if there.unusable.is_empty() {
        return Finding::ok(ACCOUNTS_HASHES, Said::new(words::HASHES_OK).with("count", there.accounts));
    }
    let said = Said::new(words::HASHES_WRONG).with("names", there.unusable.join(", "));
    Finding::error(ACCOUNTS_HASHES, said, words::MEND_HASHES)
}
