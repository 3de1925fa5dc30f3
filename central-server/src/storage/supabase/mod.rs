//! Supabase Storage, by its REST interface and with the service key.
//!
//! HTTP says 400 for nearly everything there; what happened is the `code` in the body. Gateways before it have other
//! bodies or none. [`answer`] reads both.

mod answer;
mod call;

use axum::http::{Method, header};
use serde::Deserialize;
use serde_json::{Value, json};

use self::answer::{Verdict, judge};
use self::call::{Call, Key, Reply};
use super::remote::Largest;
use super::{Again, Bucket, Draft, Error, Put, Resumable, Signed, Stored, Trouble, encoded, wire};
use crate::config;

/// Objects never change, so nobody has to ask for them again.
const CACHED: &str = "max-age=31536000";

/// How many objects are listed at once.
const PAGE: usize = 1_000;
/// What its dashboard lays into a folder that somebody makes there: nobody's file.
const FOLDERS_OWN: &str = ".emptyFolderPlaceholder";

/// What one piece of a resumable upload has there, all but the last: neither more nor less. Above it, it is offered.
const PIECE: u64 = 6 * 1024 * 1024;

/// A project's storage.
#[derive(Debug)]
pub struct Supabase {
    /// The project's address, without a slash at the end.
    url: String,
    key: Key,
    largest: Largest,
    /// The limit that the configuration states.
    told: Option<u64>,
}

/// What is asked of a bucket.
#[derive(Debug, Deserialize)]
struct Facts {
    public: bool,
    file_size_limit: Option<u64>,
}

impl Supabase {
    /// The storage of this project; `told` is the largest object, if somebody knows it.
    #[must_use]
    pub fn new(project: &config::Supabase, told: Option<u64>) -> Self {
        let largest = Largest::default();
        largest.state(told);
        Self { url: project.url.clone(), key: Key::new(&project.service_key), largest, told }
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn largest(&self) -> &Largest {
        &self.largest
    }

    pub(super) fn address_of(&self, bucket: Bucket, path: &str) -> String {
        format!("{}/storage/v1/object/public/{}/{}", self.url, bucket.name(), encoded(path))
    }

    /// Makes the buckets that are missing. One that is there and private stays so: somebody may have wanted that.
    pub(super) async fn look(&self) -> Result<(), Trouble> {
        for bucket in Bucket::ALL {
            self.look_at(bucket).await?;
        }
        Ok(())
    }

    async fn look_at(&self, bucket: Bucket) -> Result<(), Trouble> {
        let facts = match self.facts(bucket).await? {
            Some(facts) => facts,
            None => {
                self.create(bucket).await?;
                // Another server beside us may have made it meanwhile, or somebody by hand.
                let missing = || Trouble::Missing(bucket, "it was made and is not there".into());
                self.facts(bucket).await?.ok_or_else(missing)?
            }
        };
        self.learn(bucket, &facts);
        if facts.public { Ok(()) } else { Err(Trouble::Private(bucket)) }
    }

    /// Whether a bucket is public, if it is there; nothing is made.
    pub(super) async fn is_public(&self, bucket: Bucket) -> Result<Option<bool>, Trouble> {
        let facts = self.facts(bucket).await?;
        Ok(facts.map(|facts| {
            self.learn(bucket, &facts);
            facts.public
        }))
    }

    fn learn(&self, bucket: Bucket, facts: &Facts) {
        if bucket == Bucket::Videos {
            self.largest.state([self.told, facts.file_size_limit.filter(|most| *most > 0)].into_iter().flatten().min());
        }
    }

    async fn facts(&self, bucket: Bucket) -> Result<Option<Facts>, Trouble> {
        let call = Call::new(Method::GET, format!("/bucket/{}", bucket.name()));
        match self.ask(&call).await? {
            Reply { verdict: Ok(body), .. } => read(&body).map(Some),
            Reply { verdict: Err(Verdict::NoBucket | Verdict::NotThere), .. } => Ok(None),
            Reply { verdict: Err(verdict), .. } => Err(verdict.trouble(bucket)),
        }
    }

    /// Without a limit of its own: one above that of the project would be refused.
    async fn create(&self, bucket: Bucket) -> Result<(), Trouble> {
        let body = json!({ "id": bucket.name(), "name": bucket.name(), "public": true });
        let call = Call::new(Method::POST, "/bucket".into()).json(body);
        match self.ask(&call).await? {
            Reply { verdict: Ok(_) | Err(Verdict::Taken), .. } => {
                tracing::info!(bucket = bucket.name(), "the storage had no such bucket: it was made, and is public");
                Ok(())
            }
            Reply { verdict: Err(Verdict::Denied(why) | Verdict::Other(why)), .. } => {
                Err(Trouble::Missing(bucket, why))
            }
            Reply { verdict: Err(verdict), .. } => Err(verdict.trouble(bucket)),
        }
    }

    /// Announces an object of this size and sends nothing of it. Who would refuse it says so at once; of one that is
    /// broken off before its first byte nothing is kept.
    pub(super) async fn ask_size(&self, bucket: Bucket, size: u64) -> Result<(), Trouble> {
        let path = super::ObjectName::new(super::Kind::Mp4).map_err(|error| Trouble::Odd(error.to_string()))?.path();
        let call = Call::new(Method::POST, object(bucket, &path)).kind("video/mp4");
        match self.key.announce(&self.base(), &call, size).await {
            Some(Verdict::TooLarge) => {
                self.largest.note_refused(size);
                Err(Trouble::TooLarge(size, self.largest.most().filter(|most| most + 1 < size)))
            }
            Some(Verdict::NoBucket) => self.look_at(bucket).await,
            Some(verdict) => Err(verdict.trouble(bucket)),
            None => Ok(()),
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
        let call = Call::new(Method::POST, object(bucket, path)).kind(media_type).header(header::CACHE_CONTROL, CACHED);
        let mut reply = self.key.send_file(&self.base(), &call, file, size).await?;
        if matches!(reply.verdict, Err(Verdict::NoBucket)) {
            // Somebody has deleted the bucket while we were running.
            self.look_at(bucket).await?;
            reply = self.key.send_file(&self.base(), &call, file, size).await?;
        }
        match reply {
            Reply { verdict: Ok(_), .. } => {
                self.largest.note_taken(size);
                Ok(Put::Stored)
            }
            // Our own first try may have arrived although its answer did not.
            Reply { verdict: Err(Verdict::Taken), tries } => match self.find(bucket, path).await? {
                Some(there) if tries > 1 && there.size == size => Ok(Put::Stored),
                _ => Ok(Put::Taken),
            },
            Reply { verdict: Err(Verdict::TooLarge), .. } => {
                self.largest.note_refused(size);
                Err(Trouble::TooLarge(size, self.largest.most().filter(|most| most + 1 < size)).into())
            }
            Reply { verdict: Err(verdict), .. } => Err(verdict.trouble(bucket).into()),
        }
    }

    pub(super) async fn sign_upload(&self, bucket: Bucket, path: &str, size: u64) -> Result<Signed, Trouble> {
        #[derive(Deserialize)]
        struct Given {
            url: String,
        }
        let call = Call::new(Method::POST, format!("/object/upload/sign/{}/{}", bucket.name(), encoded(path)));
        let mut reply = self.ask(&call.json(json!({}))).await?;
        if matches!(reply.verdict, Err(Verdict::NoBucket)) {
            self.look_at(bucket).await?;
            let call = Call::new(Method::POST, format!("/object/upload/sign/{}/{}", bucket.name(), encoded(path)));
            reply = self.ask(&call.json(json!({}))).await?;
        }
        let body = reply.verdict.map_err(|verdict| verdict.trouble(bucket))?;
        let Given { url } = read(&body)?;
        if !url.starts_with('/') {
            return Err(Trouble::Odd("a signed address that is none".into()));
        }
        // The token of the address is also the signature of pieces.
        let token = url.split_once("?token=").map(|(_, token)| token.split('&').next().unwrap_or(token));
        let resumable = token.filter(|_| size > PIECE).map(|token| Resumable {
            url: self.base() + "/upload/resumable/sign",
            signature: token.to_owned(),
            bucket: bucket.name(),
            object: path.to_owned(),
            piece_bytes: PIECE,
        });
        Ok(Signed { url: self.base() + &url, resumable })
    }

    pub(super) fn place_of_uploads(&self) -> String {
        format!("{}/object/upload/sign/{}/uploads/probe.mp4", self.base(), Bucket::Videos.name())
    }

    pub(super) async fn find(&self, bucket: Bucket, path: &str) -> Result<Option<Stored>, Trouble> {
        #[derive(Deserialize)]
        struct Info {
            size: u64,
            content_type: Option<String>,
        }
        let call = Call::new(Method::GET, format!("/object/info/{}/{}", bucket.name(), encoded(path)));
        match self.ask(&call).await? {
            Reply { verdict: Ok(body), .. } => {
                let Info { size, content_type } = read(&body)?;
                Ok(Some(Stored { size, media_type: content_type.unwrap_or_default() }))
            }
            Reply { verdict: Err(Verdict::NotThere), .. } => Ok(None),
            Reply { verdict: Err(verdict), .. } => Err(verdict.trouble(bucket)),
        }
    }

    pub(super) async fn read(&self, bucket: Bucket, path: &str, into: Draft) -> Result<Option<Draft>, Error> {
        match wire::fetch(&self.address_of(bucket, path), into, judge, Trouble::Away).await? {
            Ok(draft) => Ok(Some(draft)),
            Err(Verdict::NotThere) => Ok(None),
            // A private bucket answers readers like one that is not there.
            Err(Verdict::NoBucket) => {
                self.look_at(bucket).await?;
                Ok(None)
            }
            Err(Verdict::Denied(why)) => Err(Trouble::ReadRefused(bucket, why).into()),
            Err(Verdict::Trouble(Trouble::Key(why))) => Err(Trouble::ReadRefused(bucket, why).into()),
            Err(verdict) => Err(verdict.trouble(bucket).into()),
        }
    }

    /// What a stranger has written, if he could, goes again.
    pub(super) async fn refuses_strangers(&self, bucket: Bucket) -> Option<bool> {
        let path = super::ObjectName::new(super::Kind::Png).ok()?.path();
        let answer = call::write_without_key(&self.base(), &object(bucket, &path)).await.ok()?;
        if answer.is_ok()
            && let Err(trouble) = self.delete(bucket, &path).await
        {
            tracing::warn!(why = trouble.why(), path, "what a probe has written could not be deleted");
        }
        Some(answer.is_err())
    }

    pub(super) async fn delete(&self, bucket: Bucket, path: &str) -> Result<bool, Trouble> {
        match self.ask(&Call::new(Method::DELETE, object(bucket, path))).await? {
            Reply { verdict: Ok(_), .. } => Ok(true),
            Reply { verdict: Err(Verdict::NotThere | Verdict::NoBucket), .. } => Ok(false),
            Reply { verdict: Err(verdict), .. } => Err(verdict.trouble(bucket)),
        }
    }

    /// Everything below `uploads`, where all our objects are, and NeoPro 1's.
    pub(super) async fn list(&self, bucket: Bucket) -> Result<Vec<String>, Trouble> {
        let (mut paths, mut seen) = (Vec::new(), 0);
        loop {
            let body = json!({ "prefix": "uploads", "limit": PAGE, "offset": seen,
                "sortBy": { "column": "name", "order": "asc" } });
            let call = Call::new(Method::POST, format!("/object/list/{}", bucket.name())).json(body);
            let body = self.ask(&call).await?.verdict.map_err(|verdict| verdict.trouble(bucket))?;
            let page: Vec<Value> = read(&body)?;
            // What has no id is a folder, and is counted all the same.
            seen += page.len();
            let names = page.iter().filter(|entry| !entry["id"].is_null()).filter_map(|entry| entry["name"].as_str());
            paths.extend(names.filter(|name| *name != FOLDERS_OWN).map(|name| format!("uploads/{name}")));
            if page.len() < PAGE {
                return Ok(paths);
            }
        }
    }

    async fn ask(&self, call: &Call) -> Result<Reply, Trouble> {
        self.key.ask(&self.base(), call).await
    }

    fn base(&self) -> String {
        format!("{}/storage/v1", self.url)
    }
}

fn object(bucket: Bucket, path: &str) -> String {
    format!("/object/{}/{}", bucket.name(), encoded(path))
}

fn read<T: for<'a> Deserialize<'a>>(body: &[u8]) -> Result<T, Trouble> {
    serde_json::from_slice(body).map_err(|error| Trouble::Odd(format!("an answer that cannot be read: {error}")))
}
