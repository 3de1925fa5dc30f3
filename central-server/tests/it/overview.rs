//! Sites seen together: their states in one word, what they can be filtered by, and who sees how much of it.

use axum::http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::TestApp;
use crate::support::app::NOON;
use crate::walls::tenant;

/// A site that was asked for by itself, as lists and changes show it: they leave out the time zone of its days.
pub fn as_listed(mut alone: Value) -> Value {
    let zone = alone.as_object_mut().and_then(|site| site.remove("time_zone"));
    assert_eq!(zone, Some(json!("Europe/Paris")));
    alone
}

/// A site that was last heard of `seen` seconds ago, or never: its id.
async fn site(app: &TestApp, name: &str, status: &str, seen: Option<i64>) -> Uuid {
    let id = Uuid::now_v7();
    let seen = seen.map_or("null".to_owned(), |ago| format!("to_timestamp({})", NOON - ago));
    let sql = format!(
        "insert into sites (id, site_name, club_name, api_key, status, last_seen_at) \
         values ('{id}', '{name}', 'Club {name}', 'k{id}', '{status}', {seen})"
    );
    app.db.owner().await.batch_execute(&sql).await.expect("a site");
    id
}

async fn sql(app: &TestApp, sql: &str) {
    app.db.owner().await.batch_execute(sql).await.expect("the owner may");
}

async fn get(app: &TestApp, token: &str, path: &str) -> Value {
    app.get(path).bearer(token).send().await.expect(StatusCode::OK).json()
}

async fn names(app: &TestApp, token: &str, query: &str) -> Vec<String> {
    let page = get(app, token, &format!("/api/sites{query}")).await;
    let names: Vec<String> = page["data"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|site| site["site_name"].as_str().expect("a name").to_owned())
        .collect();
    if page["pagination"]["totalPages"].as_i64() <= Some(1) {
        assert_eq!(page["total"], names.len(), "the count is of the same rows: {query}");
    }
    names
}

/// One site of each state, and a second one that has been offline for two days.
async fn fleet(app: &TestApp) {
    for (name, status, seen) in [
        ("connected", "online", Some(10)),
        ("just gone", "offline", Some(119)),
        ("gone", "offline", Some(120)),
        ("long gone", "offline", Some(172_800)),
        ("never", "offline", None),
        ("worked on", "maintenance", Some(5)),
        ("broken", "error", None),
    ] {
        site(app, name, status, seen).await;
    }
}

#[tokio::test]
async fn a_site_is_in_one_state_and_counted_in_it_once() {
    let app = TestApp::new().await;
    let token = app.token("viewer").await;
    let none = get(&app, &token, "/api/sites/stats").await;
    assert!(none.as_object().expect("counts").values().all(|count| count == 0), "{none}");
    fleet(&app).await;
    for (state, expected) in [
        ("online", &["connected"][..]),
        ("warning", &["just gone"]),
        ("offline", &["gone", "long gone"]),
        ("unknown", &["never"]),
        ("maintenance", &["worked on"]),
        ("error", &["broken"]),
    ] {
        let query = format!("?display_status={state}&sort=site_name");
        assert_eq!(names(&app, &token, &query).await, expected, "{state}");
        let page = get(&app, &token, &format!("/api/sites{query}")).await;
        assert_eq!(page["data"][0]["display_status"], state);
        let one = get(&app, &token, &format!("/api/sites/{}", page["data"][0]["id"].as_str().expect("an id"))).await;
        assert_eq!(as_listed(one), page["data"][0], "a list shows what the site itself shows");
    }
    assert_eq!(
        get(&app, &token, "/api/sites/stats").await,
        json!({"total_sites": 7, "online": 1, "warning": 1, "offline": 2, "unknown": 1, "maintenance": 1, "error": 1,
            "offline_24h": 1, "behind": 0})
    );
    // Time passes, nothing is heard: the warning becomes an outage.
    app.clock.advance(std::time::Duration::from_secs(1));
    assert_eq!(names(&app, &token, "?display_status=warning").await, [""; 0]);
}

#[tokio::test]
async fn a_site_is_behind_until_its_box_has_reported_all_that_it_is_to_have() {
    let app = TestApp::new().await;
    let token = app.token("operator").await;
    let [behind, done, silent] = [
        site(&app, "behind", "online", Some(1)).await,
        site(&app, "done", "online", Some(1)).await,
        site(&app, "silent", "offline", None).await,
    ];
    sql(
        &app,
        &format!(
            "insert into site_states (site_id, desired_revision, reported_revision, free_bytes) values \
               ('{behind}', 3, 2, 7000000000), ('{done}', 3, 3, null)"
        ),
    )
    .await;
    for (id, is_behind, free) in
        [(behind, true, json!(7_000_000_000_i64)), (done, false, Value::Null), (silent, false, Value::Null)]
    {
        let shown = get(&app, &token, &format!("/api/sites/{id}")).await;
        assert_eq!((&shown["behind"], &shown["free_bytes"]), (&json!(is_behind), &free), "{shown}");
    }
    assert_eq!(get(&app, &token, "/api/sites/stats").await["behind"], 1);
    assert_eq!(names(&app, &token, "?behind=true").await, ["behind"]);
    assert_eq!(names(&app, &token, "?behind=false&sort=site_name").await, ["done", "silent"]);
    let wrong = app.get("/api/sites?behind=perhaps").bearer(&token).send().await;
    assert_eq!(wrong.expect(StatusCode::BAD_REQUEST).fields(), ["behind"]);
    // A change and a group show the same.
    let path = format!("/api/sites/{behind}");
    let changed = app.put(&path, json!({"status": "maintenance"})).bearer(&token).send().await.expect(StatusCode::OK);
    let changed = changed.json();
    assert_eq!((&changed["behind"], &changed["display_status"]), (&json!(true), &json!("maintenance")));
    let group = json!({"name": "Tous", "type": "custom", "site_ids": [behind]});
    let group = app.post("/api/groups", group).bearer(&token).send().await.expect(StatusCode::CREATED).json();
    let members = get(&app, &token, &format!("/api/groups/{}", group["id"].as_str().expect("an id"))).await;
    assert_eq!(members["sites"], json!([as_listed(changed)]));
    // And is counted by itself.
    let counted = format!("/api/sites/stats?group_id={}", group["id"].as_str().expect("an id"));
    let counted = get(&app, &token, &counted).await;
    let counts = (&counted["total_sites"], &counted["maintenance"], &counted["online"], &counted["behind"]);
    assert_eq!(counts, (&json!(1), &json!(1), &json!(0), &json!(1)));
    let nobody = format!("/api/sites/stats?group_id={}", Uuid::now_v7());
    assert_eq!(get(&app, &token, &nobody).await["total_sites"], 0);
    app.get("/api/sites/stats?group_id=x").bearer(&token).send().await.expect(StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_list_is_filtered_by_group_version_and_silence_and_sorted_by_town_and_version() {
    let app = TestApp::new().await;
    let token = app.token("operator").await;
    fleet(&app).await;
    sql(
        &app,
        "update sites set software_version = '3.1', location = '{\"city\": \"Évry\"}' where site_name = 'connected'; \
         update sites set software_version = '3.0', location = '{\"city\": \"Auch\"}' where site_name = 'never'; \
         update sites set software_version = '3.1', location = '{\"city\": \"Foix\"}' where site_name = 'gone'",
    )
    .await;
    let id = get(&app, &token, "/api/sites?search=broken").await["data"][0]["id"].clone();
    let group = json!({"name": "Pannes", "type": "custom", "site_ids": [id]});
    let group = app.post("/api/groups", group).bearer(&token).send().await.expect(StatusCode::CREATED).json();
    let group = group["id"].as_str().expect("an id");
    for (query, expected) in [
        (format!("?group_id={group}"), &["broken"][..]),
        (format!("?group_id={}", Uuid::now_v7()), &[]),
        ("?version=3.1&sort=site_name".into(), &["connected", "gone"]),
        ("?version=3".into(), &[]),
        ("?seen_before=2026-01-15T11:00:00Z&sort=site_name".into(), &["broken", "long gone", "never"]),
        ("?seen_before=2026-01-15T12:00:00%2B01:00&display_status=offline".into(), &["long gone"]),
        ("?sort=city&limit=4".into(), &["never", "connected", "gone"]),
        ("?sort=city&order=desc&limit=4".into(), &["gone", "connected", "never"]),
        ("?sort=software_version&limit=4".into(), &["never"]),
        ("?sort=software_version&order=desc&limit=1".into(), &["gone"]),
    ] {
        let names = names(&app, &token, &query).await;
        let compared = if query.contains("limit") { &names[..expected.len()] } else { &names[..] };
        assert_eq!(compared, expected, "{query}");
    }
    for (query, field) in [
        ("?display_status=asleep", "display_status"),
        ("?group_id=x", "group_id"),
        ("?group_id=", "group_id"),
        ("?seen_before=yesterday", "seen_before"),
        ("?seen_before=2026-01-15", "seen_before"),
        ("?sort=api_key", "sort"),
        ("?sort=behind", "sort"),
        ("?version=a%00b", "version"),
    ] {
        let answer = app.get(&format!("/api/sites{query}")).bearer(&token).send().await;
        assert_eq!(answer.expect(StatusCode::BAD_REQUEST).fields(), [field], "{query}");
    }
}

#[tokio::test]
async fn facets_are_the_values_that_exist() {
    let app = TestApp::new().await;
    let token = app.token("viewer").await;
    assert_eq!(get(&app, &token, "/api/sites/facets").await, json!({"regions": [], "sports": [], "versions": []}));
    for (name, region, sports, version) in [
        ("a", "Occitanie", "[\"handball\", \"handball\", \"futsal\"]", "'3.1'"),
        ("b", "Île-de-France", "[\"handball\"]", "'3.1'"),
        ("c", "Occitanie", "null", "null"),
        ("d", "", "{\"not\": \"a list\"}", "''"),
    ] {
        let id = site(&app, name, "offline", None).await;
        sql(
            &app,
            &format!(
                "update sites set location = '{{\"region\": \"{region}\"}}', sports = '{sports}', \
                   software_version = {version} where id = '{id}'"
            ),
        )
        .await;
    }
    assert_eq!(
        get(&app, &token, "/api/sites/facets").await,
        json!({
            "regions": [{"value": "Île-de-France", "count": 1}, {"value": "Occitanie", "count": 2}],
            "sports": [{"value": "futsal", "count": 1}, {"value": "handball", "count": 2}],
            "versions": [{"value": "3.1", "count": 2}],
        })
    );
}

#[tokio::test]
async fn an_agency_and_a_sponsor_count_their_own_sites_and_a_sponsor_sees_no_machine() {
    let app = TestApp::new().await;
    let (agency, sponsor) = (tenant(&app, "agency").await, tenant(&app, "sponsor").await);
    sql(
        &app,
        "update sites set location = jsonb_build_object('region', site_name), sports = jsonb_build_array(site_name), \
           software_version = site_name, status = 'online'; \
         insert into site_states (site_id, desired_revision, reported_revision, free_bytes) select id, 2, 1, 5 from sites",
    )
    .await;
    for (tenant, is_sponsor) in [(&agency, false), (&sponsor, true)] {
        let behind = i64::from(!is_sponsor);
        let stats = get(&app, &tenant.token, "/api/sites/stats").await;
        assert_eq!((&stats["total_sites"], &stats["online"], &stats["behind"]), (&json!(1), &json!(1), &json!(behind)));
        let own = json!([{"value": format!("own of {}", tenant.id), "count": 1}]);
        let versions = if is_sponsor { json!([]) } else { own.clone() };
        assert_eq!(
            get(&app, &tenant.token, "/api/sites/facets").await,
            json!({"regions": own, "sports": own, "versions": versions})
        );
        let shown = get(&app, &tenant.token, &format!("/api/sites/{}", tenant.site)).await;
        let free = if is_sponsor { Value::Null } else { json!(5) };
        assert_eq!((&shown["behind"], &shown["free_bytes"]), (&json!(!is_sponsor), &free));
        let page = get(&app, &tenant.token, "/api/sites").await;
        assert_eq!(page["data"], json!([as_listed(shown)]));
        // Somebody else's group tells nothing.
        let group = Uuid::now_v7();
        sql(
            &app,
            &format!(
                "insert into groups (id, name) values ('{group}', 'g'); \
                 insert into site_groups (group_id, site_id) select '{group}', id from sites"
            ),
        )
        .await;
        let page = get(&app, &tenant.token, &format!("/api/sites?group_id={group}")).await;
        assert_eq!(page["total"], i64::from(!is_sponsor));
        for query in ["?version=x", "?sort=software_version", "?behind=true"] {
            let expected = if is_sponsor { StatusCode::FORBIDDEN } else { StatusCode::OK };
            app.get(&format!("/api/sites{query}")).bearer(&tenant.token).send().await.expect(expected);
        }
    }
}

#[tokio::test]
async fn which_boxes_are_connected_by_name_and_in_numbers() {
    let app = TestApp::new().await;
    let token = app.token("viewer").await;
    fleet(&app).await;
    site(&app, "worked on long ago", "maintenance", Some(100)).await;
    sql(&app, "update sites set local_ip = '192.168.1.20' where site_name = 'connected'").await;
    let list = get(&app, &token, "/api/sites/connection-status").await;
    let rows: Vec<String> = list["sites"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| {
            let text = |name: &str| row[name].as_str().expect("a text").to_owned();
            format!(
                "{}: {}, {}, {}",
                text("siteName"),
                text("displayStatus"),
                row["isConnected"],
                row["secondsSinceLastSeen"]
            )
        })
        .collect();
    assert_eq!(
        rows,
        [
            "broken: unknown, false, null",
            "connected: online, true, 10",
            "gone: offline, false, 120",
            "just gone: warning, false, 119",
            "long gone: offline, false, 172800",
            "never: unknown, false, null",
            "worked on: online, true, 5",
            "worked on long ago: warning, false, 100",
        ]
    );
    assert_eq!(list["stats"], json!({"total": 8, "online": 2, "warning": 2, "offline": 2, "unknown": 2}));
    assert_eq!(list["timestamp"], "2026-01-15T12:00:00.000Z");
    let connected = &list["sites"][1];
    assert_eq!((&connected["localIp"], &connected["clubName"]), (&json!("192.168.1.20"), &json!("Club connected")));
    assert_eq!(connected["lastSeenAt"], "2026-01-15T11:59:50.000Z");
}

#[tokio::test]
async fn an_agency_and_a_sponsor_see_the_connections_of_their_own_sites() {
    let app = TestApp::new().await;
    let (agency, sponsor) = (tenant(&app, "agency").await, tenant(&app, "sponsor").await);
    sql(&app, "update sites set local_ip = '192.168.1.20'").await;
    for (tenant, address) in [(&agency, json!("192.168.1.20")), (&sponsor, Value::Null)] {
        let list = get(&app, &tenant.token, "/api/sites/connection-status").await;
        assert_eq!((&list["stats"]["total"], &list["stats"]["unknown"]), (&json!(1), &json!(1)));
        let row = &list["sites"][0];
        assert_eq!((&row["siteId"], &row["localIp"]), (&json!(tenant.site), &address));
    }
}

/// What the list says of its whole length, and what there is.
async fn totals(app: &TestApp, token: &str) -> (i64, i64) {
    let page = get(app, token, "/api/sites?limit=1").await;
    let counted = app.db.owner().await.query_one("select count(*) from sites", &[]).await.expect("a count").get(0);
    (page["total"].as_i64().expect("a number"), counted)
}

#[tokio::test]
async fn the_kept_number_of_sites_is_theirs_whoever_adds_and_removes_them() {
    let app = TestApp::new().await;
    let token = app.token("super_admin").await;
    assert_eq!(totals(&app, &token).await, (0, 0));
    let body = |number: usize| json!({"site_name": format!("Salle {number}"), "club_name": "Club"});
    let creations = (0..24).map(|number| {
        let (app, token) = (&app, &token);
        async move {
            let site =
                app.post("/api/sites", body(number)).bearer(token).send().await.expect(StatusCode::CREATED).json();
            if number % 3 == 0 {
                let path = format!("/api/sites/{}", site["id"].as_str().expect("an id"));
                app.delete(&path).bearer(token).send().await.expect(StatusCode::OK);
            }
        }
    });
    futures_util::future::join_all(creations).await;
    assert_eq!(totals(&app, &token).await, (16, 16), "created and deleted at the same moment");
    let many = "insert into sites (id, site_name, club_name, api_key) \
        select gen_random_uuid(), 'many ' || n, 'Club', 'k' || n from generate_series(1, 100) n";
    sql(&app, many).await;
    sql(&app, "delete from sites where site_name like 'many %5'").await;
    assert_eq!(totals(&app, &token).await, (106, 106), "by statements of many rows");
    let undone = format!("begin; delete from sites; {}; rollback", many.replace("many", "undone"));
    sql(&app, &undone).await;
    assert_eq!(totals(&app, &token).await, (106, 106), "what is rolled back has not been");
    sql(&app, "truncate sites cascade").await;
    assert_eq!(totals(&app, &token).await, (0, 0));
}

#[tokio::test]
async fn every_page_of_a_list_goes_on_where_the_one_before_ended() {
    let app = TestApp::new().await;
    let token = app.token("viewer").await;
    sql(
        &app,
        "insert into sites (id, site_name, club_name, api_key, status, last_seen_at, location, created_at) \
         select gen_random_uuid(), 'Salle ' || n, 'Club ' || n % 7, 'k' || n, \
           case when n % 3 = 0 then 'online' else 'offline' end, \
           case when n % 4 > 0 then timestamptz '2026-01-01' + n % 5 * interval '1 hour' end, \
           jsonb_build_object('city', 'Ville ' || n % 6), timestamptz '2026-01-01' + n / 9 * interval '1 hour' \
         from generate_series(1, 57) n",
    )
    .await;
    for sort in ["created_at", "club_name", "site_name", "city", "status", "last_seen_at", "software_version"] {
        for order in ["asc", "desc"] {
            let whole = names(&app, &token, &format!("?sort={sort}&order={order}&limit=1000")).await;
            let mut pages = Vec::new();
            for page in 1..=6 {
                pages.extend(names(&app, &token, &format!("?sort={sort}&order={order}&limit=10&page={page}")).await);
            }
            assert_eq!(pages, whole, "{sort} {order}");
            assert_eq!(whole.len(), 57);
        }
    }
    let online = get(&app, &token, "/api/sites?status=online&limit=10&page=2").await;
    assert_eq!((online["data"].as_array().expect("rows").len(), &online["total"]), (9, &json!(19)));
}

#[tokio::test]
async fn those_who_ask_for_all_connections_at_once_share_the_answer_and_prove_themselves_each() {
    let app = TestApp::new().await;
    let token = app.token("viewer").await;
    let over = app.token("operator").await;
    fleet(&app).await;
    sql(&app, "update sessions set revoked_at = now() where user_id = (select id from users where role = 'operator')")
        .await;
    let asked = (0..20).map(|number| {
        let token = if number % 4 == 0 { &over } else { &token };
        app.get("/api/sites/connection-status").bearer(token).send()
    });
    let answers = futures_util::future::join_all(asked).await;
    for (number, answer) in answers.into_iter().enumerate() {
        if number % 4 == 0 {
            let refusal = answer.expect(StatusCode::UNAUTHORIZED).json();
            assert_eq!(refusal["sites"], Value::Null, "an ended session gets nothing of the others' answer");
        } else {
            assert_eq!(answer.expect(StatusCode::OK).json()["stats"]["total"], 7);
        }
    }
}
