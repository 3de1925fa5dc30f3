//! Somebody who follows the original guide, what he has at hand, and its steps up to the service's variables.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use super::differences;
use super::document::{Document, Section};
use super::{borrowed, filled};
use crate::cloud::postgres::ENCODED_PASSWORD;
use crate::cloud::redis::{Redis, TOKEN};
use crate::cloud::{Cloud, PROJECT, SERVER};
use crate::plan512::plan::Plan;
use crate::support::Supabase;
use crate::support::program::{Server, text};

/// The port of the guide's table.
const PORT: u16 = 3001;

/// Somebody who follows the guide, and what he has at hand.
pub struct Walk {
    pub guide: Document,
    pub cloud: Cloud,
    /// Blocks that were used, by the first line of their text.
    pub used: BTreeSet<String>,
    /// The service's variables at the platform.
    pub environment: Vec<(String, String)>,
    pub server: Option<Server>,
    /// The most memory that a server of this walk has had, in kB.
    pub peak: u64,
    log: PathBuf,
    began: Instant,
    /// The memory of the guide's plan; behind the server, which must be gone before it.
    plan: Plan,
}

impl Walk {
    pub async fn begin(name: &str) -> Self {
        let began = Instant::now();
        let cloud = Cloud::start(name).await;
        let log = cloud.folder.join("server.log");
        let walk = Self {
            guide: Document::original(),
            cloud,
            used: BTreeSet::new(),
            environment: Vec::new(),
            server: None,
            peak: 0,
            log,
            began,
            plan: Plan::impose(),
        };
        walk.note("the services run");
        walk
    }

    pub fn note(&self, what: &str) {
        println!("walk: {:5.1} s  {what}", self.began.elapsed().as_secs_f64());
    }

    pub fn section(&self, heading: &str) -> &Section {
        self.guide.section(heading)
    }

    /// A block that is used now.
    pub fn block(&mut self, heading: &str, language: &str) -> String {
        let text = self.guide.section(heading).block(language).to_owned();
        self.used.insert(text.clone());
        text
    }

    /// The value in a row of a table.
    pub fn cell(&self, heading: &str, name: &str) -> String {
        let begin = [format!("| {name} | "), format!("| `{name}` | ")];
        let lines = self.section(heading).lines.iter();
        let mut rows = lines.filter_map(|line| begin.iter().find_map(|begin| line.strip_prefix(begin.as_str())));
        let row = rows.next().unwrap_or_else(|| panic!("{heading} has no row {name}"));
        let value = row.split(" |").next().expect("a cell");
        value.trim_matches([' ', '`']).to_owned()
    }

    /// What somebody types into a shell of his own computer.
    pub fn shell(&self, line: &str) -> String {
        let root = &self.cloud.authority.root;
        let output = Command::new("bash")
            .args(["-euo", "pipefail", "-c", line])
            .env("CURL_CA_BUNDLE", root)
            .env("SSL_CERT_FILE", root)
            .env("PGSSLMODE", "verify-full")
            .env("PGSSLROOTCERT", root)
            .output()
            .expect("the program `bash`");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{line}: {said}{}", String::from_utf8_lossy(&output.stdout));
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// What somebody pastes into the provider's SQL editor, which works on the direct connection of step 2.1: the last line
    /// that it shows.
    pub fn editor(&self, sql: &str) -> Vec<String> {
        let root = &self.cloud.authority.root;
        let file = self.cloud.folder.join("pasted.sql");
        std::fs::write(&file, sql).expect("a file");
        let output = Command::new("psql")
            .args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1", "--file"])
            .arg(&file)
            .arg(self.direct_url())
            .env("PGSSLMODE", "verify-full")
            .env("PGSSLROOTCERT", root)
            .output()
            .expect("the program `psql`");
        let complaints = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "the editor shows an error: {complaints}");
        String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
    }

    pub fn direct_url(&self) -> String {
        filled(self.section("2.1.").block("").trim(), &[("[YOUR-PASSWORD]", ENCODED_PASSWORD), ("abcdefgh", PROJECT)])
    }

    pub fn set(&mut self, name: &str, value: &str) {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// The platform starts the service, or starts it anew because its variables were saved.
    pub async fn deploy(&mut self) {
        if let Some(mut server) = self.server.take() {
            self.peak = self.peak.max(most_memory(&server));
            let status = server.terminate().await;
            assert!(status.success(), "{status}: {}", text(&self.log));
        }
        let variables = self.on_the_platform(&self.environment);
        let mut server =
            Server::spawn_below(|serve| self.plan.below(serve), Some(PORT), &borrowed(&variables), &self.log);
        server.ready().await;
        self.server = Some(server);
    }

    /// What the platform sets by itself, and what takes the place of a public authority and of the platform's own disk.
    pub fn on_the_platform(&self, environment: &[(String, String)]) -> Vec<(String, String)> {
        let disk = self.cloud.folder.join("disk").display().to_string();
        let own = [
            ("RENDER", "true".into()),
            ("RENDER_EXTERNAL_URL", format!("https://{SERVER}")),
            ("NEOPRO_DATA_DIR", disk),
        ];
        let own = own.map(|(name, value): (_, String)| (name.to_owned(), value));
        environment.iter().cloned().chain(own).chain(self.cloud.trust()).collect()
    }

    pub fn log(&self) -> String {
        text(&self.log)
    }

    /// Steps 2 to 4: what is copied at Supabase and at Upstash.
    pub fn accounts(&mut self) {
        let direct = self.direct_url();
        self.block("2.1.", "");
        assert_eq!(self.shell(&format!("psql '{direct}' -Atc 'select 1'")).trim(), "1");
        let pooled = self.block("2.2.", "");
        let names = [("[project-ref]", PROJECT), ("[YOUR-PASSWORD]", ENCODED_PASSWORD)];
        self.set("DATABASE_URL", filled(&pooled, &names).trim());
        let lines = self.section("2.3.").lines.join("\n");
        assert!(lines.contains("`SUPABASE_URL` | `https://abcdefgh.supabase.co`") && lines.contains("`eyJ"), "{lines}");
        self.set("SUPABASE_URL", &format!("https://{PROJECT}.supabase.co"));
        let key = Supabase::jwt("service_role");
        assert!(key.starts_with("eyJ"));
        self.set("SUPABASE_SERVICE_KEY", &key);
        // The summary has the same three values.
        let summary = self.block("2.4.", "");
        let names = [
            ("[project-ref]", PROJECT),
            ("[PASSWORD]", ENCODED_PASSWORD),
            ("abcdefgh", PROJECT),
            ("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9...", &key),
        ];
        let summary = filled(&summary, &names);
        let told: Vec<(&str, &str)> = summary.lines().filter_map(|line| line.split_once('=')).collect();
        assert_eq!(told, borrowed(&self.environment));
        self.buckets();

        let redis = filled(self.block("4.3.", "").trim(), &[("xxxxxxxxxxxx", TOKEN)]);
        let summary = filled(self.block("4.4.", "").trim(), &[("xxxxxxxxxxxx", TOKEN)]);
        assert_eq!((redis.as_str(), summary), (Redis::url().as_str(), format!("REDIS_URL={redis}")));
        self.set("REDIS_URL", &redis);
    }

    /// Step 3: two public buckets, which everybody reads and the service key alone writes.
    pub fn buckets(&mut self) {
        let names = ["3.1.", "3.2."].map(|step| {
            let lines = &self.section(step).lines;
            let named = lines.iter().find_map(|line| line.trim().strip_prefix("- **Name** : `"));
            assert!(lines.iter().any(|line| line.contains("**Public bucket** : Cocher la case")), "{step}");
            named.expect("a name").trim_end_matches('`').to_owned()
        });
        let mut book = self.cloud.supabase.book();
        book.buckets.clear();
        for name in names {
            book.buckets.insert(name, crate::support::supabase::Bucket { public: true, file_size_limit: None });
        }
        drop(book);
        let policies: Vec<String> =
            self.section("3.3.").blocks.iter().map(|block| block.text.trim().to_owned()).collect();
        assert_eq!(policies, ["true", "auth.role() = 'service_role'"], "reading is open, writing is not");
        let mood = self.cloud.supabase.book().mood.clone();
        assert!(!mood.reads_refused && !mood.open, "as the stand-in has it");
        let texts: Vec<String> = self.section("3.3.").blocks.iter().map(|block| block.text.clone()).collect();
        self.used.extend(texts);
    }

    /// Step 6.4: the table, with what was copied before and the secrets that its commands make.
    pub fn variables(&mut self) {
        let build = differences::instead_of("| Build Command | `npm install && npm run build` |");
        assert_eq!(
            build.trim(),
            "cargo build --release --locked -p neopro-central",
            "`cargo xtask bench build` times it"
        );
        let start = differences::instead_of("| Start Command | `npm start` |");
        assert_eq!(start.trim(), "./target/release/neopro-central serve", "the walk runs the test's build of it");

        let secrets = self.block("6.4.", "bash");
        assert_eq!(secrets.lines().filter(|line| line.starts_with("openssl ")).count(), 2);
        let made = self.shell(&secrets);
        let [jwt, mfa] = made.lines().collect::<Vec<_>>()[..] else { panic!("two secrets: {made}") };
        let table: Vec<String> =
            self.section("6.4.").lines.iter().filter(|line| line.starts_with("| `")).cloned().collect();
        assert_eq!(table.len(), 10);
        let mut environment = Vec::new();
        for row in table {
            let cells: Vec<&str> =
                row.trim_matches('|').split(" | ").map(|cell| cell.trim_matches([' ', '`'])).collect();
            let copied = self.environment.iter().find(|(name, _)| name == cells[0]);
            let value = match (cells[0], copied) {
                (_, Some((_, value))) => value.clone(),
                ("JWT_SECRET", _) => jwt.to_owned(),
                ("MFA_ENCRYPTION_KEY", _) => mfa.to_owned(),
                _ => cells[1].to_owned(),
            };
            environment.push((cells[0].to_owned(), value));
        }
        self.environment = environment;
        assert!(self.environment.contains(&("PORT".to_owned(), PORT.to_string())));
    }

    /// Builds the dashboard by a command of its own for this address of the API, to where its front looks for it.
    pub fn build_dashboard_for(&self, command: &str, api: &str) -> Child {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../central-dashboard");
        let line = format!("exec {command} --silent -- --outDir \"$1\" --emptyOutDir");
        Command::new("sh")
            .args(["-c", &line, "sh"])
            .arg(self.cloud.pages())
            .env("NG_APP_API_URL", api)
            // Somebody may have given the site the service's variables as well: nothing of them is published.
            .env("SUPABASE_SERVICE_KEY", Supabase::jwt("service_role"))
            .env("REDIS_URL", Redis::url())
            .env("DATABASE_URL", ENCODED_PASSWORD)
            .current_dir(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("sh")
    }
}

/// The most that a server has had in memory so far, in kB.
pub fn most_memory(server: &Server) -> u64 {
    let status = text(Path::new(&format!("/proc/{}/status", server.pid())));
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    peak.trim().trim_end_matches(" kB").parse().expect("a number")
}
