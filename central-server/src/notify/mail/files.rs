//! Mail as files: in development one reads it in the data folder.

use std::io;
use std::path::{Path, PathBuf};

use tokio::fs::{self, OpenOptions};
use tokio::io::AsyncWriteExt as _;

use super::Post;
use crate::clock::Time;
use crate::jobs::Failure;

/// A folder into which mail is written, one text file for each.
#[derive(Debug)]
pub struct Files(PathBuf);

impl Files {
    /// Mail goes into this folder, which is made when the first one comes.
    pub(super) fn in_folder(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    /// The folder.
    pub(super) fn folder(&self) -> &Path {
        &self.0
    }

    /// Writes the mail under the name of its moment and job: a second time in the place of the first.
    pub(super) async fn send(&self, post: &Post, now: Time) -> Result<(), Failure> {
        let moment = now.to_string().replace([':', '.'], "-");
        let path = self.0.join(format!("{moment}-{}.txt", post.id));
        let name = post.to.name.as_deref().unwrap_or_default();
        let text = format!(
            "To: {name} <{}>\nSubject: {}\n\n{}\n{}",
            post.to.address,
            post.page.subject,
            post.page.text(),
            post.page.html()
        );
        let written = self.write(&path, text.as_bytes()).await;
        written.map_err(|error| Failure::Later(format!("{}: {error}", self.0.display()), None))
    }

    /// Only ours to read: there are links in it that open accounts.
    async fn write(&self, path: &Path, text: &[u8]) -> io::Result<()> {
        fs::create_dir_all(&self.0).await?;
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path).await?;
        file.write_all(text).await?;
        file.flush().await
    }
}
