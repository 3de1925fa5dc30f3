//! Addresses that S3 takes as its key's holder's own: AWS Signature Version 4 in the query
//! (docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html). Every call of ours is such an address, so that
//! what a browser is given and what the server uses are made in one place.

use axum::http::Method;
use data_encoding::HEXLOWER;
use ring::hmac::{HMAC_SHA256, Key, Tag, sign};
use sha2::{Digest as _, Sha256};

use crate::clock::Time;
use crate::config;

/// What the signature is for.
const SERVICE: &str = "s3";
const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// What is to be signed.
pub(super) struct Wish<'a> {
    pub method: &'a Method,
    /// The object's key; empty for the bucket itself.
    pub key: &'a str,
    /// What follows the path, in any order.
    pub query: &'a [(&'a str, &'a str)],
    /// The length that a body must have.
    pub length: Option<u64>,
    /// How long the address opens anything, in seconds.
    pub seconds: u32,
}

/// The address, which opens what was wished from `now` on.
pub(super) fn presign(bucket: &config::S3, wish: &Wish<'_>, now: Time) -> String {
    let moment = now.compact();
    let day = &moment[..8];
    let scope = format!("{day}/{}/{SERVICE}/aws4_request", bucket.region);
    let host = bucket.endpoint.split_once("://").map_or(bucket.endpoint.as_str(), |(_, host)| host);
    let path = match wish.key {
        "" => format!("/{}", bucket.bucket),
        key => format!("/{}/{}", bucket.bucket, crate::storage::encoded(key)),
    };
    let (headers, signed) = match wish.length {
        Some(length) => (format!("content-length:{length}\nhost:{host}\n"), "content-length;host"),
        None => (format!("host:{host}\n"), "host"),
    };
    let mut query: Vec<(String, String)> = wish.query.iter().map(|(name, value)| (word(name), word(value))).collect();
    for (name, value) in [
        ("X-Amz-Algorithm", ALGORITHM),
        ("X-Amz-Credential", &format!("{}/{scope}", bucket.key_id)),
        ("X-Amz-Date", &moment),
        ("X-Amz-Expires", &wish.seconds.to_string()),
        ("X-Amz-SignedHeaders", signed),
    ] {
        query.push((word(name), word(value)));
    }
    query.sort();
    let query: Vec<String> = query.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    let query = query.join("&");
    let request = format!("{}\n{path}\n{query}\n{headers}\n{signed}\nUNSIGNED-PAYLOAD", wish.method);
    let hash = HEXLOWER.encode(&Sha256::digest(request.as_bytes()));
    let text = format!("{ALGORITHM}\n{moment}\n{scope}\n{hash}");
    let mut key = hmac(format!("AWS4{}", bucket.secret.expose()).as_bytes(), day);
    for part in [bucket.region.as_str(), SERVICE, "aws4_request"] {
        key = hmac(key.as_ref(), part);
    }
    let signature = HEXLOWER.encode(hmac(key.as_ref(), &text).as_ref());
    format!("{}{path}?{query}&X-Amz-Signature={signature}", bucket.endpoint)
}

fn hmac(key: &[u8], text: &str) -> Tag {
    sign(&Key::new(HMAC_SHA256, key), text.as_bytes())
}

/// A word of the query: nothing but the unreserved characters of RFC 3986 stands in it as it is.
fn word(text: &str) -> String {
    const KEPT: &percent_encoding::AsciiSet =
        &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
    percent_encoding::utf8_percent_encode(text, KEPT).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;

    /// Method, key, query, length, seconds, address.
    type Row = (&'static str, &'static str, &'static [(&'static str, &'static str)], Option<u64>, u32, &'static str);

    /// Computed by botocore 1.43.11 (`tests/py/presign.py` has the program): another implementation of the same signature.
    const BY_BOTOCORE: &[Row] = &[
        (
            "PUT",
            "videos/uploads/0123456789abcdef0123456789abcdef.mp4",
            &[],
            Some(52428801),
            7200,
            "https://s3.example.net:9000/neopro-videos/videos/uploads/0123456789abcdef0123456789abcdef.mp4?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20260125%2Fgra%2Fs3%2Faws4_request&X-Amz-Date=20260125T182000Z&X-Amz-Expires=7200&X-Amz-Signature=f4474d6bdd038fc6a4a1efb6e1df0da7ed118d73174ee7f6d1c44f97923689b8&X-Amz-SignedHeaders=content-length%3Bhost",
        ),
        (
            "GET",
            "videos/uploads/0123456789abcdef0123456789abcdef.mp4",
            &[],
            None,
            60,
            "https://s3.example.net:9000/neopro-videos/videos/uploads/0123456789abcdef0123456789abcdef.mp4?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20260125%2Fgra%2Fs3%2Faws4_request&X-Amz-Date=20260125T182000Z&X-Amz-Expires=60&X-Amz-Signature=ba4bb5fd0842379afecd39613705a42a17c64f9c72580ca3d1d4483f99c38c9a&X-Amz-SignedHeaders=host",
        ),
        (
            "HEAD",
            "videos/uploads/a b+c~d_é.mp4",
            &[],
            None,
            60,
            "https://s3.example.net:9000/neopro-videos/videos/uploads/a%20b%2Bc~d_%C3%A9.mp4?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20260125%2Fgra%2Fs3%2Faws4_request&X-Amz-Date=20260125T182000Z&X-Amz-Expires=60&X-Amz-Signature=687158d22d0f354563bf007d8d4863fdd5ec7ea079c9efa6931449ee1d949522&X-Amz-SignedHeaders=host",
        ),
        (
            "DELETE",
            "software-updates/uploads/x.png",
            &[],
            None,
            60,
            "https://s3.example.net:9000/neopro-videos/software-updates/uploads/x.png?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20260125%2Fgra%2Fs3%2Faws4_request&X-Amz-Date=20260125T182000Z&X-Amz-Expires=60&X-Amz-Signature=7a378890dfb15ceaa6f46bc0651994d15b0c2e8c4ff4ccd70cf69153859f6e85&X-Amz-SignedHeaders=host",
        ),
        (
            "GET",
            "",
            &[
                ("list-type", "2"),
                ("prefix", "videos/uploads/"),
                ("continuation-token", "a/b+c=="),
                ("max-keys", "1000"),
            ],
            None,
            60,
            "https://s3.example.net:9000/neopro-videos?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20260125%2Fgra%2Fs3%2Faws4_request&X-Amz-Date=20260125T182000Z&X-Amz-Expires=60&X-Amz-Signature=78cec14d9302bf3ee0f63ecf9a7dec3d15ad7b97d1297c0a122fedbabd0bf23a&X-Amz-SignedHeaders=host&continuation-token=a%2Fb%2Bc%3D%3D&list-type=2&max-keys=1000&prefix=videos%2Fuploads%2F",
        ),
    ];

    #[test]
    fn addresses_are_signed_as_botocore_signs_them() {
        let bucket = config::S3 {
            endpoint: "https://s3.example.net:9000".into(),
            bucket: "neopro-videos".into(),
            region: "gra".into(),
            key_id: "AKIDEXAMPLE".into(),
            secret: Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned()),
            public_url: String::new(),
        };
        let now: Time = "2026-01-25T18:20:00Z".parse().expect("a time");
        for (method, key, query, length, seconds, expected) in BY_BOTOCORE {
            let method = method.parse().expect("a method");
            let wish = Wish { method: &method, key, query, length: *length, seconds: *seconds };
            let address = presign(&bucket, &wish, now);
            let (path, query) = address.split_once('?').expect("a query");
            let mut parts: Vec<&str> = query.split('&').collect();
            parts.sort_unstable();
            assert_eq!(format!("{path}?{}", parts.join("&")), *expected, "{method} {key}");
        }
    }
}
