//! Attacks on the door: forged and foreign tokens, tokens in addresses, acts from foreign pages, and guesses. Routes come
//! from the API's description, so a new one is attacked from its first day.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::http::{Method, StatusCode};
use data_encoding::BASE64URL_NOPAD;
use ring::hmac;
use serde_json::{Value, json};

use crate::contract::fill;
use crate::support::TestApp;
use crate::support::app::PASSWORD;
use crate::support::contract::operations;

const ME: &str = "/api/auth/me";
/// The secret of every [`TestApp`].
const SECRET: &[u8] = b"a secret for tests, as long as it has to be";
const HEADER: &str = r#"{"typ":"JWT","alg":"HS256"}"#;

/// The parts of a token: header, claims, signature.
fn parts(token: &str) -> [String; 3] {
    let parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    parts.try_into().expect("three parts")
}

fn claims(token: &str) -> Value {
    let bytes = BASE64URL_NOPAD.decode(parts(token)[1].as_bytes()).expect("base64url");
    serde_json::from_slice(&bytes).expect("JSON")
}

/// A token with this header and these claims, signed with this key, whatever the header says.
fn forge(header: &str, claims: &Value, algorithm: hmac::Algorithm, key: &[u8]) -> String {
    let claims = serde_json::to_vec(claims).expect("JSON");
    let text = format!("{}.{}", BASE64URL_NOPAD.encode(header.as_bytes()), BASE64URL_NOPAD.encode(&claims));
    let signature = hmac::sign(&hmac::Key::new(algorithm, key), text.as_bytes());
    format!("{text}.{}", BASE64URL_NOPAD.encode(signature.as_ref()))
}

fn ours(claims: &Value) -> String {
    forge(HEADER, claims, hmac::HMAC_SHA256, SECRET)
}

async fn status(app: &TestApp, token: &str) -> u16 {
    app.get(ME).bearer(token).send().await.status
}

#[tokio::test]
async fn a_token_that_we_have_not_signed_as_we_sign_opens_nothing() {
    let app = TestApp::new().await;
    let token = app.token("viewer").await;
    let (claims, [header, body, signature]) = (claims(&token), parts(&token));
    assert_eq!(status(&app, &ours(&claims)).await, 200, "the control: this is how a token is made");
    let names: Vec<&String> = claims.as_object().expect("claims").keys().collect();
    assert_eq!(names, ["agency_id", "email", "exp", "iat", "id", "role", "sid", "sponsor_id"]);
    let mut lifted = claims.clone();
    lifted["role"] = "super_admin".into();

    let mut forged = vec![
        ("another body", format!("{header}.{}.{signature}", BASE64URL_NOPAD.encode(lifted.to_string().as_bytes()))),
        ("no signature", format!("{header}.{body}.")),
        ("half a signature", format!("{header}.{body}.{}", &signature[..20])),
        ("two parts", format!("{header}.{body}")),
        ("four parts", format!("{header}.{body}.{signature}.{signature}")),
        ("a wrong key", forge(HEADER, &claims, hmac::HMAC_SHA256, b"a secret for tests, as long as it had to be")),
        ("an empty key", forge(HEADER, &claims, hmac::HMAC_SHA256, b"")),
        ("HS384", forge(r#"{"typ":"JWT","alg":"HS384"}"#, &claims, hmac::HMAC_SHA384, SECRET)),
        ("HS512", forge(r#"{"typ":"JWT","alg":"HS512"}"#, &claims, hmac::HMAC_SHA512, SECRET)),
        ("a longer hash under our name", forge(HEADER, &claims, hmac::HMAC_SHA512, SECRET)),
        (
            "a key of its own",
            forge(
                r#"{"typ":"JWT","alg":"HS256","jwk":{"kty":"oct","k":"eA"},"kid":"../../dev/null"}"#,
                &claims,
                hmac::HMAC_SHA256,
                b"x",
            ),
        ),
    ];
    for name in ["none", "None", "NONE", "nOnE", "", "HS256 ", "hs256", "RS256", "PS256", "ES256", "EdDSA"] {
        let header = json!({"typ": "JWT", "alg": name}).to_string();
        let encoded = BASE64URL_NOPAD.encode(header.as_bytes());
        forged.push(("without a signature", format!("{encoded}.{body}.")));
        forged.push(("with the old one", format!("{encoded}.{body}.{signature}")));
        forged.push(("with our key", forge(&header, &claims, hmac::HMAC_SHA256, SECRET)));
    }
    for (what, token) in forged {
        let answer = app.get(ME).bearer(&token).send().await;
        assert_eq!((answer.status, answer.code().as_str()), (401, "unauthenticated"), "{what}: {token}");
        let cookie = format!("neopro_token={token}");
        assert_eq!(app.get(ME).header("cookie", &cookie).send().await.status, 401, "{what} in a cookie");
    }
}

#[tokio::test]
async fn claims_prove_nothing_without_their_session() {
    let app = TestApp::new().await;
    let (mine, theirs) = (claims(&app.token("viewer").await), claims(&app.token("super_admin").await));
    let with = |field: &str, value: Value| {
        let mut claims = mine.clone();
        claims[field] = value;
        claims
    };
    let mut without_session = mine.clone();
    without_session.as_object_mut().expect("an object").remove("sid");
    let mut without_end = mine.clone();
    without_end.as_object_mut().expect("an object").remove("exp");
    // Signed with our key: what somebody could do who has it, or who finds a mistake in how we sign.
    for (what, claims) in [
        ("the session of another", with("sid", theirs["sid"].clone())),
        ("the account of another", with("id", theirs["id"].clone())),
        ("a role that was lifted", with("role", json!("super_admin"))),
        ("a role that does not exist", with("role", json!("root"))),
        ("an agency", with("agency_id", json!(uuid::Uuid::now_v7()))),
        ("a session of nobody's", with("sid", json!(uuid::Uuid::now_v7()))),
        ("a session that is no id", with("sid", json!("' or 1=1"))),
        ("a token of NeoPro 1", without_session),
        ("no end", without_end),
        ("an end that is a text", with("exp", json!("9999999999"))),
        ("an end that is over", with("exp", json!(crate::support::app::NOON))),
        ("an end before all time", with("exp", json!(i64::MIN))),
    ] {
        assert_eq!(status(&app, &ours(&claims)).await, 401, "{what}");
    }
    // An end in the far future outlives the token, but not the session.
    let eternal = ours(&with("exp", json!(i64::MAX)));
    assert_eq!(status(&app, &eternal).await, 200);
    app.clock.advance(Duration::from_secs(7 * 24 * 3_600));
    assert_eq!(status(&app, &eternal).await, 401);
}

#[tokio::test]
async fn a_revoked_session_and_another_secret_open_nothing() {
    let app = TestApp::new().await;
    let token = app.token("admin").await;
    app.post("/api/auth/logout", json!({})).bearer(&token).send().await.expect(StatusCode::OK);
    for (path, method, operation) in operations() {
        if operation.get("security").is_some() {
            let method = Method::from_bytes(method.as_bytes()).expect("a method");
            // What is read before the database is asked may be wrong; what needs it is refused.
            let answer = app.call(method.clone(), &fill(&path)).bearer(&token).send().await;
            assert!(matches!(answer.status, 400 | 401 | 403 | 411 | 415), "{method} {path}: {}", answer.status);
            if method == Method::GET || method == Method::DELETE {
                assert_eq!(answer.status == 401, answer.status != 403, "{method} {path}: {}", answer.status);
            }
        }
    }
    let other = TestApp::new().await;
    let foreign = other.token("super_admin").await;
    assert_eq!(status(&app, &foreign).await, 401, "a session of another installation");
}

#[tokio::test]
async fn a_token_in_an_address_counts_nowhere() {
    let app = TestApp::new().await;
    let session = app.token("super_admin").await;
    let (_, token) = app.api_token(&session, &["read", "sites:write", "content:write"]).await;
    let mut tried = 0;
    for (path, method, operation) in operations() {
        if operation.get("security").is_none() {
            continue;
        }
        for secret in [&session, &token] {
            for name in ["token", "access_token", "auth", "jwt", "neopro_token", "authorization"] {
                let path = format!("{}?{name}={secret}", fill(&path));
                let verb = Method::from_bytes(method.as_bytes()).expect("a method");
                assert_eq!(app.call(verb, &path).status().await, 401, "{method} {path}");
                tried += 1;
            }
        }
    }
    assert!(tried > 400, "only {tried} were tried");
}

/// What stands in every table, in a word each.
async fn everything(app: &TestApp) -> BTreeMap<String, String> {
    let sql = app.db.owner().await;
    let tables = sql
        .query("select relname::text from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'", &[])
        .await
        .expect("the catalogue");
    let mut found = BTreeMap::new();
    for table in tables {
        let table: String = table.get(0);
        let words = format!("select coalesce(md5(string_agg(t::text, '' order by t::text)), '') from {table} t");
        found.insert(table, sql.query_one(&words, &[]).await.expect("a row").get(0));
    }
    found
}

#[tokio::test]
async fn a_page_of_another_origin_changes_nothing_on_any_route() {
    let app = TestApp::with(&[("ALLOWED_ORIGINS", "https://dashboard.neopro.test")]).await;
    let session = app.token("super_admin").await;
    let site = json!({"site_name": "Gymnase", "club_name": "Élan"});
    let site = app.post("/api/sites", site).bearer(&session).send().await.json()["id"].clone();
    let site = site.as_str().expect("an id");
    let cookie = format!("neopro_token={session}");
    let before = everything(&app).await;
    let bodies: [(&str, &[u8]); 4] = [
        ("application/json", br#"{"site_name":"Vole","club_name":"Vole","email":"a@b.fr","name":"x","type":"custom"}"#),
        ("text/plain", br#"{"site_name":"Vol\u00e9","club_name":"Vol\u00e9"}"#),
        ("application/x-www-form-urlencoded", b"site_name=Vole&club_name=Vole"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--x--\r\n"),
    ];
    let foreign = [
        ("origin", "https://evil.test"),
        ("origin", "null"),
        ("origin", "https://dashboard.neopro.test.evil.test"),
        ("origin", "http://dashboard.neopro.test"),
        ("origin", "https://dashboard.neopro.test:8443"),
        ("origin", "https://evil.test/https://dashboard.neopro.test"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ];
    let mut attacked = 0;
    for (path, method, _) in operations() {
        let verb = Method::from_bytes(method.as_bytes()).expect("a method");
        if verb.is_safe() {
            continue;
        }
        let path = fill(&path.replace("/api/sites/{id}", &format!("/api/sites/{site}")));
        for (media_type, body) in bodies {
            for (name, value) in foreign {
                let call = app.call(verb.clone(), &path).header("cookie", &cookie).header("host", "api.neopro.test");
                let call = call.header(name, value).header("content-type", media_type).body(body.to_vec());
                let answer = call.send().await;
                assert_eq!((answer.status, answer.code().as_str()), (403, "foreign_origin"), "{verb} {path} {value}");
                assert_eq!(answer.header("access-control-allow-origin"), "", "{verb} {path} {value}");
                attacked += 1;
            }
        }
    }
    assert!(attacked > 500, "only {attacked} were sent");
    assert_eq!(everything(&app).await, before, "not a row is another one");

    // The control: the listed page gets past this wall, and the tables would tell of what is done.
    let path = format!("/api/sites/{site}");
    let call = app.put(&path, json!({"club_name": "Voulu"})).header("cookie", &cookie);
    call.header("origin", "https://dashboard.neopro.test").send().await.expect(StatusCode::OK);
    assert_ne!(everything(&app).await, before);
}

#[tokio::test]
async fn a_cookie_acts_for_nobody_who_does_not_say_which_page_he_is() {
    let app = TestApp::with(&[("ALLOWED_ORIGINS", "https://dashboard.neopro.test")]).await;
    let session = app.token("super_admin").await;
    let site = json!({"site_name": "Gymnase", "club_name": "Élan"});
    let site = app.post("/api/sites", site).bearer(&session).send().await.json()["id"].clone();
    let site = site.as_str().expect("an id");
    let cookie = format!("neopro_token={session}");
    let before = everything(&app).await;
    let mut attacked = 0;
    for (path, method, operation) in operations() {
        let verb = Method::from_bytes(method.as_bytes()).expect("a method");
        if verb.is_safe() || operation.get("security").is_none() {
            continue;
        }
        let path = fill(&path.replace("/api/sites/{id}", &format!("/api/sites/{site}")));
        // What no browser of today sends; what a page says in a header of its own is no word of the browser.
        for (name, value) in [("accept", "*/*"), ("referer", "https://api.neopro.test/"), ("sec-fetch-site", "none")] {
            let call = app.call(verb.clone(), &path).header("cookie", &cookie).header("host", "api.neopro.test");
            let answer = call.header(name, value).json(&json!({"club_name": "Vole"})).send().await;
            assert_eq!((answer.status, answer.code().as_str()), (403, "foreign_origin"), "{verb} {path} {name}");
            assert!(answer.json()["message"].as_str().is_some_and(|advice| advice.contains("Authorization: Bearer")));
            attacked += 1;
        }
    }
    assert!(attacked > 150, "only {attacked} were sent");
    assert_eq!(everything(&app).await, before, "not a row is another one");

    // The controls: whoever says where he is, and a program with the same token, and whoever only reads.
    let path = format!("/api/sites/{site}");
    let by_cookie = |name: &str| app.put(&path, json!({"club_name": name})).header("cookie", &cookie);
    by_cookie("A").header("sec-fetch-site", "same-origin").send().await.expect(StatusCode::OK);
    by_cookie("B").header("origin", "https://dashboard.neopro.test").send().await.expect(StatusCode::OK);
    by_cookie("C").bearer(&session).send().await.expect(StatusCode::OK);
    app.get(&path).header("cookie", &cookie).send().await.expect(StatusCode::OK);
    // Whoever wants out is out, and whoever wants in is let in, with whatever stale cookie.
    app.account("retour@neopro.test", "viewer").await;
    let person = json!({"email": "retour@neopro.test", "password": PASSWORD});
    app.post("/api/auth/login", person).header("cookie", &cookie).send().await.expect(StatusCode::OK);
    app.post("/api/auth/logout", json!({})).header("cookie", &cookie).send().await.expect(StatusCode::OK);
    assert_eq!(status(&app, &session).await, 401);
}

#[tokio::test]
async fn to_read_changes_nothing_so_that_a_link_is_no_weapon() {
    let app = TestApp::with(&[("ALLOWED_ORIGINS", "https://dashboard.neopro.test")]).await;
    let session = app.token("super_admin").await;
    let cookie = format!("neopro_token={session}");
    let before = everything(&app).await;
    for (path, method, _) in operations() {
        if method != "GET" {
            continue;
        }
        let call = app.get(&fill(&path)).header("cookie", &cookie).header("origin", "https://evil.test");
        let answer = call.send().await;
        assert!(answer.status < 500, "{path}: {}", answer.text);
        // The sign of life is everybody's, and says the same to all (`headers::the_sign_of_life_…`).
        let of_everybody = if path == "/live" { "*" } else { "" };
        assert_eq!(answer.header("access-control-allow-origin"), of_everybody, "{path}: a foreign page reads nothing");
        assert_eq!(answer.header("access-control-allow-credentials"), "", "{path}: a foreign page reads nothing");
    }
    assert_eq!(everything(&app).await, before);
}

#[tokio::test]
async fn a_body_counts_only_if_it_says_that_it_is_json() {
    let app = TestApp::new().await;
    let session = app.token("super_admin").await;
    let mut tried = 0;
    for (path, method, operation) in operations() {
        if operation["requestBody"]["content"]["application/json"].is_null() {
            continue;
        }
        for media_type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""] {
            let verb = Method::from_bytes(method.as_bytes()).expect("a method");
            let call = app.call(verb, &fill(&path)).bearer(&session).header("content-type", media_type);
            let answer = call.body(b"{}".to_vec()).send().await;
            assert_eq!((answer.status, answer.code().as_str()), (415, "not_json"), "{method} {path} {media_type}");
            tried += 1;
        }
    }
    assert!(tried > 40, "only {tried} were tried");
}

fn guess(number: u32) -> String {
    let mut bytes = [7u8; 32];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    format!("npt_{}", BASE64URL_NOPAD.encode(&bytes))
}

#[tokio::test]
async fn who_guesses_tokens_is_stopped_wherever_he_says_that_he_is() {
    let app = TestApp::with(&[("NEOPRO_RATE_LIMITS", "on"), ("TRUSTED_PROXY_HOPS", "2")]).await;
    let session = app.token("admin").await;
    let (_, good) = app.api_token(&session, &["read"]).await;
    let call = |token: &str, forged: &str| {
        app.get("/api/sites").bearer(token).header("x-forwarded-for", &format!("{forged}, 203.0.113.9, 10.0.0.3"))
    };
    assert_eq!(call(&good, "10.9.9.9").status().await, 200);
    let mut answers = BTreeMap::<u16, usize>::new();
    for number in 0..1_000u32 {
        // What stands in front of our proxies' entries is what the attacker has written.
        let forged = std::net::Ipv4Addr::from(0x0b00_0000 + number);
        *answers.entry(call(&guess(number), &forged.to_string()).status().await).or_default() += 1;
    }
    assert_eq!(answers, BTreeMap::from([(401, 200), (429, 800)]));
    let refused = call(&guess(0), "9.9.9.9").send().await.expect(StatusCode::TOO_MANY_REQUESTS);
    assert_eq!((refused.code().as_str(), refused.header("retry-after")), ("too_many_requests", "1"));
    assert_eq!(call(&good, "10.9.9.9").status().await, 200, "a good token behind the same address goes on");
    let elsewhere = app.get("/api/sites").bearer(&guess(1)).header("x-forwarded-for", "198.51.100.4, 10.0.0.3");
    assert_eq!(elsewhere.status().await, 401, "and other addresses");
}

#[tokio::test]
async fn no_answer_tells_whether_a_token_ever_was_one() {
    let app = TestApp::new().await;
    let session = app.token("viewer").await;
    let (revoked_id, revoked) = app.api_token(&session, &["read"]).await;
    let (_, expired) = app.api_token(&session, &["read"]).await;
    app.delete(&format!("/api/auth/tokens/{revoked_id}")).bearer(&session).send().await.expect(StatusCode::OK);
    let sql = app.db.owner().await;
    sql.batch_execute("update api_tokens set expires_at = '2026-01-15 11:00:00Z'").await.expect("the owner may");
    let mut said = std::collections::BTreeSet::new();
    for token in [&revoked, &expired, &guess(1)] {
        let answer = app.get("/api/sites").bearer(token).send().await.expect(StatusCode::UNAUTHORIZED);
        let mut body = answer.json();
        body["request_id"] = Value::Null;
        said.insert(body.to_string());
    }
    assert_eq!(said.len(), 1, "{said:?}");
}
