//! The public address, the dashboard and the machine in every state.

use serde_json::json;

use super::{World, error, remark, warning};
use crate::support::{cluster, program};

#[tokio::test]
async fn a_public_address_at_which_nobody_or_somebody_else_answers_is_an_error() {
    let world = World::new().await;
    let nobody = format!("http://127.0.0.1:{}", program::free_port());
    let (code, report) = world.doctor(&[("PUBLIC_URL", &nobody)]).await;
    assert_eq!(code, 1);
    for promise in [
        error("outside.health", "Connection refused", "PUBLIC_URL", "10.1"),
        error("outside.ready", "Connection refused", "PUBLIC_URL", "10.2"),
        error("outside.docs", "Connection refused", "PUBLIC_URL", "10.4"),
        error("outside.monitor", "Connection refused", "PUBLIC_URL", "Monitoring uptime (UptimeRobot)"),
    ] {
        promise.check(&report);
    }
    let (_, report) = world.doctor(&[("PUBLIC_URL", &world.sinks.url())]).await;
    error("outside.health", "ce n'est pas ce serveur", "PUBLIC_URL", "10.1").check(&report);
    // A server of which the storage is away says so, and the diagnosis repeats why.
    world.supabase.set(|mood| mood.down = true);
    let log = cluster::scratch(&format!("doctor-{}", world.db.name)).join("second");
    let variables = world.with(&[("PUBLIC_URL", "")]);
    let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (&**name, &**value)).collect();
    let mut second = program::Server::spawn(&variables, &log);
    second.ready().await;
    let (_, report) = world.doctor(&[("PUBLIC_URL", &format!("http://127.0.0.1:{}", second.port))]).await;
    warning("outside.health", "stockage", "diagnostic", "10.1").check(&report);
}

#[tokio::test]
async fn an_origin_that_the_server_refuses_is_named_with_the_line_that_lets_it_in() {
    let world = World::new().await;
    let own = world.sinks.url();
    let (_, report) = world.doctor(&[("ALLOWED_ORIGINS", &format!("{own}/"))]).await;
    remark("dashboard.settings", "finit par « / »", "7.6").on("ALLOWED_ORIGINS").check(&report);
    let (_, report) = world.doctor(&[("ALLOWED_ORIGINS", "*")]).await;
    error("dashboard.settings", "« * »", "ALLOWED_ORIGINS", "7.6").on("ALLOWED_ORIGINS").check(&report);
    // The variable has a second origin, and the server that runs was started without it.
    let both = format!("{own},https://second.example.org");
    let (code, report) = world.doctor(&[("ALLOWED_ORIGINS", &both)]).await;
    assert_eq!(code, 1);
    error("dashboard.cors", "n'accepte pas", "https://second.example.org", "7.6")
        .on("https://second.example.org")
        .check(&report);
    let (_, report) =
        world.doctor(&[("ALLOWED_ORIGINS", &own), ("DASHBOARD_URL", "https://elsewhere.example.org")]).await;
    error("dashboard.cors", "pas dans ALLOWED_ORIGINS", "exactement https://elsewhere.example.org", "7.6")
        .on("https://elsewhere.example.org")
        .check(&report);
}

#[tokio::test]
async fn a_dashboard_that_is_blank_wrong_or_of_another_version_is_told_apart() {
    let world = World::new().await;
    world.sinks.set(|book| book.page = (200, "<html><title>Render</title>Not NeoP".into()));
    error("dashboard.page", "ce n'est pas le tableau de bord", "DASHBOARD_URL", "10.3")
        .check(&world.doctor(&[]).await.1);
    world.sinks.set(|book| book.page = (404, super::sinks::PAGE.into()));
    error("dashboard.page", "HTTP 404", "build", "10.3").check(&world.doctor(&[]).await.1);
    world.sinks.set(|book| book.page = (200, "<title>NeoPro</title>".into()));
    error("dashboard.page", "construit sans lui", "étape 7", "10.3").check(&world.doctor(&[]).await.1);
    world.sinks.set(|book| book.page = (200, super::sinks::PAGE.into()));
    let version = env!("CARGO_PKG_VERSION");
    let other = json!({ "version": version, "api": "https://another.example.org" });
    world.sinks.set(|book| book.build = Some(other));
    error("dashboard.build", "another.example.org", "NG_APP_API_URL", "7.3").check(&world.doctor(&[]).await.1);
    let old = json!({ "version": "0.0.9", "api": format!("http://127.0.0.1:{}", world.server.port) });
    world.sinks.set(|book| book.build = Some(old));
    let (code, report) = world.doctor(&[]).await;
    assert_eq!(code, 0);
    warning("dashboard.build", "0.0.9", "Redéployez", "7.3").check(&report);
    world.sinks.set(|book| book.build = None);
    let (_, report) = world.doctor(&[]).await;
    assert_eq!(
        super::of(&report, "dashboard.build", None)[0]["state"],
        "not_checked",
        "a page is no answer: {report:#}"
    );
}

#[tokio::test]
async fn a_data_folder_that_is_none_is_an_error() {
    let world = World::new().await;
    let file = cluster::scratch(&format!("doctor-file-{}", program::free_port()));
    std::fs::write(&file, "").expect("a file");
    for folder in [file.clone(), file.join("below")] {
        let folder = folder.to_str().expect("UTF-8").to_owned();
        let (code, report) = world.doctor(&[("NEOPRO_DATA_DIR", &folder)]).await;
        assert_eq!(code, 1);
        error("machine.data_folder", "n'est pas utilisable", "NEOPRO_DATA_DIR", "6.4").check(&report);
    }
    std::fs::remove_file(&file).expect("gone");
}
