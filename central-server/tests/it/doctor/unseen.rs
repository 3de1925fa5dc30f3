//! At `LOG_LEVEL=trace` and with every service of the guide: what is secret is in nothing that comes out of the server but
//! in what it shows to the service itself.

use std::time::{Duration, Instant};

use axum::http::Method;
use data_encoding::{BASE64_NOPAD, BASE64URL_NOPAD, HEXLOWER};
use neopro_central::config::Variable;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::world::World;
use crate::contract::fill;
use crate::support::app::PASSWORD;
use crate::support::contract::operations;
use crate::support::program::{Server, text};
use crate::support::{Player, cluster, http, stage};

const METRICS_TOKEN: &str = "metrics-canary-0123456789";
/// What ends the session that asks for it.
const ENDING: [&str; 3] = ["POST /api/auth/logout", "DELETE /api/auth/sessions", "POST /api/auth/change-password"];

/// A secret, and the same as it may come out of a program that quotes, packs or dumps it.
fn forms(secret: &str) -> Vec<String> {
    let bytes = secret.as_bytes();
    let quoted = serde_json::to_string(secret).expect("JSON");
    let mut forms = vec![
        secret.to_owned(),
        quoted[1..quoted.len() - 1].to_owned(),
        utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string(),
        HEXLOWER.encode(bytes),
        format!("{bytes:?}").trim_matches(['[', ']']).to_owned(),
    ];
    // Behind what stands before it in the same text it begins within a group of three bytes.
    for before in 0..3 {
        let all = ["x".repeat(before).as_bytes(), bytes].concat();
        for encoded in [BASE64_NOPAD.encode(&all), BASE64URL_NOPAD.encode(&all)] {
            forms.push(encoded[(before * 8).div_ceil(6)..all.len() * 8 / 6].to_owned());
        }
    }
    forms.dedup();
    forms
}

/// What is secret of a variable: the whole of it, or the part of an address that is.
fn secret_part(name: &str, value: &str) -> String {
    match name {
        "DATABASE_URL" | "REDIS_URL" => {
            let (login, _) = value.rsplit_once('@').expect("a login");
            login.rsplit_once(':').expect("a password").1.to_owned()
        }
        "SLACK_WEBHOOK_URL" => value.rsplit('/').next().expect("a path").to_owned(),
        _ => value.to_owned(),
    }
}

/// Names of the secrets that stand in a text, in whatever form.
fn found<'a>(said: &str, secrets: &'a [(String, String)]) -> Vec<&'a str> {
    let is_in = |secret: &str| forms(secret).iter().any(|form| said.contains(form.as_str()));
    secrets.iter().filter(|(_, secret)| is_in(secret)).map(|(name, _)| name.as_str()).collect()
}

/// A world whose server logs everything to all, somebody who may everything, and all that it has said so far.
struct Told {
    world: World,
    log: std::path::PathBuf,
    session: String,
    secrets: Vec<(String, String)>,
    said: Vec<(String, String)>,
}

impl Told {
    async fn begin() -> Self {
        let mut world = World::new().await;
        let port = world.server.port;
        assert!(world.server.terminate().await.success());
        let log = cluster::scratch(&format!("unseen-{}.log", world.db.name));
        let variables =
            world.with(&[("LOG_LEVEL", "trace"), ("METRICS_ENABLED", "true"), ("METRICS_TOKEN", METRICS_TOKEN)]);
        let borrowed: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (&**name, &**value)).collect();
        world.server = Server::spawn_on(Some(port), &borrowed, &log);
        world.server.ready().await;
        let secret = |(name, _): &&(String, String)| Variable::find(name).is_some_and(|variable| variable.secret);
        let secrets: Vec<(String, String)> =
            variables.iter().filter(secret).map(|(name, value)| (name.clone(), secret_part(name, value))).collect();
        assert_eq!(secrets.len(), 9, "{:?}", secrets.iter().map(|(name, _)| name).collect::<Vec<_>>());
        let hash = neopro_central::auth::Passwords::default().hash(PASSWORD.into()).await.expect("a hash");
        let owner = world.db.owner().await;
        owner.execute("update users set password_hash = $1", &[&hash]).await.expect("a password");
        let login = json!({"email": "a@b.test", "password": PASSWORD});
        let answer = http::send(port, Method::POST, "/api/auth/login", None, Some(&login)).await.expect("an answer");
        let session = answer.json()["token"].as_str().expect("a token").to_owned();
        Self { world, log, session, secrets, said: Vec::new() }
    }

    async fn ask(&mut self, method: &str, path: &str, token: Option<&str>, body: Option<&Value>) -> String {
        let verb = Method::from_bytes(method.as_bytes()).expect("a method");
        let answer = http::send(self.world.server.port, verb, path, token, body).await.expect("an answer");
        let headers = format!("{:?}", answer.headers);
        self.said.push((format!("{method} {path}"), format!("{}\n{headers}", answer.text)));
        answer.text
    }

    /// Every route, as nobody and as whoever may everything: what comes of a body that nobody meant.
    async fn routes(&mut self, site: &str) {
        let session = self.session.clone();
        for (path, method, operation) in operations() {
            let is_stream = operation["responses"]["200"]["content"]["text/event-stream"].is_object();
            if is_stream || ENDING.contains(&format!("{method} {path}").as_str()) {
                continue;
            }
            let at = fill(&path.replace("/api/sites/{id}", &format!("/api/sites/{site}")));
            let body = operation["requestBody"].is_object().then(|| json!({}));
            let token = if path == "/metrics" { METRICS_TOKEN } else { session.as_str() };
            self.ask(&method, &at, None, body.as_ref()).await;
            self.ask(&method, &at, Some(token), body.as_ref()).await;
        }
    }

    /// The dashboard, if one is in this program, and everything that its page names.
    async fn pages(&mut self) {
        let page = self.ask("GET", "/", None, None).await;
        let named = page.split(['"', '\'']).filter(|part| part.starts_with('/') && part.contains('.'));
        for path in named.map(str::to_owned).collect::<Vec<_>>() {
            self.ask("GET", &path, None, None).await;
        }
        self.ask("GET", "/api-docs/openapi.json", None, None).await;
    }

    /// What a box of each protocol is told when it comes and when something is ordered.
    async fn boxes(&mut self, sites: &[String; 2]) {
        let port = self.world.server.port;
        let scripts = ["box2.mjs", "agent.mjs"];
        let mut players: Vec<Player> =
            sites.iter().zip(scripts).map(|(site, script)| Player::start(script, port, site, "websocket")).collect();
        for player in &mut players {
            let told = player.says("authenticated").await;
            self.said.push(("a box, let in".to_owned(), told.to_string()));
        }
        for site in sites {
            let order = json!({"video_id": VIDEO, "target_type": "site", "target_id": site, "action": "install"});
            let session = self.session.clone();
            self.ask("POST", "/api/deployments", Some(&session), Some(&order)).await;
        }
        for (player, event) in players.iter_mut().zip(["desired", "command"]) {
            let told = player.says(event).await.to_string();
            assert!(told.contains("/storage/v1/object/public/videos/"), "{told}");
            self.said.push((format!("a box, {event}"), told));
            self.said.push(("a box".to_owned(), player.heard()));
        }
    }

    /// A mail that leaves, what it is, and what everything in the database is, as a backup would have it.
    async fn mail_and_rows(&mut self) {
        let forgot = json!({"email": "a@b.test"});
        self.ask("POST", "/api/auth/forgot-password", None, Some(&forgot)).await;
        let until = Instant::now() + Duration::from_secs(20);
        while self.world.sendgrid.taken().is_empty() {
            assert!(Instant::now() < until, "no mail has left");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let mails = self.world.sendgrid.taken();
        self.said.extend(mails.iter().map(|mail| ("a mail".to_owned(), mail.to_string())));
        let owner = self.world.db.owner().await;
        let tables = "select relname::text from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'";
        for table in owner.query(tables, &[]).await.expect("the catalogue") {
            let table: String = table.get(0);
            let rows = owner.query(&format!("select t::text from {table} t"), &[]).await.expect("rows");
            let rows: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
            self.said.push((format!("the rows of {table}"), rows.join("\n")));
        }
    }
}

const VIDEO: &str = "01a2140d-1e46-777d-ae1d-0123456789ab";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_secret_is_in_nothing_that_is_logged_answered_shown_sent_or_kept() {
    let mut told = Told::begin().await;
    let [asked, sites @ ..] = [1, 2, 3].map(|_| uuid::Uuid::now_v7().to_string());
    let owner = told.world.db.owner().await;
    for site in sites.iter().chain([&asked]) {
        let stored = neopro_central::sites::SiteKey::given(&stage::key(site)).stored();
        let sql = format!(
            "insert into sites (id, site_name, club_name, api_key) values ('{site}', '{site}', 'Club', '{stored}')"
        );
        owner.batch_execute(&sql).await.expect("a site");
    }
    let sql = format!(
        "insert into videos (id, filename, original_name, category, file_size, mime_type, storage_path, checksum) \
         values ('{VIDEO}', 'a.mp4', 'a.mp4', 'SPONSORS', 7, 'video/mp4', 'uploads/a.mp4', repeat('a', 64))"
    );
    owner.batch_execute(&sql).await.expect("a video");

    told.routes(&asked).await;
    told.pages().await;
    told.boxes(&sites).await;
    told.mail_and_rows().await;
    let (_, report) = told.world.doctor_with(&["--send"], &[]).await;
    told.said.push(("doctor".to_owned(), report.to_string()));
    assert!(told.world.server.terminate().await.success());
    let log = text(&told.log);
    told.said.extend(told.world.sinks.logs().into_iter().map(|(_, lines)| ("Logtail".to_owned(), lines.to_string())));
    told.said.extend(told.world.sinks.slack().into_iter().map(|message| ("Slack".to_owned(), message.to_string())));
    told.said.push(("the log".to_owned(), log.clone()));

    let leaks: Vec<String> = told
        .said
        .iter()
        .flat_map(|(what, said)| found(said, &told.secrets).into_iter().map(move |name| format!("{name} in {what}")))
        .collect();
    assert!(leaks.is_empty(), "{leaks:#?}");
    // People's own secrets are in answers to themselves, and in no log.
    for secret in [PASSWORD, &told.session, &stage::key(&sites[0]), &stage::key(&sites[1])] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }

    // The controls: everything was searched that was meant, at the level that was meant; what is hidden in a form is found;
    // and the secrets were in use.
    let is_there = |what: &str| told.said.iter().any(|(name, said)| name.starts_with(what) && said.len() > 40);
    let searched =
        ["GET /api/sites", "GET /health", "GET /metrics", "GET /api/doctor", "GET /api-docs/openapi.json", "GET /"];
    for what in searched.into_iter().chain([
        "a box, desired",
        "a box, command",
        "a mail",
        "the rows of users",
        "Logtail",
        "Slack",
    ]) {
        assert!(is_there(what), "{what} was not searched");
    }
    assert!(told.said.len() > 300, "{}", told.said.len());
    assert!(log.contains("DEBUG"), "everything is logged");
    for (name, secret) in &told.secrets {
        for form in forms(secret) {
            assert_eq!(found(&format!("before {form} behind"), &told.secrets), [name.as_str()], "{form}");
        }
    }
    assert!(told.world.sinks.logs().iter().all(|(shown, _)| shown.starts_with("Bearer logtail-canary")));
    let _ = std::fs::remove_file(&told.log);
}
