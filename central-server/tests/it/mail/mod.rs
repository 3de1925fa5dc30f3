//! Mail: jobs that are done once and again until they are done, and the ways out of the server.

pub mod sendgrid;
mod smtp;

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use axum::http::{Method, StatusCode};
use neopro_central::jobs::{Lane, MOST_ATTEMPTS, store, worker};
use serde_json::{Value, json};

pub use self::sendgrid::SendGrid;
use self::sendgrid::{KEY, Next};
use self::smtp::Smtp;
use crate::cloud::network::alone;
use crate::support::cluster::scratch;
use crate::support::http;
use crate::support::letters::{letters, token_in};
use crate::support::program::Server;
use crate::support::{Cluster, TestApp, TestDb};

const FORGOT: &str = "/api/auth/forgot-password";
const CAMILLE: &str = "camille@club.fr";

/// A server with these variables, and Camille's account.
async fn server(variables: &[(&'static str, String)]) -> TestApp {
    let borrowed: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let app = TestApp::with(&borrowed).await;
    app.account(CAMILLE, "admin").await;
    app
}

async fn forget(app: &TestApp, email: &str) {
    app.post(FORGOT, json!({"email": email})).send().await.expect(StatusCode::OK);
}

/// State, attempts, payload, and what went wrong last, of the only job.
async fn job(db: &TestDb) -> (String, i32, Option<String>, String) {
    let row = db.owner().await.query_one("select state, attempts, payload, last_error from jobs", &[]).await;
    let row = row.expect("one job");
    (row.get(0), row.get(1), row.get(2), row.get::<_, Option<String>>(3).unwrap_or_default())
}

#[tokio::test]
async fn sendgrid_gets_what_its_contract_asks_for() {
    let sendgrid = SendGrid::start().await;
    let mut variables = sendgrid.variables();
    variables.push(("FRONTEND_URL", "https://dashboard.neopro.test/".to_owned()));
    let app = server(&variables).await;
    forget(&app, "Camille@CLUB.fr").await;
    assert_eq!(worker::round(&app.app).await, 1);

    let taken = sendgrid.taken();
    assert_eq!((taken.len(), sendgrid.requests()), (1, 1), "one call, and it was right: {taken:?}");
    let mail = &taken[0];
    assert_eq!(mail["personalizations"][0]["to"], json!([{"email": CAMILLE, "name": "Camille Durand"}]));
    assert_eq!(mail["from"], json!({"email": "noreply@neopro.test", "name": "NeoPro"}));
    assert_eq!(mail["tracking_settings"]["click_tracking"]["enable"], false, "links lead straight to us");
    for part in mail["content"].as_array().expect("parts") {
        let text = part["value"].as_str().expect("a text");
        assert!(text.contains("https://dashboard.neopro.test/reset-password?token="), "{text}");
    }
    let (state, attempts, payload, _) = job(&app.db).await;
    assert_eq!((state.as_str(), attempts, payload), ("done", 1, None), "what opens an account is kept no longer");
    assert_eq!(worker::round(&app.app).await, 0);
}

#[tokio::test]
async fn a_refused_mail_is_kept_until_somebody_has_mended_it() {
    let sendgrid = SendGrid::start().await;
    let app = server(&sendgrid.variables()).await;
    sendgrid.will(Next::Refuse(
        403,
        "camille@club.fr: the from address does not match a verified Sender Identity",
        None,
    ));
    forget(&app, CAMILLE).await;
    worker::round(&app.app).await;
    let (state, attempts, payload, error) = job(&app.db).await;
    assert_eq!((state.as_str(), attempts, payload.is_some()), ("waiting", 1, true));
    assert!(error.contains("noreply@neopro.test of EMAIL_FROM") && error.contains("Sender Identity"), "{error}");
    assert!(!error.contains(CAMILLE) && !error.contains(KEY), "{error}");
    let health = app.get("/health").send().await.json();
    assert_eq!((&health["status"], &health["checks"]["mail"]["status"]), (&json!("degraded"), &json!("degraded")));

    assert_eq!(worker::round(&app.app).await, 0, "not before its pause is over");
    app.clock.advance(Duration::from_secs(15));
    assert_eq!(worker::round(&app.app).await, 1);
    assert_eq!((sendgrid.taken().len(), job(&app.db).await.0.as_str()), (1, "done"));
    assert_eq!(app.get("/health").send().await.json()["status"], "healthy");
}

#[tokio::test]
async fn a_provider_says_when_and_a_mail_that_is_wrong_is_not_sent_again() {
    let sendgrid = SendGrid::start().await;
    let app = server(&sendgrid.variables()).await;
    let in_two_minutes = app.clock.now().unix_seconds() + 120;
    sendgrid.will(Next::Refuse(429, "too many requests", Some(in_two_minutes)));
    sendgrid.will(Next::Refuse(400, "Does not contain a valid address.", None));
    forget(&app, CAMILLE).await;
    worker::round(&app.app).await;
    app.clock.advance(Duration::from_secs(119));
    assert_eq!(worker::round(&app.app).await, 0);
    app.clock.advance(Duration::from_secs(1));
    assert_eq!(worker::round(&app.app).await, 1);
    let (state, attempts, payload, error) = job(&app.db).await;
    assert_eq!((state.as_str(), attempts, payload), ("failed", 2, None));
    assert!(error.contains("valid address"), "{error}");
    app.clock.advance(Duration::from_secs(86_400));
    assert_eq!(worker::round(&app.app).await, 0);
}

#[tokio::test]
async fn a_provider_that_is_down_is_asked_ten_times_and_no_more() {
    let sendgrid = SendGrid::start().await;
    let app = server(&sendgrid.variables()).await;
    let (issue, mail) = neopro_central::passwords::invite(&app.app, user(&app).await).expect("an invitation");
    app.pool().run_as_system((issue, mail)).await.expect("enqueued");
    for _ in 0..MOST_ATTEMPTS + 5 {
        sendgrid.will(Next::Refuse(503, "", None));
        worker::round(&app.app).await;
        app.clock.advance(Duration::from_secs(6 * 3_600));
    }
    let (state, attempts, payload, _) = job(&app.db).await;
    assert_eq!((state.as_str(), attempts, payload), ("failed", MOST_ATTEMPTS, None));
    assert_eq!(sendgrid.requests(), usize::try_from(MOST_ATTEMPTS).expect("few"));
}

async fn user(app: &TestApp) -> neopro_central::ids::UserId {
    let row = app.db.owner().await.query_one("select id from users where email = $1", &[&CAMILLE]).await;
    neopro_central::ids::UserId(row.expect("an account").get(0))
}

/// As a platform does that lets nothing out by the ports of mail.
#[test]
fn a_port_of_mail_that_stays_silent_is_explained_with_the_way_around_it() {
    alone("mail::a_port_of_mail_that_stays_silent_is_explained_with_the_way_around_it", async {
        let silent =
            tokio::net::TcpListener::bind("127.0.0.1:587").await.expect("the port, which is free in this network");
        let app = server(&[
            ("SMTP_HOST", "127.0.0.1".to_owned()),
            ("SMTP_PORT", "587".to_owned()),
            ("EMAIL_FROM", "noreply@neopro.test".to_owned()),
        ])
        .await;
        forget(&app, CAMILLE).await;
        let (_, held) = tokio::join!(worker::round(&app.app), silent.accept());
        drop(held);
        let (state, _, _, error) = job(&app.db).await;
        assert_eq!(state, "waiting", "{error}");
        assert!(error.contains("127.0.0.1:587") && error.contains("ports 25, 465 and 587"), "{error}");
        assert!(error.contains("SendGrid's API is not affected"), "{error}");
        assert_eq!(app.get("/health").send().await.json()["checks"]["mail"]["status"], "degraded");
    });
}

#[tokio::test]
async fn smtp_gets_text_and_html_under_one_name() {
    let smtp = Smtp::start().await;
    let app = server(&[
        ("SMTP_HOST", "127.0.0.1".to_owned()),
        ("SMTP_PORT", smtp.port.to_string()),
        ("SMTP_USER", "neopro".to_owned()),
        ("SMTP_PASSWORD", "xK4-pq9-mW2".to_owned()),
        ("EMAIL_FROM", "Club Élan <noreply@neopro.test>".to_owned()),
    ])
    .await;
    forget(&app, CAMILLE).await;
    worker::round(&app.app).await;
    let heard = smtp.heard();
    assert_eq!(heard.len(), 1, "{:?}", job(&app.db).await);
    let said = heard[0].commands.join("\n");
    assert!(said.starts_with("EHLO neopro.test\n"), "{said}");
    let login = data_encoding::BASE64.encode(b"\0neopro\0xK4-pq9-mW2");
    assert!(said.contains(&format!("AUTH PLAIN {login}")), "{said}");
    assert!(said.contains("MAIL FROM:<noreply@neopro.test>") && said.contains("RCPT TO:<camille@club.fr>"), "{said}");
    // Lines that were broken for the way are whole again.
    let message = heard[0].message.replace("=\r\n", "");
    for expected in [
        "Camille Durand",
        "<camille@club.fr>",
        "multipart/alternative",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Type: text/html; charset=utf-8",
        "/reset-password?token=3D",
    ] {
        assert!(message.contains(expected), "{expected} is missing in\n{message}");
    }
    assert!(message.is_ascii(), "names and sentences are encoded");
    let id: uuid::Uuid = app.db.owner().await.query_one("select id from jobs", &[]).await.expect("a job").get(0);
    assert!(message.contains(&format!("Message-ID: <{id}@neopro.test>")), "{message}");
}

#[tokio::test]
async fn a_mailbox_that_is_not_there_is_given_up_and_a_full_one_is_not() {
    let smtp = Smtp::start().await;
    let variables = [
        ("SMTP_HOST", "127.0.0.1".to_owned()),
        ("SMTP_PORT", smtp.port.to_string()),
        ("EMAIL_FROM", "noreply@neopro.test".to_owned()),
    ];
    let app = server(&variables).await;
    smtp.says("452 4.2.2 camille@club.fr: mailbox full");
    forget(&app, CAMILLE).await;
    worker::round(&app.app).await;
    let (state, _, _, error) = job(&app.db).await;
    assert_eq!(state, "waiting");
    assert!(error.contains("mailbox full") && !error.contains(CAMILLE), "{error}");
    smtp.says("550 5.1.1 no such user");
    app.clock.advance(Duration::from_secs(15));
    worker::round(&app.app).await;
    assert_eq!(job(&app.db).await.0, "failed");
}

#[tokio::test]
async fn a_name_is_no_header_and_no_markup() {
    let smtp = Smtp::start().await;
    let variables = [
        ("SMTP_HOST", "127.0.0.1".to_owned()),
        ("SMTP_PORT", smtp.port.to_string()),
        ("EMAIL_FROM", "noreply@neopro.test".to_owned()),
    ];
    let app = server(&variables).await;
    let sql = app.db.owner().await;
    let name = "Camille\r\nBcc: all@evil.example\r\n\r\n<b>x</b>";
    sql.execute("update users set full_name = $1", &[&name]).await.expect("a name");
    forget(&app, CAMILLE).await;
    worker::round(&app.app).await;
    let heard = smtp.heard();
    assert_eq!(heard.len(), 1, "{:?}", job(&app.db).await);
    assert!(!heard[0].message.lines().any(|line| line.to_lowercase().starts_with("bcc:")), "{}", heard[0].message);
    assert!(!heard[0].commands.iter().any(|command| command.contains("evil")), "{:?}", heard[0].commands);
    assert!(!heard[0].message.contains("<b>x</b></p>"), "{}", heard[0].message);
}

#[tokio::test]
async fn without_variables_mail_is_a_file_that_only_we_can_read() {
    let app = server(&[]).await;
    forget(&app, CAMILLE).await;
    let written = letters(&app).await;
    assert_eq!(written.len(), 1);
    assert!(written[0].starts_with("To: Camille Durand <camille@club.fr>\nSubject: "), "{}", written[0]);
    let folder = app.app.mail.folder().expect("a folder");
    for entry in std::fs::read_dir(folder).expect("files").flatten() {
        assert_eq!(entry.metadata().expect("a file").permissions().mode() & 0o777, 0o600);
    }
    assert_eq!(app.get("/health").send().await.json()["checks"]["mail"]["status"], "healthy");
}

#[tokio::test]
async fn in_production_without_variables_mail_waits_and_health_says_so() {
    let variables = [&crate::auth::production()[..], &[("STORAGE", "local")]].concat();
    let app = TestApp::with(&variables).await;
    app.account(CAMILLE, "admin").await;
    forget(&app, CAMILLE).await;
    worker::round(&app.app).await;
    let (state, _, payload, error) = job(&app.db).await;
    assert_eq!((state.as_str(), payload.is_some()), ("waiting", true));
    assert!(error.contains("not configured"), "{error}");
    let health = app.get("/health").send().await.json();
    assert_eq!(health["status"], "healthy", "what is optional makes no server unhealthy");
    assert_eq!(health["checks"]["mail"]["message"], "Les courriels ne sont pas configurés.");
}

#[tokio::test]
async fn a_link_leads_where_the_configuration_says_and_never_where_a_request_says() {
    let (front, old, origin, public, render) = (
        ("FRONTEND_URL", "https://front.neopro.test/tableau"),
        ("DASHBOARD_URL", "https://old.neopro.test"),
        ("ALLOWED_ORIGINS", "https://first.neopro.test,https://second.neopro.test"),
        ("PUBLIC_URL", "https://public.neopro.test"),
        ("RENDER_EXTERNAL_URL", "https://render.neopro.test"),
    );
    for (variables, expected) in [
        (vec![front, old, origin, public, render], "https://front.neopro.test/tableau/reset-password?"),
        (vec![old, origin, public, render], "https://old.neopro.test/reset-password?"),
        (vec![origin, public, render], "https://first.neopro.test/reset-password?"),
        (vec![public, render], "https://public.neopro.test/reset-password?"),
        (vec![render], "https://render.neopro.test/reset-password?"),
        (vec![], "http://localhost:3001/reset-password?"),
    ] {
        let app = TestApp::with(&variables).await;
        app.account(CAMILLE, "admin").await;
        let forged = app
            .post(FORGOT, json!({"email": CAMILLE}))
            .header("host", "evil.example")
            .header("x-forwarded-host", "evil.example")
            .header("forwarded", "host=evil.example");
        forged.send().await.expect(StatusCode::OK);
        let letter = letters(&app).await.pop().expect("a mail");
        assert!(letter.contains(&format!("\n{expected}")), "{variables:?}: {letter}");
        assert!(!letter.contains("evil.example"), "{letter}");
    }
}

#[tokio::test]
async fn everybody_is_written_to_in_his_own_language() {
    let app = server(&[]).await;
    let token = app.login(CAMILLE).await;
    for (own, hint, expected) in [
        (None, None, "Bonjour Camille Durand,"),
        (None, Some("en"), "Hello Camille Durand,"),
        (Some("es"), Some("en"), "Hola Camille Durand,"),
    ] {
        if let Some(own) = own {
            let set = app.put("/api/auth/language", json!({"language": own})).bearer(&token).send().await;
            set.expect(StatusCode::OK);
        }
        app.post(FORGOT, json!({"email": CAMILLE, "language": hint})).send().await.expect(StatusCode::OK);
        app.clock.advance(Duration::from_secs(601));
        let letter = letters(&app).await.pop().expect("a mail");
        assert!(letter.contains(expected), "{letter}");
    }
    let wrong = app.put("/api/auth/language", json!({"language": "de"})).bearer(&token).send().await;
    assert_eq!(wrong.expect(StatusCode::BAD_REQUEST).fields(), ["language"]);
}

#[tokio::test]
async fn a_mail_whose_link_was_replaced_or_used_is_not_sent() {
    let sendgrid = SendGrid::start().await;
    let app = server(&sendgrid.variables()).await;
    forget(&app, CAMILLE).await;
    forget(&app, CAMILLE).await;
    while worker::round(&app.app).await > 0 {}
    assert_eq!(sendgrid.taken().len(), 1, "only the second link works");
    let open: i64 = app
        .db
        .owner()
        .await
        .query_one("select count(*) from jobs where state <> 'done'", &[])
        .await
        .expect("rows")
        .get(0);
    assert_eq!(open, 0);
}

#[tokio::test]
async fn two_workers_do_each_job_once() {
    let sendgrid = SendGrid::start().await;
    let first = server(&sendgrid.variables()).await;
    let variables = sendgrid.variables();
    let borrowed: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let second = TestApp::on(first.db.clone(), &borrowed).await;
    for number in 0..30 {
        first.account(&format!("{number}@club.fr"), "viewer").await;
    }
    let people = first.db.owner().await.query("select id from users", &[]).await.expect("people");
    for person in &people {
        let user = neopro_central::ids::UserId(person.get(0));
        let (issue, mail) = neopro_central::passwords::invite(&first.app, user).expect("an invitation");
        first.pool().run_as_system((issue, mail)).await.expect("enqueued");
    }
    let work = async |app: &TestApp| while worker::round(&app.app).await > 0 {};
    tokio::join!(work(&first), work(&second), work(&first), work(&second));
    let mut to: Vec<String> =
        sendgrid.taken().iter().map(|mail| mail["personalizations"][0]["to"][0]["email"].to_string()).collect();
    to.sort();
    let sent = to.len();
    to.dedup();
    assert_eq!((sent, to.len()), (31, 31));
}

#[tokio::test]
async fn a_worker_that_died_with_a_job_loses_it_to_the_next() {
    let sendgrid = SendGrid::start().await;
    let app = server(&sendgrid.variables()).await;
    forget(&app, CAMILLE).await;
    let taken =
        app.pool().run_as_system(store::take(Lane::Mail, 8, worker::LEASE, app.clock.now())).await.expect("jobs");
    assert_eq!(taken.len(), 1);
    assert_eq!(worker::round(&app.app).await, 0, "its lease is another's");
    app.clock.advance(worker::LEASE + Duration::from_secs(1));
    assert_eq!(worker::round(&app.app).await, 1);
    assert_eq!(sendgrid.taken().len(), 1);
    // The one that was thought dead comes back, and changes nothing.
    app.pool().run_as_system(store::done(&taken[0], app.clock.now())).await.expect("no harm");
    assert_eq!(job(&app.db).await.1, 2);
}

/// The program itself, killed between the commit of the request and the provider's answer.
#[tokio::test]
async fn a_kill_between_the_answer_and_the_mail_loses_no_mail() {
    let sendgrid = SendGrid::start().await;
    let db = Cluster::get().migrated().await;
    let (log, folder) = (scratch("mail-kill.log"), scratch("mail-kill"));
    let _ = std::fs::remove_file(&log);
    let url = db.url();
    let variables = sendgrid.variables();
    let mut borrowed: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    borrowed.extend([("DATABASE_URL", url.as_str()), ("NEOPRO_DATA_DIR", folder.to_str().expect("UTF-8"))]);
    let insert = "insert into users (email, password_hash, full_name) values ('camille@club.fr', '', 'Camille Durand')";
    db.owner().await.batch_execute(insert).await.expect("an account");

    sendgrid.will(Next::Silence);
    let mut server = Server::spawn(&borrowed, &log);
    server.ready().await;
    let asked = http::send(server.port, Method::POST, FORGOT, None, Some(&json!({"email": CAMILLE}))).await;
    assert_eq!(asked.expect("an answer").status, 200);
    let until = std::time::Instant::now() + Duration::from_secs(20);
    while sendgrid.requests() == 0 {
        assert!(std::time::Instant::now() < until, "the mail does not leave");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    server.kill();
    assert_eq!(sendgrid.taken().len(), 0);

    // Two minutes later, in short.
    db.owner().await.batch_execute("update jobs set lease_until = now()").await.expect("a lease");
    let mut next = Server::spawn(&borrowed, &log);
    next.ready().await;
    let until = std::time::Instant::now() + Duration::from_secs(20);
    while sendgrid.taken().is_empty() {
        assert!(std::time::Instant::now() < until, "the mail is lost");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let body: Value = sendgrid.taken().remove(0);
    let token = token_in(body["content"][0]["value"].as_str().expect("a text"));
    let valid = http::get(next.port, &format!("/api/auth/verify-reset-token?token={token}")).await;
    assert_eq!(valid.status, 200);
    let said = std::fs::read_to_string(&log).expect("a log");
    assert!(
        !said.contains(&token) && !said.contains(CAMILLE) && !said.contains(KEY),
        "the log tells too much:\n{said}"
    );
    assert!(next.terminate().await.success());
}
