//! The session cookie, and where else a token may stand.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, header};
use cookie::{Cookie, SameSite};

use crate::http::Origin;

/// The cookie of NeoPro 1, kept.
const NAME: &str = "neopro_token";

/// The token of a request: the `Authorization` header, else the cookie.
///
/// The header wins because a program sets it on purpose, while a browser may carry a stale cookie along.
pub fn token(headers: &HeaderMap) -> Option<String> {
    bearer(headers).or_else(|| {
        headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(Cookie::split_parse)
            .filter_map(Result::ok)
            .find(|cookie| cookie.name() == NAME)
            .map(|cookie| cookie.value().to_owned())
    })
}

/// What the `Authorization` header bears.
pub fn bearer(headers: &HeaderMap) -> Option<String> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
}

/// The cookie that keeps a session for `lifetime`.
pub fn set(token: String, lifetime: Duration, secure: bool, origin: &Origin) -> HeaderValue {
    build(NAME, token, lifetime.as_secs(), secure, origin)
}

/// The cookie that ends a session, with the attributes of the one that began it: a browser ignores it else.
pub fn clear(secure: bool, origin: &Origin) -> HeaderValue {
    build(NAME, String::new(), 0, secure, origin)
}

/// A cookie of ours that no script reads, for so many seconds.
pub fn build(name: &'static str, value: String, seconds: u64, secure: bool, origin: &Origin) -> HeaderValue {
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    let cookie =
        Cookie::build((name, value)).path("/").http_only(true).max_age(cookie::time::Duration::seconds(seconds));
    // The guide's dashboard lives on another site than the API: its cookie is a third-party one, which
    // browsers keep only when it is partitioned by the page's site.
    let cookie = if *origin == Origin::Listed && secure {
        cookie.same_site(SameSite::None).secure(true).partitioned(true)
    } else {
        cookie.same_site(SameSite::Lax).secure(secure)
    };
    // A JWT and our own attributes are plain ASCII.
    HeaderValue::from_str(&cookie.build().to_string()).unwrap_or(HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listed_page_gets_a_partitioned_cookie_and_ours_a_lax_one() {
        let lifetime = Duration::from_secs(604_800);
        let own = set("t".into(), lifetime, true, &Origin::Own);
        assert_eq!(own, "neopro_token=t; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=604800");
        let listed = set("t".into(), lifetime, true, &Origin::Listed);
        assert_eq!(listed, "neopro_token=t; HttpOnly; SameSite=None; Partitioned; Secure; Path=/; Max-Age=604800");
        let cleared = clear(true, &Origin::Listed);
        assert_eq!(cleared, "neopro_token=; HttpOnly; SameSite=None; Partitioned; Secure; Path=/; Max-Age=0");
        let developing = set("t".into(), lifetime, false, &Origin::Listed);
        assert_eq!(developing, "neopro_token=t; HttpOnly; SameSite=Lax; Path=/; Max-Age=604800");
        assert!(!set("t".into(), lifetime, false, &Origin::Own).to_str().expect("ASCII").contains("Secure"));
    }

    #[test]
    fn the_header_wins_over_a_stale_cookie() {
        let mut headers = HeaderMap::new();
        assert_eq!(token(&headers), None);
        headers.insert(header::COOKIE, HeaderValue::from_static("a=b; neopro_token=old"));
        assert_eq!(token(&headers).as_deref(), Some("old"));
        headers.insert(header::AUTHORIZATION, HeaderValue::from_static("Bearer new"));
        assert_eq!(token(&headers).as_deref(), Some("new"));
    }
}
