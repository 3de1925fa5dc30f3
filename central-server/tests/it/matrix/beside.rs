//! What stands beside the API: pages, files, the description, stored objects, and what nobody may list.

use axum::http::{Method, StatusCode};

use super::rights::BESIDE;
use super::world::World;
use crate::media;
use crate::support::{Form, TestApp};

/// The router's own words, for what is registered without a description.
const ROUTER: &str = include_str!("../../../src/app.rs");

#[test]
fn no_route_beside_the_api_is_without_a_row() {
    let declared = BESIDE.map(|(route, _)| route);
    let registered: Vec<&str> =
        ROUTER.split(".route(").skip(1).map(|rest| rest.split(',').next().expect("its path").trim()).collect();
    assert_eq!(registered, declared);
    // What else could answer: the description's reader and the pages, which `who_asks_makes_no_difference` looks at.
    for word in [".nest(", ".nest_service(", ".fallback_service(", ".route_service("] {
        assert!(!ROUTER.contains(word), "{word}");
    }
    assert_eq!(ROUTER.matches(".fallback(").count(), 1);
}

/// Whoever asks, the same is answered: nothing here looks at who it is.
#[tokio::test]
async fn who_asks_makes_no_difference_beside_the_api() {
    let app = TestApp::new().await;
    let world = World::build(&app).await;
    let staff = app.token("operator").await;
    let form = Form::new().file("video", "a.mp4", media!("faststart.mp4"));
    let made = app.call(Method::POST, "/api/videos").bearer(&staff).form(&form).send().await;
    let url = made.expect(StatusCode::CREATED).json()["url"].as_str().expect("a URL").to_owned();
    let object = url.strip_prefix("http://localhost:3001").expect("our own").to_owned();
    let folder = object.rsplit_once('/').expect("a folder").0.to_owned();
    let revoked = app.token("admin").await;
    app.call(Method::POST, "/api/auth/logout").bearer(&revoked).send().await.expect(StatusCode::OK);
    let everybody: Vec<String> = world
        .tenants
        .iter()
        .map(|tenant| tenant.token.clone())
        .chain([staff, revoked, app.token("super_admin").await, "0123456789abcdef".repeat(4), "npt_x".to_owned()])
        .collect();

    let there = [object.clone(), "/api-docs/".to_owned(), "/api-docs/openapi.json".to_owned()];
    let not_there = [
        folder.clone(),
        format!("{folder}/"),
        format!("{folder}/../{}", object.rsplit('/').next().expect("a name")),
        "/storage/v1/object/public/".to_owned(),
        "/storage/v1/object/list/videos".to_owned(),
        "/storage/v1/bucket".to_owned(),
        "/storage/v1/object/videos/uploads/x.mp4".to_owned(),
        "/storage/v1/object/public/backups/uploads/x.mp4".to_owned(),
        "/metrics".to_owned(),
        "/uploads/".to_owned(),
        "/.env".to_owned(),
        "/assets/".to_owned(),
        "/api".to_owned(),
        "/api/".to_owned(),
        "/rest/v1/users".to_owned(),
    ];
    let mut wrong = Vec::new();
    for path in there.iter().chain(&not_there) {
        let anonymous = app.get(path).send().await;
        let is_there = there.contains(path);
        // The platform's storage says 400 of what is not there.
        let is_right = if is_there { anonymous.status == 200 } else { matches!(anonymous.status, 400 | 404) };
        if !is_right {
            wrong.push(format!("{path}: {}", anonymous.status));
        }
        for token in &everybody {
            for call in [app.get(path).bearer(token), app.get(path).header("cookie", &format!("neopro_token={token}"))]
            {
                let answer = call.send().await;
                assert_eq!(answer.status, anonymous.status, "{path}");
                assert!(!is_there || answer.bytes == anonymous.bytes, "{path}");
                for tenant in &world.tenants {
                    assert!(!answer.text.contains(tenant.word), "{path} shows {}", tenant.word);
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    // Nothing here is written to, by anybody: not even by who may do everything.
    for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
        for path in [&object, &folder] {
            for token in &everybody {
                let status = app.call(method.clone(), path).bearer(token).send().await.status;
                assert!(matches!(status, 400 | 404 | 405), "{method} {path}: {status}");
            }
        }
    }
    assert!(!app.stored().is_empty(), "the object is still there");
}
