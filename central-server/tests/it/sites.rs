//! `/api/sites`.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::support::TestApp;

const SITES: &str = "/api/sites";

async fn create(app: &TestApp, token: &str, body: Value) -> Value {
    app.post(SITES, body).bearer(token).send().await.expect(StatusCode::CREATED).json()
}

async fn names(app: &TestApp, token: &str, query: &str) -> Vec<String> {
    let page = app.get(&format!("{SITES}{query}")).bearer(token).send().await.expect(StatusCode::OK).json();
    let rows = page["data"].as_array().expect("rows").clone();
    rows.iter().map(|site| site["site_name"].as_str().expect("a name").to_owned()).collect()
}

#[tokio::test]
async fn a_new_site_shows_its_key_once_and_stores_only_its_hash() {
    let app = TestApp::new().await;
    let token = app.token("operator").await;
    let site = create(
        &app,
        &token,
        json!({
            "site_name": "Gymnase Jean Moulin", "club_name": "HBC Élan", "hardware_model": "", "surprise": [1],
            "location": {"city": "Nantes", "region": "", "coordinates": {"lat": 47.2, "lng": -1.55}},
            "sports": ["handball", "futsal"],
        }),
    )
    .await;
    let key = site["api_key"].as_str().expect("a key");
    assert!(key.len() == 64 && key.bytes().all(|byte| byte.is_ascii_hexdigit()), "{key}");
    assert_eq!(site["status"], "offline");
    assert_eq!(site["hardware_model"], "Unknown");
    assert_eq!(site["location"], json!({"city": "Nantes", "coordinates": {"lat": 47.2, "lng": -1.55}}));
    assert_eq!(site["created_at"], "2026-01-15T12:00:00.000Z");

    let stored: String =
        app.db.owner().await.query_one("select api_key from sites", &[]).await.expect("one site").get(0);
    assert!(stored.starts_with("sha256:") && !stored.contains(key));

    let path = format!("{SITES}/{}", site["id"].as_str().expect("an id"));
    for path in [path.as_str(), SITES] {
        let shown = app.get(path).bearer(&token).send().await.expect(StatusCode::OK);
        assert!(!shown.text.contains(key) && !shown.text.contains("api_key"), "{}", shown.text);
    }
}

#[tokio::test]
async fn a_taken_name_gets_the_next_free_suffix() {
    let app = TestApp::new().await;
    let token = app.token("operator").await;
    let long = "é".repeat(255);
    for (wanted, given) in [
        ("Gym", "Gym".to_owned()),
        ("Gym", "Gym-1".to_owned()),
        ("Gym", "Gym-2".to_owned()),
        ("Gym-1", "Gym-1-1".to_owned()),
        ("Gym-7", "Gym-7".to_owned()),
        ("Gym", "Gym-8".to_owned()),
        ("100%_\\", "100%_\\".to_owned()),
        ("100%_\\", "100%_\\-1".to_owned()),
        (&long, long.clone()),
        (&long, format!("{}-1", "é".repeat(244))),
        (&long, format!("{}-2", "é".repeat(244))),
    ] {
        let site = create(&app, &token, json!({"site_name": wanted, "club_name": "Club"})).await;
        assert_eq!(site["site_name"], given.as_str(), "for {wanted}");
    }
}

#[tokio::test]
async fn creations_at_the_same_moment_all_get_a_name() {
    let app = TestApp::new().await;
    let token = app.token("operator").await;
    let calls = (0..4).map(|_| create(&app, &token, json!({"site_name": "Gym", "club_name": "Club"})));
    let sites = futures_util::future::join_all(calls).await;
    let mut given: Vec<&str> = sites.iter().map(|site| site["site_name"].as_str().expect("a name")).collect();
    given.sort_unstable();
    assert_eq!(given, ["Gym", "Gym-1", "Gym-2", "Gym-3"]);
}

#[tokio::test]
async fn every_wrong_field_of_a_new_site_is_named() {
    let app = TestApp::new().await;
    let token = app.token("operator").await;
    let body = json!({
        "site_name": " ", "club_name": 7, "sports": "handball", "hardware_model": "x".repeat(101),
        "location": {"city": "a\u{0}b", "coordinates": {"lat": 91, "lng": "west"}},
    });
    let answer = app.post(SITES, body).bearer(&token).send().await.expect(StatusCode::BAD_REQUEST);
    assert_eq!(
        answer.fields(),
        [
            "site_name",
            "club_name",
            "location.city",
            "location.coordinates.lat",
            "location.coordinates.lng",
            "sports",
            "hardware_model",
        ]
    );
}

/// The whole list comes from functions of the database, a filtered one from a statement of our own: both have to know
/// the same order, from either end, with equal values and unknown ones in it.
#[tokio::test]
async fn every_order_is_the_same_in_pages_at_once_and_filtered() {
    let app = TestApp::new().await;
    let token = app.token("viewer").await;
    app.db
        .owner()
        .await
        .batch_execute(
            "insert into sites (id, site_name, club_name, location, api_key, status, last_seen_at, software_version, created_at) \
             select gen_random_uuid(), 'Salle ' || n, (array['Élan', 'elan', 'Étoile', 'Zénith'])[n % 4 + 1], \
               case when n % 3 > 0 then jsonb_build_object('city', (array['Évry', 'Pau'])[n % 2 + 1]) end, 'k' || n, \
               (array['online', 'offline', 'error'])[n % 3 + 1], \
               case when n % 2 > 0 then timestamptz '2026-01-01' + n % 5 * interval '1 hour' end, \
               case when n % 4 > 0 then '2.' || n % 3 end, timestamptz '2026-01-01' + n % 6 * interval '1 day' \
             from generate_series(1, 23) n",
        )
        .await
        .expect("sites");
    let mut lists = std::collections::HashSet::new();
    for sort in ["created_at", "club_name", "site_name", "city", "status", "last_seen_at", "software_version"] {
        for order in ["asc", "desc"] {
            let query = format!("sort={sort}&order={order}");
            let whole = names(&app, &token, &format!("?{query}&limit=1000")).await;
            assert_eq!(whole.len(), 23, "{query}");
            let filtered = names(&app, &token, &format!("?{query}&limit=1000&search=Salle")).await;
            assert_eq!(filtered, whole, "{query}, filtered");
            for limit in [4, 23] {
                let mut pages = Vec::new();
                for page in 1..=7 {
                    pages.extend(names(&app, &token, &format!("?{query}&limit={limit}&page={page}")).await);
                }
                assert_eq!(pages, whole, "{query}, {limit} at a time");
            }
            lists.insert(whole);
        }
    }
    assert_eq!(lists.len(), 14, "each order is another one");
}

#[tokio::test]
async fn a_list_can_be_searched_filtered_sorted_and_paged() {
    let app = TestApp::new().await;
    let token = app.token("viewer").await;
    let operator = app.token("operator").await;
    for (name, club, city, region, sports) in [
        ("Alpha", "Élan Béarnais", "Pau", "Nouvelle-Aquitaine", json!(["basket"])),
        ("Bravo", "Stade 100%", "Brest", "Bretagne", json!(["handball", "futsal"])),
        ("Charlie", "Sport_Club", "Saint-Étienne", "Auvergne", json!(["handball"])),
        ("Delta", "SportXClub", "Brest", "Bretagne", json!(null)),
    ] {
        app.clock.advance(std::time::Duration::from_secs(1));
        create(
            &app,
            &operator,
            json!({
                "site_name": name, "club_name": club, "location": {"city": city, "region": region}, "sports": sports,
            }),
        )
        .await;
    }
    let all = ["Delta", "Charlie", "Bravo", "Alpha"];
    for (query, expected) in [
        ("", &all[..]),
        ("?search=elan", &["Alpha"]),
        ("?search=%C3%89LAN", &["Alpha"]),
        ("?search=saint-etienne", &["Charlie"]),
        ("?search=100%25", &["Bravo"]),
        ("?search=t_c", &["Charlie"]),
        ("?search=%5C", &[]),
        ("?search=brest&sport=futsal", &["Bravo"]),
        ("?sport=handball", &["Charlie", "Bravo"]),
        ("?region=Bretagne&sort=site_name&order=asc", &["Bravo", "Delta"]),
        ("?status=online", &[]),
        ("?status=offline&limit=2", &["Delta", "Charlie"]),
        ("?limit=2&page=2", &["Bravo", "Alpha"]),
        ("?limit=2&page=3", &[]),
        ("?sort=club_name", &["Alpha", "Charlie", "Delta", "Bravo"]),
        ("?sort=site_name&order=desc", &all),
        ("?sort=last_seen_at", &all),
        ("?search=%27%3B+drop+table+sites%3B--", &[]),
        ("?search=", &all),
    ] {
        assert_eq!(names(&app, &token, query).await, expected, "{query}");
    }
    let page = app.get("/api/sites?limit=3&page=2").bearer(&token).send().await.json();
    assert_eq!(
        page["pagination"],
        json!({"page": 2, "limit": 3, "total": 4, "totalPages": 2, "hasNext": false, "hasPrev": true})
    );
    assert_eq!(page["total"], 4);
    assert!(page.get("sites").is_none());
    let whole = app.get("/api/sites").bearer(&token).send().await.json();
    assert_eq!(whole["sites"], whole["data"]);
    assert_eq!(whole["pagination"]["limit"], 1000);
}

#[tokio::test]
async fn a_list_refuses_what_it_does_not_understand() {
    let app = TestApp::new().await;
    let token = app.token("viewer").await;
    for (query, fields) in [
        ("?page=0&limit=-1", vec!["page", "limit"]),
        ("?page=abc", vec!["page"]),
        ("?limit=1001", vec!["limit"]),
        ("?limit=1e3", vec!["limit"]),
        ("?page=99999999999999999999", vec!["page"]),
        ("?status=dead&sort=api_key&order=up", vec!["sort", "status", "order"]),
        ("?search=a%00b", vec!["search"]),
    ] {
        let answer = app.get(&format!("{SITES}{query}")).bearer(&token).send().await.expect(StatusCode::BAD_REQUEST);
        assert_eq!(answer.fields(), fields, "{query}");
    }
    app.get("/api/sites?search=%ff").bearer(&token).send().await.expect(StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_site_is_changed_where_asked_and_nowhere_else() {
    let app = TestApp::new().await;
    let token = app.token("operator").await;
    let site = create(&app, &token, json!({"site_name": "Gym", "club_name": "Club", "sports": ["judo"]})).await;
    create(&app, &token, json!({"site_name": "Other", "club_name": "Club"})).await;
    let path = format!("{SITES}/{}", site["id"].as_str().expect("an id"));
    app.clock.advance(std::time::Duration::from_secs(5));

    let changes = json!({"club_name": "Nouveau", "status": "maintenance", "live_score_enabled": true, "location": {"city": "Lyon"}});
    let changed = app.put(&path, changes).bearer(&token).send().await.expect(StatusCode::OK).json();
    assert_eq!(changed["club_name"], "Nouveau");
    assert_eq!(changed["site_name"], "Gym");
    assert_eq!(changed["sports"], json!(["judo"]));
    assert_eq!(changed["status"], "maintenance");
    assert_eq!(changed["live_score_enabled"], true);
    assert_eq!(changed["updated_at"], "2026-01-15T12:00:05.000Z");
    assert_eq!(changed["created_at"], "2026-01-15T12:00:00.000Z");

    let cleared = app.put(&path, json!({"sports": null, "location": null})).bearer(&token).send().await.json();
    assert_eq!((&cleared["sports"], &cleared["location"]), (&Value::Null, &Value::Null));

    let taken = app.put(&path, json!({"site_name": "Other"})).bearer(&token).send().await;
    assert_eq!(taken.expect(StatusCode::CONFLICT).code(), "site_name_taken");
    app.put(&path, json!({})).bearer(&token).send().await.expect(StatusCode::BAD_REQUEST);
    app.put(&path, json!({"api_key": "x"})).bearer(&token).send().await.expect(StatusCode::BAD_REQUEST);
    let wrong = app.put(&path, json!({"site_name": "", "status": "asleep"})).bearer(&token).send().await;
    assert_eq!(wrong.expect(StatusCode::BAD_REQUEST).fields(), ["site_name", "status"]);
}

#[tokio::test]
async fn a_club_has_a_time_zone_of_the_databases_list_and_its_plays_are_of_days_there() {
    let app = TestApp::new().await;
    let token = app.token("operator").await;
    let site = create(&app, &token, json!({"site_name": "Gym", "club_name": "Club"})).await;
    let path = format!("{SITES}/{}", site["id"].as_str().expect("an id"));
    let read = async || app.get(&path).bearer(&token).send().await.expect(StatusCode::OK).json();
    assert_eq!(read().await["time_zone"], "Europe/Paris");
    let far = json!({"site_name": "Loin", "club_name": "Club", "time_zone": "America/Martinique"});
    let far = create(&app, &token, far).await;
    let far = format!("{SITES}/{}", far["id"].as_str().expect("an id"));
    assert_eq!(app.get(&far).bearer(&token).send().await.json()["time_zone"], "America/Martinique");

    // What PostgreSQL would take as an offset of no place is no time zone of a club.
    for wrong in ["Europe/Vitre", "UTC+3", "XYZ4", "europe/paris", "+02:00"] {
        for call in [
            app.put(&path, json!({"time_zone": wrong})),
            app.post(SITES, json!({"site_name": "Neuf", "club_name": "Club", "time_zone": wrong})),
        ] {
            let refused = call.bearer(&token).send().await.expect(StatusCode::BAD_REQUEST);
            assert_eq!(refused.fields(), ["time_zone"], "{wrong}");
        }
    }
    assert_eq!(read().await["time_zone"], "Europe/Paris");
    let changed = app.put(&path, json!({"time_zone": "Indian/Reunion"})).bearer(&token).send().await;
    assert_eq!(changed.expect(StatusCode::OK).json()["time_zone"], "Indian/Reunion");
    app.put(&path, json!({"club_name": "Nouveau"})).bearer(&token).send().await.expect(StatusCode::OK);
    assert_eq!(read().await["time_zone"], "Indian/Reunion", "what is not sent stays");

    // 22:30 in Paris is the next day on Réunion.
    let owner = app.db.owner().await;
    let id = site["id"].as_str().expect("an id");
    let play = format!(
        "insert into video_plays (site_id, video_filename, category, played_at, duration_played, completed) \
         values ('{id}', 'but.mp4', 'jingle', '2026-01-14 21:30+00', 15, true); \
         select neopro_pack_plays(1000, '2026-01-15 12:00+00')"
    );
    owner.batch_execute(&play).await.expect("a play");
    let day = owner.query_one("select date::text from club_daily_stats", &[]).await.expect("one day");
    assert_eq!(day.get::<_, String>(0), "2026-01-15");
}

#[tokio::test]
async fn a_new_key_replaces_the_old_one() {
    let app = TestApp::new().await;
    let token = app.token("admin").await;
    let site = create(&app, &token, json!({"site_name": "Gym", "club_name": "Club"})).await;
    let path = format!("{SITES}/{}/regenerate-key", site["id"].as_str().expect("an id"));
    let stored = async || -> String {
        app.db.owner().await.query_one("select api_key from sites", &[]).await.expect("one site").get(0)
    };
    let before = stored().await;
    let again = app.post(&path, json!({})).bearer(&token).send().await.expect(StatusCode::OK).json();
    assert_eq!(again["id"], site["id"]);
    assert_ne!(again["api_key"], site["api_key"]);
    assert_eq!(again["api_key"].as_str().expect("a key").len(), 64);
    assert_ne!(before, stored().await);
}

#[tokio::test]
async fn a_deleted_site_is_gone_and_the_journal_knows_by_whom() {
    let app = TestApp::new().await;
    let token = app.token("admin").await;
    let site = create(&app, &token, json!({"site_name": "Gym", "club_name": "Club"})).await;
    let id = site["id"].as_str().expect("an id");
    let path = format!("{SITES}/{id}");
    app.put(&path, json!({"club_name": "Nouveau"})).bearer(&token).send().await.expect(StatusCode::OK);
    app.delete(&path).bearer(&token).send().await.expect(StatusCode::OK);
    for call in [
        app.delete(&path),
        app.get(&path),
        app.put(&path, json!({"club_name": "x"})),
        app.post(&format!("{path}/regenerate-key"), json!({})),
    ] {
        call.bearer(&token).send().await.expect(StatusCode::NOT_FOUND);
    }
    let rows = app.db.owner().await;
    let rows = rows
        .query("select action from audit_logs where target_type = 'site' and target_id = $1 order by id", &[&id])
        .await
        .expect("the journal");
    let mut actions: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    actions.sort();
    assert_eq!(actions, ["SITE_CREATED", "SITE_DELETED", "SITE_UPDATED"], "one entry an act, none for what failed");
}
