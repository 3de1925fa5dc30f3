//! The guide as its author wrote it, steps 2 to 10 in their order, on services of this machine under the guide's own names
//! (`cloud/`). What is typed, pasted and opened comes from `docs/guide-original.md`; where a line is listed as a difference,
//! what holds in its place comes from `docs/guide-differences.md`. In the end a browser ticks the checklist of step 10.5.
//!
//! Step 6's release build is timed by `cargo xtask bench build`; here the test's build serves. Step 7's `npm install` needs
//! the package registry, which this network does not reach: what it installs is there.

use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::walker::{Walk, most_memory};
use super::{borrowed, differences, filled, hashes};
use crate::cloud::network::{alone, gallery};
use crate::cloud::postgres::{ENCODED_PASSWORD, PASSWORD};
use crate::cloud::redis::TOKEN;
use crate::cloud::{DASHBOARD, SERVER};
use crate::mail::sendgrid::KEY as SENDGRID_KEY;
use crate::support::terminal::Terminal;

const LOGTAIL_TOKEN: &str = "aZ09aZ09aZ09aZ09aZ09aZ09";
const OPTION_A: (&str, &str) = ("premiere@club.test", "Échappée belle 9");
const OPTION_B: (&str, &str) = ("b@club.test", "Mêlée fermée 15");

impl Walk {
    /// Step 6: the service, with the table's variables and no others.
    pub async fn service(&mut self) {
        self.variables();
        self.deploy().await;
        let address = self.block("6.7.", "");
        assert_eq!(address.trim(), format!("https://{SERVER}"));
        let probed = self.section("6.5.").code(|code| code.starts_with('/')).to_owned();
        assert!(self.shell(&format!("curl --silent --fail {}{probed}", address.trim())).contains("\"status\""));
    }

    /// Step 7: what the platform does to build the site; it goes on while other steps are taken.
    pub fn build_dashboard(&self) -> Child {
        let command = self.cell("7.2.", "Build Command");
        let (install, build) = command.split_once(" && ").expect("two commands");
        assert_eq!((install, self.cell("7.2.", "Root Directory").as_str()), ("npm install", "central-dashboard"));
        assert_eq!(self.cell("7.2.", "Publish Directory"), "dist/central-dashboard");
        self.build_dashboard_for(build, &self.cell("7.3.", "NG_APP_API_URL"))
    }

    /// Steps 7.4 to 7.6.
    pub async fn dashboard(&mut self, build: Child) {
        let output = build.wait_with_output().expect("the build ends");
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{said}");
        let rule = self.section("7.4.").lines.join("\n");
        assert!(rule.contains("`/*`") && rule.contains("`/index.html`") && rule.contains("`Rewrite`"), "{rule}");
        let own = self.section("7.5.").code(|code| code.starts_with("https://")).to_owned();
        assert_eq!(own, format!("https://{DASHBOARD}"));
        let [service, name, value] = self.section("7.6.").codes()[..] else { panic!("7.6 has three names") };
        assert_eq!((service, name, value), ("neopro-central-server", "ALLOWED_ORIGINS", own.as_str()));
        self.set("ALLOWED_ORIGINS", &own);
        self.deploy().await;
    }

    /// Step 8, in the provider's editor.
    pub fn migrations(&mut self) {
        for step in ["8.2.", "8.3."] {
            let path = self.section(step).code(|code| code.ends_with(".sql")).to_owned();
            let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
            let shown = self.editor(&std::fs::read_to_string(file).expect("the script"));
            let latest = neopro_central::db::migrations::latest().to_string();
            let last = shown.last().expect("a row");
            assert!(last.starts_with(&format!("{latest}|")), "{step}: {last}");
        }
        let mfa = self.block("8.4.", "sql");
        self.editor(&mfa);
        let look = self.block("8.5.", "sql");
        let tables = self.editor(&look);
        for name in self.section("8.5.").codes() {
            assert!(tables.iter().any(|table| table == name), "{name} is missing: {tables:?}");
        }
    }

    /// Step 9, both options.
    pub fn administrators(&mut self) {
        assert_eq!(self.block("Option A", "bash").trim(), "npm run create-admin");
        let command = differences::instead_of("   npm run create-admin");
        let words: Vec<&str> = command.split_whitespace().collect();
        let mut terminal = Terminal::start(&words[1..], &borrowed(&self.environment));
        terminal.answer("Adresse e-mail : ", OPTION_A.0);
        terminal.answer_unseen("Mot de passe (8 caractères au moins) : ", OPTION_A.1);
        terminal.answer_unseen("Mot de passe, encore une fois : ", OPTION_A.1);
        terminal.answer("Nom complet : ", "Première Essai");
        let (status, screen) = terminal.end();
        assert!(status.success(), "{screen}");

        let statement = self.block("Option B", "sql");
        let hash = hashes::by_perl("$2b$", OPTION_B.1);
        let names =
            [("votre@email.com", OPTION_B.0), ("$2a$12$VOTRE_HASH_ICI", &hash), ("Votre Nom", "Deuxième Essai")];
        self.editor(&filled(&statement, &names));
    }

    /// Step 10.1 and 10.2.
    pub fn probes(&mut self) {
        let address = self.block("10.1.", "");
        let expected: Value = serde_json::from_str(&self.block("10.1.", "json")).expect("JSON");
        let shown: Value =
            serde_json::from_str(&self.shell(&format!("curl --silent {}", address.trim()))).expect("JSON");
        assert_eq!(shown["status"], expected["status"], "{shown}");
        differences::instead_of(r#"  "version": "1.0.0""#);
        let lines = self.block("10.2.", "bash");
        let answers = self.shell(&lines);
        let answers: Result<Vec<Value>, _> = serde_json::Deserializer::from_str(&answers).into_iter().collect();
        let states: Vec<String> = answers
            .expect("three answers in JSON")
            .iter()
            .map(|answer| answer["status"].as_str().unwrap_or_default().to_owned())
            .collect();
        assert_eq!(states, ["healthy", "ok", "ready"]);
    }

    /// Steps 10.3 to 10.5: every line of the checklist, in a browser.
    pub fn checklist(&self) -> Value {
        let lines: Vec<&str> =
            self.section("10.5.").lines.iter().filter_map(|line| line.strip_prefix("- [ ] ")).collect();
        assert_eq!(lines.len(), 5, "{lines:?}");
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let people: Vec<Value> = [("A", OPTION_A), ("B", OPTION_B)]
            .map(|(option, (email, password))| json!({"option": option, "email": email, "password": password}))
            .into();
        let asked = json!({
            "chromium": "/usr/bin/chromium", "mark": self.cloud.certificate.mark(), "root": self.cloud.authority.root,
            "folder": gallery("guide"), "server": format!("https://{SERVER}"),
            "dashboard": self.section("10.3.").code(|code| code.starts_with("https://")), "people": people,
            "video": root.join("tests/media/faststart.mp4"), "agent": root.join("tests/js/agent.mjs"), "lines": lines,
        });
        let output = Command::new("node")
            .arg("tests/browser/guide.mjs")
            .arg(asked.to_string())
            .current_dir(root.join("../central-dashboard"))
            .output()
            .expect("Node");
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "the checklist:\n{out}{err}\n{}", self.log());
        let told: Value = serde_json::from_str(out.trim_end().lines().last().unwrap_or_default()).expect("JSON");
        for line in lines {
            println!("walk: - [x] {line}: {}", told["ticks"][line]);
        }
        // The file went from the browser into the storage and from there onto the box: not through the server.
        let paths = self.cloud.supabase.paths("videos");
        let films: Vec<&String> = paths.iter().filter(|path| path.ends_with(".mp4")).collect();
        let [path] = films[..] else { panic!("one video: {paths:?}") };
        let puts = self.cloud.supabase.seen("PUT /storage/v1/object/upload/sign/");
        assert!(!puts.is_empty(), "the browser has sent it");
        let gets = self.cloud.supabase.seen(&format!("GET /storage/v1/object/public/videos/{path}"));
        assert!(gets.iter().any(|seen| !seen.bearer && seen.status == 200), "the box has fetched it: {gets:?}");
        told
    }

    /// Steps that were left out.
    fn unused(&self) -> Vec<String> {
        let sections = self.guide.sections();
        let (begin, end) = (
            sections.iter().position(|section| section.heading.starts_with("2.1.")).expect("step 2"),
            sections.iter().position(|section| section.heading == "Configuration optionnelle").expect("the end"),
        );
        let blocks = sections[begin..end].iter().flat_map(|section| &section.blocks);
        blocks.map(|block| block.text.clone()).filter(|text| !self.used.contains(text)).collect()
    }

    /// `- `NAME` = `value`` of the optional chapter, in order.
    fn optional_variables(&self) -> Vec<(String, String)> {
        let begin = self.guide.text.split("## Configuration optionnelle\n").last().expect("the chapter");
        let chapter = begin.split("## Référence des variables").next().expect("its end");
        let lines = chapter.lines().filter_map(|line| line.strip_prefix("- `")?.split_once("` = `"));
        let found: Vec<_> =
            lines.map(|(name, rest)| (name.to_owned(), rest.trim_end_matches('`').to_owned())).collect();
        assert_eq!(found.len(), 5, "{found:?}");
        found
    }

    /// The optional chapter: mail, Slack, Logtail, and what UptimeRobot asks.
    async fn options(&mut self) {
        for (name, shown) in self.optional_variables() {
            let value = match name.as_str() {
                "SENDGRID_API_KEY" => SENDGRID_KEY.to_owned(),
                "SLACK_WEBHOOK_URL" => "https://hooks.slack.com/services/T00000000/B00000000/aZ09aZ09aZ09".to_owned(),
                "LOGTAIL_TOKEN" => LOGTAIL_TOKEN.to_owned(),
                "EMAIL_FROM" => filled(&shown, &[("votredomaine.com", "club.test")]),
                _ => shown,
            };
            self.set(&name, &value);
        }
        self.deploy().await;
        let forgot = format!(
            "curl --silent --fail -X POST -H 'Content-Type: application/json' --data '{{\"email\":\"{}\"}}' \
             https://{SERVER}/api/auth/forgot-password",
            OPTION_A.0
        );
        self.shell(&forgot);
        let until = Instant::now() + Duration::from_secs(10);
        while self.cloud.sendgrid.taken().is_empty() {
            assert!(Instant::now() < until, "no mail: {}", self.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let mail = &self.cloud.sendgrid.taken()[0];
        assert_eq!(mail["from"]["email"], "noreply@club.test");
        assert!(mail.to_string().contains(&format!("https://{DASHBOARD}/reset-password?token=")), "{mail}");

        let slack = self.block("3. Tester le webhook", "bash");
        assert_eq!(self.shell(&slack).trim(), "ok");
        let came = self.cloud.slack.came();
        assert_eq!(came[0].line, "POST /services/VOTRE/WEBHOOK/URL");
        assert_eq!(came[0].headers["content-type"], "application/json");
        assert!(String::from_utf8_lossy(&came[0].body).contains("Test NeoPro"));
        self.logs_arrive().await;

        let lines = self.section("2. Ajouter un monitor").lines.join("\n");
        let watched = format!("https://{SERVER}/health");
        assert!(lines.contains(&watched), "{lines}");
        let head = self.shell(&format!("curl --silent --head {watched}"));
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        assert!(self.shell(&format!("curl --silent {watched}")).contains(r#""status":"healthy""#));
    }

    /// « Les logs apparaîtront automatiquement » : with the token, and without anything that is secret.
    async fn logs_arrive(&self) {
        let until = Instant::now() + Duration::from_secs(20);
        while self.cloud.logtail.came().is_empty() {
            assert!(Instant::now() < until, "nothing has come to Logtail: {}", self.log());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        for came in self.cloud.logtail.came() {
            assert_eq!(came.headers["authorization"], format!("Bearer {LOGTAIL_TOKEN}"), "{}", came.line);
            let lines = String::from_utf8_lossy(&came.body);
            assert!(!lines.is_empty() && self.secrets().iter().all(|secret| !lines.contains(secret)), "{lines}");
        }
    }

    /// What nobody may read in the log.
    fn secrets(&self) -> Vec<String> {
        let names = ["DATABASE_URL", "SUPABASE_SERVICE_KEY", "REDIS_URL", "JWT_SECRET", "MFA_ENCRYPTION_KEY"];
        let values = self.environment.iter().filter(|(name, _)| names.contains(&name.as_str()));
        let slack = "B00000000/aZ09aZ09aZ09";
        let others = [PASSWORD, ENCODED_PASSWORD, TOKEN, SENDGRID_KEY, slack, LOGTAIL_TOKEN, OPTION_A.1, OPTION_B.1];
        values.map(|(_, value)| value.clone()).chain(others.map(str::to_owned)).collect()
    }

    async fn end(mut self) {
        let mut server = self.server.take().expect("a server");
        let peak = self.peak.max(most_memory(&server));
        assert!((1..512 * 1024).contains(&peak), "{peak} kB: the free plan of step 6.3 has 512 MB");
        assert!(server.terminate().await.success());
        let log = self.log();
        assert!(log.contains("DATABASE_SSL_CA : non définie"), "what the guide does not ask for is said: {log}");
        assert!(log.contains(r#""level":"DEBUG""#), "everything is logged");
        let published = published(&self.cloud.pages());
        assert!(published.len() > 100_000, "the dashboard is there to be searched");
        for secret in self.secrets() {
            assert!(!log.contains(&secret), "a secret is in the log: {secret}");
            assert!(!published.contains(&secret), "a secret is in the dashboard: {secret}");
        }
        self.note(&format!("done; the server took at most {} MB of memory", peak / 1024));
    }
}

/// Everything that a folder publishes, as one text.
fn published(folder: &Path) -> String {
    let (mut folders, mut all) = (vec![folder.to_owned()], String::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
            match entry.path() {
                path if path.is_dir() => folders.push(path),
                path => all.push_str(&String::from_utf8_lossy(&std::fs::read(path).expect("a file"))),
            }
        }
    }
    all
}

#[test]
fn steps_2_to_10_of_the_original_succeed_and_a_browser_ticks_the_checklist() {
    alone("guide::original::steps_2_to_10_of_the_original_succeed_and_a_browser_ticks_the_checklist", async {
        let mut walk = Walk::begin("guide").await;
        let build = walk.build_dashboard();
        walk.accounts();
        walk.note("steps 2 to 4");
        walk.service().await;
        // From here on everything is logged, also what libraries say: what is secret is not even there.
        walk.set("LOG_LEVEL", "trace");
        walk.note("step 6");
        walk.dashboard(build).await;
        walk.note("step 7");
        walk.migrations();
        walk.note("step 8");
        walk.administrators();
        walk.note("step 9");
        walk.probes();
        walk.checklist();
        walk.note("step 10");
        assert_eq!(walk.unused(), [""; 0], "blocks of the guide that nobody has used");
        walk.options().await;
        walk.note("the optional chapter");
        walk.end().await;
    });
}
