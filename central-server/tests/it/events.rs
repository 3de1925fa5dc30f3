//! `/api/events`: what changes is told at once, to those who may see it, as long as their session stands.

use std::time::{Duration, Instant};

use axum::http::{Method, StatusCode};
use neopro_central::events::{self, Beat, Change};
use neopro_central::ids::SiteId;
use serde_json::{Value, json};

use crate::media;
use crate::overview::as_listed;
use crate::support::{Player, Stage, TestApp, Watcher};
use crate::walls::tenant;

async fn site(app: &TestApp, token: &str, name: &str) -> String {
    let new = json!({"site_name": name, "club_name": format!("Club {name}")});
    let site = app.post("/api/sites", new).bearer(token).send().await.expect(StatusCode::CREATED).json();
    site["id"].as_str().expect("an id").to_owned()
}

/// A stream behind its greeting.
async fn watch(app: &TestApp, path: &str, token: &str) -> Watcher {
    let mut watcher = app.get(path).bearer(token).open().await;
    watcher.says("hello").await;
    watcher
}

fn ids(rows: &Value) -> Vec<&str> {
    rows.as_array().expect("rows").iter().map(|row| row["id"].as_str().expect("an id")).collect()
}

#[tokio::test]
async fn a_stream_greets_and_tells_a_change_as_the_list_shows_it() {
    let app = TestApp::new().await;
    let token = app.token("operator").await;
    let site = site(&app, &token, "Gymnase").await;
    let mut watcher = app.get("/api/events").header("cookie", &format!("neopro_token={token}")).open().await;
    assert_eq!(watcher.headers["content-type"], "text/event-stream");
    assert_eq!(watcher.headers["x-accel-buffering"], "no");
    assert!(watcher.headers.get("content-encoding").is_none());
    // By the version a page knows that it is older than the server, or newer.
    let greeting = json!({"at": "2026-01-15T12:00:00.000Z", "version": env!("CARGO_PKG_VERSION")});
    assert_eq!(watcher.says("hello").await, greeting);

    let path = format!("/api/sites/{site}");
    app.put(&path, json!({"club_name": "Élan"})).bearer(&token).send().await.expect(StatusCode::OK);
    let told = watcher.says("changes").await;
    let shown = app.get(&path).bearer(&token).send().await.json();
    assert_eq!(told, json!({"sites": [as_listed(shown)], "deployments": [], "videos": [], "groups": [], "stale": []}));
    let schema = json!({"$ref": "#/components/schemas/Changes"});
    crate::support::contract::validate(&schema, &told, "what is told");
}

#[tokio::test]
async fn videos_groups_and_deletions_are_told_by_their_names() {
    let app = TestApp::new().await;
    let token = app.token("admin").await;
    let site = site(&app, &token, "Gymnase").await;
    let mut watcher = watch(&app, "/api/events", &token).await;
    let group = app.post("/api/groups", json!({"name": "Ligue", "type": "custom"})).bearer(&token).send().await;
    let group = group.expect(StatusCode::CREATED).json()["id"].clone();
    assert_eq!(watcher.says("changes").await["groups"], json!([group]));
    let members = format!("/api/groups/{}/sites", group.as_str().expect("an id"));
    app.post(&members, json!({"site_ids": [site]})).bearer(&token).send().await.expect(StatusCode::OK);
    assert_eq!(watcher.says("changes").await["groups"], json!([group]));
    let form = crate::support::Form::new().file("video", "Sponsor.mp4", media!("faststart.mp4"));
    let video = app.call(Method::POST, "/api/videos").bearer(&token).form(&form).send().await;
    let video = video.expect(StatusCode::CREATED).json()["id"].clone();
    assert_eq!(watcher.says("changes").await["videos"], json!([video]));
    for (path, kind) in [
        (format!("/api/videos/{}", video.as_str().expect("an id")), "videos"),
        (format!("/api/groups/{}", group.as_str().expect("an id")), "groups"),
        (format!("/api/sites/{site}"), "sites"),
    ] {
        app.delete(&path).bearer(&token).send().await.expect(StatusCode::OK);
        assert_eq!(watcher.says("changes").await["stale"], json!([kind]), "{path}");
    }
}

#[tokio::test]
async fn a_burst_is_a_few_events_and_the_last_word_is_right() {
    let app = TestApp::new().await;
    let token = app.token("operator").await;
    let site = site(&app, &token, "Gymnase").await;
    let mut watcher = watch(&app, "/api/events", &token).await;
    let burst = async {
        let began = Instant::now();
        for number in 0..60 {
            let change = json!({"club_name": format!("Club {number}")});
            app.put(&format!("/api/sites/{site}"), change).bearer(&token).send().await.expect(StatusCode::OK);
        }
        began.elapsed()
    };
    let mut events = 0;
    let listening = watcher.until("the last word", |_, told| {
        events += 1;
        told["sites"][0]["club_name"] == "Club 59"
    });
    let (took, _) = tokio::join!(burst, listening);
    let most = 2 + took.as_millis() / 250;
    assert!(events <= most, "{events} events in {took:?}");
}

#[tokio::test]
async fn too_many_changes_are_told_as_out_of_date() {
    let app = TestApp::new().await;
    let token = app.token("viewer").await;
    let mut watcher = watch(&app, "/api/events", &token).await;
    for _ in 0..201 {
        app.app.changes.note(Change::Site(SiteId::new()));
    }
    let told = watcher.says("changes").await;
    assert_eq!((&told["stale"], &told["sites"]), (&json!(["sites"]), &json!([])));
    // More than is kept for somebody who does not read.
    for _ in 0..5_000 {
        app.app.changes.note(Change::Work(SiteId::new()));
    }
    let told = watcher.says("changes").await;
    assert_eq!(told["stale"], json!(["sites", "deployments", "videos", "groups"]));
    assert_eq!(watcher.within(Duration::from_millis(600)).await, None, "told once");
}

#[tokio::test]
async fn a_tenant_is_told_of_its_own_and_of_nothing_else() {
    let app = TestApp::new().await;
    let staff = app.token("admin").await;
    let (agency, sponsor) = (tenant(&app, "agency").await, tenant(&app, "sponsor").await);
    let foreign = site(&app, &staff, "Ailleurs").await;
    let form = crate::support::Form::new().file("video", "Sponsor.mp4", media!("faststart.mp4"));
    let video = app.call(Method::POST, "/api/videos").bearer(&staff).form(&form).send().await.json()["id"].clone();
    let mut by_agency = watch(&app, "/api/events", &agency.token).await;
    let mut by_sponsor = watch(&app, "/api/events", &sponsor.token).await;

    let rename = async |site: &str, name: &str| {
        let path = format!("/api/sites/{site}");
        app.put(&path, json!({"club_name": name})).bearer(&staff).send().await.expect(StatusCode::OK);
    };
    rename(&foreign, "Secret").await;
    let group = json!({"name": "Secret", "type": "custom", "site_ids": [foreign]});
    app.post("/api/groups", group).bearer(&staff).send().await.expect(StatusCode::CREATED);
    for target in [foreign.clone(), agency.site.to_string()] {
        let order = json!({"video_id": video, "target_type": "site", "target_id": target});
        app.post("/api/deployments", order).bearer(&staff).send().await.expect(StatusCode::CREATED);
    }
    rename(&sponsor.site.to_string(), "Partenaire").await;

    // The order concerns its club, so the club's row comes; the order itself is not the agency's.
    let told = by_agency.says("changes").await;
    assert_eq!(ids(&told["sites"]), [agency.site.to_string()]);
    let told_sponsor = by_sponsor.says("changes").await;
    assert_eq!(ids(&told_sponsor["sites"]), [sponsor.site.to_string()]);
    assert!(told_sponsor["sites"][0]["last_ip"].is_null(), "a sponsor sees no machine");
    for told in [&told, &told_sponsor] {
        for kind in ["deployments", "videos", "groups", "stale"] {
            assert_eq!(told[kind], json!([]), "{kind}");
        }
        assert!(!told.to_string().contains("Secret"), "{told}");
    }
    let quiet = Duration::from_millis(700);
    assert_eq!((by_agency.within(quiet).await, by_sponsor.within(quiet).await), (None, None));
}

#[tokio::test]
async fn the_heartbeats_of_a_site_come_to_those_who_watch_it_and_may() {
    let app = TestApp::new().await;
    let staff = app.token("viewer").await;
    let (agency, sponsor) = (tenant(&app, "agency").await, tenant(&app, "sponsor").await);
    let site: SiteId = agency.site.to_string().parse().expect("an id");
    let other = format!("/api/events?site={}", sponsor.site);
    app.get(&other).bearer(&agency.token).send().await.expect(StatusCode::NOT_FOUND);
    app.get("/api/events?site=gymnase").bearer(&staff).send().await.expect(StatusCode::BAD_REQUEST);

    let watched = format!("/api/events?site={site}");
    let mut close = watch(&app, &watched, &agency.token).await;
    let mut far = watch(&app, "/api/events", &staff).await;
    let sponsored: SiteId = sponsor.site.to_string().parse().expect("an id");
    let mut by_sponsor = watch(&app, &other, &sponsor.token).await;
    let at = app.clock.now();
    let beat = |site_id| {
        move || Beat {
            site_id,
            at,
            cpu: Some(12.5),
            memory: None,
            temperature: Some(51.0),
            disk: None,
            uptime: Some(90),
        }
    };
    app.app.changes.note_beat(site, beat(site));
    app.app.changes.note_beat(sponsored, beat(sponsored));
    assert_eq!(ids(&close.says("changes").await["sites"]), [site.to_string()]);
    let heard = close.says("heartbeat").await;
    assert_eq!((&heard["cpu"], &heard["temperature"], &heard["memory"]), (&json!(12.5), &json!(51.0), &Value::Null));
    crate::support::contract::validate(&json!({"$ref": "#/components/schemas/Heartbeat"}), &heard, "a heartbeat");
    assert_eq!(far.within(Duration::from_millis(500)).await, None, "a heartbeat is no change");
    assert_eq!(by_sponsor.says("changes").await["sites"][0]["id"], sponsored.to_string());
    assert_eq!(by_sponsor.within(Duration::from_millis(500)).await, None, "a sponsor sees no machine");

    // Whoever loses the club loses its heartbeats, in the middle of the stream.
    app.db.owner().await.batch_execute("delete from agency_sites").await.expect("the owner may");
    app.app.changes.note_beat(site, beat(site));
    assert_eq!(close.within(Duration::from_millis(700)).await, None);
}

#[tokio::test]
async fn a_session_that_ends_ends_its_streams_and_no_other() {
    let app = TestApp::new().await;
    let (leaving, staying) = (app.token("operator").await, app.token("operator").await);
    let (mut one, mut two) = (watch(&app, "/api/events", &leaving).await, watch(&app, "/api/events", &leaving).await);
    let mut other = watch(&app, "/api/events", &staying).await;
    app.post("/api/auth/logout", json!({})).bearer(&leaving).send().await.expect(StatusCode::OK);
    for watcher in [&mut one, &mut two] {
        assert_eq!(watcher.says("end").await, json!({"reason": "session"}));
        assert_eq!(watcher.next().await, None, "then it is closed");
    }
    assert_eq!(app.app.changes.count(), 1, "their places are free");
    app.app.changes.note(Change::Site(SiteId::new()));
    assert_eq!(other.within(Duration::from_millis(500)).await, None, "there is no such site, and no end");
    app.get("/api/events").bearer(&leaving).send().await.expect(StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn whoever_ends_a_session_elsewhere_ends_its_streams_within_a_second() {
    let app = TestApp::new().await;
    let looking = tokio::spawn(events::jobs::run(app.app.clone()));
    let sql = app.db.owner().await;
    for act in [
        "update sessions set revoked_at = now() where revoked_at is null",
        "update users set status = 'suspended'",
        "update users set is_active = false",
        "delete from users",
    ] {
        let token = app.token("viewer").await;
        let mut watcher = watch(&app, "/api/events", &token).await;
        sql.batch_execute(act).await.expect("the owner may");
        let ended = Instant::now();
        assert_eq!(watcher.says("end").await, json!({"reason": "session"}), "{act}");
        assert!(ended.elapsed() < Duration::from_millis(1_500), "{act}: {:?}", ended.elapsed());
    }
    // A role that was taken away is noticed before anything is told.
    let token = app.token("admin").await;
    let mut watcher = watch(&app, "/api/events", &token).await;
    sql.batch_execute("update users set role = 'viewer' where is_active").await.expect("the owner may");
    app.app.changes.note(Change::Video(neopro_central::ids::VideoId::new()));
    assert_eq!(watcher.says("end").await, json!({"reason": "session"}));
    // And the end of its time.
    let token = app.token("viewer").await;
    let mut watcher = watch(&app, "/api/events", &token).await;
    app.clock.advance(Duration::from_secs(7 * 24 * 3_600));
    assert_eq!(watcher.says("end").await, json!({"reason": "session"}));
    looking.abort();
}

#[tokio::test]
async fn a_session_has_twenty_streams_at_most() {
    let app = TestApp::new().await;
    let (token, other) = (app.token("viewer").await, app.token("viewer").await);
    let mut watchers = Vec::new();
    for _ in 0..20 {
        watchers.push(watch(&app, "/api/events", &token).await);
    }
    let refused = app.get("/api/events").bearer(&token).send().await.expect(StatusCode::TOO_MANY_REQUESTS);
    assert_eq!((refused.code(), refused.header("retry-after")), ("too_many_streams".to_owned(), "5"));
    watchers.push(watch(&app, "/api/events", &other).await);
    watchers.swap_remove(3);
    watchers.push(watch(&app, "/api/events", &token).await);
}

/// The running program: a box, an order, and the end.
#[tokio::test]
async fn a_box_and_its_order_are_followed_live_until_the_server_stops() {
    let mut stage = Stage::start("events").await;
    let site = stage.site("Gymnase").await;
    let video = stage.upload("Sponsor.mp4", media!("faststart.mp4"), None).await;
    let mut watcher = Watcher::open(stage.server.port, &format!("/api/events?site={site}"), stage.token()).await;
    assert!(watcher.headers.get("content-encoding").is_none(), "a stream that is compressed waits for its end");
    watcher.says("hello").await;

    let came = Instant::now();
    let mut new = Player::start("box2.mjs", stage.server.port, &site, "websocket");
    new.says("authenticated").await;
    let authenticated = Instant::now();
    watcher.until("the box is there", |_, told| told["sites"][0]["status"] == "online").await;
    assert!(authenticated.elapsed() < Duration::from_secs(2), "{:?} after {:?}", authenticated.elapsed(), came);

    let order = stage.order(&video, "site", &site, "install").await;
    let is_order = |told: &Value, status: &str| {
        told["deployments"]
            .as_array()
            .is_some_and(|all| all.iter().any(|one| one["id"] == order && one["status"] == status))
    };
    watcher.until("the order", |_, told| is_order(told, "pending")).await;
    let desired = new.says("desired").await;
    let item = json!({"id": video, "sha256": desired["media"][0]["sha256"], "state": "installed", "attempts": 1});
    let report =
        json!({"revision": desired["revision"], "sequence": 1, "inventory": [item], "freeBytes": 1, "drift": []});
    new.tell(&json!({"ask": ["reported", report]})).await;
    watcher.until("the order is done", |_, told| is_order(told, "completed")).await;

    new.tell(&json!({"emit": ["heartbeat", {"metrics": {"cpu": 12.5, "temperature": 51}}]})).await;
    assert_eq!(watcher.until("a heartbeat", |name, _| name == "heartbeat").await["cpu"], 12.5);
    drop(new);
    watcher.until("the box is gone", |_, told| told["sites"][0]["status"] == "offline").await;

    let stopped = Instant::now();
    let (status, ()) = tokio::join!(stage.server.terminate(), async { while watcher.next().await.is_some() {} });
    assert!(status.success());
    assert!(stopped.elapsed() < Duration::from_secs(5), "{:?}: a stream holds nothing up", stopped.elapsed());
}
