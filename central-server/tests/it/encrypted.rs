//! The way to the database over a public network: TLS, the pooler's refusals, and what becomes of a server whose way is cut.
//! Each test has the guide's services in a network of its own.

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use axum::http::Method;
use serde_json::{Value, json};

use crate::cloud::door::Door;
use crate::cloud::network::alone;
use crate::cloud::pooler::Pooler;
use crate::cloud::postgres::ENCODED_PASSWORD;
use crate::cloud::{Cloud, POOLER, PROJECT};
use crate::guide::{borrowed, variables};
use crate::support::program::{self, Server, text};
use crate::support::{Answer, http};

const EMAIL: &str = "a@club.fr";
const WORD: &str = "Tir au but 7";

/// The URL of step 2.2 for a user and a password.
fn url(user: &str, password: &str, port: u16) -> String {
    format!("postgresql://{user}:{password}@{POOLER}:{port}/postgres?pgbouncer=true")
}

fn right_url() -> String {
    url(&format!("postgres.{PROJECT}"), ENCODED_PASSWORD, 6543)
}

/// A server with the guide's variables on this database.
struct Running {
    server: Server,
    log: PathBuf,
    variables: Vec<(String, String)>,
}

impl Running {
    fn start(cloud: &Cloud, name: &str, url: &str, more: &[(&str, &str)]) -> Self {
        let log = cloud.folder.join(format!("{name}.log"));
        let mut variables = variables(url);
        variables.retain(|(name, _)| name != "SUPABASE_URL" && name != "REDIS_URL");
        variables.push(("SUPABASE_URL".into(), cloud.supabase.url()));
        variables.push(("REDIS_URL".into(), "redis://127.0.0.1:1".into()));
        variables.push(("NEOPRO_DATA_DIR".into(), cloud.folder.join(name).to_str().expect("UTF-8").into()));
        variables.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        Self { server: Server::spawn(&borrowed(&variables), &log), log, variables }
    }

    fn log(&self) -> String {
        text(&self.log)
    }

    /// Waits until the log says this.
    async fn says(&self, words: &str) {
        let until = Instant::now() + Duration::from_secs(20);
        while !self.log().contains(words) {
            assert!(Instant::now() < until, "the log does not say {words:?}: {}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn database(&self) -> Value {
        http::get(self.server.port, "/health").await.json()["checks"]["database"].clone()
    }

    /// An administrator's token.
    async fn token(&self) -> String {
        let flags = ["create-admin", "--email", EMAIL, "--full-name", "A", "--password-stdin"];
        let made = program::run(&flags, &borrowed(&self.variables), &format!("{WORD}\n"));
        assert!(made.status.success(), "{}", program::words(&made));
        let login = json!({"email": EMAIL, "password": WORD});
        let answer = http::send(self.server.port, Method::POST, "/api/auth/login", None, Some(&login)).await;
        answer.expect("an answer").json()["token"].as_str().expect("a token").to_owned()
    }

    async fn sites(&self, token: &str) -> Answer {
        http::send(self.server.port, Method::GET, "/api/sites", Some(token), None).await.expect("an answer")
    }

    /// Waits until it serves again.
    async fn serves_within(&self, token: &str, patience: Duration) -> Duration {
        let began = Instant::now();
        while self.sites(token).await.status != 200 {
            assert!(began.elapsed() < patience, "it does not serve again: {}", self.log());
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        began.elapsed()
    }
}

/// What is said to a client that has to come back.
fn assert_come_back(answer: &Answer) {
    assert_eq!((answer.status, answer.header("retry-after")), (503, "5"), "{}", answer.text);
}

#[test]
fn the_guides_url_encrypts_and_what_is_not_verified_is_said() {
    alone("encrypted::the_guides_url_encrypts_and_what_is_not_verified_is_said", async {
        let cloud = Cloud::start("tls").await;
        let root = cloud.authority.root.to_str().expect("UTF-8");

        let mut unverified = Running::start(&cloud, "unverified", &right_url(), &[]);
        unverified.server.ready().await;
        assert!(unverified.log().contains("DATABASE_SSL_CA : non définie"), "{}", unverified.log());
        let check = unverified.database().await;
        assert_eq!(check["status"], "healthy");
        assert!(check["message"].as_str().is_some_and(|said| said.contains("pas vérifi")), "{check}");
        assert!(unverified.server.terminate().await.success());

        let mut verified = Running::start(&cloud, "verified", &right_url(), &[("DATABASE_SSL_CA_FILE", root)]);
        verified.server.ready().await;
        assert!(!verified.log().contains("DATABASE_SSL_CA"), "{}", verified.log());
        let check = verified.database().await;
        assert_eq!((&check["status"], &check["message"]), (&json!("healthy"), &Value::Null));
        verified.token().await;
        // The whole way: the pooler's connections to PostgreSQL as well.
        let admin = cloud.postgres.admin().await;
        let row = admin
            .query_one(
                "select count(*) filter (where ssl), count(*) from pg_stat_ssl join pg_stat_activity using (pid) \
                 where usename = 'postgres' and client_addr is not null",
                &[],
            )
            .await
            .expect("the sessions");
        let (encrypted, all): (i64, i64) = (row.get(0), row.get(1));
        assert!(all > 0 && encrypted == all, "{encrypted} of {all}");
        assert!(verified.server.terminate().await.success());
    });
}

#[test]
fn a_certificate_that_is_not_the_right_one_is_refused_before_anything_is_sent() {
    alone("encrypted::a_certificate_that_is_not_the_right_one_is_refused_before_anything_is_sent", async {
        let cloud = Cloud::start("wrong").await;
        let other = crate::cloud::authority::Authority::new(&cloud.folder, "Une autre racine");
        let (right, wrong) = [&cloud.authority.root, &other.root].map(|root| root.to_str().expect("UTF-8")).into();
        let misnamed = cloud.authority.issue("misnamed", &["autre.pooler.supabase.com".to_owned()]);
        let misnamed = Pooler::start(&cloud.folder, &cloud.postgres, Some((&misnamed, &cloud.authority)), 6544).await;
        let plain = Pooler::start(&cloud.folder, &cloud.postgres, None, 6545).await;
        let user = format!("postgres.{PROJECT}");
        for (name, port, root, sentence) in [
            ("authority", 6543, Some(wrong), "Le certificat du serveur n'est pas signé par DATABASE_SSL_CA."),
            ("name", 6544, Some(right), "Le certificat du serveur est celui d'un autre hôte"),
            ("plain", 6545, Some(right), "Ce serveur n'offre pas de connexion chiffrée"),
            ("plain-unverified", 6545, None, "Ce serveur n'offre pas de connexion chiffrée"),
        ] {
            let url = url(&user, ENCODED_PASSWORD, port);
            let more: Vec<_> = root.map(|root| ("DATABASE_SSL_CA_FILE", root)).into_iter().collect();
            let mut running = Running::start(&cloud, name, &url, &more);
            running.says(sentence).await;
            let log = running.log();
            assert!(log.contains(&format!("({POOLER}:{port})")) && log.contains("étape 2.2"), "{log}");
            assert!(!log.contains("Xy7"), "the password is in the log: {log}");
            let check = running.database().await;
            assert_eq!(
                (&check["status"], &check["message"]),
                (&json!("unhealthy"), &json!("La base de données ne répond pas."))
            );
            assert_eq!(http::get(running.server.port, "/live").await.status, 200, "it waits for somebody to mend it");
            assert!(running.server.terminate().await.success());
        }
        // Nobody has logged in anywhere: the poolers have not seen the user's name.
        for pooler in [&cloud.pooler, &misnamed, &plain] {
            assert!(!pooler.log().contains(&user), "{}", pooler.log());
        }
        let refused = program::run(&["serve"], &borrowed(&variables(&format!("{}&sslmode=disable", right_url()))), "");
        let said = program::words(&refused);
        assert!(!refused.status.success() && said.contains("sslmode=disable"), "{said}");

        // The control: without these faults the same way works.
        let mut running = Running::start(&cloud, "right", &right_url(), &[("DATABASE_SSL_CA_FILE", right)]);
        running.server.ready().await;
        assert!(cloud.pooler.log().contains(&user), "the pooler notes who logs in: {}", cloud.pooler.log());
        assert!(running.server.terminate().await.success());
    });
}

/// The door of Supabase's pooler, which closes after ten refused logins, before the cloud's PostgreSQL.
async fn behind_a_door(name: &str) -> (Cloud, Pooler, Door) {
    let mut cloud = Cloud::start(name).await;
    cloud.pooler.down();
    let inner = Pooler::start(&cloud.folder, &cloud.postgres, None, 6544).await;
    let door = Door::open(&cloud.certificate, 6544).await;
    (cloud, inner, door)
}

#[test]
fn a_pooler_that_refuses_a_login_is_understood_and_not_pressed() {
    alone("encrypted::a_pooler_that_refuses_a_login_is_understood_and_not_pressed", async {
        let (cloud, _inner, door) = behind_a_door("refusals").await;
        let right = format!("postgres.{PROJECT}");
        let unknown = "Le pooler ne connaît pas cet utilisateur : il s'écrit postgres.<référence du projet>.";
        for (name, user, password, old_words, sentence) in [
            ("stranger", "postgres.abcdefghijklmnopqrst", ENCODED_PASSWORD, false, unknown),
            ("old-stranger", "postgres.abcdefghijklmnopqrst", ENCODED_PASSWORD, true, unknown),
            ("nobody", "postgres", ENCODED_PASSWORD, false, unknown),
            ("wrong", &right, "faux", false, "Le mot de passe de DATABASE_URL est refusé."),
        ] {
            door.book.old_words.store(old_words, Ordering::SeqCst);
            let before = door.book.tried.load(Ordering::SeqCst);
            let mut running = Running::start(&cloud, name, &url(user, password, 6543), &[]);
            running.says(sentence).await;
            assert!(running.log().contains("Nouvel essai dans 30 s."), "{}", running.log());
            // People and platforms that ask meanwhile cause no login.
            for _ in 0..40 {
                let login = json!({"email": EMAIL, "password": WORD});
                let answer = http::send(running.server.port, Method::POST, "/api/auth/login", None, Some(&login)).await;
                assert_eq!(answer.expect("an answer").status, 503);
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            assert_eq!(door.book.tried.load(Ordering::SeqCst) - before, 1, "{name}");
            assert!(running.server.terminate().await.success());
        }
        let refused = door.book.refused();
        assert!(refused < 10 && !door.book.was_closed.load(Ordering::SeqCst));
        println!("tls: four servers that nobody lets in have been refused {refused} times");

        // The control: who presses closes the door, to those with the right password too, and that is told.
        for _ in refused..10 {
            let _ = program::run(&["migrate"], &[("DATABASE_URL", &url(&right, "faux", 6543))], "");
        }
        assert!(door.book.was_closed.load(Ordering::SeqCst));
        let shut = program::run(&["migrate"], &[("DATABASE_URL", &right_url())], "");
        let said = program::words(&shut);
        assert!(said.contains("Le pooler n'accepte plus de connexion pour quelques minutes"), "{said}");
    });
}

#[test]
fn a_password_that_changes_under_a_running_server_does_not_close_the_poolers_door() {
    alone("encrypted::a_password_that_changes_under_a_running_server_does_not_close_the_poolers_door", async {
        let (cloud, mut inner, door) = behind_a_door("rotation").await;
        let mut running = Running::start(&cloud, "running", &right_url(), &[("NEOPRO_RATE_LIMITS", "off")]);
        running.server.ready().await;
        let token = running.token().await;
        assert_eq!(running.sites(&token).await.status, 200);
        assert_eq!(door.book.refused(), 0);

        // Somebody gives the database another password: all connections are cut, and no login succeeds.
        inner.down();
        let users = cloud.folder.join("pooler-6544/users");
        let known = std::fs::read_to_string(&users).expect("the users");
        std::fs::write(&users, format!("\"postgres.{PROJECT}\" \"un autre\"\n")).expect("other users");
        inner.up().await;
        let asked = Instant::now();
        let mut asks = 0;
        while asked.elapsed() < Duration::from_secs(12) {
            let crowd = (0..16).map(|_| running.sites(&token));
            for answer in futures_util::future::join_all(crowd).await {
                assert_come_back(&answer);
                asks += 1;
            }
        }
        let refused = door.book.refused();
        println!("tls: {asks} requests in 12 s with a password that is refused: {refused} logins");
        assert!(asks > 100 && (1..=3).contains(&refused), "{refused} refused logins for {asks} requests");
        assert!(!door.book.was_closed.load(Ordering::SeqCst));

        // It is the old one again: the server finds out by itself.
        inner.down();
        std::fs::write(&users, known).expect("the users");
        inner.up().await;
        let took = running.serves_within(&token, Duration::from_secs(40)).await;
        println!("tls: served again {took:.1?} after the password was right again, without a restart");
        assert!(running.server.terminate().await.success());
    });
}

#[test]
fn a_pooler_that_goes_away_and_a_statement_that_takes_too_long_end_in_come_back_later() {
    alone("encrypted::a_pooler_that_goes_away_and_a_statement_that_takes_too_long_end_in_come_back_later", async {
        let mut cloud = Cloud::start("away").await;
        let mut running = Running::start(&cloud, "running", &right_url(), &[]);
        running.server.ready().await;
        let token = running.token().await;
        assert_eq!(running.sites(&token).await.status, 200);

        cloud.pooler.down();
        assert_come_back(&running.sites(&token).await);
        cloud.pooler.up().await;
        let took = running.serves_within(&token, Duration::from_secs(5)).await;
        println!("tls: served again {took:.1?} after the pooler was back");
        cloud.postgres.down().await;
        assert_come_back(&running.sites(&token).await);
        cloud.postgres.up().await;
        let took = running.serves_within(&token, Duration::from_secs(10)).await;
        println!("tls: served again {took:.1?} after PostgreSQL was back");

        // A table that somebody holds: the statement is ended within its transaction, and nothing stays behind on the
        // connections that everybody shares.
        let holder = cloud.postgres.admin().await;
        holder.batch_execute("begin; lock table sites in access exclusive mode").await.expect("a lock");
        let began = Instant::now();
        assert_come_back(&running.sites(&token).await);
        let waited = began.elapsed();
        assert!((Duration::from_secs(9)..Duration::from_secs(13)).contains(&waited), "{waited:?}");
        holder.batch_execute("rollback").await.expect("the lock goes");
        assert_eq!(running.sites(&token).await.status, 200);
        let left = holder
            .query(
                "select state from pg_stat_activity where usename = 'postgres' and state like 'idle in transaction%'",
                &[],
            )
            .await
            .expect("the sessions");
        assert!(left.is_empty(), "{} transactions are still open", left.len());
        assert!(running.server.terminate().await.success());
    });
}
