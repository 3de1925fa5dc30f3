//! `verify-audit` and `erase-person`.

use std::fmt::Write as _;
use std::str::FromStr;

use clap::Args;
use tokio_postgres::Client;

use super::store;
use super::verify::{Break, Known, Report, verify};
use crate::audit::login_mark;
use crate::clock::Clock;
use crate::db::{Db, Statements as _};
use crate::ids::UserId;

/// `verify-audit`.
#[derive(Debug, Args)]
pub struct VerifyAudit {
    /// Sceau noté auparavant (dans les journaux du serveur, par exemple), sous la forme numéro:empreinte ; il doit encore
    /// être là. Peut être répété.
    #[arg(long, value_name = "N:EMPREINTE")]
    known: Vec<Known>,
}

impl FromStr for Known {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "un numéro, deux-points et 64 chiffres hexadécimaux sont attendus";
        let (seal, hash) = text.trim().split_once(':').ok_or(EXPECTED)?;
        let hash = hash.to_ascii_lowercase();
        let is_hash = hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        match seal.parse() {
            Ok(seal) if is_hash => Ok(Self { seal, hash }),
            _ => Err(EXPECTED),
        }
    }
}

impl VerifyAudit {
    /// Reads the journal, and changes nothing. What was found; the error, if it is broken.
    ///
    /// # Errors
    /// A sentence: the chain is broken, or could not be read.
    pub async fn run(self, db: &Db) -> Result<String, (String, String)> {
        let failed =
            |error: crate::db::Error| (String::new(), format!("Le journal n'a pas pu être lu en entier : {error}."));
        let still = db.still().await.map_err(failed)?;
        let report = verify(&still, &self.known).await.map_err(failed)?;
        let told = tell(&report);
        match report.breaks.first() {
            None => Ok(told + "Le journal est intact.\n"),
            Some(first) => Err((told, broken(first, &report))),
        }
    }
}

fn tell(report: &Report) -> String {
    let mut text = String::new();
    let mut line = |words: std::fmt::Arguments<'_>| {
        let _ = writeln!(text, "{words}");
    };
    let last = report.last.as_ref();
    match (report.first, last) {
        (Some(first), Some((.., entry, _, _))) => line(format_args!(
            "Entrées scellées : {} (n° {first} à {entry}), dans {} sceaux.",
            report.entries, report.seals
        )),
        _ => line(format_args!("Entrées scellées : 0.")),
    }
    if let Some((seal, entry, hash, at)) = last {
        line(format_args!("Dernier sceau : {seal}:{hash}, du {at}, jusqu'à l'entrée {entry}."));
    }
    if let Some(seal) = report.cut_at {
        line(format_args!(
            "Le journal commence derrière le sceau {seal} : ce qui précède a été oublié, comme il est noté."
        ));
        // A cut that somebody has made up is of another time than AUDIT_KEEP_MONTHS says.
        if let (Some(noted), Some(first)) = report.cut {
            line(format_args!("Cette coupe est notée le {noted}, et la première entrée qui reste est du {first}."));
        }
    }
    for seal in &report.forgotten {
        line(format_args!("Le sceau noté {seal} a été oublié avec ce qui précède : il ne prouve plus rien."));
    }
    match report.unsealed {
        (0, _) => {}
        (entries, Some(since)) => line(format_args!("Entrées pas encore scellées : {entries}, depuis le {since}.")),
        (entries, None) => line(format_args!("Entrées pas encore scellées : {entries}.")),
    }
    if report.erased > 0 {
        line(format_args!("Entrées dont une personne a été effacée : {}.", report.erased));
    }
    if report.older > 0 {
        line(format_args!("Entrées antérieures aux sceaux, dont rien ne prouve la date : {}.", report.older));
    }
    text
}

fn broken(first: &Break, report: &Report) -> String {
    let mut text = format!("Le journal a été altéré : {}.", sentence(first));
    for other in report.breaks.iter().skip(1) {
        let _ = write!(text, "\n  {}.", sentence(other));
    }
    let _ = write!(text, "\nAltérations trouvées : {}", report.broken);
    match report.broken - report.breaks.len() {
        0 => text.push('.'),
        untold => {
            let _ = write!(text, ", dont {untold} ne sont pas détaillées ici.");
        }
    }
    text
}

fn sentence(found: &Break) -> String {
    match (found.entry, found.id) {
        (Some(entry), Some(id)) => format!("l'entrée {entry} ({id}) {}", found.what),
        // Where a seal is broken the sentence names the seal, and the entry is where it begins.
        (Some(entry), None) if found.what.starts_with("manque") => format!("l'entrée {entry} {}", found.what),
        (Some(entry), None) => format!("à l'entrée {entry}, {}", found.what),
        (None, _) => found.what.clone(),
    }
}

/// `erase-person`.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct ErasePerson {
    /// Adresse e-mail de la personne, dont le compte peut être déjà supprimé.
    #[arg(long)]
    email: Option<String>,
    /// Identifiant de son compte.
    #[arg(long, value_name = "UUID")]
    user_id: Option<UserId>,
}

impl ErasePerson {
    /// Takes the person out of the journal, as the database's owner. What was done.
    ///
    /// # Errors
    /// A sentence; what it says was not erased.
    pub async fn run(self, db: &Db, owner: &Client, clock: &Clock) -> Result<String, String> {
        let failed = |error: crate::db::Error| format!("L'effacement a échoué : {error}.");
        let address = self.email.as_deref().map(str::trim).filter(|address| !address.is_empty());
        let mut persons: Vec<(Option<UserId>, bool)> = vec![(self.user_id, false)];
        if let Some(address) = address {
            let found = db.run_as_system(store::persons(address)).await.map_err(failed)?;
            if !found.is_empty() {
                persons = found.into_iter().map(|person| (person.id, person.is_there)).collect();
            }
        }
        let mut text = String::new();
        for (person, is_there) in persons {
            let (email, mark) = (address.map(str::to_owned), address.map(login_mark));
            let erased = store::erase(person, email, mark, clock.now()).run(owner).await.map_err(failed)?;
            let whose = person.map_or_else(|| "sans compte connu".to_owned(), |person| format!("compte {person}"));
            let _ = writeln!(
                text,
                "Effacé du journal ({whose}) : {} mentions. Noté dans l'entrée {}.",
                erased.entries, erased.entry
            );
            if is_there {
                text.push_str("Le compte lui-même existe encore : supprimez-le dans le tableau de bord.\n");
            }
        }
        Ok(text)
    }
}
