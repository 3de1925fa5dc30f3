//! Keys that somebody would have to replace if the repository were read by a stranger.

use std::collections::BTreeSet;

use super::files::{File, Tree};
use super::finding::Finding;
use super::source::line_of;

/// A kind of secret: how it begins, and whether what stands behind is real and not an example.
struct Secret {
    begins: &'static str,
    is_real: fn(&str) -> bool,
    what: &'static str,
}

/// The beginnings are put together here, because this is a text too.
const SECRETS: [Secret; 5] = [
    Secret { begins: concat!("-----BE", "GIN "), is_real: is_private_key, what: "a private key" },
    Secret { begins: concat!("S", "G."), is_real: |rest| is_random(&run(rest, "._-"), 40), what: "a SendGrid key" },
    Secret {
        begins: concat!("sb_", "secret_"),
        is_real: |rest| is_random(&run(rest, "_-"), 20),
        what: "a Supabase key",
    },
    Secret { begins: "eyJ", is_real: is_service_token, what: "a token of the role service_role" },
    Secret { begins: concat!("hooks.slack", ".com/services/"), is_real: is_slack_address, what: "a Slack webhook" },
];

/// Every secret in a text file.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for File { path, text, .. } in &tree.files {
        for Secret { begins, is_real, what } in &SECRETS {
            for (at, _) in text.match_indices(begins).filter(|(at, _)| is_real(&text[at + begins.len()..])) {
                let rule = format!("{what}: replace it where it is used, and take it out of the history");
                findings.push(Finding::new(path, line_of(text, at), rule));
            }
        }
    }
    findings
}

/// The letters, digits and these marks at the start of a text.
fn run(text: &str, marks: &str) -> String {
    text.chars().take_while(|char| char.is_ascii_alphanumeric() || marks.contains(*char)).collect()
}

/// Long enough, and not an example in which a few characters repeat.
fn is_random(text: &str, length: usize) -> bool {
    text.len() >= length && text.chars().collect::<BTreeSet<char>>().len() >= 10
}

/// `… PRIVATE KEY-----`, behind which a key follows, in the next line or after an escaped line break.
fn is_private_key(rest: &str) -> bool {
    let Some((kind, body)) = rest.split_once("-----") else { return false };
    let body = body.trim_start_matches("\\r").trim_start_matches("\\n").trim_start();
    kind.ends_with("PRIVATE KEY") && (is_random(&run(body, "+/="), 40) || body.starts_with("Proc-Type"))
}

/// Behind `eyJ`: a JWT of more than 100 characters whose claims name the role that may do all.
fn is_service_token(rest: &str) -> bool {
    let token = run(rest, "_-.");
    let claims = token.split('.').nth(1).map(base64url).unwrap_or_default();
    token.len() > 97 && String::from_utf8_lossy(&claims).contains("service_role")
}

/// Decodes base64url as far as it is.
fn base64url(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0_u32, 0);
    for byte in text.bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'-' => 62,
            b'_' => 63,
            _ => break,
        };
        bits = (bits << 6 | u32::from(value)) & 0xFFFF;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 0xFF) as u8);
        }
    }
    bytes
}

/// `T…/B…/…` with ids as Slack makes them.
fn is_slack_address(rest: &str) -> bool {
    let path = run(rest, "/");
    let mut parts = path.split('/');
    let id = |part: Option<&str>, letter| part.is_some_and(|part| part.starts_with(letter) && part.len() >= 9);
    id(parts.next(), 'T') && id(parts.next(), 'B') && parts.next().is_some_and(|token| is_random(token, 20))
}

#[cfg(test)]
mod tests {
    use super::super::files::tree;
    use super::super::finding::places;
    use super::*;

    const RANDOM: &str = "aZ3bY4cX5dW6eV7fU8gT9hS0iR1jQ2kP3lO4mN5nM6o";

    fn is_found(text: &str) -> bool {
        places(&check(&tree(&[("a.md", &format!("\n{text}\n"))]))) == ["a.md:2"]
    }

    #[test]
    fn real_keys_are_found() {
        for kind in ["", "RSA ", "OPENSSH "] {
            for line_break in ["\n", "\\n"] {
                assert!(is_found(&format!("-----BE{}{kind}PRIVATE KEY-----{line_break}{RANDOM}", "GIN ")), "{kind}");
            }
        }
        assert!(is_found(&format!("key = \"S{}{RANDOM}\"", "G.")));
        assert!(is_found(&format!("sb_{}{RANDOM}", "secret_")));
        assert!(is_found(&format!("https://hooks.slack{}T0AB1CD2E/B0AB1CD2E/{RANDOM}", ".com/services/")));
        // {"role":"service_role"}
        assert!(is_found(&format!("ey{}{RANDOM}.eyJyb2xlIjoic2VydmljZV9yb2xlIn0.{RANDOM}", "J")));
    }

    #[test]
    fn examples_are_no_secrets() {
        for text in [
            format!("-----BE{}CERTIFICATE-----\n{RANDOM}", "GIN "),
            format!("-----BE{}PRIVATE KEY-----\nexample\n-----END", "GIN "),
            format!("S{}{}", "G.", "x".repeat(60)),
            format!("sb_{}short", "secret_"),
            format!("https://hooks.slack{}T00000000/B00000000/{}", ".com/services/", "X".repeat(24)),
            format!("https://hooks.slack{}VOTRE/WEBHOOK/URL", ".com/services/"),
            // {"role":"anon"}
            format!("ey{}{RANDOM}.eyJyb2xlIjoiYW5vbiJ9.{RANDOM}{RANDOM}", "J"),
        ] {
            assert!(!is_found(&text), "{text}");
        }
    }
}
