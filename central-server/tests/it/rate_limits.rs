//! Limits of calls: what the product does meets none, what runs wild does.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::http::{Method, StatusCode};
use neopro_central::clock::Time;
use neopro_central::http::limits::{Limits, Visit, Visitor};
use neopro_central::ids::{SessionId, UserId};
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::app::PASSWORD;

/// A call that is refused before the database is asked: of thousands each is to cost nothing.
const CHEAP: &str = "/api/sites/none";

async fn limited(more: &[(&str, &str)]) -> TestApp {
    TestApp::with(&[&[("NEOPRO_RATE_LIMITS", "on")], more].concat()).await
}

/// How many calls are let in before one is refused.
async fn let_in(mut call: impl AsyncFnMut() -> u16) -> usize {
    for count in 0..10_000 {
        if call().await == 429 {
            return count;
        }
    }
    panic!("10,000 calls meet no limit")
}

#[tokio::test]
async fn the_table_stands_where_administrators_see_it() {
    let app = TestApp::new().await;
    let admin = app.token("admin").await;
    let table = app.get("/api/limits").bearer(&admin).send().await.expect(StatusCode::OK).json();
    let rows: Vec<(&str, &str)> = table["limits"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| (row["name"].as_str().expect("a name"), row["who"].as_str().expect("whom")))
        .collect();
    for row in [
        ("anonymous", "address"),
        ("refused", "address"),
        ("user", "user"),
        ("user_writes", "user"),
        ("token", "token"),
        ("site", "site"),
        ("login", "pair"),
        ("login", "address"),
        ("login", "account"),
        ("reset", "account"),
        ("code", "account"),
    ] {
        assert!(rows.contains(&row), "{row:?} is not in {rows:?}");
    }
    assert_eq!(
        table["limits"][2],
        json!({"name": "user", "who": "user", "burst": 1_500, "per_minute": 7_500.0, "shared": false})
    );
}

/// The table of `docs/limits.md`: name, by whom, at once, a minute, whether for all replicas. A name holds until the next.
fn documented() -> Vec<(String, String, String, String, bool)> {
    let mut name = String::new();
    let rows = include_str!("../../../docs/limits.md").lines().filter(|line| line.starts_with("| `"));
    rows.map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        if let Some(word) = cells[0].split('`').nth(1) {
            word.clone_into(&mut name);
        }
        (name.clone(), cells[1].to_owned(), cells[2].to_owned(), cells[3].to_owned(), cells[4] == "yes")
    })
    .collect()
}

#[tokio::test]
async fn the_table_of_the_documentation_is_that_of_the_server() {
    let app = TestApp::new().await;
    let admin = app.token("admin").await;
    let table = app.get("/api/limits").bearer(&admin).send().await.expect(StatusCode::OK).json();
    let text = |row: &Value, field: &str| row[field].as_str().map_or_else(|| row[field].to_string(), str::to_owned);
    let rounded = |row: &Value| {
        let number = (row["per_minute"].as_f64().expect("a number") * 100.0).round() / 100.0;
        number.to_string()
    };
    let shown: Vec<_> = table["limits"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| (text(row, "name"), text(row, "who"), text(row, "burst"), rounded(row), row["shared"] == true))
        .collect();
    assert_eq!(documented(), shown);
}

#[tokio::test]
async fn a_program_that_runs_wild_is_told_when_to_come_again() {
    let app = limited(&[]).await;
    let (wild, calm) = (app.token("viewer").await, app.token("viewer").await);
    assert_eq!(let_in(async || app.get(CHEAP).bearer(&wild).status().await).await, 1_500);
    let refused = app.get("/api/sites").bearer(&wild).send().await.expect(StatusCode::TOO_MANY_REQUESTS);
    assert_eq!((refused.code().as_str(), refused.header("retry-after")), ("too_many_requests", "1"));
    assert_eq!(refused.json()["retryAfter"], 1);
    assert_eq!(app.get(CHEAP).bearer(&calm).status().await, 400, "nobody else is refused");
    app.clock.advance(Duration::from_secs(1));
    assert_eq!(let_in(async || app.get(CHEAP).bearer(&wild).status().await).await, 125);
}

#[tokio::test]
async fn strangers_share_what_their_address_has_and_cannot_invent_another() {
    let app = limited(&[("TRUSTED_PROXY_HOPS", "2")]).await;
    let call = async |chain: &str| app.get("/api/nowhere").header("x-forwarded-for", chain).status().await;
    let mut number = 0u32;
    let flood = let_in(async || {
        number += 1;
        call(&format!("{}, 203.0.113.9, 10.0.0.3", std::net::Ipv4Addr::from(0x0b00_0000 + number))).await
    });
    assert_eq!(flood.await, 600, "what stands in front of our proxies' entries changes nothing");
    assert_eq!(call("203.0.113.9, 10.0.0.4").await, 429);
    assert_eq!(call("198.51.100.4, 10.0.0.3").await, 404);
    // What never was a session is a stranger's; what is one is not.
    let forged = app.get(CHEAP).bearer("a.b.c").header("x-forwarded-for", "203.0.113.9, 10.0.0.3");
    assert_eq!(forged.status().await, 429);
    let login = app.get("/api/auth/me").header("x-forwarded-for", "198.51.100.4, 10.0.0.3");
    assert_eq!(login.status().await, 401);
}

#[tokio::test]
async fn without_proxies_the_header_is_not_looked_at() {
    let app = limited(&[]).await;
    let mut number = 0u32;
    let flood = let_in(async || {
        number += 1;
        let forged = std::net::Ipv4Addr::from(0x0b00_0000 + number).to_string();
        app.get("/api/nowhere").header("x-forwarded-for", &forged).status().await
    });
    assert_eq!(flood.await, 600);
    assert_eq!(app.get("/api/nowhere").from([198, 51, 100, 4]).status().await, 404);
}

#[tokio::test]
async fn a_token_and_a_site_have_limits_of_their_own() {
    let app = limited(&[]).await;
    let session = app.token("operator").await;
    let (_, token) = app.api_token(&session, &["read"]).await;
    let (_, other) = app.api_token(&session, &["read"]).await;
    assert_eq!(app.get("/api/sites").bearer(&token).status().await, 200);
    assert_eq!(let_in(async || app.get(CHEAP).bearer(&token).status().await).await, 599);
    assert_eq!(app.get(CHEAP).bearer(&other).status().await, 400);
    assert_eq!(app.get(CHEAP).bearer(&session).status().await, 400, "its person is not its token");

    let site = uuid::Uuid::now_v7();
    let act =
        async |site: uuid::Uuid| app.call(Method::PUT, &format!("/api/sites/{site}")).bearer(&session).status().await;
    assert_eq!(let_in(async || act(site).await).await, 120);
    assert_eq!(act(uuid::Uuid::now_v7()).await, 415, "another site");
    let path = format!("/api/sites/{site}/availability");
    assert_ne!(app.get(&path).bearer(&session).status().await, 429, "to look at it is not counted");
    app.clock.advance(Duration::from_secs(10));
    assert_eq!(let_in(async || act(site).await).await, 10, "one a second");
}

#[tokio::test]
async fn who_may_not_act_on_a_site_keeps_nobody_from_it() {
    let app = limited(&[]).await;
    let (viewer, operator) = (app.token("viewer").await, app.token("operator").await);
    let path = format!("/api/sites/{}", uuid::Uuid::now_v7());
    for number in 0..150u8 {
        assert_eq!(app.call(Method::PUT, &path).bearer(&viewer).status().await, 403);
        let invented = format!("npt_{}", data_encoding::BASE64URL_NOPAD.encode(&[number; 32]));
        let guess = app.call(Method::PUT, &path).bearer(&invented).from([6, 6, 6, number]);
        assert_eq!(guess.status().await, 401);
    }
    assert_eq!(let_in(async || app.call(Method::PUT, &path).bearer(&operator).status().await).await, 120);
}

#[tokio::test]
async fn a_session_that_was_ended_uses_up_nothing() {
    let app = limited(&[]).await;
    app.account("camille@club.fr", "viewer").await;
    let (stolen, own) = (app.login("camille@club.fr").await, app.login("camille@club.fr").await);
    app.post("/api/auth/logout", json!({})).bearer(&stolen).send().await.expect(StatusCode::OK);
    let tried = let_in(async || app.get("/api/auth/me").bearer(&stolen).status().await).await;
    assert_eq!(tried, 200);
    // To log out was one call; none of those behind it is missing.
    assert_eq!(let_in(async || app.get(CHEAP).bearer(&own).status().await).await, 1_499);
}

#[tokio::test]
async fn what_costs_nothing_or_has_an_allowance_of_its_own_is_not_counted() {
    let app = limited(&[]).await;
    for path in
        ["/live", "/ready", "/health", "/api/health", "/", "/login", "/api-docs/", "/storage/v1/object/public/videos/x"]
    {
        for _ in 0..700 {
            assert_ne!(app.get(path).header("accept", "text/html").status().await, 429, "{path}");
        }
    }
    for _ in 0..700 {
        let poll = app.get("/socket.io/?EIO=4&transport=polling&sid=unknown");
        assert_eq!(poll.status().await, 400, "a poll of a box");
        assert_eq!(app.call(Method::OPTIONS, "/api/sites").status().await, 204, "a question of a browser");
    }
    assert_eq!(let_in(async || app.get("/api/nowhere").status().await).await, 600, "the control");
}

/// The dashboard's own code.
fn dashboard() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../central-dashboard/src")
}

fn sources(folder: &Path) -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            text.push_str(&sources(&entry));
        } else if entry.extension().is_some_and(|ending| ending == "ts" || ending == "tsx") {
            text.push_str(&std::fs::read_to_string(&entry).expect("UTF-8"));
        }
    }
    text
}

/// The number behind these words of a file.
fn number(file: &str, words: &str) -> usize {
    let text = std::fs::read_to_string(dashboard().join(file)).expect("a source of the dashboard");
    let (_, rest) = text.split_once(words).unwrap_or_else(|| panic!("{file} does not say {words:?} any more"));
    let digits: String = rest.chars().take_while(|c| c.is_ascii_digit() || *c == '_').filter(|c| *c != '_').collect();
    digits.parse().expect("a number")
}

/// So many rows of an endless list has somebody scrolled through.
const SCROLLED: usize = 1_000;

/// How many questions a page has on the screen at once, at most: each of its reads, as if all of its parts were open;
/// an endless list is read again page by page, and the causes of orders are read for each order.
fn questions(text: &str) -> usize {
    let count = |word: &str| text.matches(word).count();
    let endless = SCROLLED / number("api/reads.ts", "export const PAGE = ");
    let each = number("pages/fleet/use-trouble.ts", "const ORDERS = ");
    count("useQuery(") + count("useInfiniteQuery(") * endless + count("useQueries(") * each
}

/// The folders of pages: what has no page of its own, as the administration, is a folder of some.
fn folders(of: &Path) -> Vec<PathBuf> {
    let inside = || std::fs::read_dir(of).expect("a folder").map(|entry| entry.expect("an entry").path());
    let below: Vec<PathBuf> = inside().filter(|path| path.is_dir()).collect();
    match below.is_empty() || of.join("index.tsx").exists() {
        true => vec![of.to_owned()],
        false => below.iter().flat_map(|folder| folders(folder)).collect(),
    }
}

/// Every page with its questions, those of the frame around it included.
fn pages() -> BTreeMap<String, usize> {
    let around = questions(&sources(&dashboard().join("app/shell")));
    folders(&dashboard().join("pages"))
        .into_iter()
        .map(|page| {
            let name = page.file_name().expect("a name").to_string_lossy().into_owned();
            (name, questions(&sources(&page)) + around)
        })
        .collect()
}

/// A dashboard that is open all day on its busiest page while the fleet does not come to rest: ten minutes of each hour
/// everything is out of date as often as the page looks, the rest of it all sums and lists are read as often as it reads
/// sums.
#[test]
fn a_day_of_the_busiest_page_meets_no_limit() {
    let pages = pages();
    let (busiest, questions) = pages.iter().max_by_key(|(_, questions)| **questions).expect("a page");
    assert!(pages["fleet"] >= 15 && *questions >= pages["fleet"], "the count sees the pages: {pages:?}");
    let flush = Duration::from_millis(number("api/live.ts", "setTimeout(() => this.now(), ") as u64);
    let pause = Duration::from_millis(number("api/stale.ts", "const PAUSE = ") as u64);
    assert!((100..=1_000).contains(&flush.as_millis()) && (500..=10_000).contains(&pause.as_millis()));

    let limits = Limits::default();
    let begin = Time::from_unix_micros(1_800_000_000_000_000);
    let (user, session) = (UserId::new(), SessionId::new());
    let visit =
        Visit { address: [203, 0, 113, 9].into(), visitor: Visitor::Session(user, session), acts: false, site: None };
    let (mut at, mut calls) = (Duration::ZERO, 0u64);
    while at < Duration::from_secs(24 * 3_600) {
        let storm = at.as_secs() % 3_600 < 600;
        for _ in 0..*questions {
            if let Err(seconds) = limits.admit(&visit, begin.plus(at)) {
                panic!("{busiest} ({questions} questions) after {at:?} and {calls} calls: wait {seconds} s");
            }
            calls += 1;
        }
        at += if storm { flush } else { pause };
    }
    assert!(calls > 1_000_000, "{calls} calls");
    // The control: a page that did not wait at all between two reads would be stopped.
    let flooding =
        (0..1_000_000u64).find(|call| limits.admit(&visit, begin.plus(at + Duration::from_millis(call * 5))).is_err());
    assert!(flooding.is_some_and(|call| call > 1_000), "{flooding:?}");
}

/// What the fleet's page asks for, as `pages/fleet` and the frame do.
const FLEET: &[&str] = &[
    "/api/auth/me",
    "/api/sites/stats",
    "/api/sites/facets",
    "/api/sites?page=1&limit=100",
    "/api/sites?display_status=offline&sort=last_seen_at&order=desc&page=1&limit=4",
    "/api/deployments?page=1&limit=100",
    "/api/deployments?open=true&page=1&limit=4",
    "/api/deployments/summary",
];

/// A sports hall: thirty boxes and five operators behind one address, for an hour that begins with everybody's arrival.
#[tokio::test]
async fn a_hall_with_thirty_boxes_and_five_operators_meets_no_limit() {
    let app = limited(&[("TRUSTED_PROXY_HOPS", "1")]).await;
    const HALL: &str = "203.0.113.50";
    let checked = |what: &str, status: u16| assert!(status != 429 && status < 500, "{what}: {status}");
    let mut sessions = Vec::new();
    for number in 0..5 {
        let email = format!("operateur{number}@club.fr");
        app.account(&email, "operator").await;
        // The tabs of yesterday, whose sessions are over: each page asks for everything at once before it gives up.
        for path in FLEET.iter().cycle().take(3 * 19) {
            let stale = app.get(path).header("cookie", "neopro_token=a.b.c").header("x-forwarded-for", HALL);
            checked("a tab of yesterday", stale.status().await);
        }
        let login = json!({"email": email, "password": PASSWORD});
        let login = app.post("/api/auth/login", login).header("x-forwarded-for", HALL).send().await;
        sessions.push(login.expect(StatusCode::OK).json()["token"].as_str().expect("a token").to_owned());
    }
    let as_one = |method: Method, path: &str| app.call(method, path).header("x-forwarded-for", HALL);
    for minute in 0..60 {
        // Boxes of NeoPro 1 send what they have counted every five minutes, and ask by polling where nothing else works.
        for name in (0..30).filter(|name| name % 5 == minute % 5) {
            for path in ["/api/analytics/video-plays", "/api/analytics/impressions"] {
                let sent = as_one(Method::POST, path).json(&json!({"site_id": format!("box {name}"), "plays": []}));
                checked(path, sent.status().await);
            }
        }
        for _ in 0..30 {
            let poll = as_one(Method::GET, "/socket.io/?EIO=4&transport=polling&sid=unknown");
            checked("a poll", poll.status().await);
        }
        for session in &sessions {
            let busy = minute == 0 || minute % 20 == 7;
            for path in FLEET.iter().take(if busy { FLEET.len() } else { 1 }) {
                checked(path, as_one(Method::GET, path).bearer(session).status().await);
            }
            let site = format!("/api/sites/{}", uuid::Uuid::now_v7());
            checked("an act", as_one(Method::PUT, &site).bearer(session).json(&json!({})).status().await);
        }
        app.clock.advance(Duration::from_secs(60));
    }
    // The control: the same hall with one program in it that runs wild, of which only that one hears.
    let wild = let_in(async || as_one(Method::GET, CHEAP).bearer(&sessions[0]).status().await).await;
    assert!(wild >= 1_000, "{wild}");
    checked("a neighbour", as_one(Method::GET, "/api/sites/stats").bearer(&sessions[1]).status().await);
    let me: Value = as_one(Method::GET, "/api/auth/me").bearer(&sessions[2]).send().await.json();
    assert_eq!(me["role"], "operator");
}
