//! Reads the whole chain, and says where it is broken.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use uuid::Uuid;

use super::store::{self, Removal};
use super::{Seal, SealedEntry};
use crate::clock::Time;
use crate::db::{Error, Still};

/// How many rows are read at a time.
const PAGE: i64 = 2_000;
/// How many breaks are told one by one.
const TOLD: usize = 20;
/// How far two clocks may be apart, and how long a transaction may last: an entry that says that it is older than that
/// when it is written or sealed was not written when it says.
const TOLERANCE: Duration = Duration::from_secs(3_600);

/// A seal that somebody has noted: its number and its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The number.
    pub seal: i64,
    /// The hash, in small hex letters.
    pub hash: String,
}

/// A place where the chain is broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Break {
    /// The entry, if it is one.
    pub entry: Option<i64>,
    /// The id of the entry, if it is there.
    pub id: Option<Uuid>,
    /// What is wrong, as a sentence without its full stop.
    pub what: String,
}

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Sealed entries that were read.
    pub entries: i64,
    /// Seals that were verified.
    pub seals: i64,
    /// The number of the first entry.
    pub first: Option<i64>,
    /// The last seal: number, last entry, hash in hex, and when.
    pub last: Option<(i64, i64, String, Time)>,
    /// Entries that are not sealed yet, and since when the oldest of them waits.
    pub unsealed: (i64, Option<Time>),
    /// Entries that a person was erased from.
    pub erased: i64,
    /// The seal at which the journal was cut.
    pub cut_at: Option<i64>,
    /// When that was noted, and when the first entry behind it was written.
    pub cut: (Option<Time>, Option<Time>),
    /// Seals that somebody has noted and that went with what was cut off: nothing says any more what they were.
    pub forgotten: Vec<i64>,
    /// Entries from before there were seals, which nothing says when they were written.
    pub older: i64,
    /// The first breaks.
    pub breaks: Vec<Break>,
    /// How many there are.
    pub broken: usize,
}

/// Reads it all. `known` are seals that must still be there as they were.
///
/// # Errors
/// The database could not be read to the end.
pub async fn verify(still: &Still, known: &[Known]) -> Result<Report, Error> {
    let (removals, unsealed) = still.read((store::removals(), store::unsealed())).await?;
    let mut chain = Chain::new(removals, known);
    chain.report.unsealed = (unsealed.entries, unsealed.since);
    let mut entries = Entries { still, waiting: VecDeque::new(), behind: i64::MIN, is_over: false };
    let mut behind = i64::MIN;
    loop {
        let seals = still.read(store::seals(behind, PAGE)).await?;
        let Some(last) = seals.last() else { break };
        behind = last.number;
        for seal in seals {
            chain.seal(seal, &mut entries).await?;
        }
    }
    while let Some(entry) = entries.up_to(i64::MAX).await? {
        chain.broken(Some(&entry), "a un numéro qu'aucun sceau ne couvre : la fin des sceaux manque");
    }
    chain.compare();
    Ok(chain.report)
}

/// The sealed entries, in order.
struct Entries<'a> {
    still: &'a Still,
    waiting: VecDeque<SealedEntry>,
    behind: i64,
    is_over: bool,
}

impl Entries<'_> {
    /// The next one, if its number is not above this.
    async fn up_to(&mut self, number: i64) -> Result<Option<SealedEntry>, Error> {
        if self.waiting.is_empty() && !self.is_over {
            self.waiting = self.still.read(store::entries(self.behind, PAGE)).await?.into();
            self.is_over = self.waiting.is_empty();
            self.behind = self.waiting.back().map_or(self.behind, |entry| entry.number);
        }
        Ok(self.waiting.pop_front_if(|entry| entry.number <= number))
    }
}

/// What is known of the chain up to a seal.
struct Chain<'a> {
    /// Entries that tell of an erasure, and the account that was erased.
    erasures: HashMap<Uuid, Option<String>>,
    /// Seals that the journal was cut at, their hashes in hex, and when.
    cuts: Vec<(String, String, Time)>,
    known: Vec<(&'a Known, Option<String>)>,
    /// The hash, the number and the last entry of the seal before.
    previous: Option<(Vec<u8>, i64, i64)>,
    /// From then on an entry would have been sealed already; not known behind a seal that was full.
    since: Option<Time>,
    /// Entries know when they were written.
    dated: bool,
    report: Report,
}

impl<'a> Chain<'a> {
    fn new(removals: Vec<Removal>, known: &'a [Known]) -> Self {
        let (mut erasures, mut cuts) = (HashMap::new(), Vec::new());
        for removal in removals {
            match (removal.action.as_str(), removal.target_id, removal.hash) {
                ("AUDIT_CUT", Some(seal), Some(hash)) => cuts.push((seal, hash, removal.created_at)),
                (_, person, _) => {
                    erasures.insert(removal.id, person);
                }
            }
        }
        let known = known.iter().map(|known| (known, None)).collect();
        Self { erasures, cuts, known, previous: None, since: None, dated: false, report: Report::default() }
    }

    fn broken(&mut self, entry: Option<&SealedEntry>, what: impl Into<String>) {
        self.broken_at(entry.map(|entry| entry.number), entry.map(|entry| entry.id), what);
    }

    fn broken_at(&mut self, entry: Option<i64>, id: Option<Uuid>, what: impl Into<String>) {
        self.report.broken += 1;
        if self.report.breaks.len() < TOLD {
            self.report.breaks.push(Break { entry, id, what: what.into() });
        }
    }

    async fn seal(&mut self, seal: Seal, entries: &mut Entries<'_>) -> Result<(), Error> {
        let hash = data_encoding::HEXLOWER.encode(&seal.hash);
        for (known, found) in &mut self.known {
            if known.seal == seal.number {
                *found = Some(hash.clone());
            }
        }
        let noted = |(at, of, _): &&(String, String, Time)| *at == seal.number.to_string() && *of == hash;
        let cut = self.cuts.iter().find(noted).filter(|_| self.previous.is_none()).map(|(.., noted_at)| *noted_at);
        if let Some(noted_at) = cut {
            self.report.cut_at = Some(seal.number);
            self.report.cut.0 = Some(noted_at);
            while let Some(entry) = entries.up_to(seal.last_entry).await? {
                self.broken(Some(&entry), "se trouve avant le début du journal, qui a été coupé derrière elle");
            }
        } else {
            self.joins(&seal);
            self.whole(&seal, entries).await?;
            self.report.seals += 1;
        }
        self.report.last = Some((seal.number, seal.last_entry, hash, seal.sealed_at));
        self.since = (!seal.is_full).then(|| seal.sealed_at.minus(TOLERANCE));
        self.previous = Some((seal.hash, seal.number, seal.last_entry));
        Ok(())
    }

    /// Whether a seal follows the one before it.
    fn joins(&mut self, seal: &Seal) {
        let zeros = || (vec![0; 32], 0, 0);
        let (hash, number, last_entry) = self.previous.clone().unwrap_or_else(zeros);
        if seal.number != number + 1 {
            let what = if number == 0 {
                format!("les sceaux 1 à {} manquent, sans qu'une coupe soit notée dans le journal", seal.number - 1)
            } else {
                format!("des sceaux manquent entre le sceau {number} et le sceau {}", seal.number)
            };
            self.broken_at(Some(last_entry + 1), None, what);
        } else if seal.previous != hash {
            self.broken_at(
                Some(seal.first_entry),
                None,
                format!("le sceau {} ne suit pas le sceau {number}", seal.number),
            );
        } else if seal.first_entry != last_entry + 1 || seal.last_entry < seal.first_entry {
            let what = format!("le sceau {} ne commence pas derrière le sceau {number}", seal.number);
            self.broken_at(Some(last_entry + 1), None, what);
        }
    }

    /// Whether all entries of a seal are there, as they were.
    async fn whole(&mut self, seal: &Seal, entries: &mut Entries<'_>) -> Result<(), Error> {
        let (mut hashes, mut expected, mut complete) = (Vec::new(), seal.first_entry, true);
        while let Some(entry) = entries.up_to(seal.last_entry).await? {
            if entry.number > expected {
                self.missing(expected, entry.number - 1, seal);
                complete = false;
            } else if entry.number < expected {
                self.broken(Some(&entry), format!("n'a pas de place dans le sceau {}", seal.number));
                continue;
            }
            expected = entry.number + 1;
            hashes.extend_from_slice(entry.entry_hash.as_deref().unwrap_or_default());
            self.report.entries += 1;
            if self.report.first.is_none() {
                self.report.first = Some(entry.number);
                self.report.cut.1 = entry.written_at;
            }
            if let Some(what) = self.wrong(&entry) {
                self.broken(Some(&entry), what);
            }
        }
        if expected <= seal.last_entry {
            self.missing(expected, seal.last_entry, seal);
        } else if complete && seal.hash_over(&hashes) != seal.hash {
            let what = format!(
                "le sceau {} (entrées {} à {}) n'est pas celui de ses entrées",
                seal.number, seal.first_entry, seal.last_entry
            );
            self.broken_at(Some(seal.first_entry), None, what);
        }
        Ok(())
    }

    fn missing(&mut self, from: i64, to: i64, seal: &Seal) {
        let what = match to - from {
            0 => format!("manque (sceau {})", seal.number),
            _ => format!("manque, comme toutes celles jusqu'à la {to} (sceau {})", seal.number),
        };
        self.broken_at(Some(from), None, what);
    }

    /// What is wrong with an entry.
    fn wrong(&mut self, entry: &SealedEntry) -> Option<String> {
        let actor = Apart {
            what: "l'adresse ou le navigateur",
            is_empty: entry.ip_address.is_none() && entry.user_agent.is_none(),
            is_right: entry
                .actor_salt
                .as_ref()
                .map(|salt| entry.actor_hash.as_ref() == Some(&entry.hash_of_actor(salt))),
            erased_by: entry.actor_erased_by,
            person: entry.user_id.map(|user| user.to_string()),
        };
        let persons = Apart {
            what: "ce qui désigne une personne",
            is_empty: entry.personal.is_none(),
            is_right: entry
                .personal_salt
                .as_ref()
                .map(|salt| entry.personal_hash.as_ref() == Some(&entry.hash_of_persons(salt))),
            erased_by: entry.personal_erased_by,
            person: entry.target_id.clone().filter(|_| entry.target_type.as_deref() == Some("user")),
        };
        if actor.erased_by.is_some() || persons.erased_by.is_some() {
            self.report.erased += 1;
        }
        let apart = self.wrong_apart(&actor).or_else(|| self.wrong_apart(&persons));
        if entry.entry_hash.as_ref() != Some(&entry.hash()) {
            return Some("n'est pas celle qui a été scellée : une de ses valeurs a été changée".into());
        }
        apart.or_else(|| self.wrong_time(entry))
    }

    fn wrong_apart(&self, apart: &Apart) -> Option<String> {
        let what = apart.what;
        let erasure = apart.erased_by.map(|entry| self.erasures.get(&entry));
        match (apart.is_right, erasure) {
            (Some(false), _) => Some(format!("n'est pas celle qui a été scellée : {what} a changé")),
            (Some(true), None) => None,
            (None, None) => Some(format!("{what} a disparu sans qu'un effacement soit noté")),
            (_, Some(None)) => Some(format!("{what} est dit effacé par une entrée qui n'existe pas")),
            (_, Some(_)) if !apart.is_empty => Some(format!("{what} est dit effacé, et ne l'est pas")),
            // Of whom it was is only known of accounts.
            (_, Some(Some(Some(person)))) if apart.person.as_ref().is_some_and(|of| of != person) => {
                Some(format!("{what} a été effacé au nom d'une autre personne"))
            }
            (_, Some(Some(_))) => None,
        }
    }

    fn wrong_time(&mut self, entry: &SealedEntry) -> Option<String> {
        let Some(written) = entry.written_at else {
            self.report.older += 1;
            return self.dated.then(|| "ne dit pas quand elle a été écrite, contrairement à celles d'avant".into());
        };
        self.dated = true;
        let (said, apart) = (entry.created_at, TOLERANCE);
        if said < written.minus(apart) || said > written.plus(apart) {
            return Some(format!(
                "est datée du {said} et a été écrite le {written} : antidatée, ou une horloge était fausse"
            ));
        }
        let since = self.since.filter(|since| written < *since)?;
        Some(format!(
            "dit avoir été écrite le {written}, mais n'existait pas encore lors du sceau précédent (après le {since})"
        ))
    }

    /// Whether the seals that somebody has noted are what they were.
    fn compare(&mut self) {
        let forgotten = self.report.cut_at;
        for (known, found) in std::mem::take(&mut self.known) {
            let Known { seal, hash } = known;
            match found {
                Some(found) if found == *hash => {}
                Some(_) => self.broken_at(
                    None,
                    None,
                    format!("le sceau {seal} n'est pas celui qui a été noté : le journal a été récrit"),
                ),
                None if forgotten.is_some_and(|cut| *seal < cut) => self.report.forgotten.push(*seal),
                None => self.broken_at(
                    None,
                    None,
                    format!("le sceau {seal}, qui a été noté, manque : la fin du journal a été coupée"),
                ),
            }
        }
    }
}

/// A part of an entry that is hashed apart.
struct Apart {
    what: &'static str,
    is_empty: bool,
    /// Whether it fits its hash; not known without its salt.
    is_right: Option<bool>,
    erased_by: Option<Uuid>,
    /// The account that it is of, if it is one's.
    person: Option<String>,
}
