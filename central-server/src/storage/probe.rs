//! Tries a storage outside as everybody uses it: the server writes, anybody reads, nobody else writes. For `doctor`: it
//! writes a few bytes and takes them away again.

use super::{Bucket, Error, Kind, Local, ObjectName, Put, Remote, Trouble};

/// What is written.
const WORDS: &[u8] = b"neopro probe";

/// What a try has found.
#[derive(Debug)]
pub struct Probe {
    /// The server writes with its key (« Allow service upload », steps 3.3 and 3.4).
    pub written: Result<(), Error>,
    /// Anybody reads what it has written (« Allow public read »); `None` if nothing was written.
    pub read: Option<Result<(), Error>>,
    /// Nobody writes without the key; `None` if that could not be tried.
    pub is_closed: Option<bool>,
}

/// Tries a bucket, and leaves nothing in it.
pub async fn probe(local: &Local, remote: &Remote, bucket: Bucket) -> Probe {
    let is_closed = remote.refuses_strangers(bucket).await;
    let path = match write(local, remote, bucket).await {
        Ok(path) => path,
        Err(error) => return Probe { written: Err(error), read: None, is_closed },
    };
    let read = read(local, remote, bucket, &path).await;
    let written = match remote.delete(bucket, &path).await {
        Ok(_) => Ok(()),
        Err(trouble) => Err(trouble.into()),
    };
    Probe { written, read: Some(read), is_closed }
}

async fn write(local: &Local, remote: &Remote, bucket: Bucket) -> Result<String, Error> {
    let mut draft = local.draft().await?;
    draft.write(WORDS).await?;
    draft.finish().await?;
    let path = ObjectName::new(Kind::Png)?.path();
    match remote.put(bucket, &path, Kind::Png.media_type(), &|| draft.reader(), draft.size()).await? {
        Put::Stored => Ok(path),
        Put::Taken => Err(Trouble::Odd("a new name is taken".into()).into()),
    }
}

async fn read(local: &Local, remote: &Remote, bucket: Bucket, path: &str) -> Result<(), Error> {
    let there = remote.read(bucket, path, local.draft().await?).await?;
    match there {
        Some(draft) if draft.size() == WORDS.len() as u64 => Ok(()),
        Some(_) => Err(Trouble::Odd("what was read is not what was written".into()).into()),
        None => Err(Trouble::ReadRefused(bucket, "what was written is not there for readers".into()).into()),
    }
}
