//! `storage inventory`.

use std::fs;

use axum::http::{Method, StatusCode};

use crate::media;
use crate::support::program::{run, words};
use crate::support::{Form, Supabase, TestApp};

/// Runs the command on a server's database and storage: its exit code, and what it said.
async fn inventory(app: &TestApp, further: &[&str], outside: Option<&Supabase>) -> (Option<i32>, String) {
    let mut variables = outside.map(Supabase::variables).unwrap_or_default();
    variables.push(("DATABASE_URL", app.db.url()));
    variables.push(("NEOPRO_DATA_DIR", app.app.config.data_dir.to_str().expect("UTF-8").to_owned()));
    let arguments: Vec<String> =
        ["storage", "inventory"].iter().chain(further).map(|word| (*word).to_owned()).collect();
    let ran = tokio::task::spawn_blocking(move || {
        let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        run(&arguments.iter().map(String::as_str).collect::<Vec<_>>(), &variables, "")
    });
    let output = ran.await.expect("it ends");
    (output.status.code(), words(&output))
}

#[tokio::test]
async fn what_is_missing_differs_or_is_nobodys_is_told_and_each_file_is_read_once() {
    let app = TestApp::new().await;
    let token = app.token("operator").await;
    let mut paths = Vec::new();
    for file in [media!("faststart.mp4"), media!("late.mp4"), media!("picture.png")] {
        let form = Form::new().file("video", "a", file);
        let made = app.call(Method::POST, "/api/videos").bearer(&token).form(&form).send().await;
        let url = made.expect(StatusCode::CREATED).json()["url"].as_str().expect("a URL").to_owned();
        paths.push(url.split_once("/videos/").expect("a path").1.to_owned());
    }
    let (code, said) = inventory(&app, &["--verify"], None).await;
    assert!(code == Some(0) && said.contains("Présents : 3 (empreintes comparées"), "{said}");
    assert!(said.contains("Manquants : 0. Différents : 0. Sans ligne dans la base : 0."), "{said}");
    let (_, said) = inventory(&app, &["--verify"], None).await;
    assert!(said.contains("0 Mo lus"), "nothing is read twice: {said}");

    let folder = app.app.config.data_dir.join("storage/videos");
    // As many bytes, another one among them: only the hash tells.
    let mut changed = fs::read(folder.join(&paths[0])).expect("a file");
    changed[100] ^= 1;
    fs::write(folder.join(&paths[0]), changed).expect("changed");
    fs::remove_file(folder.join(&paths[1])).expect("gone");
    fs::write(folder.join("uploads/0123456789abcdef0123456789abcdef.mp4"), "x").expect("nobody's");
    let (code, said) = inventory(&app, &[], None).await;
    assert!(code == Some(1) && said.contains(&format!("manque : videos/{}", paths[1])), "{said}");
    assert!(said.contains("sans ligne dans la base : videos/uploads/0123456789abcdef0123456789abcdef.mp4"), "{said}");
    assert!(said.contains("Différents : 0."), "the control: sizes alone do not tell: {said}");
    let (code, said) = inventory(&app, &["--verify", "--again"], None).await;
    assert!(code == Some(1) && said.contains(&format!("diffère : videos/{} (SHA-256", paths[0])), "{said}");
    fs::write(folder.join(&paths[2]), "short").expect("changed");
    let (_, said) = inventory(&app, &[], None).await;
    assert!(said.contains(&format!("diffère : videos/{} (5 octets au lieu de", paths[2])), "{said}");

    // The same rows against a storage outside that has none of it.
    let supabase = Supabase::start().await;
    let (code, said) = inventory(&app, &["--at", "supabase"], Some(&supabase)).await;
    assert!(code == Some(1) && said.contains("Manquants : 3."), "{said}");
}
