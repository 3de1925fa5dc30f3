//! Where the videos are: buckets, policies as everybody meets them, and the plan.

use std::path::PathBuf;

use axum::http::Method;

use super::catalogue::{
    STORAGE_BUCKET, STORAGE_CLOSED, STORAGE_OBJECT, STORAGE_PAGES, STORAGE_READ, STORAGE_ROOM, STORAGE_TRAFFIC,
    STORAGE_WRITE,
};
use super::words::{self, Said, Words};
use super::{Check, Finding, PATIENCE, net};
use crate::config::{Config, Place};
use crate::storage::probe::{Probe, probe};
use crate::storage::{Bucket, Error, Local, Remote, Trouble};
use crate::usage::{Figures, Level, limit};

/// The variables without which nothing can be looked at.
const VARIABLES: [&str; 8] = [
    "SUPABASE_URL",
    "SUPABASE_SERVICE_KEY",
    "STORAGE",
    "S3_ENDPOINT",
    "S3_BUCKET",
    "S3_ACCESS_KEY_ID",
    "S3_SECRET_ACCESS_KEY",
    "S3_PUBLIC_URL",
];

/// Everything but the plan, which the database knows.
pub(super) async fn look(config: &Config) -> Vec<Finding> {
    if VARIABLES.iter().any(|variable| config.notes.refuse(variable)) {
        let checks = [STORAGE_BUCKET, STORAGE_WRITE, STORAGE_READ, STORAGE_CLOSED, STORAGE_PAGES, STORAGE_OBJECT];
        return checks.map(|check| Finding::not_checked(check, words::NOT_USABLE)).into();
    }
    let Some(remote) = Remote::of(config) else { return on_this_disk(config) };
    let scratch = Scratch::new();
    let local = Local::new(&scratch.0);
    let [videos, updates] = Bucket::ALL;
    let pages = pages(config, &remote);
    let (videos, updates, pages) = tokio::join!(of(&remote, &local, videos), of(&remote, &local, updates), pages);
    let mut findings = [videos, updates, pages].concat();
    findings.push(object(&remote));
    findings
}

/// Whether browsers may write from the dashboard's pages: a storage decides for itself which pages it answers.
async fn pages(config: &Config, remote: &Remote) -> Vec<Finding> {
    let mut origins = config.allowed_origins.clone();
    origins.push(config.own_url());
    origins.dedup();
    let asked = origins.iter().map(|origin| preflight(remote, origin));
    futures_util::future::join_all(asked).await
}

/// What a browser asks before it sends a file.
async fn preflight(remote: &Remote, origin: &str) -> Finding {
    let headers = [
        ("origin", origin),
        ("access-control-request-method", "PUT"),
        ("access-control-request-headers", "cache-control,content-type"),
    ];
    let asked = net::get(Method::OPTIONS, &remote.place_of_uploads(), &headers).await;
    let mend = match remote.place() {
        Place::S3 => Said::new(words::MEND_S3_PAGES).with("origin", origin),
        Place::Supabase | Place::Local => Said::new(words::MEND_STORAGE_AWAY),
    };
    let finding = match asked {
        Ok(answer) if lets_write(&answer, origin) => Finding::ok(STORAGE_PAGES, words::PAGES_OK),
        Ok(answer) => {
            Finding::error(STORAGE_PAGES, Said::new(words::PAGES_REFUSED).with("status", answer.status), mend)
        }
        // The bucket's own checks say what is wrong.
        Err(_) => Finding::not_checked(STORAGE_PAGES, words::NOT_TRIED),
    };
    finding.on(origin)
}

fn lets_write(answer: &net::Answer, origin: &str) -> bool {
    let lists = |name: &str, wanted: &str| {
        let mut words = answer.header(name).split(',').map(str::trim);
        words.any(|word| word == "*" || word.eq_ignore_ascii_case(wanted))
    };
    matches!(answer.status, 200..=299)
        && ["*", origin].contains(&answer.header("access-control-allow-origin"))
        && lists("access-control-allow-methods", "PUT")
        && lists("access-control-allow-headers", "cache-control")
        && lists("access-control-allow-headers", "content-type")
}

fn on_this_disk(config: &Config) -> Vec<Finding> {
    let on_render = config.public_url.as_ref().is_some_and(|url| url.ends_with(".onrender.com"));
    let bucket = match on_render {
        true => Finding::warning(STORAGE_BUCKET, words::STORAGE_LOCAL_ON_RENDER, words::MEND_LOCAL_ON_RENDER),
        false => Finding::ok(STORAGE_BUCKET, words::STORAGE_LOCAL),
    };
    let others = [STORAGE_WRITE, STORAGE_READ, STORAGE_CLOSED, STORAGE_PAGES, STORAGE_OBJECT];
    std::iter::once(bucket).chain(others.map(|check| Finding::not_checked(check, words::STORAGE_LOCAL))).collect()
}

/// A folder of our own for the bytes of the try: the server's belongs to the server's account.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("neopro-doctor-{}", uuid::Uuid::now_v7().simple())))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The steps of a bucket: where it is made, and where its policies are. The guide's are Supabase's.
fn steps(place: Place, bucket: Bucket) -> (&'static str, &'static str) {
    match (place, bucket) {
        (Place::S3, _) => ("3", "3"),
        (_, Bucket::Videos) => ("3.1", "3.3"),
        (_, Bucket::SoftwareUpdates) => ("3.2", "3.4"),
    }
}

/// What mends a policy, by the place: to write, to read, to keep strangers out.
fn mends(place: Place) -> [Words; 3] {
    match place {
        Place::S3 => [words::MEND_S3_WRITE, words::MEND_S3_READ, words::MEND_S3_CLOSED],
        Place::Supabase | Place::Local => [words::MEND_WRITE, words::MEND_READ, words::MEND_CLOSED],
    }
}

async fn of(remote: &Remote, local: &Local, bucket: Bucket) -> Vec<Finding> {
    let place = remote.place();
    let (own, policies) = steps(place, bucket);
    let late = || Trouble::Away("no answer within 5 s".into());
    let is_public = tokio::time::timeout(PATIENCE, remote.is_public(bucket)).await.unwrap_or_else(|_| Err(late()));
    let (first, may_try) = match is_public {
        // Whether everybody reads what is in it is seen by the probe.
        Ok(Some(true)) if place == Place::S3 => (Finding::ok(STORAGE_BUCKET, words::S3_BUCKET_OK), true),
        Ok(Some(true)) => (Finding::ok(STORAGE_BUCKET, words::BUCKET_OK), true),
        Ok(Some(false)) => (Finding::error(STORAGE_BUCKET, words::BUCKET_PRIVATE, words::MEND_BUCKET_PRIVATE), true),
        Ok(None) => (Finding::error(STORAGE_BUCKET, words::BUCKET_MISSING, words::MEND_BUCKET_MISSING), false),
        Err(trouble) => {
            let (found, fix, step) = told(&trouble);
            (Finding::error(STORAGE_BUCKET, found, fix).at(step), false)
        }
    };
    let first = if first.step == STORAGE_BUCKET.step { first.at(own) } else { first };
    let tried = match may_try {
        // It is several requests, one behind the other.
        true => tokio::time::timeout(PATIENCE * 2, probe(local, remote, bucket)).await.ok(),
        false => None,
    };
    let mut findings = vec![first];
    match tried {
        Some(tried) => findings.extend(policies_of(&tried, mends(place))),
        None => findings.extend(
            [STORAGE_WRITE, STORAGE_READ, STORAGE_CLOSED].map(|check| Finding::not_checked(check, words::NOT_TRIED)),
        ),
    }
    findings
        .into_iter()
        .map(|finding| if finding.step == "3.3" { finding.at(policies) } else { finding })
        .map(|finding| finding.on(bucket.name()))
        .collect()
}

fn policies_of(probe: &Probe, [to_write, to_read, to_close]: [Words; 3]) -> [Finding; 3] {
    let write = outcome(STORAGE_WRITE, &probe.written, (words::WRITE_OK, words::WRITE_REFUSED, to_write));
    let read = match &probe.read {
        Some(read) => outcome(STORAGE_READ, read, (words::READ_OK, words::READ_REFUSED, to_read)),
        None => Finding::not_checked(STORAGE_READ, words::NOT_TRIED),
    };
    let closed = match probe.is_closed {
        Some(true) => Finding::ok(STORAGE_CLOSED, words::CLOSED_OK),
        Some(false) => Finding::error(STORAGE_CLOSED, words::CLOSED_NOT, to_close),
        None => Finding::not_checked(STORAGE_CLOSED, words::NOT_TRIED),
    };
    [write, read, closed]
}

fn outcome(check: &'static Check, tried: &Result<(), Error>, words: (Words, Words, Words)) -> Finding {
    let (ok, refused, mend) = words;
    match tried {
        Ok(()) => Finding::ok(check, ok),
        Err(Error::Outside(trouble @ (Trouble::WriteRefused(..) | Trouble::ReadRefused(..) | Trouble::Odd(_)))) => {
            let why = super::net::one_line(trouble.why());
            Finding::error(check, Said::new(refused).with("why", why.trim_end_matches('.')), mend)
        }
        Err(Error::Outside(trouble)) => {
            let (found, fix, step) = told(trouble);
            Finding::error(check, found, fix).at(step)
        }
        Err(Error::Full) => Finding::not_checked(check, Said::new(words::DISK_REFUSED).with("why", "disk full")),
        Err(Error::Io(error)) => Finding::not_checked(check, Said::new(words::DISK_REFUSED).with("why", error)),
    }
}

/// A trouble in words: what is wrong, what mends it, and where.
fn told(trouble: &Trouble) -> (Said, Words, &'static str) {
    let (found, fix, step) = match trouble {
        Trouble::Away(_) => (words::STORAGE_AWAY, words::MEND_STORAGE_AWAY, "2.3"),
        Trouble::Paused => (words::STORAGE_PAUSED, words::MEND_STORAGE_PAUSED, "2"),
        Trouble::Key(_) => (words::STORAGE_KEY, words::MEND_STORAGE_KEY, "2.3"),
        Trouble::Project(_) => (words::STORAGE_PROJECT, words::MEND_STORAGE_PROJECT, "2.3"),
        Trouble::Missing(..) => (words::BUCKET_MISSING, words::MEND_BUCKET_MISSING, "3.1"),
        Trouble::Private(_) => (words::BUCKET_PRIVATE, words::MEND_BUCKET_PRIVATE, "3.1"),
        Trouble::WriteRefused(..) => (words::WRITE_REFUSED, words::MEND_WRITE, "3.3"),
        Trouble::ReadRefused(..) => (words::READ_REFUSED, words::MEND_READ, "3.3"),
        Trouble::Full(_) => (words::STORAGE_FULL, words::MEND_STORAGE_FULL, "3"),
        Trouble::TooLarge(..) | Trouble::Odd(_) => (words::STORAGE_ODD, words::MEND_STORAGE_AWAY, "2.3"),
        Trouble::Told(told, _) => of_s3(told.code),
    };
    (Said::new(found).with("why", super::net::one_line(trouble.why()).trim_end_matches('.')), fix, step)
}

/// What a storage that speaks S3 says is wrong, by the word that stays: its own sentences are French.
fn of_s3(code: &str) -> (Words, Words, &'static str) {
    let (found, fix) = match code {
        "storage_away" => (words::STORAGE_AWAY, words::MEND_S3_AWAY),
        "storage_key" => (words::STORAGE_KEY, words::MEND_S3_KEY),
        "storage_write_refused" => (words::WRITE_REFUSED, words::MEND_S3_WRITE),
        "storage_read_refused" => (words::READ_REFUSED, words::MEND_S3_READ),
        "storage_bucket_missing" => (words::BUCKET_MISSING, words::MEND_S3_BUCKET),
        "storage_project" => (words::S3_ELSEWHERE, words::MEND_S3_ELSEWHERE),
        "storage_clock" => (words::S3_CLOCK, words::MEND_S3_CLOCK),
        "storage_full" => (words::STORAGE_FULL, words::MEND_S3_FULL),
        _ => (words::STORAGE_ODD, words::MEND_S3_ODD),
    };
    (found, fix, "3")
}

fn object(remote: &Remote) -> Finding {
    match remote.most_bytes() {
        None if remote.place() == Place::S3 => Finding::ok(STORAGE_OBJECT, words::S3_OBJECT_UNKNOWN),
        Some(most) => Finding::ok(STORAGE_OBJECT, Said::new(words::OBJECT_LIMIT).with("most", most / 1_000_000)),
        None => Finding::ok(STORAGE_OBJECT, words::OBJECT_UNKNOWN),
    }
}

/// The plan's room and traffic.
pub(super) fn plan(config: &Config, figures: &Figures) -> [Finding; 2] {
    let traffic = figures.traffic_bytes.saturating_add(figures.coming_bytes);
    let mend = match config.storage.place {
        Place::Supabase => words::MEND_STORAGE_FULL,
        Place::S3 | Place::Local => words::MEND_S3_FULL,
    };
    [
        share(STORAGE_ROOM, figures.stored_bytes, config.storage.room, mend),
        share(STORAGE_TRAFFIC, traffic, config.storage.traffic, mend),
    ]
}

fn share(check: &'static Check, used: i64, most: Option<u64>, mend: Words) -> Finding {
    let megabytes = |bytes: i64| (bytes + 500_000) / 1_000_000;
    let Some(most) = limit(most) else {
        return Finding::ok(check, Said::new(words::PLAN_NONE).with("used", megabytes(used)));
    };
    let said = Said::new(words::PLAN_OK).with("used", megabytes(used)).with("most", megabytes(most));
    match Level::of(used, Some(most)) {
        Level::Ok => Finding::ok(check, said),
        Level::Near => Finding::warning(check, said, mend),
        Level::Full => Finding::error(check, said, mend),
    }
}
