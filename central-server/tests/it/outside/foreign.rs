//! The same storage by another's hand: what our own stand-in takes has to be what S3 takes.

use std::process::{Command, Stdio};

use axum::http::{Method, StatusCode};
use neopro_central::storage::{Bucket, Put, Remote};
use serde_json::{Value, json};

use super::{announce, announcement, counts, done, path_of, send, sha256};
use crate::media;
use crate::support::cluster::scratch;
use crate::support::foreign_s3::{BUCKET, ForeignS3};
use crate::support::program::{run, words};
use crate::support::{Form, TestApp};

async fn server_with(foreign: &ForeignS3, instead: &[(&'static str, &str)]) -> TestApp {
    let mut variables = foreign.variables();
    variables.retain(|(name, _)| instead.iter().all(|(other, _)| name != other));
    variables.extend(instead.iter().map(|(name, value)| (*name, (*value).to_owned())));
    let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    TestApp::with(&variables).await
}

fn remote(app: &TestApp) -> &Remote {
    app.app.storage.remote().expect("a storage outside")
}

/// What `curl` brings, and the last line that it writes by itself: the status.
fn curl(arguments: &[&str]) -> (Vec<u8>, String) {
    let output = Command::new("curl")
        .args(["--silent", "--show-error", "--write-out", "\n%{http_code} %{content_type}"])
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("the program `curl`");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let end = output.stdout.iter().rposition(|byte| *byte == b'\n').expect("the last line");
    (output.stdout[..end].to_vec(), String::from_utf8_lossy(&output.stdout[end + 1..]).into_owned())
}

#[tokio::test]
async fn a_file_goes_the_whole_way_through_a_storage_that_others_wrote() {
    let foreign = ForeignS3::start(None).await;
    let app = server_with(&foreign, &[]).await;
    remote(&app).look().await.expect("the key opens the bucket");
    let token = app.token("operator").await;
    let file = media!("faststart.mp4");
    let way = announce(&app, &token, announcement("Été à Pau.mp4", file)).await.json();

    // What was signed is this length at this place for this time; everything else is refused by another's arithmetic.
    let url = way["address"]["url"].as_str().expect("an address").to_owned();
    let elsewhere = url.replacen("videos/uploads/", "videos/uploads/0", 1);
    let later = url.replacen("X-Amz-Expires=7200", "X-Amz-Expires=7201", 1);
    for (wrong, bytes) in [(&url, &file[1..]), (&url, &[file, &b"x"[..]].concat()), (&elsewhere, file), (&later, file)]
    {
        let mut other = way.clone();
        other["address"]["url"] = json!(wrong);
        assert_eq!(send(&other, bytes).await, 403, "{wrong}");
    }
    assert_eq!(foreign.count(), 0);
    assert_eq!(send(&way, file).await, 200, "the control");
    let made = done(&app, &token, &way).await.expect(StatusCode::CREATED).json();
    assert_eq!((&made["checksum"], &made["duration"]), (&json!(sha256(file)), &json!(2)));

    // As boxes read: without a key, in parts as well.
    let public = made["url"].as_str().expect("a URL");
    assert_eq!(public, format!("{}/{BUCKET}/videos/{}", foreign.url(), path_of(&made)));
    let (bytes, told) = curl(&[public]);
    assert_eq!((bytes.as_slice(), told.as_str()), (file, "200 video/mp4"));
    let (bytes, told) = curl(&["--range", "100-199", public]);
    assert_eq!((bytes.as_slice(), told.as_str()), (&file[100..200], "206 video/mp4"));
    let head = curl(&["--head", public]).0;
    assert!(String::from_utf8_lossy(&head).to_lowercase().contains("cache-control: max-age=31536000"), "boxes keep it");

    let admin = app.token("admin").await;
    let deleted = app.delete(&format!("/api/videos/{}", made["id"].as_str().expect("an id"))).bearer(&admin).send();
    assert!(deleted.await.status < 300);
    assert_eq!(foreign.count(), 0);
}

#[tokio::test]
async fn another_key_another_bucket_and_nobody_are_told_apart() {
    let foreign = ForeignS3::start(None).await;
    let nobody = format!("http://127.0.0.1:{}", crate::support::program::free_port());
    for (variable, wrong, code) in [
        ("S3_SECRET_ACCESS_KEY", "S3RVES", "storage_key"),
        ("S3_ACCESS_KEY_ID", "AKNOBODY", "storage_key"),
        ("S3_BUCKET", "another-bucket", "storage_bucket_missing"),
        ("S3_ENDPOINT", nobody.as_str(), "storage_away"),
    ] {
        let app = server_with(&foreign, &[(variable, wrong)]).await;
        let trouble = remote(&app).look().await.expect_err("something is wrong");
        assert_eq!(trouble.code(), code, "{variable}: {}", trouble.why());
        assert!(trouble.advice().contains(variable), "{variable}: {}", trouble.advice());
    }
    // This storage lets strangers write: that is seen, and what was written for it is gone again.
    let app = server_with(&foreign, &[]).await;
    assert_eq!(remote(&app).refuses_strangers(Bucket::Videos).await, Some(false));
    assert_eq!((foreign.count(), counts(&app).await), (0, (0, 0)));
}

#[tokio::test]
async fn odd_names_are_signed_listed_and_read_as_they_are() {
    let foreign = ForeignS3::start(None).await;
    let app = server_with(&foreign, &[]).await;
    let (remote, local) = (remote(&app), app.app.storage.local());
    for name in ["été 100%+1~(a)!*.mp4", "a b;c=d,e@f:g$h.mp4", "#x?y[z]{|}^`.mp4", "l'été \"a\" & <co>.mp4"] {
        let path = format!("uploads/{name}");
        let mut draft = local.draft().await.expect("a draft");
        draft.write(name.as_bytes()).await.expect("written");
        draft.finish().await.expect("finished");
        let put = remote.put(Bucket::Videos, &path, "video/mp4", &|| draft.reader(), draft.size()).await;
        assert_eq!(put.expect("stored"), Put::Stored, "{name}");
        let again = remote.put(Bucket::Videos, &path, "video/mp4", &|| draft.reader(), draft.size()).await;
        assert_eq!(again.expect("looked at"), Put::Taken, "{name}");
        let there = remote.find(Bucket::Videos, &path).await.expect("an answer").expect("it is there");
        assert_eq!((there.size, there.media_type.as_str()), (name.len() as u64, "video/mp4"), "{name}");
        // In its lists this storage escapes these twice.
        if !name.contains(['&', '<', '>', '\'', '"', '`']) {
            assert_eq!(remote.list(Bucket::Videos).await.expect("a list"), [path.as_str()], "{name}");
        }
        assert!(remote.list(Bucket::SoftwareUpdates).await.expect("a list").is_empty());
        let read = remote.read(Bucket::Videos, &path, local.draft().await.expect("a draft")).await;
        assert_eq!(read.expect("read").expect("it is there").checksum(), sha256(name.as_bytes()), "{name}");
        // The address that boxes are given.
        assert_eq!(curl(&[&app.app.storage.public_url(Bucket::Videos, &path)]).0, name.as_bytes(), "{name}");
        assert!(remote.delete(Bucket::Videos, &path).await.expect("deleted"), "{name}");
        assert!(!remote.delete(Bucket::Videos, &path).await.expect("it was gone"), "{name}");
        assert_eq!(foreign.count(), 0, "{name}");
    }
}

#[tokio::test]
async fn a_list_of_more_than_a_thousand_objects_is_whole() {
    let foreign = ForeignS3::start(None).await;
    let mut names: Vec<String> = (0..1_003).map(|number| format!("uploads/{number:032x}.mp4")).collect();
    names.iter().for_each(|name| foreign.lay(&format!("videos/{name}")));
    foreign.lay("videos/elsewhere.mp4");
    let app = server_with(&foreign, &[]).await;
    let mut listed = remote(&app).list(Bucket::Videos).await.expect("a list");
    listed.sort();
    names.sort();
    assert!(listed == names, "{} of {}", listed.len(), names.len());
}

#[tokio::test]
async fn copies_go_into_a_storage_that_others_wrote_and_back_and_other_bytes_under_a_name_are_noticed() {
    let foreign = ForeignS3::start(None).await;
    let app = TestApp::new().await;
    let token = app.token("operator").await;
    let mut files = Vec::new();
    for file in [media!("faststart.mp4"), media!("late.mp4"), media!("picture.png")] {
        let form = Form::new().file("video", "a", file);
        let made = app.call(Method::POST, "/api/videos").bearer(&token).form(&form).send().await;
        files.push((path_of(&made.expect(StatusCode::CREATED).json()), file.to_vec()));
    }
    let copy = async |data_dir: &std::path::Path, from: &'static str, to: &'static str, key: Option<&'static str>| {
        let mut variables = foreign.variables();
        variables.push(("NEOPRO_DATA_DIR", data_dir.to_str().expect("UTF-8").to_owned()));
        if let Some(key) = key {
            variables.retain(|(name, _)| *name != "S3_SECRET_ACCESS_KEY");
            variables.push(("S3_SECRET_ACCESS_KEY", key.to_owned()));
        }
        let ran = tokio::task::spawn_blocking(move || {
            let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
            run(&["storage", "copy", "--from", from, "--to", to], &variables, "")
        });
        let output = ran.await.expect("it ends");
        (output.status.success(), words(&output))
    };
    let data_dir = app.app.config.data_dir.clone();
    let (well, said) = copy(&data_dir, "local", "s3", Some("another-secret")).await;
    assert!(!well && said.contains("S3_SECRET_ACCESS_KEY") && foreign.count() == 0, "{said}");
    let (well, said) = copy(&data_dir, "local", "s3", None).await;
    assert!(well && said.contains("vérifiés : 3") && foreign.count() == 3, "{said}");
    let (well, said) = copy(&data_dir, "local", "s3", None).await;
    assert!(well && said.contains("Déjà là : 3"), "{said}");
    let elsewhere = scratch(&format!("back-from-foreign-{}", foreign.port));
    let (well, said) = copy(&elsewhere, "s3", "local", None).await;
    assert!(well && said.contains("vérifiés : 3"), "{said}");
    for (path, bytes) in &files {
        assert!(std::fs::read(elsewhere.join("storage/videos").join(path)).expect("a copy") == *bytes, "{path}");
    }
    let _ = std::fs::remove_dir_all(&elsewhere);
    // The control: other bytes under one of the names.
    foreign.lay(&format!("videos/{}", files[0].0));
    let third = scratch(&format!("third-{}", foreign.port));
    let (_, said) = copy(&third, "s3", "local", None).await;
    assert!(said.contains("vérifiés : 3"), "a whole new copy takes what is there: {said}");
    let (well, said) = copy(&data_dir, "local", "s3", None).await;
    assert!(!well && said.contains("porte déjà ce nom"), "{said}");
    let _ = std::fs::remove_dir_all(&third);
}

/// What the diagnosis finds of the storage, and everything that it says of it, in three languages.
async fn diagnosed(app: &TestApp, variables: Vec<(&'static str, String)>) -> (Vec<Value>, String) {
    let mut variables = variables;
    variables.extend([("DATABASE_URL", app.db.url()), ("ALLOWED_ORIGINS", ORIGIN.to_owned())]);
    let ran = tokio::task::spawn_blocking(move || {
        let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        ["fr", "en", "es"].map(|language| words(&run(&["doctor", "--json", "--lang", language], &variables, "")))
    });
    let reports = ran.await.expect("it ends").map(|said| {
        let report = serde_json::Deserializer::from_str(&said).into_iter::<Value>().next();
        let report = report.expect("a report").unwrap_or_else(|error| panic!("{error} in {said}"));
        let findings = report["findings"].as_array().expect("findings").iter();
        findings.filter(|told| told["group"] == "storage").cloned().collect::<Vec<_>>()
    });
    let said = reports.iter().flatten().map(|told| format!("{} {}\n", told["found"], told["fix"])).collect();
    let [french, ..] = reports;
    (french, said)
}

const ORIGIN: &str = "https://neopro-dashboard.example.net";
/// What a bucket's owner sets up at his provider, as the diagnosis tells him to.
const RULES: &str = "<CORSConfiguration><CORSRule><AllowedOrigin>https://neopro-dashboard.example.net</AllowedOrigin>\
     <AllowedMethod>PUT</AllowedMethod><AllowedHeader>*</AllowedHeader></CORSRule></CORSConfiguration>";

#[tokio::test]
async fn the_diagnosis_speaks_of_s3_where_the_storage_speaks_it() {
    let foreign = ForeignS3::start(None).await;
    let app = TestApp::new().await;
    let nobody = format!("http://127.0.0.1:{}", crate::support::program::free_port());
    for (variable, wrong, found) in [
        ("S3_SECRET_ACCESS_KEY", "S3RVES", "refuse la clé"),
        ("S3_BUCKET", "another-bucket", "n'existe pas"),
        ("S3_ENDPOINT", nobody.as_str(), "ne répond pas"),
    ] {
        let mut variables = foreign.variables();
        variables.retain(|(name, _)| *name != variable);
        variables.push((variable, wrong.to_owned()));
        let (findings, said) = diagnosed(&app, variables).await;
        let bucket = findings.iter().find(|told| told["id"] == "storage.bucket").expect("a finding");
        assert_eq!((&bucket["state"], &bucket["step"]), (&json!("error"), &json!("3")), "{bucket}");
        assert!(bucket["found"].as_str().is_some_and(|text| text.contains(found)), "{variable}: {bucket}");
        assert!(bucket["fix"].as_str().is_some_and(|text| text.contains(variable)), "{variable}: {bucket}");
        assert!(!said.to_lowercase().contains("supabase"), "{variable}: {said}");
    }
    let (findings, said) = diagnosed(&app, foreign.variables()).await;
    assert!(!said.to_lowercase().contains("supabase"), "{said}");
    let state = |id: &str, subject: &str| {
        let told = findings.iter().find(|told| told["id"] == id && told["subject"] == subject);
        let told = told.unwrap_or_else(|| panic!("no {id} of {subject}: {findings:#?}"));
        (told["state"].as_str().expect("a state"), told["fix"].as_str().unwrap_or_default())
    };
    assert_eq!(state("storage.write", "videos"), ("ok", ""));
    assert_eq!(state("storage.read", "software-updates"), ("ok", ""));
    // Strangers may write, which this storage lets them.
    assert!(matches!(state("storage.closed", "videos"), ("error", fix) if fix.contains("s3:PutObject")));
    assert!(
        matches!(state("storage.pages", ORIGIN), ("error", fix) if fix.contains(ORIGIN) && fix.contains("AllowedMethod PUT"))
    );
    assert_eq!(foreign.count(), 0, "it leaves nothing behind");
}

#[tokio::test]
async fn a_bucket_with_the_rule_that_the_diagnosis_asks_for_takes_what_the_page_sends() {
    let foreign = ForeignS3::start(Some(RULES)).await;
    let app = server_with(&foreign, &[]).await;
    let (findings, _) = diagnosed(&app, foreign.variables()).await;
    let of = |subject: &str| findings.iter().find(|told| told["id"] == "storage.pages" && told["subject"] == subject);
    assert_eq!(of(ORIGIN).expect("a finding")["state"], "ok");
    // The control: the rule names one page, and the server's own is another.
    assert_eq!(of("http://localhost:3001").map(|told| &told["state"]), Some(&json!("error")), "{findings:#?}");

    // The two requests of a browser.
    let token = app.token("operator").await;
    let file = media!("faststart.mp4");
    let way = announce(&app, &token, announcement("a.mp4", file)).await.json();
    let url = way["address"]["url"].as_str().expect("an address");
    let origin = format!("Origin: {ORIGIN}");
    let asks = ["Access-Control-Request-Method: PUT", "Access-Control-Request-Headers: cache-control,content-type"];
    let told = curl(&["--request", "OPTIONS", "--header", &origin, "--header", asks[0], "--header", asks[1], url]).1;
    assert!(told.starts_with("200") || told.starts_with("204"), "{told}");
    let told =
        curl(&["--request", "OPTIONS", "--header", "Origin: https://other.example.net", "--header", asks[0], url]).1;
    assert!(told.starts_with("403"), "the control: {told}");
    assert_eq!(send(&way, file).await, 200);
    done(&app, &token, &way).await.expect(StatusCode::CREATED);
}
