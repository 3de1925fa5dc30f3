//! Scripts that were written for NeoPro 1, as processes of their own against a real server: `register-site` and
//! `resync-apikey` as the boxes have them, in Node, and the same by hand with `curl`. What they get opens the live
//! channel.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::support::cluster::scratch;
use crate::support::program::words;
use crate::support::{Player, Stage};

const ADMIN: &str = "a@club.fr";
const PASSWORD: &str = "Tir au but 7";

/// A server, and a folder for the file of a box.
struct Place {
    stage: Stage,
    conf: PathBuf,
}

impl Place {
    async fn start(name: &str) -> Self {
        let stage = Stage::start(name).await;
        let conf = scratch(&format!("{name}-site.conf"));
        let _ = std::fs::remove_file(&conf);
        Self { stage, conf }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.stage.server.port)
    }

    /// Runs a script of `tests/js` to its end, with what its person has set.
    async fn node(&self, script: &str, set: &[(&str, &str)]) -> Output {
        let mut command = Command::new("node");
        command
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/js").join(script))
            .env("CENTRAL_SERVER_URL", self.url())
            .env("ADMIN_EMAIL", ADMIN)
            .env("ADMIN_PASSWORD", PASSWORD)
            .env("CONFIG_FILE", &self.conf)
            .envs(set.iter().copied());
        run(command).await
    }

    async fn curl(&self, arguments: &[&str]) -> Value {
        let mut command = Command::new("curl");
        command.args(["--silent", "--show-error", "--fail-with-body"]).args(arguments);
        let output = run(command).await;
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", words(&output)))
    }

    /// What the file of the box says.
    fn said(&self, name: &str) -> String {
        let conf = std::fs::read_to_string(&self.conf).expect("the file of the box");
        let line = conf.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        line.unwrap_or_else(|| panic!("no {name} in {conf}")).to_owned()
    }

    /// What a box with this identity hears first.
    async fn hears(&self, site: &str, key: &str) -> String {
        let mut old = Player::start_with("box.mjs", self.stage.server.port, site, key, "websocket,polling");
        let heard = old.says_first(&["authenticated", "auth_error"]).await;
        old.pull_the_plug().await;
        heard
    }

    async fn has_role(&self, role: &str) {
        let set = "update users set role = $1";
        self.stage.db.owner().await.execute(set, &[&role]).await.expect("the owner may");
    }
}

/// Beside the runtime, which others of the test need.
async fn run(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output().expect("the program starts")).await.expect("it ends")
}

fn printed(output: &Output) -> Value {
    assert!(output.status.success(), "{}", words(output));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[tokio::test]
async fn register_site_makes_a_site_whose_box_connects() {
    let place = Place::start("old-register").await;
    // As an operator: registering was never an administrator's matter alone.
    place.has_role("operator").await;
    let new = [("SITE_NAME", "Gymnase des Écoles"), ("CLUB_NAME", "Élan Sportif"), ("SPORTS", "handball, futsal")];
    let site = printed(&place.node("register-site.mjs", &new).await);
    assert_eq!(
        (&site["site_name"], &site["club_name"], &site["sports"]),
        (&json!("Gymnase des Écoles"), &json!("Élan Sportif"), &json!(["handball", "futsal"]))
    );
    // The city was left empty, which is as good as not said.
    assert_eq!(site["location"], json!({"region": "Bretagne", "country": "France"}));
    for field in ["hardware_model", "status", "created_at", "api_key_warning"] {
        assert!(site[field].is_string(), "{field} in {site}");
    }
    assert_eq!(place.said("SITE_API_KEY").len(), 64);
    assert_eq!(place.hears(&place.said("SITE_ID"), &place.said("SITE_API_KEY")).await, "authenticated");

    // The same name once more is another site.
    let again = printed(&place.node("register-site.mjs", &new).await);
    assert_eq!((&again["site_name"], again["id"] == site["id"]), (&json!("Gymnase des Écoles-1"), false));
}

#[tokio::test]
async fn what_goes_wrong_is_told_in_the_words_that_the_scripts_print() {
    let place = Place::start("old-wrong").await;
    let new = [("SITE_NAME", "Gymnase"), ("CLUB_NAME", "Club")];
    let wrong = place.node("register-site.mjs", &[new[0], new[1], ("ADMIN_PASSWORD", "autre chose")]).await;
    assert_eq!(wrong.status.code(), Some(1));
    assert_eq!(words(&wrong), "Error: Adresse e-mail ou mot de passe incorrect.\n");
    let unnamed = place.node("register-site.mjs", &[("SITE_NAME", ""), new[1]]).await;
    assert!(unnamed.status.code() == Some(1) && !words(&unnamed).contains("undefined"), "{}", words(&unnamed));
    assert!(!place.conf.exists());

    printed(&place.node("register-site.mjs", &new).await);
    place.has_role("operator").await;
    let refused = place.node("resync-apikey.mjs", &[]).await;
    assert_eq!(words(&refused), "Error: Réservé aux rôles super_admin et admin.\n");
    place.has_role("viewer").await;
    let refused = place.node("register-site.mjs", &new).await;
    assert_eq!(words(&refused), "Error: Réservé aux rôles super_admin, admin et operator.\n");
}

#[tokio::test]
async fn resync_apikey_gives_a_box_its_new_key() {
    let place = Place::start("old-resync").await;
    for number in 0..30 {
        place.stage.site(&format!("Salle {number}")).await;
    }
    let new = [("SITE_NAME", "Gymnase"), ("CLUB_NAME", "Élan Sportif")];
    printed(&place.node("register-site.mjs", &new).await);
    let (site, old) = (place.said("SITE_ID"), place.said("SITE_API_KEY"));
    let renewed = printed(&place.node("resync-apikey.mjs", &[]).await);
    assert_eq!((&renewed["id"], &renewed["site_name"]), (&json!(site), &json!("Gymnase")));
    for field in ["club_name", "status", "updated_at", "api_key_warning"] {
        assert!(renewed[field].is_string(), "{field} in {renewed}");
    }
    assert_eq!(place.said("SITE_ID"), site);
    assert_eq!(place.hears(&site, &place.said("SITE_API_KEY")).await, "authenticated");
    assert_eq!(place.hears(&site, &old).await, "auth_error");

    // A box that has lost its file: the person chooses from the whole list, not from its first page.
    std::fs::write(&place.conf, "CENTRAL_SERVER_ENABLED=true\n").expect("another file");
    let all = place.stage.get("/api/sites").await;
    let listed = all["sites"].as_array().expect("sites");
    assert_eq!(listed.len(), 31);
    let place_in_list = listed.iter().position(|listed| listed["id"] == site.as_str()).expect("it is there") + 1;
    let chosen = place.node("resync-apikey.mjs", &[("CHOICE", &place_in_list.to_string())]).await;
    assert!(words(&chosen).contains("Gymnase (Élan Sportif) - "), "{}", words(&chosen));
    printed(&chosen);
    assert_eq!(place.said("SITE_ID"), site);
    assert_eq!(place.hears(&site, &place.said("SITE_API_KEY")).await, "authenticated");
}

#[tokio::test]
async fn the_same_by_hand_with_curl() {
    let place = Place::start("old-curl").await;
    let at = |path: &str| format!("{}{path}", place.url());
    let json_body = ["--header", "Content-Type: application/json", "--data"];
    let login = json!({"email": ADMIN, "password": PASSWORD}).to_string();
    let login = place.curl(&[&json_body[..], &[&login, &at("/api/auth/login")]].concat()).await;
    let bearer = format!("Authorization: Bearer {}", login["token"].as_str().expect("a token"));
    let new = json!({
        "site_name": "Gymnase", "club_name": "Club", "hardware_model": "",
        "location": {"city": "", "region": "Bretagne", "country": "France"}, "sports": ["handball"],
    });
    let new = new.to_string();
    let sites = at("/api/sites");
    let site = place.curl(&[&json_body[..], &[&new, "--header", &bearer, &sites]].concat()).await;
    let (id, old) = (site["id"].as_str().expect("an id"), site["api_key"].as_str().expect("a key"));
    assert_eq!(place.hears(id, old).await, "authenticated");
    let listed = place.curl(&["--header", &bearer, &sites]).await;
    assert_eq!(listed["sites"][0]["id"], id);

    // Without a body, and with an empty one of whatever kind curl makes of it.
    let renew = at(&format!("/api/sites/{id}/regenerate-key"));
    let mut key = old.to_owned();
    for how in [&["--request", "POST"][..], &["--data", ""], &[json_body[0], json_body[1], "--data", "{}"]] {
        let renewed = place.curl(&[how, &["--header", &bearer, &renew]].concat()).await;
        let new = renewed["api_key"].as_str().expect("a key").to_owned();
        assert_ne!(new, key, "{how:?}");
        key = new;
    }
    assert_eq!(place.hears(id, &key).await, "authenticated");
    assert_eq!(place.hears(id, old).await, "auth_error");
    // Browsers of old dashboards send the session as a cookie; so do cookie jars.
    let jar = scratch("old-curl.jar");
    let jar = jar.to_str().expect("UTF-8");
    let login = json!({"email": ADMIN, "password": PASSWORD}).to_string();
    place.curl(&[&json_body[..], &[&login, "--cookie-jar", jar, &at("/api/auth/login")]].concat()).await;
    let renewed = place.curl(&["--request", "POST", "--cookie", jar, &renew]).await;
    assert_ne!(renewed["api_key"], key.as_str());
}
