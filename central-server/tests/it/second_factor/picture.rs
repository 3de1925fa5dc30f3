//! The QR code, read as an application reads it.

use std::collections::HashSet;

use axum::http::StatusCode;
use serde_json::json;

use super::Person;
use crate::support::TestApp;

/// Pixels of a module.
const SCALE: usize = 4;

/// What a reader sees in the picture.
fn read(picture: &str) -> String {
    let svg = picture.strip_prefix("data:image/svg+xml;base64,").expect("a picture within its address");
    let svg = String::from_utf8(data_encoding::BASE64.decode(svg.as_bytes()).expect("base64")).expect("text");
    let between = |start: &str, end: &str| {
        let rest = &svg[svg.rfind(start).expect(start) + start.len()..];
        rest[..rest.find(end).expect(end)].to_owned()
    };
    let size: usize = between("viewBox=\"0 0 ", " ").parse().expect("a number");
    // Each dark module is a square of its own: M<x> <y>h1v1h-1z.
    let dark: HashSet<(usize, usize)> = between("<path d=\"M", "\"")
        .split('M')
        .map(|square| {
            let (x, y) = square.strip_suffix("h1v1h-1z").expect("a square").split_once(' ').expect("a place");
            (x.parse().expect("a number"), y.parse().expect("a number"))
        })
        .collect();
    let is_dark = |x: usize, y: usize| dark.contains(&(x / SCALE, y / SCALE));
    let mut image = rqrr::PreparedImage::prepare_from_bitmap(size * SCALE, size * SCALE, is_dark);
    let grids = image.detect_grids();
    assert_eq!(grids.len(), 1, "one code");
    grids[0].decode().expect("a code that can be read").1
}

#[tokio::test]
async fn the_picture_says_what_is_written_beside_it() {
    let app = TestApp::with(&[("MFA_ISSUER", "Club & Co")]).await;
    app.account("camille+tv@club.fr", "operator").await;
    let token = app.login("camille+tv@club.fr").await;
    let set_up = app.post("/api/mfa/setup", json!({})).bearer(&token).send().await.expect(StatusCode::OK).json();
    let person = Person::of("camille+tv@club.fr", &set_up, token);
    assert!(person.key.split(' ').all(|group| group.len() == 4), "{}", person.key);
    let key: String = person.key.split(' ').collect();
    assert_eq!(
        read(set_up["qrCodeDataUrl"].as_str().expect("a picture")),
        format!(
            "otpauth://totp/Club%20%26%20Co:camille%2Btv%40club.fr?secret={key}&issuer=Club%20%26%20Co\
             &algorithm=SHA1&digits=6&period=30"
        )
    );
}

#[tokio::test]
async fn the_longest_address_fits_as_well() {
    let app = TestApp::new().await;
    let email = format!("{}@club.fr", "é".repeat(240));
    app.account(&email, "operator").await;
    let token = app.login(&email).await;
    let set_up = app.post("/api/mfa/setup", json!({})).bearer(&token).send().await.expect(StatusCode::OK).json();
    let text = read(set_up["qrCodeDataUrl"].as_str().expect("a picture"));
    assert!(text.starts_with("otpauth://totp/NeoPro:%C3%A9%C3%A9") && text.ends_with("&digits=6&period=30"), "{text}");
}
