//! `neopro-central storage copy --from local --to supabase`: every object of both buckets, under the same names.
//!
//! Each is read back where it was written and compared by its SHA-256. What was compared is noted beside the local
//! storage, so that a copy which was broken off goes on where it was, and a second one only looks for what is new.

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use tokio::io::AsyncReadExt as _;

use super::{Bucket, Draft, Error, Local, ObjectName, Put, Remote, Trouble};
use crate::backup::inventory::Inventory;
use crate::config::{Config, Place};

/// What can be done with the storage.
#[derive(Debug, Subcommand)]
pub enum StorageCommand {
    /// Copie toutes les vidéos d'un stockage à un autre ; reprend où elle s'est arrêtée, et vérifie chaque fichier.
    Copy(CopyFiles),
    /// Compare le stockage à la base : ce qui manque, ce qui est en trop, et, avec --verify, ce qui diffère.
    Inventory(Inventory),
}

/// A copy from one place to another.
#[derive(Debug, Args)]
pub struct CopyFiles {
    /// D'où.
    #[arg(long, value_enum)]
    from: Named,
    /// Vers où.
    #[arg(long, value_enum)]
    to: Named,
}

/// A place, as the command line has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Named {
    /// Le dossier de données de ce serveur.
    Local,
    /// Supabase (SUPABASE_URL et SUPABASE_SERVICE_KEY).
    Supabase,
    /// Un stockage S3 (S3_ENDPOINT, S3_BUCKET, S3_ACCESS_KEY_ID et S3_SECRET_ACCESS_KEY).
    S3,
}

impl From<Named> for Place {
    fn from(named: Named) -> Self {
        match named {
            Named::Local => Self::Local,
            Named::Supabase => Self::Supabase,
            Named::S3 => Self::S3,
        }
    }
}

impl CopyFiles {
    /// Runs it.
    ///
    /// # Errors
    /// A sentence.
    pub async fn run(&self, config: &Config) -> Result<(), String> {
        let (from, to) = (Place::from(self.from), Place::from(self.to));
        if from == to {
            return Err("--from et --to désignent le même stockage.".into());
        }
        let local = Local::new(&config.data_dir);
        local
            .prepare()
            .map_err(|error| format!("Le dossier « storage » des données n'est pas utilisable : {error}."))?;
        let end = |place| End::of(config, place, &local);
        let (source, target) = (end(from)?, end(to)?);
        let ledger = config.data_dir.join("storage").join(format!("copied-{}-to-{}", from.name(), to.name()));
        let report = Copying { local, source, target, ledger: Ledger::open(ledger)? }.run().await?;
        say(&report.sentence());
        if report.failed == 0 {
            Ok(())
        } else {
            Err("La copie est incomplète : relancez-la après correction.".into())
        }
    }
}

#[expect(clippy::print_stdout, reason = "what a command says")]
pub(crate) fn say(sentence: &str) {
    println!("{sentence}");
}

/// One end of a copy.
#[derive(Debug)]
pub(crate) enum End {
    Local(Local),
    Remote(Box<Remote>),
}

impl End {
    pub(crate) fn of(config: &Config, place: Place, local: &Local) -> Result<Self, String> {
        if place == Place::Local {
            return Ok(Self::Local(local.clone()));
        }
        let remote = Remote::named(config, place).ok_or_else(|| {
            let variables = match place {
                Place::S3 => "S3_ENDPOINT, S3_BUCKET, S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY",
                Place::Supabase | Place::Local => "étape 2.3 du guide : SUPABASE_URL, SUPABASE_SERVICE_KEY",
            };
            format!("Le stockage « {} » n'est pas configuré ({variables}).", place.name())
        })?;
        Ok(Self::Remote(Box::new(remote)))
    }

    pub(crate) async fn prepare(&self) -> Result<(), Error> {
        match self {
            Self::Local(_) => Ok(()),
            Self::Remote(remote) => Ok(remote.look().await?),
        }
    }

    pub(crate) async fn paths(&self, bucket: Bucket) -> Result<Vec<String>, Error> {
        match self {
            Self::Local(local) => Ok(local.names(bucket)?.iter().map(ObjectName::path).collect()),
            Self::Remote(remote) => Ok(remote.list(bucket).await?),
        }
    }

    pub(crate) async fn size(&self, bucket: Bucket, path: &str) -> Result<Option<u64>, Error> {
        match self {
            Self::Local(local) => match ObjectName::from_path(path) {
                Some(name) => Ok(local.open(bucket, &name).await?.map(|object| object.size)),
                None => Ok(None),
            },
            Self::Remote(remote) => Ok(remote.find(bucket, path).await?.map(|stored| stored.size)),
        }
    }

    pub(crate) async fn read(&self, bucket: Bucket, path: &str, mut into: Draft) -> Result<Option<Draft>, Error> {
        let local = match self {
            Self::Remote(remote) => return remote.read(bucket, path, into).await,
            Self::Local(local) => local,
        };
        let Some(name) = ObjectName::from_path(path) else { return Ok(None) };
        let Some(object) = local.open(bucket, &name).await? else { return Ok(None) };
        let mut file = tokio::fs::File::from_std(object.file);
        let mut piece = vec![0; 256 * 1024];
        loop {
            match file.read(&mut piece).await? {
                0 => break,
                read => into.write(&piece[..read]).await?,
            }
        }
        into.finish().await?;
        Ok(Some(into))
    }

    async fn write(&self, bucket: Bucket, path: &str, draft: Draft) -> Result<Put, Error> {
        let name = ObjectName::from_path(path);
        match (self, name) {
            (Self::Local(local), Some(name)) => local.keep(draft, bucket, &name).await.map(|()| Put::Stored),
            (Self::Local(_), None) => Err(Trouble::Odd("this name is none of ours".into()).into()),
            (Self::Remote(remote), name) => {
                let media_type = name.map_or("application/octet-stream", |name| name.kind().media_type());
                remote.put(bucket, path, media_type, &|| draft.reader(), draft.size()).await
            }
        }
    }
}

impl End {
    async fn delete(&self, bucket: Bucket, path: &str) -> Result<bool, Error> {
        match (self, ObjectName::from_path(path)) {
            (Self::Local(local), Some(name)) => local.delete(bucket, &name).await,
            (Self::Local(_), None) => Ok(false),
            (Self::Remote(remote), _) => Ok(remote.delete(bucket, path).await?),
        }
    }
}

/// What was compared, in a file that is only added to: `<bucket>/<path> <size> <sha256>`.
#[derive(Debug)]
pub(crate) struct Ledger {
    path: PathBuf,
    known: HashMap<String, Print>,
}

impl Ledger {
    pub(crate) fn open(path: PathBuf) -> Result<Self, String> {
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(format!("{} ne peut pas être lu : {error}.", path.display())),
        };
        // A line that was cut off by a crash is none; its object is compared again.
        let entry = |line: &str| {
            let (object, rest) = line.split_once(' ')?;
            let (size, hash) = rest.split_once(' ')?;
            let size = size.parse().ok().filter(|_| hash.len() == 64)?;
            Some((object.to_owned(), Print { size, hash: hash.to_owned() }))
        };
        Ok(Self { known: text.lines().filter_map(entry).collect(), path })
    }

    /// What was seen of an object, if it has this size still.
    pub(crate) fn known(&self, object: &str, size: u64) -> Option<&Print> {
        self.known.get(object).filter(|print| print.size == size)
    }

    pub(crate) fn add(&mut self, object: &str, print: &Print) -> Result<(), String> {
        let written = OpenOptions::new().append(true).create(true).open(&self.path).and_then(|mut file| {
            writeln!(file, "{object} {} {}", print.size, print.hash)?;
            file.sync_all()
        });
        written.map_err(|error| format!("{} ne peut pas être écrit : {error}.", self.path.display()))?;
        self.known.insert(object.to_owned(), print.clone());
        Ok(())
    }
}

/// A copy that is going on.
struct Copying {
    local: Local,
    source: End,
    target: End,
    ledger: Ledger,
}

/// What a copy has done.
#[derive(Debug, Default)]
struct Report {
    copied: usize,
    bytes: u64,
    there: usize,
    failed: usize,
}

impl Report {
    fn sentence(&self) -> String {
        format!(
            "Copiés et vérifiés : {} ({} Mo). Déjà là : {}. En échec : {}.",
            self.copied,
            self.bytes.div_ceil(1_000_000),
            self.there,
            self.failed
        )
    }
}

/// What became of one object.
enum Outcome {
    Copied(Print),
    /// It was there; its print if that is news.
    There(Option<Print>),
    Failed(&'static str),
}

/// What an object is, by its bytes.
#[derive(Debug, Clone)]
pub(crate) struct Print {
    pub size: u64,
    /// Its SHA-256, hex.
    pub hash: String,
}

impl Copying {
    async fn run(mut self) -> Result<Report, String> {
        let mut report = Report::default();
        self.source.prepare().await.map_err(|error| sentence(&error))?;
        self.target.prepare().await.map_err(|error| sentence(&error))?;
        for bucket in Bucket::ALL {
            for path in self.source.paths(bucket).await.map_err(|error| sentence(&error))? {
                let object = format!("{}/{path}", bucket.name());
                match self.one(bucket, &path).await {
                    Ok(Outcome::Copied(print)) => {
                        self.ledger.add(&object, &print)?;
                        report.copied += 1;
                        report.bytes += print.size;
                    }
                    Ok(Outcome::There(print)) => {
                        print.map_or(Ok(()), |print| self.ledger.add(&object, &print))?;
                        report.there += 1;
                    }
                    Ok(Outcome::Failed(why)) => {
                        say(&format!("{object} : {why}"));
                        report.failed += 1;
                    }
                    // This concerns one object alone; everything else concerns all of them.
                    Err(error @ Error::Outside(Trouble::TooLarge(..) | Trouble::Odd(_))) => {
                        say(&format!("{object} : {}", sentence(&error)));
                        report.failed += 1;
                    }
                    Err(error) => return Err(sentence(&error)),
                }
            }
        }
        Ok(report)
    }

    async fn one(&self, bucket: Bucket, path: &str) -> Result<Outcome, Error> {
        let there = self.target.size(bucket, path).await?;
        if there.is_some_and(|size| self.ledger.known(&format!("{}/{path}", bucket.name()), size).is_some()) {
            return Ok(Outcome::There(None));
        }
        let Some(original) = self.source.read(bucket, path, self.local.draft().await?).await? else {
            return Ok(Outcome::Failed("disparu de la source entre-temps."));
        };
        let print = Print { size: original.size(), hash: original.checksum() };
        let put = match there {
            Some(_) => Put::Taken,
            None => self.target.write(bucket, path, original).await?,
        };
        let copy = self.target.read(bucket, path, self.local.draft().await?).await?;
        let is_same = copy.as_ref().is_some_and(|copy| copy.checksum() == print.hash);
        Ok(match (is_same, put) {
            (true, Put::Stored) => Outcome::Copied(print),
            (true, Put::Taken) => Outcome::There(Some(print)),
            (false, Put::Taken) => Outcome::Failed("un autre fichier porte déjà ce nom là-bas."),
            (false, Put::Stored) => {
                // What is damaged must not stand in the way of the next try.
                self.target.delete(bucket, path).await?;
                Outcome::Failed("la copie n'a pas la même empreinte SHA-256.")
            }
        })
    }
}

/// What went wrong, and who mends it where.
pub(crate) fn sentence(error: &Error) -> String {
    match error {
        Error::Full => "Le disque de ce serveur est plein.".into(),
        Error::Io(error) => format!("Le disque de ce serveur a refusé : {error}."),
        Error::Outside(trouble) => format!("{} {} ({})", trouble.sentence(), trouble.advice(), trouble.why()),
    }
}
