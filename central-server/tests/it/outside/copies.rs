//! `neopro-central storage copy`.

use std::path::Path;
use std::process::Output;

use axum::http::StatusCode;

use super::{path_of, server, upload};
use crate::media;
use crate::support::app::stored;
use crate::support::cluster::scratch;
use crate::support::program::{run, words};
use crate::support::{Form, Supabase, TestApp};

async fn copy(data_dir: &Path, supabase: &Supabase, from: &str, to: &str) -> Output {
    let mut variables = supabase.variables();
    variables.push(("NEOPRO_DATA_DIR", data_dir.to_str().expect("UTF-8").to_owned()));
    let (from, to) = (from.to_owned(), to.to_owned());
    let run = tokio::task::spawn_blocking(move || {
        let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        run(&["storage", "copy", "--from", &from, "--to", &to], &variables, "")
    });
    run.await.expect("it ends")
}

/// A server with its files on its own disk, three of them.
async fn with_files() -> (TestApp, Vec<(String, Vec<u8>)>) {
    let app = TestApp::new().await;
    let token = app.token("operator").await;
    let mut files = Vec::new();
    for file in [media!("faststart.mp4"), media!("late.mp4"), media!("picture.png")] {
        let form = Form::new().file("video", "a", file);
        let made = app.call(axum::http::Method::POST, "/api/videos").bearer(&token).form(&form).send().await;
        files.push((path_of(&made.expect(StatusCode::CREATED).json()), file.to_vec()));
    }
    (app, files)
}

#[tokio::test]
async fn a_copy_is_compared_by_its_hash_goes_on_where_it_was_and_comes_back_the_same() {
    let supabase = Supabase::empty().await;
    let (app, files) = with_files().await;
    let data_dir = app.app.config.data_dir.clone();
    // It is broken off in the middle: the storage is full.
    supabase.set(|mood| mood.most = Some(files[2].1.len() as u64));
    let output = copy(&data_dir, &supabase, "local", "supabase").await;
    assert!(!output.status.success(), "{}", words(&output));
    assert!(words(&output).contains("En échec : 2"), "{}", words(&output));
    assert_eq!(supabase.paths("videos").len(), 1);
    supabase.set(|mood| mood.most = None);
    let output = copy(&data_dir, &supabase, "local", "supabase").await;
    assert!(output.status.success(), "{}", words(&output));
    assert!(
        words(&output).contains("Copiés et vérifiés : 2") && words(&output).contains("Déjà là : 1"),
        "{}",
        words(&output)
    );
    for (path, bytes) in &files {
        let object = supabase.object("videos", path);
        assert!(object.bytes == bytes.as_slice());
        assert_eq!(object.media_type, if path.ends_with("png") { "image/png" } else { "video/mp4" });
    }
    // Once more: nothing is sent and nothing read.
    supabase.book().seen.clear();
    let output = copy(&data_dir, &supabase, "local", "supabase").await;
    assert!(
        words(&output).contains("Copiés et vérifiés : 0") && words(&output).contains("Déjà là : 3"),
        "{}",
        words(&output)
    );
    assert!(supabase.seen("POST /storage/v1/object/videos").is_empty());
    assert!(supabase.seen("GET /storage/v1/object/public").is_empty());

    // And back, onto another machine.
    let elsewhere = scratch("copied-back");
    let _ = std::fs::remove_dir_all(&elsewhere);
    let output = copy(&elsewhere, &supabase, "supabase", "local").await;
    assert!(output.status.success(), "{}", words(&output));
    for (path, bytes) in &files {
        assert!(std::fs::read(elsewhere.join("storage/videos").join(path)).expect("a copy") == *bytes);
    }
    let incoming = stored(&elsewhere).into_iter().filter(|file| file.starts_with("incoming")).count();
    assert_eq!(incoming, 0, "nothing is left on the way");
    std::fs::remove_dir_all(&elsewhere).expect("it goes");
}

#[tokio::test]
async fn a_copy_that_is_not_the_same_is_no_copy() {
    let supabase = Supabase::start().await;
    let (app, files) = with_files().await;
    let data_dir = app.app.config.data_dir.clone();
    supabase.set(|mood| mood.damages = true);
    let output = copy(&data_dir, &supabase, "local", "supabase").await;
    assert!(!output.status.success() && words(&output).contains("SHA-256"), "{}", words(&output));
    assert!(supabase.paths("videos").is_empty(), "what is damaged does not stay in the way");
    supabase.set(|mood| mood.damages = false);
    // Somebody else's object under one of the names.
    supabase.put("videos", &files[0].0, b"another", "video/mp4");
    let output = copy(&data_dir, &supabase, "local", "supabase").await;
    assert!(!output.status.success() && words(&output).contains("porte déjà ce nom"), "{}", words(&output));
    assert!(supabase.object("videos", &files[0].0).bytes == "another", "it is not replaced");
    assert_eq!(supabase.paths("videos").len(), 3);
}

#[tokio::test]
async fn a_copy_that_cannot_begin_says_why() {
    let supabase = Supabase::empty().await;
    let data_dir = scratch("copy-nowhere");
    let output = copy(&data_dir, &supabase, "local", "local").await;
    assert!(words(&output).contains("le même stockage"), "{}", words(&output));
    supabase.set(|mood| mood.buckets_refused = true);
    let output = copy(&data_dir, &supabase, "local", "supabase").await;
    assert!(!output.status.success() && words(&output).contains("étape 3.1"), "{}", words(&output));
    assert!(!words(&output).contains("sb_secret"), "{}", words(&output));
    let _ = std::fs::remove_dir_all(&data_dir);
}

#[tokio::test]
async fn after_a_copy_the_other_storage_serves_and_the_old_addresses_still_do() {
    let supabase = Supabase::start().await;
    let (before, files) = with_files().await;
    assert!(copy(&before.app.config.data_dir, &supabase, "local", "supabase").await.status.success());
    // The same database and the same folder, another configuration.
    let after = server(&supabase).await;
    let token = after.token("operator").await;
    let form = Form::new().file("video", "a.mp4", media!("upright.mp4"));
    let made = after.call(axum::http::Method::POST, "/api/videos").bearer(&token).form(&form).send().await;
    assert!(made.expect(StatusCode::CREATED).json()["url"].as_str().expect("a URL").starts_with(&supabase.url()));
    let old = before.get(&format!("/storage/v1/object/public/videos/{}", files[0].0)).send().await;
    assert!(old.expect(StatusCode::OK).bytes == files[0].1);
    upload(&after, &token, "b.mp4", media!("quicktime.mov")).await;
}

#[tokio::test]
async fn a_list_of_several_pages_is_whole_and_has_neither_folders_nor_what_the_dashboard_lays_into_them() {
    let supabase = Supabase::start().await;
    let mut names: Vec<String> = (0..1_003).map(|number| format!("uploads/{number:032x}.mp4")).collect();
    names.iter().for_each(|path| supabase.put("videos", path, b"x", "video/mp4"));
    for other in ["uploads/.emptyFolderPlaceholder", "uploads/00 un dossier/a.mp4", "uploads/00/b.mp4", "elsewhere.mp4"]
    {
        supabase.put("videos", other, b"x", "video/mp4");
    }
    let app = server(&supabase).await;
    let remote = app.app.storage.remote().expect("a storage outside");
    let mut listed = remote.list(neopro_central::storage::Bucket::Videos).await.expect("a list");
    listed.sort();
    names.sort();
    assert!(listed == names, "{} of {}", listed.len(), names.len());
}
