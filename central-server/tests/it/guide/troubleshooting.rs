//! The troubleshooting part of the guide: each of its entries is provoked, and what our edition says that one will see is
//! seen: in the log, and where somebody meets it in a browser. The services have the guide's own names (`cloud/`).
//!
//! An entry is a heading of the original, a name, and what is done. A promise is what our edition quotes below « Ce que vous
//! verrez »: every one has to be found in what the provocations have brought to light.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use axum::http::Method;
use serde_json::{Value, json};

use super::borrowed;
use super::document::Document;
use super::walker::Walk;
use crate::cloud::network::{alone, gallery};
use crate::cloud::postgres::{ENCODED_PASSWORD, PASSWORD};
use crate::cloud::redis::TOKEN;
use crate::cloud::{DASHBOARD, POOLER, PROJECT, REDIS, SERVER};
use crate::mail::sendgrid::{KEY as SENDGRID_KEY, Next};
use crate::support::program::{self, Server, text};
use crate::support::{Supabase, http};

const EMAIL: &str = "a@club.test";
const WORD: &str = "Tir au but 12";

/// Provokes an entry of the guide: the test's name, the heading, what is done.
fn entry(name: &str, heading: &str, provoke: impl AsyncFnOnce(&mut Trouble)) {
    alone(&format!("guide::troubleshooting::{name}"), async {
        let mut trouble = Trouble::begin(name).await;
        provoke(&mut trouble).await;
        trouble.keeps_the_promises(heading);
    });
}

#[test]
fn a_server_that_does_not_start() {
    entry("a_server_that_does_not_start", "L'application ne démarre pas sur Render", does_not_start);
}

#[test]
fn a_database_out_of_reach() {
    entry("a_database_out_of_reach", "Erreur de connexion à la base de données", no_database);
}

#[test]
fn an_origin_that_is_not_listed() {
    entry("an_origin_that_is_not_listed", "Erreur CORS", cors);
}

#[test]
fn a_redis_that_does_not_connect() {
    entry("a_redis_that_does_not_connect", "Redis ne se connecte pas", redis);
}

#[test]
fn an_upload_that_fails() {
    entry("an_upload_that_fails", "Upload de vidéos échoue", upload);
}

#[test]
fn mail_that_does_not_leave() {
    entry("mail_that_does_not_leave", "Les emails ne partent pas (SendGrid)", mail);
}

#[test]
fn a_blank_page() {
    entry("a_blank_page", "Le dashboard affiche une page blanche", blank);
}

#[test]
fn every_entry_of_the_guide_is_provoked() {
    let guide = Document::original();
    let (_, part) = guide.text.split_once("\n## Dépannage\n").expect("the part");
    let (part, _) = part.split_once("\n## ").expect("its end");
    let headings: Vec<&str> = part.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    assert_eq!(headings.len(), 7);
    // The calls above, in their order.
    let calls = include_str!("troubleshooting.rs").split("    entry(\"").skip(1);
    let provoked: Vec<&str> = calls.filter_map(|call| call.split('"').nth(2)).collect();
    assert_eq!(provoked, headings);
}

/// An installation after the guide's steps 2 to 7, and all that was read in logs and on screens.
struct Trouble {
    walk: Walk,
    seen: String,
    pictures: usize,
}

/// A server, as it was started with something wrong.
struct Running {
    server: Server,
    log: std::path::PathBuf,
}

impl Trouble {
    async fn begin(name: &str) -> Self {
        let mut walk = Walk::begin(name).await;
        walk.accounts();
        walk.variables();
        let more = [("ALLOWED_ORIGINS", format!("https://{DASHBOARD}")), ("EMAIL_FROM", "noreply@club.test".into())];
        walk.environment.extend(more.map(|(name, value)| (name.to_owned(), value)));
        walk.environment.push(("SENDGRID_API_KEY".to_owned(), SENDGRID_KEY.to_owned()));
        Self { walk, seen: String::new(), pictures: 0 }
    }

    /// The right variables with others in their place, or without them.
    fn with(&self, changes: &[(&str, Option<&str>)]) -> Vec<(String, String)> {
        let mut environment = self.walk.environment.clone();
        for (name, value) in changes {
            environment.retain(|(known, _)| known != name);
            environment.extend(value.map(|value| ((*name).to_owned(), value.to_owned())));
        }
        self.walk.on_the_platform(&environment)
    }

    /// A start that has to fail: these words are among the last lines.
    fn does_not_start(&mut self, changes: &[(&str, Option<&str>)], words: &[&str]) {
        let output = program::run(&["serve"], &borrowed(&self.with(changes)), "");
        let said = program::words(&output);
        assert!(!output.status.success(), "{changes:?}: {said}");
        for words in words {
            assert!(said.contains(words), "{changes:?} does not say {words:?}: {said}");
        }
        self.note(&said);
    }

    /// A start with something wrong that does not keep it from starting. On the guide's port, so that its front finds it.
    fn start(&self, name: &str, changes: &[(&str, Option<&str>)]) -> Running {
        let log = self.walk.cloud.folder.join(format!("{name}.log"));
        let server = Server::spawn_on(Some(3001), &borrowed(&self.with(changes)), &log);
        Running { server, log }
    }

    /// Ends it. What it has logged is evidence, and holds no secret.
    async fn end(&mut self, mut running: Running) {
        assert!(running.server.terminate().await.success());
        self.note(&text(&running.log));
    }

    fn note(&mut self, said: &str) {
        for secret in [PASSWORD, ENCODED_PASSWORD, TOKEN, SENDGRID_KEY, WORD] {
            assert!(!said.contains(secret), "a secret is shown: {secret}");
        }
        self.seen.push_str(said);
        self.seen.push('\n');
    }

    /// What a browser shows at an address, where these texts have to be read.
    fn page(&mut self, address: &str, more: Value, expect: &[&str]) -> Value {
        self.pictures += 1;
        let mut asked = json!({
            "chromium": "/usr/bin/chromium", "mark": self.walk.cloud.certificate.mark(), "address": address,
            "folder": gallery("troubleshooting"), "expect": expect,
            "name": format!("{}-{}", self.walk.cloud.folder.file_name().expect("a name").display(), self.pictures),
        });
        asked.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
        let output = Command::new("node")
            .arg("tests/browser/trouble.mjs")
            .arg(asked.to_string())
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../central-dashboard"))
            .output()
            .expect("Node");
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{address}, {expect:?}: {out}{err}");
        let told: Value = serde_json::from_str(out.trim_end().lines().last().unwrap_or_default()).expect("JSON");
        self.note(told["text"].as_str().expect("a text"));
        told
    }

    /// The dashboard of step 7, built for this address of the API.
    fn dashboard(&self, api: &str) {
        // Without the check of its types, which the address does not change.
        let built = self.walk.build_dashboard_for("npm run build", api).wait_with_output().expect("a build");
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    }

    /// An administrator, who can log in wherever there is a database.
    fn administrator(&self) -> Value {
        let flags = ["create-admin", "--email", EMAIL, "--full-name", "A", "--password-stdin"];
        let made = program::run(&flags, &borrowed(&self.with(&[])), &format!("{WORD}\n"));
        assert!(made.status.success(), "{}", program::words(&made));
        json!({"email": EMAIL, "password": WORD})
    }

    /// A command of the guide's own for this entry, filled in.
    fn own_test(&self, heading: &str, values: &[(&str, &str)]) -> String {
        let line = self.walk.guide.section(heading).block("bash").to_owned();
        self.walk.shell(&super::filled(&line, values))
    }

    /// Every sentence that our edition quotes in this entry was seen.
    fn keeps_the_promises(self, heading: &str) {
        let edition = Document::read("guide-mise-en-production.md");
        let lines = edition.section(heading).lines.iter();
        let promised: Vec<&String> = lines.filter(|line| line.starts_with("**Ce que vous verrez**")).collect();
        let [promised] = promised[..] else { panic!("one line for {heading}") };
        let codes = promised.split('`').skip(1).step_by(2).filter(|code| code.contains(' '));
        let quotes = promised.split("« ").skip(1).filter_map(|rest| rest.split_once(" »"));
        for sentence in codes.chain(quotes.flat_map(|(said, _)| said.split(" … "))) {
            assert!(
                self.seen.contains(sentence),
                "our edition promises {sentence:?}, and nothing showed it:\n{}",
                self.seen
            );
        }
    }
}

impl Running {
    /// Waits until the log says all of this.
    async fn says(&self, words: &[&str]) {
        let until = Instant::now() + Duration::from_secs(25);
        loop {
            let log = text(&self.log);
            let Some(missing) = words.iter().find(|words| !log.contains(**words)) else { return };
            assert!(Instant::now() < until, "the log does not say {missing:?}: {log}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// A check of `/health`.
    async fn check(&self, name: &str) -> Value {
        http::get(self.server.port, "/health").await.json()["checks"][name].clone()
    }
}

async fn does_not_start(trouble: &mut Trouble) {
    // The control: with all of them it starts.
    let mut running = trouble.start("right", &[]);
    running.server.ready().await;
    let taken = ("PORT", Some("3001"));
    trouble.does_not_start(&[taken], &["Le port 3001 est déjà utilisé par un autre programme", "PORT"]);
    trouble.end(running).await;

    for (name, step) in [
        ("DATABASE_URL", "étape 2.2"),
        ("SUPABASE_URL", "étape 2.3"),
        ("SUPABASE_SERVICE_KEY", "étape 2.3"),
        ("REDIS_URL", "étape 4.3"),
        ("JWT_SECRET", "étape 6.4"),
        ("MFA_ENCRYPTION_KEY", "étape 6.4"),
    ] {
        trouble.does_not_start(&[(name, None)], &["La configuration contient", name, step]);
    }
    let wrong = [("DATABASE_URL", Some("mysql://nope")), ("PORT", Some("abc")), ("SUPABASE_SERVICE_KEY", None)];
    let all = ["La configuration contient 3 problèmes", "« postgresql://", "PORT", "3001", "SUPABASE_SERVICE_KEY"];
    trouble.does_not_start(&wrong, &all);
    let placeholders = trouble.walk.guide.section("2.4.").block("").to_owned();
    let pasted: Vec<(&str, Option<&str>)> =
        placeholders.lines().filter_map(|line| line.split_once('=')).map(|(name, value)| (name, Some(value))).collect();
    trouble.does_not_start(&pasted, &["La configuration contient 3 problèmes", "étape 2.2", "étape 2.3"]);
}

async fn no_database(trouble: &mut Trouble) {
    let own = [("postgres.xxx:PASSWORD", &*format!("postgres.{PROJECT}:{ENCODED_PASSWORD}"))];
    // The guide's own test, which nobody can run without a client that quits.
    let psql = format!("{} -c 'select 1'", trouble.walk.guide.section("Erreur de connexion").block("bash").trim());
    assert!(trouble.walk.shell(&super::filled(&psql, &own)).contains('1'));

    let silent = tokio::net::TcpListener::bind(("127.0.0.1", 6550)).await.expect("a port that says nothing");
    let user = format!("postgres.{PROJECT}");
    let url = |user: &str, password: &str, host: &str, port: u16| {
        format!("postgresql://{user}:{password}@{host}:{port}/postgres?pgbouncer=true")
    };
    let checks = ["Erreur de connexion à la base de données", "6543", "?pgbouncer=true", "mot de passe", "étape 2.2"];
    for (name, url, sentence, at) in [
        (
            "closed",
            url(&user, ENCODED_PASSWORD, POOLER, 6549),
            "Connection refused : rien n'écoute à cette adresse.",
            format!("{POOLER}:6549"),
        ),
        (
            "silent",
            url(&user, ENCODED_PASSWORD, POOLER, 6550),
            "Connection timeout : cette adresse ne répond pas.",
            format!("{POOLER}:6550"),
        ),
        (
            "password",
            url(&user, "faux", POOLER, 6543),
            "Le mot de passe de DATABASE_URL est refusé.",
            format!("{POOLER}:6543"),
        ),
        (
            "region",
            url(&user, ENCODED_PASSWORD, "aws-0-eu-west-9.pooler.supabase.com", 6543),
            "L'hôte de DATABASE_URL n'existe pas.",
            "aws-0-eu-west-9.pooler.supabase.com:6543".to_owned(),
        ),
    ] {
        let running = trouble.start(name, &[("DATABASE_URL", Some(&url))]);
        running.says(&[&checks[..], &[sentence, &at]].concat()).await;
        assert_eq!(running.check("database").await["message"], "La base de données ne répond pas.");
        let answer = http::get(running.server.port, "/api/sites").await;
        assert!(matches!(answer.status, 401 | 503), "{}", answer.text);
        if name == "closed" {
            trouble.dashboard(&format!("https://{SERVER}"));
            trouble.page(&format!("https://{DASHBOARD}/"), json!({}), &[]);
        }
        trouble.end(running).await;
    }
    drop(silent);

    // The user without the project's reference, and the port that is not the pooler's: told before anything is tried.
    let nobody = url("postgres", ENCODED_PASSWORD, POOLER, 6543);
    let running = trouble.start("nobody", &[("DATABASE_URL", Some(&nobody))]);
    running.says(&["postgres.<référence du projet>", "Erreur de connexion"]).await;
    trouble.end(running).await;
    let direct = format!("postgresql://postgres:{ENCODED_PASSWORD}@db.{PROJECT}.supabase.co:5432/postgres");
    let mut running = trouble.start("direct", &[("DATABASE_URL", Some(&direct))]);
    running.says(&["pooler, port 6543 (étape 2.2)"]).await;
    running.server.ready().await;
    trouble.end(running).await;

    // The control: `?pgbouncer=true` may be missing.
    let without = url(&user, ENCODED_PASSWORD, POOLER, 6543).replace("?pgbouncer=true", "");
    let mut running = trouble.start("without", &[("DATABASE_URL", Some(&without))]);
    running.server.ready().await;
    assert!(!text(&running.log).contains("Erreur de connexion"));
    trouble.end(running).await;
}

async fn cors(trouble: &mut Trouble) {
    trouble.dashboard(&format!("https://{SERVER}"));
    let own = format!("https://{DASHBOARD}");
    for (name, origins) in [("none", None), ("other", Some("https://monsite.com"))] {
        let mut running = trouble.start(name, &[("ALLOWED_ORIGINS", origins)]);
        running.server.ready().await;
        let told = trouble.page(&own, json!({}), &[]);
        assert!(told["heard"].to_string().contains("Access-Control-Allow-Origin"), "the guide's symptom: {told}");
        running.says(&["add this value to ALLOWED_ORIGINS (étape 7.6 du guide)", &own]).await;
        trouble.end(running).await;
    }
    // What the guide says to do, in its form, with a slash all the same, and as the second of two.
    let slash = format!("{own}/");
    let second = format!("https://site1.com , {own}");
    for (name, origins) in [("form", own.as_str()), ("slash", &slash), ("second", &second)] {
        let mut running = trouble.start(name, &[("ALLOWED_ORIGINS", Some(origins))]);
        running.server.ready().await;
        let told = trouble.page(&own, json!({}), &["Se connecter"]);
        assert!(!told["heard"].to_string().contains("Access-Control-Allow-Origin"), "{name}: {told}");
        trouble.end(running).await;
    }
    for bad in ["*", "https://monsite.com/app"] {
        trouble.does_not_start(&[("ALLOWED_ORIGINS", Some(bad))], &["ALLOWED_ORIGINS"]);
    }
}

async fn redis(trouble: &mut Trouble) {
    let pong = trouble
        .own_test("Redis ne se connecte pas", &[("default:xxx@xxx.upstash.io", &format!("default:{TOKEN}@{REDIS}"))]);
    assert_eq!(pong.trim(), "PONG");
    let form = "forme attendue : rediss://default:<jeton>@<nom>.upstash.io:6379";
    let pasted = format!("redis-cli -u rediss://default:{TOKEN}@{REDIS}:6379");
    let rest = format!("https://{REDIS}");
    for (wrong, what) in [
        (pasted.as_str(), "une commande redis-cli a été collée"),
        (&rest, "c'est l'adresse REST"),
        ("eu1-caring-owl-12345.upstash.io:6379", "rediss://"),
    ] {
        trouble.does_not_start(&[("REDIS_URL", Some(wrong))], &["REDIS_URL", what, form, "étape 4.3"]);
    }
    // What does not answer, or does not let us in, stops nothing.
    let closed = format!("rediss://default:{TOKEN}@{REDIS}:6390");
    let wrong = format!("rediss://default:faux@{REDIS}:6379");
    for (name, url) in [("closed", closed), ("token", wrong)] {
        let mut running = trouble.start(name, &[("REDIS_URL", Some(&url))]);
        running.server.ready().await;
        assert_eq!(http::get(running.server.port, "/ready").await.status, 200);
        trouble.end(running).await;
    }
    // Nor does one that goes away while the server runs.
    let mut running = trouble.start("away", &[]);
    running.server.ready().await;
    trouble.walk.cloud.redis.down();
    assert_eq!(http::get(running.server.port, "/ready").await.status, 200);
    let login = json!({"email": EMAIL, "password": WORD});
    let answer = http::send(running.server.port, Method::POST, "/api/auth/login", None, Some(&login)).await;
    assert_eq!(answer.expect("an answer").status, 401, "people get in and out as before");
    trouble.walk.cloud.redis.up().await;
    trouble.end(running).await;
}

async fn upload(trouble: &mut Trouble) {
    trouble.dashboard(&format!("https://{SERVER}"));
    let mut running = trouble.start("right", &[]);
    running.server.ready().await;
    let person = trouble.administrator();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/media/faststart.mp4");
    let asked = json!({"person": person, "upload": file});
    let own = format!("https://{DASHBOARD}/login");
    let supabase = trouble.walk.cloud.supabase.clone();
    supabase.set(|mood| mood.writes_refused = true);
    trouble.page(&own, asked.clone(), &["Le stockage des vidéos refuse ce que ce serveur y écrit."]);
    running.says(&["règle « Allow service upload » (étape 3.3 du guide)"]).await;
    supabase.set(|mood| mood.writes_refused = false);
    assert_eq!(supabase.paths("videos"), [""; 0], "of a refused upload nothing is left");
    // The control: the same way works when it is mended.
    trouble.page(&own, asked.clone(), &["Dans la vidéothèque"]);
    trouble.end(running).await;

    let (anon, other) = (Supabase::jwt("anon"), format!("{}x", Supabase::jwt("service_role")));
    trouble.does_not_start(&[("SUPABASE_SERVICE_KEY", Some(&anon))], &["c'est la clé anon", "étape 2.3"]);
    let key = [("SUPABASE_SERVICE_KEY", Some(other.as_str()))];
    let gone = [("SUPABASE_URL", Some("https://abcdefghijklmnopqrst.supabase.co"))];
    for (name, changes, words) in [
        (
            "key",
            key,
            [
                "Le stockage des vidéos refuse la clé de ce serveur.",
                "Vérifiez SUPABASE_SERVICE_KEY (étape 2.3 du guide).",
            ],
        ),
        ("address", gone, ["Le stockage des vidéos ne répond pas.", "SUPABASE_URL (étape 2.3 du guide)."]),
    ] {
        let mut running = trouble.start(name, &changes);
        running.server.ready().await;
        running.says(&words).await;
        assert!(running.check("storage").await["message"].as_str().is_some_and(|said| said.starts_with(words[0])));
        trouble.end(running).await;
    }
    supabase.book().buckets.clear();
    supabase.set(|mood| mood.buckets_refused = true);
    let mut running = trouble.start("buckets", &[]);
    running.server.ready().await;
    running.says(&["Le bucket « videos » du stockage n'existe pas.", "étape 3.1 du guide"]).await;
    trouble.end(running).await;
}

async fn mail(trouble: &mut Trouble) {
    let example = [("EMAIL_FROM", Some("noreply@votredomaine.com"))];
    trouble.does_not_start(&example, &["EMAIL_FROM", "la valeur d'exemple n'a pas été remplacée"]);
    let mut running = trouble.start("prefix", &[("SENDGRID_API_KEY", Some("aZ09.une-cle-sans-son-debut"))]);
    running.server.ready().await;
    running.says(&["SENDGRID_API_KEY", "« SG. »"]).await;
    trouble.end(running).await;

    let mut running = trouble.start("refused", &[]);
    running.server.ready().await;
    trouble.administrator();
    let sender =
        "The from address does not match a verified Sender Identity. Mail cannot be sent until this error is resolved.";
    let sendgrid = trouble.walk.cloud.sendgrid.clone();
    sendgrid.will(Next::Refuse(403, sender, None));
    trouble.walk.shell(&format!(
        "curl --silent --fail -X POST -H 'Content-Type: application/json' --data '{{\"email\":\"{EMAIL}\"}}' \
         https://{SERVER}/api/auth/forgot-password"
    ));
    running.says(&["verify the sender noreply@club.test of EMAIL_FROM", sender]).await;
    let check = running.check("mail").await;
    assert_eq!(
        (&check["status"], &check["message"]),
        (&json!("degraded"), &json!("Le dernier courriel n'a pas pu partir : le journal dit pourquoi."))
    );
    // It is mended, and the mail leaves by itself.
    let until = Instant::now() + Duration::from_secs(40);
    while sendgrid.taken().is_empty() {
        assert!(Instant::now() < until, "the mail does not leave: {}", text(&running.log));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(running.check("mail").await["status"], "healthy");
    assert!(!text(&running.log).contains(EMAIL), "whom it is for is nobody's business");
    trouble.end(running).await;
}

async fn blank(trouble: &mut Trouble) {
    let own = format!("https://{DASHBOARD}/");
    let mut running = trouble.start("right", &[]);
    running.server.ready().await;
    // A name that leads nowhere, a server that is none of ours, and the address with what does not belong to it.
    for api in ["https://neopro-central-serveur.onrender.com".to_owned(), format!("https://{PROJECT}.supabase.co")] {
        trouble.dashboard(&api);
        let told = trouble.page(&own, json!({}), &[]);
        assert!(told["text"].as_str().is_some_and(|text| text.len() > 40), "the page is blank: {told}");
        let health = trouble.walk.shell(&format!("curl --silent --fail {own}health.json"));
        assert!(serde_json::from_str::<Value>(&health).is_ok_and(|health| health.is_object()), "{health}");
    }
    // The control: with the right address it is the page of step 10.3.
    trouble.dashboard(&format!("https://{SERVER}"));
    trouble.page(&own, json!({}), &["Se connecter"]);
    trouble.end(running).await;
}
