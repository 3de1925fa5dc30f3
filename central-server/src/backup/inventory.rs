//! `neopro-central storage inventory`: what is in the storage, against what the rows need of it.
//!
//! A listing says what is there; `--verify` reads every file and compares its SHA-256 as well. What was read is noted beside
//! the local storage, so that an inventory which was broken off goes on where it was.

use std::collections::{BTreeMap, BTreeSet};

use clap::Args;
use tokio_postgres::Client;

use super::{Needed, store};
use crate::config::{Config, Place};
use crate::storage::copy::{End, Ledger, Named, Print, say, sentence};
use crate::storage::{Bucket, Local};

/// `storage inventory`.
#[derive(Debug, Args)]
pub struct Inventory {
    /// Quel stockage ; sans lui, celui que le serveur utilise.
    #[arg(long, value_enum)]
    at: Option<Named>,
    /// Lit chaque fichier et compare son empreinte SHA-256 ; reprend où il s'est arrêté. Compte comme trafic chez l'hébergeur.
    #[arg(long)]
    verify: bool,
    /// Relit aussi les fichiers déjà vérifiés.
    #[arg(long, requires = "verify")]
    again: bool,
    /// Écrit aussi les fichiers qui vont bien : empreinte, taille, nom.
    #[arg(long)]
    list: bool,
}

/// What was found.
#[derive(Debug, Default)]
struct Tally {
    good: usize,
    missing: usize,
    differing: usize,
    orphans: usize,
    elsewhere: usize,
    read: u64,
}

/// What one file is.
enum Verdict {
    Good(Option<String>),
    Missing,
    Differs(String),
}

impl Inventory {
    /// Looks, and changes nothing.
    ///
    /// # Errors
    /// A sentence: something is missing or differs, or could not be looked at.
    pub async fn run(&self, config: &Config, client: &Client) -> Result<(), String> {
        let place = self.at.map_or(config.storage.place, Place::from);
        let local = Local::new(&config.data_dir);
        local
            .prepare()
            .map_err(|error| format!("Le dossier « storage » des données n'est pas utilisable : {error}."))?;
        let end = End::of(config, place, &local)?;
        end.prepare().await.map_err(|error| sentence(&error))?;
        let database = |error: crate::db::Error| format!("La base n'a pas pu être lue : {error}.");
        let (needed, on_their_way) =
            (store::needed(client).await.map_err(database)?, store::on_their_way(client).await.map_err(database)?);
        let path = config.data_dir.join("storage").join(format!("verified-{}", place.name()));
        let mut looking = Looking { local, end, ledger: Ledger::open(path)?, how: self, tally: Tally::default() };
        let known = looking.needed(needed).await?;
        looking.orphans(&known, &on_their_way.into_iter().collect()).await?;
        looking.tally.tell(self.verify)
    }
}

struct Looking<'a> {
    local: Local,
    end: End,
    ledger: Ledger,
    how: &'a Inventory,
    tally: Tally,
}

impl Looking<'_> {
    /// Every file that the rows need: its path, if it is one of this storage.
    async fn needed(&mut self, needed: Vec<Needed>) -> Result<BTreeSet<String>, String> {
        let mut by_path = BTreeMap::new();
        for file in needed {
            if file.path.contains("://") {
                self.tally.elsewhere += 1;
            } else {
                by_path.insert(file.path.clone(), file);
            }
        }
        for (path, file) in &by_path {
            match self.one(file).await? {
                Verdict::Good(hash) => {
                    self.tally.good += 1;
                    if self.how.list {
                        let size = file.bytes.map_or("-".to_owned(), |bytes| bytes.to_string());
                        say(&format!("{} {size} videos/{path}", hash.or(file.sha256.clone()).unwrap_or("-".into())));
                    }
                }
                Verdict::Missing => {
                    self.tally.missing += 1;
                    say(&format!("manque : videos/{path}"));
                }
                Verdict::Differs(why) => {
                    self.tally.differing += 1;
                    say(&format!("diffère : videos/{path} ({why})"));
                }
            }
        }
        Ok(by_path.into_keys().collect())
    }

    async fn one(&mut self, file: &Needed) -> Result<Verdict, String> {
        let bucket = Bucket::Videos;
        let Some(size) = self.end.size(bucket, &file.path).await.map_err(|error| sentence(&error))? else {
            return Ok(Verdict::Missing);
        };
        if let Some(bytes) = file.bytes.filter(|bytes| u64::try_from(*bytes) != Ok(size)) {
            return Ok(Verdict::Differs(format!("{size} octets au lieu de {bytes}")));
        }
        if !self.how.verify {
            return Ok(Verdict::Good(None));
        }
        let object = format!("{}/{}", bucket.name(), file.path);
        let hash = match self.ledger.known(&object, size).filter(|_| !self.how.again) {
            Some(print) => print.hash.clone(),
            None => {
                let draft = self.local.draft().await.map_err(|error| sentence(&error))?;
                let read = self.end.read(bucket, &file.path, draft).await.map_err(|error| sentence(&error))?;
                let Some(read) = read else { return Ok(Verdict::Missing) };
                self.tally.read += read.size();
                let print = Print { size: read.size(), hash: read.checksum() };
                self.ledger.add(&object, &print)?;
                print.hash
            }
        };
        match &file.sha256 {
            Some(expected) if *expected != hash => {
                Ok(Verdict::Differs(format!("SHA-256 {hash} au lieu de {expected}")))
            }
            _ => Ok(Verdict::Good(Some(hash))),
        }
    }

    /// What is there and no row needs.
    async fn orphans(&mut self, known: &BTreeSet<String>, on_their_way: &BTreeSet<String>) -> Result<(), String> {
        for bucket in Bucket::ALL {
            for path in self.end.paths(bucket).await.map_err(|error| sentence(&error))? {
                if bucket == Bucket::Videos && !known.contains(&path) && !on_their_way.contains(&path) {
                    self.tally.orphans += 1;
                    say(&format!("sans ligne dans la base : {}/{path}", bucket.name()));
                }
            }
        }
        Ok(())
    }
}

impl Tally {
    fn tell(&self, verified: bool) -> Result<(), String> {
        let Self { good, missing, differing, orphans, elsewhere, read } = self;
        let how = match verified {
            true => format!("empreintes comparées, {} Mo lus", read.div_ceil(1_000_000)),
            false => "tailles comparées ; --verify compare aussi les empreintes".to_owned(),
        };
        say(&format!(
            "Présents : {good} ({how}). Manquants : {missing}. Différents : {differing}. Sans ligne dans la base : {orphans}. \
             À une autre adresse, pas regardés : {elsewhere}."
        ));
        if missing + differing == 0 {
            return Ok(());
        }
        Err("Le stockage n'a pas tout ce que la base attend : « neopro-central storage copy » le ramène d'une copie, ou \
             renvoyez ces vidéos."
            .into())
    }
}
