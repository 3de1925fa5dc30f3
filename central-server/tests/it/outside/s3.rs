//! Files in a storage that speaks S3.

use axum::http::{Method, StatusCode};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{announce, announcement, counts, done, path_of, send, sha256};
use crate::media;
use crate::support::program::{run, words};
use crate::support::s3::{BUCKET, S3, SECRET};
use crate::support::{Form, TestApp};

fn borrowed<'a>(variables: &'a [(&'static str, String)]) -> Vec<(&'static str, &'a str)> {
    variables.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

async fn server(s3: &S3) -> TestApp {
    TestApp::with(&borrowed(&s3.variables())).await
}

#[tokio::test]
async fn a_file_goes_from_the_browser_into_the_bucket_and_boxes_read_it_without_a_key() {
    let s3 = S3::start().await;
    let app = server(&s3).await;
    let token = app.token("operator").await;
    let file = media!("faststart.mp4");
    let way = announce(&app, &token, announcement("Été à Pau.mp4", file)).await.json();
    assert_eq!(send(&way, file).await, 200);
    // The storage is busy: the server asks again.
    s3.book().busy = 1;
    let made = done(&app, &token, &way).await.expect(StatusCode::CREATED).json();
    assert_eq!((&made["checksum"], &made["duration"]), (&json!(sha256(file)), &json!(2)));
    let key = format!("videos/{}", path_of(&made));
    let url = made["url"].as_str().expect("a URL");
    assert_eq!(url, format!("{}/{BUCKET}/{key}", s3.url()));
    let (media_type, bytes) = s3.book().objects[&key].clone();
    assert!(media_type == "video/mp4" && bytes == file);
    assert!(app.stored().is_empty(), "nothing is on this server's disk: {:?}", app.stored());
    let address = s3.url().replace("http://", "");
    let mut stream = tokio::net::TcpStream::connect(&address).await.expect("the storage");
    let asked = format!("GET /{BUCKET}/{key} HTTP/1.0\r\nHost: {address}\r\n\r\n");
    stream.write_all(asked.as_bytes()).await.expect("asked");
    let mut fetched = Vec::new();
    stream.read_to_end(&mut fetched).await.expect("an answer");
    assert!(fetched.starts_with(b"HTTP/1.") && fetched.ends_with(file), "anybody reads it");

    let admin = app.token("admin").await;
    let video = format!("/api/videos/{}", made["id"].as_str().expect("an id"));
    let deleted = app.delete(&video).bearer(&admin).send().await;
    assert!(deleted.status < 300, "{}", deleted.text);
    assert!(s3.book().objects.is_empty(), "it is gone from the bucket as well");
    assert!(s3.book().seen.iter().all(|(_, _, status)| [200, 404, 503].contains(status)), "{:?}", s3.book().seen);
}

#[tokio::test]
async fn a_signed_address_takes_the_announced_length_at_the_announced_place_and_nothing_else() {
    let s3 = S3::start().await;
    let app = server(&s3).await;
    let token = app.token("operator").await;
    let file = media!("faststart.mp4");
    let way = announce(&app, &token, announcement("a.mp4", file)).await.json();
    assert!(!way.to_string().contains(SECRET));
    let changed = |from: &str, to: &str| {
        let mut other = way.clone();
        let url = way["address"]["url"].as_str().expect("an address");
        assert!(url.contains(from), "{url}");
        other["address"]["url"] = json!(url.replacen(from, to, 1));
        other
    };
    assert_eq!(send(&way, &[file, &b"x"[..]].concat()).await, 403, "a longer one");
    assert_eq!(send(&way, &file[1..]).await, 403, "a shorter one");
    assert_eq!(send(&changed("videos/uploads/", "videos/uploads/0"), file).await, 403, "elsewhere");
    assert_eq!(send(&changed("X-Amz-Expires=7200", "X-Amz-Expires=9999"), file).await, 403, "for longer");
    assert!(s3.book().objects.is_empty());
    assert_eq!(send(&way, file).await, 200, "the control");
    assert_eq!(done(&app, &token, &way).await.status, 201);
}

#[tokio::test]
async fn what_is_wrong_is_told_with_who_mends_it_where() {
    let s3 = S3::start().await;
    let told = async |variables: &[(&str, &str)]| {
        let app = TestApp::with(variables).await;
        app.app.storage.remote().expect("a storage outside").look().await.expect_err("something is wrong")
    };
    let right = s3.variables();
    for (variable, wrong, code, advice) in [
        ("S3_SECRET_ACCESS_KEY", "another-secret-of-nobody", "storage_key", "S3_SECRET_ACCESS_KEY"),
        ("S3_ACCESS_KEY_ID", "AKNOBODY", "storage_key", "S3_ACCESS_KEY_ID"),
        ("S3_BUCKET", "another-bucket", "storage_bucket_missing", "S3_BUCKET"),
        ("S3_ENDPOINT", "http://127.0.0.1:9", "storage_away", "S3_ENDPOINT"),
    ] {
        let mut variables = borrowed(&right);
        variables.iter_mut().filter(|(name, _)| *name == variable).for_each(|(_, value)| *value = wrong);
        let trouble = told(&variables).await;
        assert_eq!(trouble.code(), code, "{variable}: {}", trouble.why());
        assert!(trouble.advice().contains(advice), "{variable}: {}", trouble.advice());
    }

    // A bucket that only the key's holder reads: boxes could not. It is noticed at the first file.
    s3.book().private = true;
    let app = server(&s3).await;
    let token = app.token("operator").await;
    let file = media!("faststart.mp4");
    let way = announce(&app, &token, announcement("a.mp4", file)).await.json();
    assert_eq!(send(&way, file).await, 200);
    let refused = done(&app, &token, &way).await;
    assert!(refused.status >= 400 && refused.text.contains("refuse la lecture publique"), "{}", refused.text);
    assert_eq!(counts(&app).await.0, 0);
}

#[tokio::test]
async fn a_copy_goes_there_and_back_and_damage_is_noticed() {
    let s3 = S3::start().await;
    let app = TestApp::new().await;
    let token = app.token("operator").await;
    let mut files = Vec::new();
    for file in [media!("faststart.mp4"), media!("late.mp4"), media!("picture.png")] {
        let form = Form::new().file("video", "a", file);
        let made = app.call(Method::POST, "/api/videos").bearer(&token).form(&form).send().await;
        files.push((path_of(&made.expect(StatusCode::CREATED).json()), file.to_vec()));
    }
    let data_dir = app.app.config.data_dir.clone();
    let command = async |data_dir: &std::path::Path, arguments: &[&str]| {
        let mut variables = s3.variables();
        variables.push(("NEOPRO_DATA_DIR", data_dir.to_str().expect("UTF-8").to_owned()));
        variables.push(("DATABASE_URL", app.db.url()));
        let arguments: Vec<String> = arguments.iter().map(|word| (*word).to_owned()).collect();
        let ran = tokio::task::spawn_blocking(move || {
            run(&arguments.iter().map(String::as_str).collect::<Vec<_>>(), &borrowed(&variables), "")
        });
        ran.await.expect("it ends")
    };
    let there = ["storage", "copy", "--from", "local", "--to", "s3"];
    s3.book().damages = true;
    let output = command(&data_dir, &there).await;
    assert!(words(&output).contains("n'a pas la même empreinte") && s3.book().objects.is_empty(), "{}", words(&output));
    s3.book().damages = false;
    let output = command(&data_dir, &there).await;
    assert!(output.status.success() && words(&output).contains("vérifiés : 3"), "{}", words(&output));
    for (path, bytes) in &files {
        assert!(s3.book().objects[&format!("videos/{path}")].1 == bytes.as_slice());
    }
    let output = command(&data_dir, &["storage", "inventory", "--verify"]).await;
    assert!(words(&output).contains("Présents : 3 (empreintes comparées"), "{}", words(&output));
    s3.book().objects.remove(&format!("videos/{}", files[0].0));
    let output = command(&data_dir, &["storage", "inventory"]).await;
    assert!(!output.status.success() && words(&output).contains("Manquants : 1."), "{}", words(&output));

    // And back, onto another machine; a list of several pages.
    let output = command(&data_dir, &there).await;
    assert!(output.status.success(), "{}", words(&output));
    let elsewhere = crate::support::cluster::scratch("copied-back-from-s3");
    let _ = std::fs::remove_dir_all(&elsewhere);
    let output = command(&elsewhere, &["storage", "copy", "--from", "s3", "--to", "local"]).await;
    assert!(output.status.success() && words(&output).contains("vérifiés : 3"), "{}", words(&output));
    for (path, bytes) in &files {
        assert!(std::fs::read(elsewhere.join("storage/videos").join(path)).expect("a copy") == *bytes);
    }
}
