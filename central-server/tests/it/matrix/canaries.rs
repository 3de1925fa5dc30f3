//! What a tenant gets to see: its own rows, all of them, and no word of another. With both walls, and with either alone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use neopro_central::clock::Time;
use neopro_central::db::without_first_wall;
use neopro_central::events::{Beat, Change, Kind};
use neopro_central::ids::{DeploymentId, GroupId, SiteId, VideoId};
use serde_json::{Value, json};
use uuid::Uuid;

use super::rights::{SAYS_NO_NAME, may, table_of, table_of_type};
use super::world::{CLUBS, NOBODYS, PREFIX, SHARED_GROUP, Tenant, World};
use crate::support::contract::operations;
use crate::support::{Answer, TestApp};

/// A `GET` that is sent, and the route that it is of.
struct Asked {
    route: String,
    path: String,
    /// Every id in it is the caller's own, and nothing is searched for.
    is_own: bool,
}

/// Everything that can be asked: every route that reads, with the ids of one tenant, of another and of both, and every
/// parameter with the other's words and ids.
fn questions(world: &World, caller: &Tenant, other: &Tenant) -> Vec<Asked> {
    let mut asked = Vec::new();
    for (pattern, method, operation) in operations().into_iter().filter(|(_, method, _)| method == "GET") {
        let route = format!("{method} {pattern}");
        for (path, is_own) in paths(&pattern, world, caller, other) {
            asked.push(Asked { route: route.clone(), path: path.clone(), is_own });
            // Whom a route does not let in, no parameter lets in.
            if !may(caller.kind, &route) {
                continue;
            }
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                for value in values(parameter, other) {
                    let path = format!("{path}?{}={value}", parameter["name"].as_str().expect("a name"));
                    asked.push(Asked { route: route.clone(), path, is_own: false });
                }
            }
        }
    }
    asked
}

/// A pattern with every choice of own and foreign ids, the own ones first.
fn paths(pattern: &str, world: &World, caller: &Tenant, other: &Tenant) -> Vec<(String, bool)> {
    let mut paths = vec![(String::new(), true)];
    let mut before = "";
    for part in pattern.split('/').skip(1) {
        if !part.starts_with('{') {
            paths.iter_mut().for_each(|(path, _)| *path += &format!("/{part}"));
            before = part;
            continue;
        }
        let table = table_of(before);
        let mut ids: Vec<(Uuid, bool)> = [(caller, true), (other, false)]
            .into_iter()
            .filter_map(|(tenant, is_own)| Some((tenant.id(table)?, is_own)))
            .collect();
        if table == "groups" {
            ids.push((world.shared_group, false));
        }
        ids.extend(ids.is_empty().then(|| (Uuid::now_v7(), false)));
        let longer = |(path, so_far): &(String, bool)| {
            ids.iter().map(|(id, is_own)| (format!("{path}/{id}"), *so_far && *is_own)).collect::<Vec<_>>()
        };
        paths = paths.iter().flat_map(longer).collect();
    }
    paths
}

/// What is put into a parameter of a query, in the hope for somebody else's rows.
fn values(parameter: &Value, other: &Tenant) -> Vec<String> {
    if parameter["in"] != "query" {
        return Vec::new();
    }
    let schema = &parameter["schema"];
    if let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) {
        return table_of_type(name).and_then(|table| other.id(table)).iter().map(Uuid::to_string).collect();
    }
    match schema["type"].as_str() {
        Some("boolean") => vec!["true".to_owned(), "false".to_owned()],
        Some("string") => {
            let word = other.word;
            let exact = [format!("{word}%20region"), format!("{word}%20sport")];
            let words = [word.to_owned(), word[..PREFIX.len() + 4].to_lowercase(), PREFIX.to_owned(), "%25".to_owned()];
            words.into_iter().chain(exact).chain([other.sites()[0].to_string()]).collect()
        }
        _ => Vec::new(),
    }
}

/// What one caller was told that is somebody else's, by route; and the routes that told what is its own.
#[derive(Debug, Default)]
pub(super) struct Heard {
    pub(super) leaks: BTreeSet<String>,
    pub(super) own: BTreeSet<String>,
    pub(super) silent: BTreeSet<String>,
    sent: usize,
}

/// Asks everything as each tenant.
async fn ask(app: &TestApp, world: &World) -> Heard {
    let mut heard = Heard::default();
    for caller in &world.tenants {
        // A twin of the same kind, and one of the other.
        let twin = world.others(caller).find(|other| other.kind == caller.kind).expect("a twin");
        let stranger = world.others(caller).find(|other| other.kind != caller.kind).expect("a stranger");
        for other in [twin, stranger] {
            for asked in questions(world, caller, other) {
                let answer = app.get(&asked.path).bearer(&caller.token).send().await;
                assert!(answer.status < 500, "{} as {}: {}", asked.path, caller.word, answer.text);
                heard.sent += 1;
                listen(&mut heard, world, caller, &asked, &answer);
            }
        }
    }
    heard
}

fn listen(heard: &mut Heard, world: &World, caller: &Tenant, asked: &Asked, answer: &Answer) {
    let text = answer.text.to_lowercase();
    let names = |tenant: &Tenant| text.contains(&tenant.word.to_lowercase());
    for other in world.others(caller).filter(|other| names(other)) {
        heard.leaks.insert(format!("{}: of {} to {}", asked.route, other.kind, caller.kind));
    }
    if world.foreign_word(caller, &text).is_some_and(|word| word == NOBODYS) {
        heard.leaks.insert(format!("{}: of nobody to {}", asked.route, caller.kind));
    }
    // An id of somebody else's row is a word as well, but for what is merely repeated.
    let told = asked.path.split(['/', '=']).fold(text.clone(), |text, part| match part.len() {
        36 => text.replace(part, ""),
        _ => text,
    });
    if answer.status < 300 && world.foreign_id(caller, &told).is_some() {
        heard.leaks.insert(format!("{}: an id to {}", asked.route, caller.kind));
    }
    if asked.is_own && answer.status == 200 {
        let own = names(caller) || caller.sites().iter().any(|site| text.contains(&site.to_string()));
        let list = if own { &mut heard.own } else { &mut heard.silent };
        list.insert(format!("{} to {}", asked.route, caller.kind));
    }
}

/// The routes that have to tell each kind of tenant what is its own.
pub(super) fn due() -> BTreeSet<String> {
    let reads = operations()
        .into_iter()
        .filter(|(_, method, operation)| method == "GET" && operation.get("security").is_some());
    let routes: Vec<String> = reads.map(|(path, method, _)| format!("{method} {path}")).collect();
    let is_due = |route: &&String, kind| may(kind, route) && !SAYS_NO_NAME.iter().any(|(silent, _)| silent == *route);
    super::rights::TENANTS
        .into_iter()
        .flat_map(|kind| {
            routes.iter().filter(move |route| is_due(route, kind)).map(move |route| format!("{route} to {kind}"))
        })
        .collect()
}

/// Counts are of what the caller sees.
pub(super) async fn counts_are_right(app: &TestApp, world: &World) {
    for tenant in &world.tenants {
        let get = async |path: &str| app.get(path).bearer(&tenant.token).send().await.json();
        let clubs = json!(CLUBS);
        let page = get("/api/sites").await;
        assert_eq!((&page["total"], &page["pagination"]["total"]), (&clubs, &clubs), "{}", tenant.word);
        assert_eq!(page["data"].as_array().map(Vec::len), Some(CLUBS));
        let far = get("/api/sites?page=2&limit=1&sort=club_name").await;
        assert_eq!((&far["pagination"]["total"], far["data"].as_array().map(Vec::len)), (&clubs, Some(1)));
        for other in world.others(tenant) {
            for search in [other.word, &other.word.to_lowercase(), &other.word[3..]] {
                assert_eq!(get(&format!("/api/sites?search={search}")).await["total"], 0, "{search}");
            }
        }
        // The beginning that all words have finds one's own.
        assert_eq!(get(&format!("/api/sites?search={PREFIX}")).await["total"], clubs);
        assert_eq!(get("/api/sites/stats").await["total_sites"], clubs);
        assert_eq!(get("/api/sites/connection-status").await["stats"]["total"], clubs);
        let facets = get("/api/sites/facets").await;
        assert_eq!(facets["regions"], json!([{"value": format!("{} region", tenant.word), "count": CLUBS}]));
        if may(tenant.kind, "GET /api/groups") && tenant.kind == "agency" {
            groups_are_right(tenant, &get("/api/groups").await);
            let shared = get(&format!("/api/groups/{}/sites", world.shared_group)).await;
            assert_eq!((&shared["total"], &shared["sites"][0]["id"]), (&json!(1), &json!(tenant.sites()[0])));
            assert_eq!(get(&format!("/api/sites/stats?group_id={}", world.shared_group)).await["total_sites"], 1);
        }
    }
}

fn groups_are_right(tenant: &Tenant, list: &Value) {
    assert_eq!(list["total"], json!(CLUBS + 1), "{}", tenant.word);
    for group in list["groups"].as_array().expect("groups") {
        assert_eq!(group["site_count"], 1, "of {} each has one club of its own", group["name"]);
        let name = group["name"].as_str().expect("a name");
        assert!(name == SHARED_GROUP || name.starts_with(tenant.word), "{name}");
    }
}

/// Every change that can be told of a club; a new kind of change has to be said here.
fn changes_of(club: &BTreeMap<String, Uuid>, at: Time) -> Vec<Change> {
    let site_id = SiteId(club["sites"]);
    let beat = Beat { site_id, at, cpu: Some(1.0), memory: None, temperature: None, disk: None, uptime: None };
    let all = [
        Change::Site(site_id),
        Change::Work(site_id),
        Change::Deployment(DeploymentId(club["content_deployments"])),
        Change::Video(VideoId(club["videos"])),
        Change::Group(GroupId(club["groups"])),
        Change::Beat(Arc::new(beat)),
    ];
    let mut words = BTreeSet::new();
    for change in &all {
        words.insert(match change {
            Change::Site(_) => "site",
            Change::Work(_) => "work",
            Change::Deployment(_) => "deployment",
            Change::Video(_) => "video",
            Change::Group(_) => "group",
            Change::Beat(_) => "beat",
            Change::All(_) => panic!("it is told behind them, and hides them"),
        });
    }
    assert_eq!(words.len(), 6);
    all.into()
}

/// Changes of everything are told to everybody who watches: to each what is its own.
async fn what_is_told_live(app: &TestApp, world: &World) -> BTreeSet<String> {
    let mut watchers = Vec::new();
    for tenant in &world.tenants {
        let site = tenant.sites()[0];
        for path in ["/api/events".to_owned(), format!("/api/events?site={site}")] {
            let mut watcher = app.get(&path).bearer(&tenant.token).open().await;
            watcher.says("hello").await;
            watchers.push((tenant, watcher, String::new()));
        }
    }
    let clubs = world.tenants.iter().flat_map(|tenant| &tenant.clubs);
    let named = clubs.flat_map(|club| changes_of(club, app.clock.now())).collect();
    let whole = [Kind::Sites, Kind::Deployments, Kind::Videos, Kind::Groups].map(Change::All).into();
    let rounds: [Vec<Change>; 2] = [named, whole];
    for round in rounds {
        round.into_iter().for_each(|change| app.app.changes.note(change));
        for (_, watcher, told) in &mut watchers {
            while let Some((name, data)) = watcher.within(Duration::from_millis(400)).await {
                *told += &format!("{name} {data}\n");
            }
        }
    }
    let mut leaks = BTreeSet::new();
    for (tenant, _, told) in &watchers {
        for own in tenant.sites() {
            assert!(told.contains(&own.to_string()), "{} is not told of its own club: {told}", tenant.word);
        }
        assert!(told.contains("\"stale\":[\"sites\""), "that all may be out of date: {told}");
        let text = told.to_lowercase();
        let of_others = |other: &&Tenant| {
            let mut ids = other.clubs.iter().flat_map(|club| club.values());
            text.contains(&other.word.to_lowercase()) || ids.any(|id| told.contains(&id.to_string()))
        };
        for other in world.others(tenant).filter(of_others) {
            leaks.insert(format!("the stream of changes: of {} to {}", other.kind, tenant.kind));
        }
    }
    leaks
}

/// Takes row-level security off every relation of a database.
async fn without_second_wall(app: &TestApp, world: &World) {
    let owner = app.db.owner().await;
    for table in &world.tables {
        owner
            .batch_execute(&format!("alter table {} disable row level security", table.name))
            .await
            .expect("the owner may");
    }
}

pub(super) async fn everything(app: &TestApp, world: &World) -> Heard {
    let mut heard = ask(app, world).await;
    heard.leaks.extend(what_is_told_live(app, world).await);
    heard
}

fn nothing_leaks_and_all_is_there(heard: &Heard) {
    assert_eq!(heard.leaks, BTreeSet::new());
    let missing: Vec<_> = due().difference(&heard.own).cloned().collect();
    assert!(missing.is_empty(), "{missing:#?} showed nothing of their caller's own; silent: {:#?}", heard.silent);
    assert!(heard.sent > 600, "{}", heard.sent);
}

#[tokio::test]
async fn a_tenant_sees_its_own_and_no_word_of_another() {
    let app = TestApp::new().await;
    let world = World::build(&app).await;
    nothing_leaks_and_all_is_there(&everything(&app, &world).await);
    counts_are_right(&app, &world).await;
}

#[tokio::test]
async fn the_second_wall_alone_leaks_nothing_and_shows_what_is_ones_own() {
    let app = TestApp::new().await;
    let world = World::build(&app).await;
    without_first_wall(async {
        nothing_leaks_and_all_is_there(&everything(&app, &world).await);
        counts_are_right(&app, &world).await;
    })
    .await;
}

#[tokio::test]
async fn the_first_wall_alone_leaks_nothing_and_shows_what_is_ones_own() {
    let app = TestApp::new().await;
    let world = World::build(&app).await;
    without_second_wall(&app, &world).await;
    nothing_leaks_and_all_is_there(&everything(&app, &world).await);
    counts_are_right(&app, &world).await;
}

/// The control: without walls every route that shows rows shows those of others, and the test notices.
#[tokio::test]
async fn without_walls_every_leak_is_found() {
    let app = TestApp::new().await;
    let world = World::build(&app).await;
    without_second_wall(&app, &world).await;
    let heard = without_first_wall(everything(&app, &world)).await;
    for leak in [
        "GET /api/sites: of agency to agency",
        "GET /api/sites: of sponsor to sponsor",
        "GET /api/sites/{id}: of sponsor to agency",
        "GET /api/sites/{id}: of agency to sponsor",
        "GET /api/sites/facets: of sponsor to sponsor",
        "GET /api/sites/connection-status: of agency to agency",
        "GET /api/sites/{id}/connection-status: of agency to agency",
        "GET /api/agencies: of agency to agency",
        "GET /api/agencies/{id}: of agency to agency",
        "GET /api/agencies/{id}/sites: of agency to agency",
        "GET /api/groups: of agency to agency",
        "GET /api/groups/{id}: of agency to agency",
        "GET /api/groups/{id}/sites: of agency to agency",
        "the stream of changes: of agency to agency",
        "the stream of changes: of sponsor to sponsor",
    ] {
        assert!(heard.leaks.contains(leak), "{leak}: not noticed among {:#?}", heard.leaks);
    }
}

/// Somebody else's thing and one that does not exist are the same to a tenant, to the byte: which routes tell them apart.
async fn told_apart(app: &TestApp, world: &World) -> BTreeSet<String> {
    let (mut compared, mut different) = (0, BTreeSet::new());
    for caller in &world.tenants {
        for (pattern, method, _) in operations().into_iter().filter(|(path, ..)| path.contains("{id}")) {
            let table =
                table_of(pattern.split("/{id}").next().and_then(|path| path.rsplit('/').next()).expect("a part"));
            for other in world.others(caller) {
                let Some(foreign) = other.id(table) else { continue };
                let of = async |id: Uuid| {
                    let path = pattern.replace("{id}", &id.to_string());
                    let path = path.replace("{site_id}", &caller.sites()[0].to_string());
                    let path = path.replace("{command_id}", &Uuid::nil().to_string());
                    let method = Method::from_bytes(method.as_bytes()).expect("a method");
                    let answer = app.call(method, &path).bearer(&caller.token).send().await;
                    let mut body: Value = serde_json::from_str(&answer.text).unwrap_or(json!(answer.text));
                    if let Some(fields) = body.as_object_mut() {
                        fields.remove("request_id");
                    }
                    (answer.status, body.to_string().replace(&id.to_string(), "the id"))
                };
                let (theirs, nobodys) = (of(foreign).await, of(Uuid::now_v7()).await);
                let is_nothing = theirs.0 >= 400 || theirs.1.contains("\"total\":0");
                if theirs != nobodys || !is_nothing {
                    different.insert(format!("{method} {pattern} to {}", caller.kind));
                }
                compared += 1;
            }
        }
    }
    assert!(compared > 300, "{compared}");
    different
}

/// Also of what has no words: figures and times.
#[tokio::test]
async fn what_is_anothers_is_as_if_it_were_not_there() {
    let app = TestApp::new().await;
    let world = World::build(&app).await;
    let nothing = BTreeSet::new();
    assert_eq!(told_apart(&app, &world).await, nothing, "with both walls");
    assert_eq!(without_first_wall(told_apart(&app, &world)).await, nothing, "with the second alone");
    without_second_wall(&app, &world).await;
    assert_eq!(told_apart(&app, &world).await, nothing, "with the first alone");
    // The control: with none, all that tenants can read is somebody else's as well.
    let found = without_first_wall(told_apart(&app, &world)).await;
    for route in [
        "GET /api/sites/{id} to sponsor",
        "GET /api/sites/{id}/metrics to agency",
        "GET /api/sites/{id}/availability to agency",
        "GET /api/sites/{id}/connection-status to agency",
        "GET /api/groups/{id} to agency",
        "GET /api/groups/{id}/sites to agency",
        "GET /api/agencies/{id} to agency",
        "GET /api/agencies/{id}/sites to agency",
    ] {
        assert!(found.contains(route), "{route}: not noticed among {found:#?}");
    }
}
