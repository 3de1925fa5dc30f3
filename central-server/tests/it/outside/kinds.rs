//! What lies in the public buckets after everything that the server writes was written once: media, and nothing else.

use axum::http::{Method, StatusCode};
use neopro_central::storage::{ObjectName, probe};

use super::{server, upload};
use crate::media;
use crate::support::Supabase;
use crate::support::cluster::scratch;
use crate::support::program::{run, words};

#[tokio::test]
async fn in_the_public_buckets_are_videos_and_pictures_under_random_names_and_nothing_else() {
    let supabase = Supabase::start().await;
    let app = server(&supabase).await;
    let token = app.token("operator").await;
    let made = upload(&app, &token, "Été à Pau.mp4", media!("faststart.mp4")).await;
    upload(&app, &token, "Boulangerie Martin.jpg", media!("picture.jpg")).await;
    let thumbnail = format!("/api/videos/{}/thumbnail", made["id"].as_str().expect("an id"));
    let put = app.call(Method::PUT, &thumbnail).bearer(&token).header("content-type", "image/jpeg");
    put.body(media!("picture.jpg").to_vec()).send().await.expect(StatusCode::OK);
    // The diagnosis tries both buckets, and the database is backed up beside them.
    let remote = app.app.storage.remote().expect("a storage outside");
    for bucket in neopro_central::storage::Bucket::ALL {
        assert!(probe::probe(app.app.storage.local(), remote, bucket).await.written.is_ok());
    }
    let folder = scratch(&format!("kinds-{}", app.db.name));
    let file = folder.join("backup");
    std::fs::create_dir_all(&folder).expect("a folder");
    let mut variables = supabase.variables();
    variables
        .extend([("DATABASE_URL", app.db.url()), ("MFA_ENCRYPTION_KEY", "0123456789abcdefghijklmnopqrstuvwx".into())]);
    let path = file.to_str().expect("UTF-8").to_owned();
    let ran = tokio::task::spawn_blocking(move || {
        let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        run(&["backup", &path], &variables, "")
    });
    let output = ran.await.expect("it ends");
    assert!(output.status.success() && file.exists(), "{}", words(&output));
    let _ = std::fs::remove_dir_all(&folder);

    let paths = supabase.paths("videos");
    assert_eq!(paths.len(), 3, "a video, a picture, and the small picture of the video: {paths:?}");
    for path in &paths {
        let name = ObjectName::from_path(path).unwrap_or_else(|| panic!("{path} is no name of ours"));
        let object = supabase.object("videos", path);
        assert_eq!(object.media_type, name.kind().media_type(), "{path}");
        assert!(!path.to_lowercase().contains("pau") && !path.to_lowercase().contains("martin"), "{path}");
    }
    assert_eq!(supabase.paths("software-updates"), [""; 0]);
}
