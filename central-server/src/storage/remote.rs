//! A storage outside: one of the kinds that we speak to.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;
use utoipa::ToSchema;

use super::{Again, Bucket, Draft, Error, S3, Supabase, Trouble};
use crate::config::{Config, Place};

/// Up to here every plan of Supabase takes an object; whether it takes a larger one has to be asked.
const SURELY_TAKEN: u64 = 50_000_000;

/// What became of an object that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It is there.
    Stored,
    /// Something else is there under this name.
    Taken,
}

/// What a storage says of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Bytes.
    pub size: u64,
    /// Its `Content-Type`, as it is served.
    pub media_type: String,
}

/// Where anybody may write one object, for two hours.
#[derive(Debug)]
pub struct Signed {
    /// The whole of it by `PUT`.
    pub url: String,
    /// Piece by piece; `None` where the storage does not offer it, or the object is one piece.
    pub resumable: Option<Resumable>,
}

/// How an object is sent by TUS 1.0.0, so that a lost line costs what was on it and no more.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Resumable {
    /// Where it is begun, by `POST`.
    pub url: String,
    /// With this `x-signature`, each request. Whoever knows it can write this one file.
    pub signature: String,
    /// As `bucketName` of `Upload-Metadata`.
    pub bucket: &'static str,
    /// As `objectName` of `Upload-Metadata`.
    pub object: String,
    /// Every piece but the last has exactly so many bytes.
    #[schema(value_type = i64)]
    pub piece_bytes: u64,
}

/// A storage outside.
#[derive(Debug)]
pub enum Remote {
    /// Supabase Storage.
    Supabase(Supabase),
    /// A storage that speaks S3.
    S3(Box<S3>),
}

/// What has been found out about the largest object; zero where nothing is known.
#[derive(Debug, Default)]
pub(super) struct Largest {
    /// The bucket says so.
    stated: AtomicU64,
    /// The smallest size that was refused.
    refused: AtomicU64,
    /// The largest that was not.
    taken: AtomicU64,
}

impl Largest {
    pub(super) fn state(&self, most: Option<u64>) {
        self.stated.store(most.unwrap_or_default(), Ordering::Relaxed);
    }

    pub(super) fn note_refused(&self, size: u64) {
        let _ = self.refused.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |before| {
            (before == 0 || size < before).then_some(size)
        });
    }

    pub(super) fn note_taken(&self, size: u64) {
        self.taken.fetch_max(size, Ordering::Relaxed);
    }

    /// The most that may be taken, if a limit is known.
    pub(super) fn most(&self) -> Option<u64> {
        let known = |place: &AtomicU64| Some(place.load(Ordering::Relaxed)).filter(|bytes| *bytes > 0);
        let refused = known(&self.refused).map(|size| size - 1);
        [known(&self.stated), refused].into_iter().flatten().min()
    }

    /// Whether nobody can tell yet if this size is taken.
    pub(super) fn is_unknown(&self, size: u64) -> bool {
        let taken = self.taken.load(Ordering::Relaxed).max(SURELY_TAKEN);
        size > taken && self.stated.load(Ordering::Relaxed) == 0
    }
}

impl Remote {
    /// The one of this configuration; `None` if files stay on the disk.
    #[must_use]
    pub fn of(config: &Config) -> Option<Self> {
        Self::named(config, config.storage.place)
    }

    /// This one, if it is configured, whether files are kept there or not.
    #[must_use]
    pub fn named(config: &Config, place: Place) -> Option<Self> {
        match place {
            Place::Local => None,
            Place::Supabase => config
                .supabase
                .as_ref()
                .map(|project| Self::Supabase(Supabase::new(project, config.storage.most_object))),
            Place::S3 => {
                config.s3.as_ref().map(|bucket| Self::S3(Box::new(S3::new(bucket, config.storage.most_object))))
            }
        }
    }

    /// Which one it is.
    #[must_use]
    pub fn place(&self) -> Place {
        match self {
            Self::Supabase(_) => Place::Supabase,
            Self::S3(_) => Place::S3,
        }
    }

    /// Its address, without a path.
    #[must_use]
    pub fn public_url(&self) -> &str {
        match self {
            Self::Supabase(supabase) => supabase.url(),
            Self::S3(s3) => s3.public_url(),
        }
    }

    /// Where the world finds an object.
    #[must_use]
    pub fn address_of(&self, bucket: Bucket, path: &str) -> String {
        match self {
            Self::Supabase(supabase) => supabase.address_of(bucket, path),
            Self::S3(s3) => s3.address_of(bucket, path),
        }
    }

    /// The largest object that it takes, as far as it is known.
    #[must_use]
    pub fn most_bytes(&self) -> Option<u64> {
        match self {
            Self::Supabase(supabase) => supabase.largest().most(),
            Self::S3(s3) => s3.largest().most(),
        }
    }

    /// Finds out whether an object of this size would be taken, and leaves nothing behind.
    ///
    /// # Errors
    /// [`Trouble::TooLarge`], or why it could not be asked.
    pub async fn check_size(&self, bucket: Bucket, size: u64) -> Result<(), Trouble> {
        if let Some(most) = self.most_bytes().filter(|most| size > *most) {
            return Err(Trouble::TooLarge(size, Some(most)));
        }
        match self {
            Self::Supabase(supabase) if supabase.largest().is_unknown(size) => supabase.ask_size(bucket, size).await,
            // S3 takes 5 GB at once, which is more than we do.
            Self::Supabase(_) | Self::S3(_) => Ok(()),
        }
    }

    /// Makes the buckets that are missing, and looks at those that are there.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub async fn look(&self) -> Result<(), Trouble> {
        match self {
            Self::Supabase(supabase) => supabase.look().await,
            Self::S3(s3) => s3.look().await,
        }
    }

    /// Whether a bucket is public; `None` if it is not there. Nothing is made.
    ///
    /// # Errors
    /// See [`Trouble`].
    pub async fn is_public(&self, bucket: Bucket) -> Result<Option<bool>, Trouble> {
        match self {
            Self::Supabase(supabase) => supabase.is_public(bucket).await,
            // It makes none, and looks at both.
            Self::S3(s3) => s3.look().await.map(|()| Some(true)),
        }
    }

    /// Stores a file of this size under this path, where nothing may be.
    ///
    /// # Errors
    /// See [`Error`]; then it is not there.
    pub async fn put(
        &self,
        bucket: Bucket,
        path: &str,
        media_type: &str,
        file: Again<'_>,
        size: u64,
    ) -> Result<Put, Error> {
        match self {
            Self::Supabase(supabase) => supabase.put(bucket, path, media_type, file, size).await,
            Self::S3(s3) => s3.put(bucket, path, media_type, file, size).await,
        }
    }

    /// Lets anybody write one object of this path; where the storage can say so, one of `size` bytes.
    ///
    /// # Errors
    /// See [`Trouble`].
    pub async fn sign_upload(&self, bucket: Bucket, path: &str, size: u64) -> Result<Signed, Trouble> {
        match self {
            Self::Supabase(supabase) => supabase.sign_upload(bucket, path, size).await,
            Self::S3(s3) => Ok(Signed { url: s3.sign_upload(bucket, path, size), resumable: None }),
        }
    }

    /// An address of the kind that browsers write to, without what opens it: to ask whether they may.
    #[must_use]
    pub fn place_of_uploads(&self) -> String {
        match self {
            Self::Supabase(supabase) => supabase.place_of_uploads(),
            Self::S3(s3) => s3.place_of_uploads(),
        }
    }

    /// What is there under this path.
    ///
    /// # Errors
    /// See [`Trouble`].
    pub async fn find(&self, bucket: Bucket, path: &str) -> Result<Option<Stored>, Trouble> {
        match self {
            Self::Supabase(supabase) => supabase.find(bucket, path).await,
            Self::S3(s3) => s3.find(bucket, path).await,
        }
    }

    /// Reads an object as a box does, into a draft; `None` if there is none.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn read(&self, bucket: Bucket, path: &str, into: Draft) -> Result<Option<Draft>, Error> {
        match self {
            Self::Supabase(supabase) => supabase.read(bucket, path, into).await,
            Self::S3(s3) => s3.read(bucket, path, into).await,
        }
    }

    /// Whether somebody without a key is kept from writing; `None` if nobody answers.
    pub async fn refuses_strangers(&self, bucket: Bucket) -> Option<bool> {
        match self {
            Self::Supabase(supabase) => supabase.refuses_strangers(bucket).await,
            Self::S3(s3) => s3.refuses_strangers(bucket).await,
        }
    }

    /// Deletes an object; whether it was there.
    ///
    /// # Errors
    /// See [`Trouble`].
    pub async fn delete(&self, bucket: Bucket, path: &str) -> Result<bool, Trouble> {
        match self {
            Self::Supabase(supabase) => supabase.delete(bucket, path).await,
            Self::S3(s3) => s3.delete(bucket, path).await,
        }
    }

    /// The paths of all objects of a bucket.
    ///
    /// # Errors
    /// See [`Trouble`].
    pub async fn list(&self, bucket: Bucket) -> Result<Vec<String>, Trouble> {
        match self {
            Self::Supabase(supabase) => supabase.list(bucket).await,
            Self::S3(s3) => s3.list(bucket).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_of_the_largest_object_grows_with_what_was_seen() {
        let largest = Largest::default();
        assert_eq!(
            (largest.most(), largest.is_unknown(50_000_000), largest.is_unknown(50_000_001)),
            (None, false, true)
        );
        largest.note_taken(80_000_000);
        assert!(!largest.is_unknown(80_000_000) && largest.is_unknown(80_000_001));
        largest.note_refused(200_000_000);
        largest.note_refused(300_000_000);
        assert_eq!(largest.most(), Some(199_999_999));
        largest.state(Some(100_000_000));
        assert_eq!(largest.most(), Some(100_000_000));
        assert!(!largest.is_unknown(90_000_000));
        largest.state(None);
        assert_eq!(largest.most(), Some(199_999_999));
    }
}
