//! Pictures of every page of the dashboard in every state, theme, width and language, each judged by axe and by what it
//! has to show. The test takes a slice; `NEOPRO_GALLERY=all` takes them all, for `target/gallery/index.html`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::PoisonError;
use std::time::{Duration, SystemTime};

use neopro_fleet::clubs::{Club, club};
use serde_json::{Value, json};

use crate::dashboard::browse;
use crate::harness::{Boxes, Central, EMAIL, PASSWORD, Site, root};
use crate::tv::ALONE;

const VIEWER: &str = "lecture@club.fr";

/// How many clubs there are; those behind `WITH_BOX` were never seen.
const CLUBS: usize = 40;
const WITH_BOX: usize = 28;

/// What is wrong with whose box.
const FAULTS: [(usize, &str); 10] = [
    (2, "corrupt"),
    (3, "offline"),
    (6, "disk_full"),
    (8, "slow"),
    (9, "offline"),
    (11, "corrupt"),
    (14, "offline"),
    (17, "disk_full"),
    (20, "corrupt"),
    (26, "slow"),
];

/// The clips of the demo: file, title, category.
const CLIPS: [(&str, &str, &str); 7] = [
    ("but.mp4", "But !", "JINGLES"),
    ("garage-morvan.mp4", "Garage Morvan", "SPONSORS"),
    ("boulangerie-le-goff.mp4", "Boulangerie Le Goff", "SPONSORS"),
    ("opticien-du-canal.mp4", "Opticien du Canal", "SPONSORS"),
    ("vergers-de-kerlann.mp4", "Les vergers de Kerlann", "SPONSORS"),
    ("armor-energie.mp4", "Armor Énergie", "SPONSORS"),
    ("loto.jpg", "Loto du club", "PARTENAIRES"),
];

const AGENCY: &str = "Agence Iroise Communication";

const PILOTS: &str = "Clubs pilotes";

/// Which pictures are taken.
struct Wish {
    whole: bool,
    seed: u64,
}

impl Wish {
    fn read() -> Self {
        let asked = std::env::var("NEOPRO_GALLERY").ok();
        let now = || SystemTime::UNIX_EPOCH.elapsed().map_or(1, |since| since.as_secs());
        let seed = asked.as_deref().and_then(|text| text.parse().ok()).unwrap_or_else(now);
        Self { whole: asked.as_deref() == Some("all"), seed }
    }
}

/// The clubs in one order, their groups and what was sent to them.
struct Network {
    clubs: Vec<Club>,
    sites: Vec<Site>,
    places: Value,
}

#[test]
fn every_page_in_every_state_has_no_fault() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let wish = Wish::read();
    println!("NEOPRO_GALLERY={} repeats this slice", wish.seed);
    let central = Central::start("gallery");
    central.account(VIEWER, Some("viewer"));
    let folder = if wish.whole { root().join("target/gallery") } else { central.folder.join("gallery") };
    let _ = std::fs::remove_dir_all(&folder);

    let empty = look(&central, &wish, &folder, &["empty"], &json!({}), &json!({}));
    let network = clubs(&central);
    let boxes = start_boxes(&central, &network);
    let network = send(&central, network);
    let names: Vec<&str> = network.clubs.iter().map(|club| club.club_name.as_str()).collect();
    let titles: Vec<&str> = CLIPS.iter().map(|(_, title, _)| *title).collect();
    let shows = json!({
        "clubs": names, "site": [names[0]], "group": [PILOTS], "video": [titles[0]], "deployments": titles,
        "people": [VIEWER], "agency": [AGENCY], "acts": [EMAIL],
    });
    let states = ["seeded", "filtered", "loading", "error", "gone", "forbidden", "viewer"];
    let seen = look(&central, &wish, &folder, &states, &network.places, &shows);
    let faulty = [&empty["faulty"], &seen["faulty"]].into_iter().filter_map(Value::as_array).flatten();
    let faulty: Vec<String> = faulty.map(|one| format!("{}: {}", one["name"], one["faults"])).collect();
    assert!(faulty.is_empty(), "see {}:\n{}", folder.join("index.html").display(), faulty.join("\n"));
    assert_eq!(seen["missed"], json!([]), "the judge is asleep");
    drop(boxes);
}

/// Takes the pictures of these states: which have faults, and which planted faults the judge did not find.
fn look(central: &Central, wish: &Wish, folder: &Path, states: &[&str], places: &Value, shows: &Value) -> Value {
    let account = |email: &str| json!({"email": email, "password": PASSWORD});
    let seen = browse(
        "gallery.mjs",
        &json!({
            "chromium": "/usr/bin/chromium", "address": format!("http://localhost:{}", central.port),
            "accounts": {"staff": account(EMAIL), "viewer": account(VIEWER)}, "folder": folder, "states": states,
            "places": places, "shows": shows, "whole": wish.whole, "seed": wish.seed,
        }),
    );
    println!("{states:?}: {} pictures in {}", seen["taken"], folder.display());
    assert!(seen["taken"].as_u64().is_some_and(|taken| taken > 0), "{seen}");
    seen
}

fn clubs(central: &Central) -> Network {
    let clubs: Vec<Club> = (0..CLUBS).map(club).collect();
    let create = |club: &Club| {
        let mut body = serde_json::to_value(club).expect("a club");
        body["hardware_model"] = json!("Raspberry Pi 4");
        let site = central.post("/api/sites", &body);
        let text = |field: &str| site[field].as_str().expect("a text").to_owned();
        Site { id: text("id"), key: text("api_key") }
    };
    let sites = clubs.iter().map(create).collect();
    Network { clubs, sites, places: json!({}) }
}

fn start_boxes(central: &Central, network: &Network) -> Boxes {
    let fault = |number| FAULTS.iter().find(|(of, _)| *of == number).map_or("", |(_, fault)| fault);
    let with_box = network.sites.iter().take(WITH_BOX).enumerate();
    let list: String = with_box.map(|(number, site)| format!("{},{},{}\n", site.id, site.key, fault(number))).collect();
    let options = ["--heartbeat", "2", "--report", "0.2", "--away", "7200", "--crawl", "150", "--seed", "gallery"];
    let boxes = Boxes::start_list(central, &list, &options);
    let offline = FAULTS.iter().filter(|(_, fault)| *fault == "offline").count();
    central.until("/api/sites/stats", Duration::from_secs(30), |stats| {
        stats["online"].as_u64() == Some((WITH_BOX - offline) as u64)
    });
    boxes
}

/// Groups, clips and orders; it ends when the first order has met every trouble that there is.
fn send(central: &Central, network: Network) -> Network {
    let Network { clubs, sites, .. } = &network;
    let group = |name: &str, kind: &str, about: &str, holds: &dyn Fn(usize, &Club) -> bool| {
        let members = clubs.iter().zip(sites).enumerate().filter(|(number, (club, _))| holds(*number, club));
        let ids: Vec<&str> = members.map(|(_, (_, site))| site.id.as_str()).collect();
        let body = json!({"name": name, "type": kind, "description": about, "site_ids": ids});
        central.post("/api/groups", &body)["id"].clone()
    };
    let pilots = group(PILOTS, "custom", "Les clubs dont le boîtier est posé.", &|number, _| number < WITH_BOX);
    let region =
        group("Bretagne", "geography", "Tous les clubs de Bretagne.", &|_, club| club.location.region == "Bretagne");
    let sport = group("Handball", "sport", "", &|_, club| club.sports.contains(&"handball"));
    let videos: Vec<Value> = CLIPS.iter().map(|clip| add(central, *clip)).collect();

    let order = |video: &Value, targets: Value, at: Option<String>| {
        let mut body = json!({"video_id": video, "targets": targets});
        if let Some(at) = at {
            body["scheduled_at"] = json!(at);
        }
        central.post("/api/deployments", &body)["id"].clone()
    };
    let to_group = |id: &Value| json!([{"type": "group", "id": id}]);
    let to_site = |number: usize| json!({"type": "site", "id": sites[number].id});
    let first = order(&videos[0], to_group(&pilots), None);
    order(&videos[1], to_group(&region), None);
    order(
        &videos[2],
        json!([{"type": "group", "id": sport}, {"type": "group", "id": region}, to_site(4), to_site(5)]),
        None,
    );
    order(&videos[3], json!([to_site(0)]), None);
    let cancelled = order(&videos[4], to_group(&sport), None);
    central.post(&format!("/api/deployments/{}/cancel", cancelled.as_str().expect("an id")), &json!({}));
    let scheduled = order(&videos[6], to_group(&pilots), Some(in_three_days()));
    central.ask(
        &["-X", "PUT", "-H", "Content-Type: application/json", "-d", r#"{"status":"maintenance"}"#],
        &format!("/api/sites/{}", sites[12].id),
    );
    let path = format!("/api/deployments/{}", first.as_str().expect("an id"));
    central.until(&path, Duration::from_secs(60), |order| {
        let count = |name: &str| order[name].as_u64().unwrap_or_default();
        count("failed_count") == 5 && count("downloading_count") == 2 && count("deployed_count") == 18
    });
    // The failures become alerts at the next look, half a minute later at most.
    central.until("/api/alerts?status=open", Duration::from_secs(60), |alerts| {
        alerts["counts"]["open"].as_u64() >= Some(5)
    });
    let places = json!({
        "site": sites[0].id, "offline": sites[3].id, "never": sites[WITH_BOX].id, "group": pilots, "video": videos[0],
        "deployment": first, "scheduled": scheduled, "agency": agency(central, sites),
    });
    Network { places, ..network }
}

/// An agency that sees some of the clubs: its id.
fn agency(central: &Central, sites: &[Site]) -> Value {
    let body =
        json!({"name": AGENCY, "description": "Suit les clubs du Finistère.", "contact_email": "contact@iroise.fr"});
    let id = central.post("/api/agencies", &body)["data"]["id"].clone();
    let ids: Vec<&str> = sites.iter().take(12).map(|site| site.id.as_str()).collect();
    central.post(&format!("/api/agencies/{}/sites", id.as_str().expect("an id")), &json!({"site_ids": ids}));
    id
}

/// A clip in the library, with its small picture: its id.
fn add(central: &Central, (file, title, category): (&str, &str, &str)) -> Value {
    let media: PathBuf = root().join("demo/media").join(file);
    let fields = [format!("video=@{}", media.display()), format!("title={title}"), format!("category={category}")];
    let form: Vec<&str> = fields.iter().flat_map(|field| ["-F", field.as_str()]).collect();
    let id = central.ask(&form, "/api/videos")["id"].clone();
    let still = format!("@{}", media.with_extension("thumbnail.jpg").display());
    let path = format!("/api/videos/{}/thumbnail", id.as_str().expect("an id"));
    central.ask(&["-X", "PUT", "-H", "Content-Type: image/jpeg", "--data-binary", &still], &path);
    id
}

/// Noon of the day after the day after tomorrow, as the API takes times.
fn in_three_days() -> String {
    let date = Command::new("date").args(["-u", "-d", "+3 days", "+%Y-%m-%dT12:00:00Z"]).output().expect("date");
    String::from_utf8_lossy(&date.stdout).trim().to_owned()
}
