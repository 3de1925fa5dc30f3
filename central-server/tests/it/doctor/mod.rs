//! `doctor`: a whole healthy world in which it finds nothing, and each trouble of the guide in which it finds that one.

mod api;
mod around;
mod covered;
mod database;
mod limits;
mod outside;
mod sinks;
mod unseen;
mod world;

use neopro_central::doctor::CHECKS;
use serde_json::Value;
use world::World;

use crate::support::program;

/// Runs `doctor --json`: its exit code, and the report.
pub fn diagnosis(variables: &[(&str, &str)]) -> (i32, Value) {
    let output = program::run(&["doctor", "--json"], variables, "");
    (output.status.code().expect("an exit code, not a signal"), diagnosed(&program::words(&output)))
}

/// The report in what the program said. Behind it stands the last sentence of a failure.
pub fn diagnosed(said: &str) -> Value {
    let report = serde_json::Deserializer::from_str(said).into_iter::<Value>().next();
    report.expect("a report").unwrap_or_else(|error| panic!("{error} in {said}"))
}

/// The findings of a check, perhaps only those about one thing.
pub fn of<'a>(report: &'a Value, id: &str, subject: Option<&str>) -> Vec<&'a Value> {
    let findings = report["findings"].as_array().expect("findings");
    let found: Vec<&Value> = findings
        .iter()
        .filter(|told| told["id"] == id && subject.is_none_or(|subject| told["subject"] == subject))
        .collect();
    assert!(!found.is_empty(), "no finding of {id} {subject:?} in {report:#}");
    found
}

/// What is promised for a trouble: a state, words of what was found, words of what mends it, and the step.
#[derive(Debug, Clone, Copy)]
#[must_use = "a promise that nobody checks"]
pub struct Promise {
    pub id: &'static str,
    pub subject: Option<&'static str>,
    pub state: &'static str,
    pub found: &'static str,
    pub fix: &'static str,
    pub step: &'static str,
}

pub const fn error(id: &'static str, found: &'static str, fix: &'static str, step: &'static str) -> Promise {
    Promise { id, subject: None, state: "error", found, fix, step }
}

pub const fn warning(id: &'static str, found: &'static str, fix: &'static str, step: &'static str) -> Promise {
    Promise { state: "warning", ..error(id, found, fix, step) }
}

pub const fn remark(id: &'static str, found: &'static str, step: &'static str) -> Promise {
    Promise { state: "ok", ..error(id, found, "", step) }
}

/// What could not be looked at, with the reason.
pub const fn unseen(id: &'static str, found: &'static str, step: &'static str) -> Promise {
    Promise { state: "not_checked", ..error(id, found, "", step) }
}

impl Promise {
    pub const fn on(self, subject: &'static str) -> Self {
        Self { subject: Some(subject), ..self }
    }

    /// The finding of a report that keeps it.
    pub fn kept<'a>(&self, report: &'a Value) -> Option<&'a Value> {
        report["findings"].as_array().expect("findings").iter().find(|told| {
            told["id"] == self.id
                && self.subject.is_none_or(|subject| told["subject"] == subject)
                && told["state"] == self.state
                && told["step"] == self.step
                && told["found"].as_str().is_some_and(|found| found.contains(self.found))
                && told["fix"].as_str().unwrap_or_default().contains(self.fix)
                && (["ok", "not_checked"].contains(&self.state) || !told["fix"].is_null())
        })
    }

    /// Holds that a report keeps it.
    pub fn check(&self, report: &Value) {
        let kept = self.kept(report).is_some();
        assert!(kept, "{self:?} is not what was found: {:#?}", of(report, self.id, self.subject));
    }
}

#[tokio::test]
async fn a_whole_healthy_installation_gives_no_error_and_no_warning() {
    let world = World::new().await;
    let (code, report) = world.doctor(&[]).await;
    let findings = report["findings"].as_array().expect("findings");
    let wrong: Vec<&Value> =
        findings.iter().filter(|told| told["state"] == "error" || told["state"] == "warning").collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!((code, &report["worst"]), (0, &Value::from("not_checked")));
    // Nothing is well because nobody looked: of everything that can be looked at from a shell, everything was.
    let unchecked: Vec<&str> = findings
        .iter()
        .filter(|told| told["state"] == "not_checked")
        .map(|told| told["id"].as_str().expect("an id"))
        .collect();
    assert_eq!(unchecked, ["outside.proxies"], "{report:#}");
    let proxies = of(&report, "outside.proxies", None)[0];
    let page = format!("Ouvrez {}/admin/doctor", world.sinks.url());
    assert!(proxies["fix"].as_str().is_some_and(|fix| fix.starts_with(&page)), "what to do instead: {proxies:#}");
    assert!(of(&report, "redis.ping", None)[0]["found"].as_str().expect("words").starts_with("PONG"), "{report:#}");
    assert!(world.supabase.paths("videos").is_empty(), "and it leaves nothing behind");
    assert_eq!(world.sinks.slack().len() + world.sinks.logs().len(), 0, "nothing is sent unasked");
}

#[tokio::test]
async fn it_speaks_three_languages_and_ends_with_the_code_of_what_it_found() {
    let world = World::new().await;
    let mut said = std::collections::BTreeSet::new();
    for (language, word) in [("fr", "avertissements"), ("en", "warnings"), ("es", "avisos")] {
        let (code, table) = world.table(&["--lang", language], &[]).await;
        assert_eq!(code, 0, "{table}");
        assert!(table.contains(word), "{table}");
        said.insert(table);
    }
    assert_eq!(said.len(), 3);
    let (code, table) = world.table(&[], &[("REDIS_URL", "https://a.upstash.io")]).await;
    assert_eq!(code, 1, "{table}");
    for word in ["erreur", "REDIS_URL", "rediss://", "À faire", "[étape 4.3]", "Le diagnostic a trouvé des erreurs."]
    {
        assert!(table.contains(word), "{word} is missing in {table}");
    }
    for wrong in [&["--lang", "de"][..], &["--all"], &["now"]] {
        assert_eq!(world.table(wrong, &[]).await.0, 2, "{wrong:?}");
    }
}

#[tokio::test]
async fn a_replica_with_other_secrets_or_of_another_version_is_found() {
    let world = World::new().await;
    remark("replicas.secrets", "Instances en service : 1", "6.4").check(&world.doctor(&[]).await.1);
    let (code, report) =
        world.doctor(&[("JWT_SECRET", "another canary 0123456789 abcdefghijklmnopqrstuvwxyz 0123456789")]).await;
    assert_eq!(code, 1);
    error("replicas.secrets", "JWT_SECRET :", "mêmes valeurs", "6.4").check(&report);
    let owner = world.db.owner().await;
    owner.batch_execute("update replicas set version = '0.0.9'").await.expect("an older one");
    warning("replicas.versions", "0.0.9", "Redéployez", "6.6").check(&world.doctor(&[]).await.1);
}

#[tokio::test]
async fn without_a_database_and_with_a_broken_environment_everything_else_is_looked_at() {
    let world = World::new().await;
    let broken = [("NODE_ENV", "production"), ("DATABASE_URL", ""), ("JWT_SECRET", "court"), ("PORT", "abc")];
    let (code, report) = world.doctor(&broken).await;
    assert_eq!(code, 1);
    error("database.settings", "Absente ou vide", "DATABASE_URL", "2.2").on("DATABASE_URL").check(&report);
    error("environment.variables", "caractères", "openssl rand -base64 48", "6.4").on("JWT_SECRET").check(&report);
    error("environment.variables", "de 1 à 65535", "PORT", "6.4").on("PORT").check(&report);
    for id in ["database.connection", "database.schema", "accounts.administrator", "storage.room", "mail.queue"] {
        assert_eq!(of(&report, id, None)[0]["state"], "not_checked", "{report:#}");
    }
    for id in ["storage.bucket", "storage.write", "redis.ping", "mail.service", "outside.health", "dashboard.page"] {
        assert!(of(&report, id, None).iter().all(|told| told["state"] == "ok"), "{id}: {report:#}");
    }
}

/// Words that French has and neither English nor Spanish.
const FRENCH: [&str; 11] =
    ["étape", "est", "une", "dans", "pas", "des", "définie", "attendu", "attendue", "valeur", "aucun"];

#[test]
fn what_is_wrong_with_an_environment_is_told_in_the_language_that_was_asked_for() {
    let broken = [
        ("NODE_ENV", "production"),
        ("DATABASE_URL", "postgresql://postgres:un@mot@db.abcdefghijklmnopqrst.supabase.co:5432/postgres"),
        ("DATABASE_SSL_CA_FILE", "/nowhere/ca.crt"),
        ("SUPABASE_URL", "ftp://nowhere"),
        ("SUPABASE_SERVICE_KEY", "sb_publishable_0123456789"),
        ("REDIS_URL", "https://a.upstash.io"),
        ("JWT_SECRET", "court"),
        ("JWT_EXPIRES_IN", "bientôt"),
        ("PORT", "abc"),
        ("MFA_ISSUER", " \"NeoPro\" "),
        ("ALLOWED_ORIGINS", "https://monsite.com/,*"),
        ("SENDGRID_API_KEY", "aZ09.une-cle-sans-son-debut"),
        ("LOGTAIL_HOST", "logs.example.org"),
        ("SLACK_ALERTS_ENABLED", "true"),
        ("METRICS_ENABLED", "true"),
        ("TRUSTED_PROXY_HOPS", "99"),
        ("NEOPRO_DATA_DIR", "~/neopro"),
    ];
    let [french, english, spanish] = ["fr", "en", "es"].map(|language| {
        let output = program::run(&["doctor", "--json", "--lang", language], &broken, "");
        assert_eq!(output.status.code(), Some(1));
        let report = diagnosed(&program::words(&output));
        let findings = report["findings"].as_array().expect("findings").clone();
        let told = findings.iter().map(|told| format!("{} {} {}", told["found"], told["fix"], told["step_words"]));
        told.collect::<Vec<String>>()
    });
    assert!(french.len() > CHECKS.len() && french.len() == english.len() && french.len() == spanish.len());
    for ((fr, en), es) in french.iter().zip(&english).zip(&spanish) {
        assert!(fr != en && fr != es && en != es, "not translated: {fr} | {en} | {es}");
        for foreign in [en, es] {
            let word = foreign.split(|char: char| !char.is_alphabetic()).find(|word| FRENCH.contains(word));
            assert!(word.is_none(), "{word:?} is French: {foreign}");
        }
    }
    let is_french = |text: &String| text.split(|char: char| !char.is_alphabetic()).any(|word| FRENCH.contains(&word));
    assert!(french.iter().filter(|text| is_french(text)).count() > 20, "the control");
}
