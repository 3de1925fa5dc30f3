//! A storage that speaks S3, in one bucket: objects have the keys `videos/uploads/<name>`.
//!
//! Each call goes to an address that was signed for it, good for a minute. Boxes read from the bucket as everybody does,
//! without a key. There is no way to write where nothing may be that all of these storages know: it is looked before, and
//! names of 128 random bits do the rest.

mod answer;
mod sign;

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, Request, Response, header};
use hyper::body::Incoming;

use self::answer::{AWAY, ODD, UNREADABLE, Verdict, element, elements, judge};
use self::sign::{Wish, presign};
use super::remote::Largest;
use super::wire::{self, Pulse, jitter, pieces};
use super::{Again, Bucket, Draft, Error, Put, Stored, Trouble};
use crate::clock::Clock;
use crate::config;
use crate::notify::https;

/// Objects never change, so nobody has to ask for them again.
const CACHED: &str = "max-age=31536000";
/// How many objects are listed at once.
const PAGE: &str = "1000";
/// How long an address of the server's own opens anything, in seconds.
const OWN: u32 = 60;
/// The same of one for a person's browser.
const UPLOAD: u32 = 2 * 60 * 60;
/// How often a call is tried in all.
const TRIES: u32 = 3;
/// The pause after the first try that failed; the next one is three times as long.
const PAUSE: Duration = Duration::from_millis(300);
/// How long a call without a file may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// A bucket.
#[derive(Debug)]
pub struct S3 {
    bucket: config::S3,
    largest: Largest,
    /// Signatures are good at one moment only: that of the storage.
    clock: Clock,
}

/// An answer that went well.
struct Reply {
    headers: HeaderMap,
    body: Bytes,
}

type Answered = Result<Result<Reply, Verdict>, String>;

impl S3 {
    /// This bucket; `told` is the largest object, if somebody knows it.
    #[must_use]
    pub fn new(bucket: &config::S3, told: Option<u64>) -> Self {
        let largest = Largest::default();
        largest.state(told);
        Self { bucket: bucket.clone(), largest, clock: Clock::System }
    }

    pub(super) fn public_url(&self) -> &str {
        &self.bucket.public_url
    }

    pub(super) fn largest(&self) -> &Largest {
        &self.largest
    }

    pub(super) fn address_of(&self, bucket: Bucket, path: &str) -> String {
        format!("{}/{}", self.bucket.public_url, super::encoded(&key(bucket, path)))
    }

    fn signed(&self, method: &Method, key: &str, query: &[(&str, &str)]) -> String {
        presign(&self.bucket, &Wish { method, key, query, length: None, seconds: OWN }, self.clock.now())
    }

    /// Asks, and asks again where that may help.
    async fn ask(&self, method: &Method, key: &str, query: &[(&str, &str)]) -> Result<Result<Reply, Verdict>, Trouble> {
        let mut pause = PAUSE;
        for _ in 1..TRIES {
            let answered = self.ask_once(method, key, query).await;
            if !may_pass(&answered) {
                return answered.map_err(away);
            }
            tokio::time::sleep(pause + jitter(pause)).await;
            pause *= 3;
        }
        self.ask_once(method, key, query).await.map_err(away)
    }

    async fn ask_once(&self, method: &Method, key: &str, query: &[(&str, &str)]) -> Answered {
        let request = Request::builder().method(method).uri(self.signed(method, key, query)).body(Body::empty());
        let request = request.map_err(|error| error.to_string())?;
        let answered = tokio::time::timeout(PATIENCE, https::exchange(request, small)).await;
        answered.unwrap_or_else(|_| Err("no answer in time".into()))
    }

    /// Whether the key opens the bucket. Whether everybody may read it is only seen where an object is: `probe`.
    pub(super) async fn look(&self) -> Result<(), Trouble> {
        let query = [("list-type", "2"), ("prefix", "videos/uploads/"), ("max-keys", "1")];
        match self.ask(&Method::GET, "", &query).await? {
            Ok(_) => Ok(()),
            Err(verdict) => Err(verdict.trouble()),
        }
    }

    pub(super) async fn put(
        &self,
        bucket: Bucket,
        path: &str,
        media_type: &str,
        file: Again<'_>,
        size: u64,
    ) -> Result<Put, Error> {
        if self.find(bucket, path).await?.is_some() {
            return Ok(Put::Taken);
        }
        let mut pause = PAUSE;
        for attempt in 1.. {
            let answered = self.put_once(bucket, path, media_type, file, size).await?;
            if attempt < TRIES && may_pass(&answered) {
                tokio::time::sleep(pause + jitter(pause)).await;
                pause *= 3;
                continue;
            }
            return match answered.map_err(away)? {
                Ok(_) => {
                    self.largest.note_taken(size);
                    Ok(Put::Stored)
                }
                Err(Verdict::TooLarge) => {
                    self.largest.note_refused(size);
                    Err(Trouble::TooLarge(size, self.largest.most().filter(|most| most + 1 < size)).into())
                }
                Err(verdict) => Err(verdict.trouble().into()),
            };
        }
        Err(away("it was never tried".into()).into())
    }

    async fn put_once(
        &self,
        bucket: Bucket,
        path: &str,
        media_type: &str,
        file: Again<'_>,
        size: u64,
    ) -> Result<Answered, Error> {
        let pulse = Pulse::default();
        let request = Request::put(self.signed(&Method::PUT, &key(bucket, path), &[]))
            .header(header::CONTENT_TYPE, media_type)
            .header(header::CACHE_CONTROL, CACHED)
            .header(header::CONTENT_LENGTH, size)
            .body(pieces(file()?, size, pulse.clone()));
        let request = request.map_err(|error| Trouble::Told(&ODD, error.to_string()))?;
        Ok(pulse.while_it_beats(https::exchange(request, small)).await)
    }

    /// The length is signed as well: nothing larger or smaller can be written there.
    pub(super) fn sign_upload(&self, bucket: Bucket, path: &str, size: u64) -> String {
        let key = key(bucket, path);
        let wish = Wish { method: &Method::PUT, key: &key, query: &[], length: Some(size), seconds: UPLOAD };
        presign(&self.bucket, &wish, self.clock.now())
    }

    pub(super) fn place_of_uploads(&self) -> String {
        format!("{}/{}/{}", self.bucket.endpoint, self.bucket.bucket, key(Bucket::Videos, "uploads/probe.mp4"))
    }

    pub(super) async fn find(&self, bucket: Bucket, path: &str) -> Result<Option<Stored>, Trouble> {
        match self.ask(&Method::HEAD, &key(bucket, path), &[]).await? {
            Ok(Reply { headers, .. }) => {
                let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
                let size = text(header::CONTENT_LENGTH).and_then(|length| length.parse().ok());
                let size = size.ok_or_else(|| Trouble::Told(&ODD, "an object without a length".into()))?;
                Ok(Some(Stored { size, media_type: text(header::CONTENT_TYPE).unwrap_or_default().to_owned() }))
            }
            Err(Verdict::NotThere) => Ok(None),
            Err(verdict) => Err(verdict.trouble()),
        }
    }

    /// As a box reads: without a key. Some storages answer for what is not there as for what may not be read.
    pub(super) async fn read(&self, bucket: Bucket, path: &str, into: Draft) -> Result<Option<Draft>, Error> {
        match wire::fetch(&self.address_of(bucket, path), into, judge, away).await? {
            Ok(draft) => Ok(Some(draft)),
            Err(Verdict::NotThere) => Ok(None),
            Err(Verdict::Trouble(trouble)) if !trouble.may_pass() => match self.find(bucket, path).await? {
                Some(_) => Err(Trouble::Told(&UNREADABLE, trouble.why().to_owned()).into()),
                None => Ok(None),
            },
            Err(verdict) => Err(verdict.trouble().into()),
        }
    }

    /// What a stranger has written, if he could, goes again.
    pub(super) async fn refuses_strangers(&self, bucket: Bucket) -> Option<bool> {
        let path = super::ObjectName::new(super::Kind::Png).ok()?.path();
        let address = format!("{}/{}/{}", self.bucket.endpoint, self.bucket.bucket, key(bucket, &path));
        let request = Request::put(address).header(header::CONTENT_TYPE, "image/png");
        let request = request.body(Body::from("neopro probe")).ok()?;
        let answered = tokio::time::timeout(PATIENCE, https::exchange(request, small)).await.ok()?.ok()?;
        if answered.is_ok()
            && let Err(trouble) = self.delete(bucket, &path).await
        {
            tracing::warn!(why = trouble.why(), path, "what a probe has written could not be deleted");
        }
        Some(answered.is_err())
    }

    /// S3 says of what was never there as well that it is gone.
    pub(super) async fn delete(&self, bucket: Bucket, path: &str) -> Result<bool, Trouble> {
        let was_there = self.find(bucket, path).await?.is_some();
        match self.ask(&Method::DELETE, &key(bucket, path), &[]).await? {
            Ok(_) | Err(Verdict::NotThere) => Ok(was_there),
            Err(verdict) => Err(verdict.trouble()),
        }
    }

    /// Everything below `uploads`.
    pub(super) async fn list(&self, bucket: Bucket) -> Result<Vec<String>, Trouble> {
        let (prefix, folder) = (key(bucket, "uploads/"), key(bucket, ""));
        let (mut paths, mut next) = (Vec::new(), None::<String>);
        loop {
            let mut query = vec![("list-type", "2"), ("prefix", prefix.as_str()), ("max-keys", PAGE)];
            query.extend(next.as_deref().map(|token| ("continuation-token", token)));
            let Reply { body, .. } = self.ask(&Method::GET, "", &query).await?.map_err(Verdict::trouble)?;
            let xml = String::from_utf8_lossy(&body);
            paths.extend(elements(&xml, "Key").filter_map(|key| key.strip_prefix(&folder).map(str::to_owned)));
            next = element(&xml, "NextContinuationToken");
            if next.is_none() || element(&xml, "IsTruncated").as_deref() != Some("true") {
                return Ok(paths);
            }
        }
    }
}

fn key(bucket: Bucket, path: &str) -> String {
    format!("{}/{path}", bucket.name())
}

fn away(why: String) -> Trouble {
    Trouble::Told(&AWAY, why)
}

fn may_pass(answered: &Answered) -> bool {
    answered.as_ref().map_or(true, |answer| answer.as_ref().is_err_and(Verdict::may_pass))
}

async fn small(response: Response<Incoming>) -> Answered {
    let headers = response.headers().clone();
    Ok(wire::small(response, judge).await?.map(|body| Reply { headers, body }))
}
