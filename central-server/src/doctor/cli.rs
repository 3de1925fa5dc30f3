//! `neopro-central doctor`.

use std::fmt::Write as _;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::ground::{Ground, examine};
use super::routes::Diagnosis;
use super::words::{self, Said};
use super::{CheckState, Told, catalogue, send};
use crate::clock::Clock;
use crate::config::{Config, Database, speaks_english};
use crate::db::Target;
use crate::db::embedded::{Embedded, Options};
use crate::language::Language;
use crate::notify::https;

/// `doctor`.
#[derive(Debug, Args)]
pub struct Diagnose {
    /// Écrit le résultat en JSON.
    #[arg(long)]
    json: bool,
    /// Envoie aussi des messages d'essai : un courriel (à cette adresse, sinon à l'expéditeur), Slack, Logtail.
    #[arg(long, value_name = "ADRESSE", num_args = 0..=1, default_missing_value = "")]
    send: Option<String>,
    /// Langue du résultat ; à défaut celle du système, sinon le français.
    #[arg(long, value_enum)]
    lang: Option<Tongue>,
}

/// A language, as the command line names it.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Tongue {
    Fr,
    En,
    Es,
}

impl Diagnose {
    /// Looks at everything: what is to be printed, and a last sentence if there are errors.
    ///
    /// # Errors
    /// The embedded database that was started for it does not end.
    pub async fn run(self) -> Result<(String, Result<(), String>), String> {
        let language = match self.lang {
            Some(Tongue::Fr) => Language::Fr,
            Some(Tongue::En) => Language::En,
            Some(Tongue::Es) => Language::Es,
            None if speaks_english() => Language::En,
            None => Language::Fr,
        };
        let config = Config::examined();
        // Of what is outside the same is believed as by the server.
        https::believe(config.authorities.as_deref());
        let (target, embedded) = target(&config).await;
        let ground = Ground { config: &config, target, clock: &Clock::System };
        let report = examine(&ground).await;
        let sent = match &self.send {
            Some(to) => send::send(&ground, Some(to.trim()).filter(|to| !to.is_empty()), language).await,
            None => Vec::new(),
        };
        if let Some(embedded) = embedded {
            embedded.stop().await.map_err(|error| error.to_string())?;
        }
        let sent: Vec<Told> = sent.iter().map(|finding| Told::of(finding, language)).collect();
        let is_wrong = report.worst() == CheckState::Error || sent.iter().any(|told| told.state == CheckState::Error);
        let diagnosis = Diagnosis::of(&report, language);
        let told = if self.json { as_json(&diagnosis, &sent) } else { as_table(&diagnosis, &sent, language) };
        Ok((told, if is_wrong { Err(words::FOUND_ERRORS.text(language).to_owned()) } else { Ok(()) }))
    }
}

/// The way to the database, as far as its settings can be used; the embedded one is started for as long as it takes.
async fn target(config: &Config) -> (Option<Result<Target, Said>>, Option<Embedded>) {
    match &config.database {
        _ if config.notes.refuse("DATABASE_URL") => (None, None),
        Database::Url(url) => (Some(Target::from_url(url)), None),
        Database::Embedded => {
            let options =
                Options { data_dir: &config.data_dir, runtime_dir: config.runtime_dir.as_deref(), settings: &[] };
            match Embedded::start_or_attach(options).await {
                Ok(embedded) => (Some(Ok(Target::plain(embedded.config()))), Some(embedded)),
                Err(error) => {
                    let why = error.to_string();
                    (Some(Err(Said::new(words::NOT_READ).with("why", why.trim_end_matches('.')))), None)
                }
            }
        }
    }
}

fn as_json(diagnosis: &Diagnosis, sent: &[Told]) -> String {
    let mut document = json!(diagnosis);
    document["sent"] = json!(sent);
    format!("{document:#}\n")
}

fn as_table(diagnosis: &Diagnosis, sent: &[Told], language: Language) -> String {
    let mut text = String::new();
    let mut group = None;
    for told in &diagnosis.findings {
        if group.replace(told.group) != Some(told.group) {
            let _ = writeln!(text, "\n{}", catalogue::group(told.group).text(language));
        }
        row(&mut text, told, language);
    }
    if !sent.is_empty() {
        let _ = writeln!(text, "\n{}", words::LABEL_SENT.text(language));
        sent.iter().for_each(|told| row(&mut text, told, language));
    }
    let summary = Said::new(words::SUMMARY)
        .with("errors", diagnosis.errors)
        .with("warnings", diagnosis.warnings)
        .with("oks", diagnosis.oks)
        .with("unchecked", diagnosis.unchecked);
    let _ = writeln!(text, "\n{}", summary.text(language));
    text
}

/// How wide the columns of states and names are.
const WIDTHS: (usize, usize) = (15, 40);

fn row(text: &mut String, told: &Told, language: Language) {
    let state = match told.state {
        CheckState::Ok => words::STATE_OK,
        CheckState::NotChecked => words::STATE_NOT_CHECKED,
        CheckState::Warning => words::STATE_WARNING,
        CheckState::Error => words::STATE_ERROR,
    };
    let name = match &told.subject {
        Some(subject) => format!("{} ({subject})", told.title),
        None => told.title.to_owned(),
    };
    let (state_width, name_width) = WIDTHS;
    let _ = writeln!(text, "  {:<state_width$} {name:<name_width$} {}", state.text(language), told.found);
    if let Some(fix) = &told.fix {
        let label = words::LABEL_FIX.text(language);
        let _ = writeln!(text, "  {:<state_width$} {:<name_width$} {label} : {fix} [{}]", "", "", told.step_words);
    }
}
