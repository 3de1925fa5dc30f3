//! Bad input on every route: a documented 4xx with a sentence, never a 5xx, and nothing executed.
//!
//! The routes come from the API's description, so a new one is attacked from its first day.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::contract::operations;

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
        Self { app, token, site, group, sent: 0 }
    }

    /// A path that leads to something that is there.
    fn path(&self, template: &str) -> String {
        let id = if template.contains("/groups/") { &self.group } else { &self.site };
        template.replace("{id}", id).replace("{site_id}", &self.site)
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
                let mut body = json!({"site_name": "Autre", "club_name": "Club", "email": "a@b.fr", "password": "x", "name": "Autre", "type": "custom"});
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
    for (path, method, _) in operations() {
        if path.contains("{id}") {
            for id in ids {
                let path = path.replace("{id}", id).replace("{site_id}", id);
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
