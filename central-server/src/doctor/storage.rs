//! Where the videos are: buckets, policies as everybody meets them, and the plan.

use std::path::PathBuf;

use super::catalogue::{
    STORAGE_BUCKET, STORAGE_CLOSED, STORAGE_OBJECT, STORAGE_READ, STORAGE_ROOM, STORAGE_TRAFFIC, STORAGE_WRITE,
};
use super::words::{self, Said, Words};
use super::{Check, Finding, PATIENCE};
use crate::config::Config;
use crate::storage::probe::{Probe, probe};
use crate::storage::{Bucket, Error, Local, Remote, Trouble};
use crate::usage::{Figures, Level, limit};

/// Everything but the plan, which the database knows.
pub(super) async fn look(config: &Config) -> Vec<Finding> {
    if ["SUPABASE_URL", "SUPABASE_SERVICE_KEY", "STORAGE"].iter().any(|variable| config.notes.refuse(variable)) {
        let checks = [STORAGE_BUCKET, STORAGE_WRITE, STORAGE_READ, STORAGE_CLOSED, STORAGE_OBJECT];
        return checks.map(|check| Finding::not_checked(check, words::NOT_USABLE)).into();
    }
    let Some(remote) = Remote::of(config) else { return on_this_disk(config) };
    let scratch = Scratch::new();
    let local = Local::new(&scratch.0);
    let [videos, updates] = Bucket::ALL;
    let (videos, updates) = tokio::join!(of(&remote, &local, videos), of(&remote, &local, updates));
    let mut findings = [videos, updates].concat();
    findings.push(object(&remote));
    findings
}

fn on_this_disk(config: &Config) -> Vec<Finding> {
    let on_render = config.public_url.as_ref().is_some_and(|url| url.ends_with(".onrender.com"));
    let bucket = match on_render {
        true => Finding::warning(STORAGE_BUCKET, words::STORAGE_LOCAL_ON_RENDER, words::MEND_LOCAL_ON_RENDER),
        false => Finding::ok(STORAGE_BUCKET, words::STORAGE_LOCAL),
    };
    let others = [STORAGE_WRITE, STORAGE_READ, STORAGE_CLOSED, STORAGE_OBJECT];
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

/// The steps of a bucket: where it is made, and where its policies are.
fn steps(bucket: Bucket) -> (&'static str, &'static str) {
    match bucket {
        Bucket::Videos => ("3.1", "3.3"),
        Bucket::SoftwareUpdates => ("3.2", "3.4"),
    }
}

async fn of(remote: &Remote, local: &Local, bucket: Bucket) -> Vec<Finding> {
    let (own, policies) = steps(bucket);
    let late = || Trouble::Away("no answer within 5 s".into());
    let is_public = tokio::time::timeout(PATIENCE, remote.is_public(bucket)).await.unwrap_or_else(|_| Err(late()));
    let (first, may_try) = match is_public {
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
        Some(tried) => findings.extend(policies_of(&tried)),
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

fn policies_of(probe: &Probe) -> [Finding; 3] {
    let write = outcome(STORAGE_WRITE, &probe.written, (words::WRITE_OK, words::WRITE_REFUSED, words::MEND_WRITE));
    let read = match &probe.read {
        Some(read) => outcome(STORAGE_READ, read, (words::READ_OK, words::READ_REFUSED, words::MEND_READ)),
        None => Finding::not_checked(STORAGE_READ, words::NOT_TRIED),
    };
    let closed = match probe.is_closed {
        Some(true) => Finding::ok(STORAGE_CLOSED, words::CLOSED_OK),
        Some(false) => Finding::error(STORAGE_CLOSED, words::CLOSED_NOT, words::MEND_CLOSED),
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
        Trouble::TooLarge(..) | Trouble::Odd(_) | Trouble::Told(..) => {
            (words::STORAGE_ODD, words::MEND_STORAGE_AWAY, "2.3")
        }
    };
    (Said::new(found).with("why", super::net::one_line(trouble.why()).trim_end_matches('.')), fix, step)
}

fn object(remote: &Remote) -> Finding {
    match remote.most_bytes() {
        Some(most) => Finding::ok(STORAGE_OBJECT, Said::new(words::OBJECT_LIMIT).with("most", most / 1_000_000)),
        None => Finding::ok(STORAGE_OBJECT, words::OBJECT_UNKNOWN),
    }
}

/// The plan's room and traffic.
pub(super) fn plan(config: &Config, figures: &Figures) -> [Finding; 2] {
    let traffic = figures.traffic_bytes.saturating_add(figures.coming_bytes);
    [
        share(STORAGE_ROOM, figures.stored_bytes, config.storage.room),
        share(STORAGE_TRAFFIC, traffic, config.storage.traffic),
    ]
}

fn share(check: &'static Check, used: i64, most: Option<u64>) -> Finding {
    let megabytes = |bytes: i64| (bytes + 500_000) / 1_000_000;
    let Some(most) = limit(most) else {
        return Finding::ok(check, Said::new(words::PLAN_NONE).with("used", megabytes(used)));
    };
    let said = Said::new(words::PLAN_OK).with("used", megabytes(used)).with("most", megabytes(most));
    match Level::of(used, Some(most)) {
        Level::Ok => Finding::ok(check, said),
        Level::Near => Finding::warning(check, said, words::MEND_STORAGE_FULL),
        Level::Full => Finding::error(check, said, words::MEND_STORAGE_FULL),
    }
}
