//! Bad input on every route: a documented 4xx with a sentence, never a 5xx, and nothing executed.
//!
//! The routes come from the API's description, so a new one is attacked from its first day.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::{Value, json};

use crate::media;
use crate::support::contract::operations;
use crate::support::{Form, TestApp};

/// What goes into texts: injections, control characters, what is not text at all.
fn poison() -> Vec<Value> {
    let deep = (0..200).fold(json!("core"), |inner, _| json!([inner]));
    let mut values: Vec<Value> = [
        "'; drop table sites; --",
        "\" or 1=1",
        "a\u{0}b",
        "\u{1b}[31m",
        "\r\nSet-Cookie: x=1",
        "%00",
        "{{7*7}}",
        "${jndi:x}",
        "\u{202e}gnp",
        "\u{fffd}\u{10ffff}",
        "",
        " ",
        "-1",
        "1e999",
        "NaN",
        "<script>alert(1)</script>",
        "../../etc/passwd",
    ]
    .map(Value::from)
    .to_vec();
    values.extend([
        json!(null),
        json!(true),
        json!(-1),
        json!(1e308),
        json!(i64::MIN),
        json!(u64::MAX),
        json!([]),
        json!({}),
        deep,
        json!("x".repeat(300)),
        json!("x".repeat(300_000)),
        json!([[["x"]]]),
        json!({"$ne": null}),
        json!(vec!["x"; 1_000]),
        json!({"lat": 1e308, "lng": "x", "city": {"a": 1}}),
    ]);
    values
}

/// The fields that a route's body has, by its description.
fn fields(operation: &Value) -> Vec<String> {
    let Some(reference) = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].as_str() else {
        return Vec::new();
    };
    let schema = crate::support::contract::DOCUMENT.pointer(reference.trim_start_matches('#')).expect("a schema");
    schema["properties"].as_object().expect("properties").keys().cloned().collect()
}

struct Attack {
    app: TestApp,
    token: String,
    site: String,
    group: String,
    video: String,
    user: String,
    agency: String,
    sent: usize,
}

impl Attack {
    async fn new() -> Self {
        let app = TestApp::new().await;
        let token = app.token("super_admin").await;
        let new = json!({"site_name": "Gymnase", "club_name": "Club"});
        let site =
            app.post("/api/sites", new).bearer(&token).send().await.json()["id"].as_str().expect("an id").to_owned();
        let new = json!({"name": "Groupe", "type": "custom"});
        let group =
            app.post("/api/groups", new).bearer(&token).send().await.json()["id"].as_str().expect("an id").to_owned();
        let new = Form::new().file("video", "a.mp4", media!("faststart.mp4"));
        let made = app.call(Method::POST, "/api/videos").bearer(&token).form(&new).send().await.json();
        let video = made["id"].as_str().expect("an id").to_owned();
        let new = json!({"name": "Agence"});
        let made = app.post("/api/agencies", new).bearer(&token).send().await.json();
        let agency = made["data"]["id"].as_str().expect("an id").to_owned();
        let new = json!({"email": "c@club.fr", "full_name": "Camille", "role": "viewer", "password": "Tir au but 7"});
        let made = app.post("/api/users", new).bearer(&token).send().await.json();
        let user = made["data"]["id"].as_str().expect("an id").to_owned();
        Self { app, token, site, group, video, user, agency, sent: 0 }
    }

    /// A path that leads to something that is there.
    fn path(&self, template: &str) -> String {
        let id = match template {
            group if group.contains("/groups/") => &self.group,
            video if video.contains("/videos/") => &self.video,
            user if user.contains("/users/") => &self.user,
            agency if agency.contains("/agencies/") => &self.agency,
            _ => &self.site,
        };
        template.replace("{id}", id).replace("{site_id}", &self.site).replace("{command_id}", &self.site)
    }

    /// Sends and judges; the harness has held the answer against the contract already.
    async fn send(&mut self, method: &str, path: &str, body: Vec<u8>, headers: &[(&str, &[u8])]) -> u16 {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let mut call = self.app.call(method.clone(), path).bearer(&self.token).body(body);
        for (name, value) in headers {
            let mut map = HeaderMap::new();
            map.insert(
                name.parse::<HeaderName>().expect("a name"),
                HeaderValue::from_bytes(value).expect("sendable bytes"),
            );
            call = call.headers(map);
        }
        // Nobody runs the live channel here, and a slow machine needs longer than its patience for all of this.
        self.app.app.health.live_came_round();
        let answer = call.send().await;
        assert!(answer.status < 500, "{method} {path}: {}", answer.text);
        self.sent += 1;
        answer.status
    }
}

#[tokio::test]
async fn wrong_values_in_every_field_of_every_body() {
    let mut attack = Attack::new().await;
    for (path, method, operation) in operations() {
        let names = fields(&operation);
        for name in &names {
            for value in poison() {
                // The other fields are right, so that this one is really reached.
                let mut body = json!({"site_name": "Autre", "club_name": "Club", "email": "a@b.fr", "password": "x",
                    "name": "Autre", "type": "custom", "command": "update_config", "scopes": ["read"],
                    "expires_in_days": 30, "full_name": "Autre", "role": "viewer"});
                body[name] = value;
                let bytes = serde_json::to_vec(&body).expect("JSON");
                let path = attack.path(&path);
                attack.send(&method, &path, bytes, &[("content-type", b"application/json")]).await;
            }
        }
    }
    assert!(attack.sent > 300, "only {} attacks were sent", attack.sent);
    still_well(&attack).await;
}

#[tokio::test]
async fn bodies_that_are_no_json_object() {
    let mut attack = Attack::new().await;
    let deep = "[".repeat(10_000);
    let big = format!("{{\"site_name\":\"{}\"}}", "x".repeat(1024 * 1024 + 1));
    let broken: Vec<(&[u8], u16)> = vec![
        (b"", 400),
        (b"{", 400),
        (b"null", 400),
        (b"[]", 400),
        (b"\"text\"", 400),
        (b"{\"a\":}", 400),
        (b"\xff\xfe", 400),
        (b"{\"site_name\":\"\\ud800\"}", 400),
        (b"{\"site_name\":\"\xc3\x28\"}", 400),
        (deep.as_bytes(), 400),
        (b"{\"a\":1}{\"b\":2}", 400),
        (b"{'a':1}", 400),
        (b"NaN", 400),
        (big.as_bytes(), 413),
    ];
    for (path, method, operation) in operations() {
        if fields(&operation).is_empty() {
            continue;
        }
        let path = attack.path(&path);
        for (body, expected) in &broken {
            let status = attack.send(&method, &path, body.to_vec(), &[("content-type", b"application/json")]).await;
            assert_eq!(
                status,
                *expected,
                "{method} {path} with {:?}",
                String::from_utf8_lossy(&body[..body.len().min(40)])
            );
        }
        for media in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/xml",
            "json",
            "\u{e9}",
        ] {
            let status = attack.send(&method, &path, b"{}".to_vec(), &[("content-type", media.as_bytes())]).await;
            assert_eq!(status, 415, "{method} {path} as {media}");
        }
        assert_eq!(attack.send(&method, &path, b"{}".to_vec(), &[]).await, 415, "{method} {path} without a type");
    }
    still_well(&attack).await;
}

#[tokio::test]
async fn wrong_ids_queries_methods_and_headers() {
    let mut attack = Attack::new().await;
    let ids = [
        "x",
        "0",
        "%00",
        "%ff",
        "..%2f..",
        "'%20or%201=1",
        "00000000-0000-0000-0000-00000000000g",
        "%F0%9F%92%A9",
        "undefined",
    ];
    let all = operations();
    for (path, method, _) in all.clone() {
        if path.contains("{id}") {
            for id in ids {
                let path = path.replace("{id}", id).replace("{site_id}", id).replace("{command_id}", id);
                let body = b"{\"club_name\":\"x\"}".to_vec();
                let status = attack.send(&method, &path, body, &[("content-type", b"application/json")]).await;
                assert_eq!(status, 400, "{method} {path}");
            }
        }
        let path = attack.path(&path);
        for query in [
            "?%00",
            "?search=%00",
            "?page=%27",
            "?%ff=1",
            "?a=%zz",
            "?&&==&",
            "?search[]=1",
            "?limit=9e9",
            "?strict=maybe",
        ] {
            let body = b"{\"site_name\":\"\"}".to_vec();
            if method != "DELETE" && !path.ends_with("regenerate-key") && !path.ends_with("logout") {
                attack.send(&method, &format!("{path}{query}"), body, &[("content-type", b"application/json")]).await;
            }
        }
        for wrong in ["PATCH", "TRACE", "PROPFIND", "CONNECT", "MERGE"] {
            // Another method of the address is none that it has not got.
            if all.iter().any(|(other, verb, _)| attack.path(other) == path && verb == wrong) {
                continue;
            }
            let status = attack.send(wrong, &path, Vec::new(), &[]).await;
            assert_eq!(status, 405, "{wrong} {path}");
        }
    }
    let long = "x".repeat(60_000);
    for (name, value) in [
        ("authorization", "Bearer \u{e9}"),
        ("authorization", "Bearer"),
        ("authorization", long.as_str()),
        ("cookie", "neopro_token=\";;;=; a"),
        ("cookie", long.as_str()),
        ("origin", "\u{e9}://x"),
        ("origin", long.as_str()),
        ("x-forwarded-for", "1.1.1.1, , x, 9999.1.1.1"),
        ("user-agent", "\u{7f}\u{e9}'; drop table users"),
        ("host", ""),
        ("accept", "\u{e9}"),
        ("accept-encoding", "x;q=\u{e9}"),
        ("content-length", "5"),
        ("x-request-id", "forged"),
    ] {
        let bytes: Vec<u8> =
            value.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).filter(|b| *b != 0x7f).collect();
        for path in ["/api/sites", "/live", "/"] {
            let status = attack.send("GET", path, Vec::new(), &[(name, &bytes)]).await;
            assert_eq!(status == 431, bytes.len() > 32 * 1024, "{name} of {} bytes: {status}", bytes.len());
        }
    }
    let path = format!("/api/sites?search={}", "x".repeat(10_000));
    assert_eq!(attack.send("GET", &path, Vec::new(), &[]).await, 431);
    still_well(&attack).await;
}

/// Forms with files: whatever is wrong with them, a 4xx in time, and nothing on the disk.
#[tokio::test]
async fn forms_that_are_no_forms() {
    let mut attack = Attack::new().await;
    let before = attack.app.stored();
    let video = media!("late.mp4");
    let good = Form::new().file("video", "a.mp4", video).file("videos", "a.mp4", video);
    let part = |head: &str| format!("--x\r\n{head}\r\n\r\n").into_bytes();
    let many = b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n".repeat(10_000);
    let long = "y".repeat(300_000);
    let types: [&[u8]; 8] = [
        b"multipart/form-data",
        b"multipart/form-data; boundary=",
        b"multipart/form-data; boundary=\"\"",
        b"multipart/mixed; boundary=x",
        b"application/json",
        b"multipart/form-data; boundary=\xe9",
        b"",
        b";;;=;\"",
    ];
    let bodies: Vec<Vec<u8>> = vec![
        Vec::new(),
        b"--x--".to_vec(),
        b"--x".to_vec(),
        b"--y--\r\n".to_vec(),
        long.clone().into_bytes(),
        [part("Content-Disposition: form-data; name=\"video\"; filename=\"a.mp4\""), video.to_vec()].concat(),
        [part(&format!("Content-Disposition: form-data; name=\"video\"; filename=\"{long}\"")), video.to_vec()]
            .concat(),
        [part(&format!("X: {long}")), video.to_vec(), b"\r\n--x--".to_vec()].concat(),
        part("Content-Disposition: attachment; name=\"video\""),
        part("Content-Disposition: form-data"),
        part("\0\0\0: \0"),
        many.clone(),
        [many, b"--x--".to_vec()].concat(),
    ];
    let routes: Vec<(String, String)> = operations()
        .into_iter()
        .filter(|(_, _, operation)| operation["requestBody"]["content"]["multipart/form-data"].is_object())
        .map(|(path, method, _)| (path, method))
        .collect();
    assert!(routes.len() >= 2, "{routes:?}");
    for (path, method) in routes {
        for media_type in types {
            let (bytes, length) = (good.bytes(), good.bytes().len().to_string());
            let headers = [("content-type", media_type), ("content-length", length.as_bytes())];
            assert_eq!(attack.send(&method, &path, bytes, &headers).await, 415, "{method} {path}");
        }
        for body in &bodies {
            let length = body.len().to_string();
            let headers: [(&str, &[u8]); 2] =
                [("content-type", b"multipart/form-data; boundary=x"), ("content-length", length.as_bytes())];
            let status = attack.send(&method, &path, body.clone(), &headers).await;
            assert_eq!(status, 400, "{method} {path} {:?}", String::from_utf8_lossy(&body[..body.len().min(80)]));
        }
        for length in ["-1", "x", "1e9", "", "99999999999999999999999999", "18446744073709551615"] {
            let headers: [(&str, &[u8]); 2] =
                [("content-type", b"multipart/form-data; boundary=x"), ("content-length", length.as_bytes())];
            let status = attack.send(&method, &path, b"--x--".to_vec(), &headers).await;
            assert!(matches!(status, 411 | 413), "{length}: {status}");
        }
    }
    assert_eq!(attack.app.stored(), before);
    still_well(&attack).await;
}

/// Names that lead elsewhere, and texts that are poison: the file is kept under a name of ours, or refused.
#[tokio::test]
async fn names_of_files_that_lead_elsewhere() {
    let attack = Attack::new().await;
    let texts: Vec<String> = poison().iter().filter_map(|value| value.as_str().map(str::to_owned)).collect();
    let more = ["../../../../etc/cron.d/x", "..\\..\\x.mp4", "/etc/passwd", "a\0.mp4", "CON", ".", "a.mp4/", "a.html"];
    let mut length = 0;
    for name in texts.iter().map(String::as_str).chain(more).filter(|name| name.len() < 8_000 && !name.contains('\n')) {
        // Each file is another one: what is appended to a picture does not matter.
        length += 1;
        let picture = [media!("picture.jpg"), &vec![0; length]].concat();
        let form = Form::new().file("video", name, &picture).text("title", name).text("category", name);
        let answer = attack.app.call(Method::POST, "/api/videos").bearer(&attack.token).form(&form).send().await;
        assert!(matches!(answer.status, 201 | 400), "{name:?}: {}", answer.text);
        let form = Form::new().file("video", name, &picture);
        let answer = attack.app.call(Method::POST, "/api/videos").bearer(&attack.token).form(&form).send().await;
        assert!(matches!(answer.status, 201 | 409), "{name:?}: {}", answer.text);
    }
    for path in attack.app.stored() {
        let name = path.strip_prefix("videos/uploads/").unwrap_or_else(|| panic!("{path} lies elsewhere"));
        let (stem, ending) = name.split_once('.').expect("an ending");
        assert!(stem.len() == 32 && stem.bytes().all(|byte| byte.is_ascii_hexdigit()), "{path}");
        assert!(matches!(ending, "mp4" | "jpg"), "{path}");
    }
    still_well(&attack).await;
}

/// After the attack the site, the tables and the session are as they were.
async fn still_well(attack: &Attack) {
    let path = format!("/api/sites/{}", attack.site);
    let site = attack.app.get(&path).bearer(&attack.token).send().await;
    assert_eq!(site.status, 200, "{}", site.text);
    let me = attack.app.get("/api/auth/me").bearer(&attack.token).send().await.json();
    assert_eq!(me["role"], "super_admin");
}

/// The control: the attack would notice a route that fails.
#[tokio::test]
#[should_panic(expected = "/api/sites")]
async fn a_failing_route_would_be_found() {
    let mut attack = Attack::new().await;
    let owner = attack.app.db.owner().await;
    owner.batch_execute("alter table sites rename column hardware_model to gone").await.expect("the owner may");
    attack.send("GET", "/api/sites", Vec::new(), &[]).await;
}
