//! Recognises what the guide prints where a value of one's own belongs: `[YOUR-PASSWORD]`, `xxx`, `eyJhbGci...`.
//!
//! Only whole pieces count (the password of a URL, a label of its host, the whole of an opaque key): random text may
//! hold `xxx` anywhere, and a generated key must not be refused for it.

use super::url;

/// Texts of the guide that may be shown as they are: nobody's password.
const PRINTED: [&str; 4] = ["[YOUR-PASSWORD]", "[PASSWORD]", "[project-ref]", "(voir ci-dessous)"];

/// What stands between brackets in such examples, in parts of words.
const BLANKS: [&str; 22] = [
    "pass",
    "ref",
    "proje",
    "token",
    "jeton",
    "key",
    "clé",
    "votre",
    "your",
    "secret",
    "host",
    "hôte",
    "region",
    "région",
    "user",
    "utilisateur",
    "nom",
    "name",
    "url",
    "dessous",
    "hasard",
    "domain",
];

/// The placeholders still in `value`, each once, in a form that may be shown.
///
/// `opaque`: the value is a key or a token, of which only the whole is judged.
pub(super) fn left_in(value: &str, opaque: bool) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let entries: Vec<&str> = if opaque { vec![value] } else { value.split(',').map(str::trim).collect() };
    for entry in entries {
        let stem = entry.trim_end_matches(['.', '…']);
        let ellipsis = &entry[stem.len()..];
        if ellipsis.len() >= 3 {
            found.push(ellipsis.to_owned());
        }
        found.extend(pieces(stem, opaque).into_iter().filter_map(placeholder));
    }
    let mut seen = std::collections::HashSet::new();
    found.retain(|piece| seen.insert(piece.clone()));
    found
}

/// The parts of a value that a person fills in separately.
fn pieces(value: &str, opaque: bool) -> Vec<&str> {
    if let Some(parts) = url::split(value) {
        let mut pieces: Vec<&str> = parts.user.map(|user| user.split('.').collect()).unwrap_or_default();
        pieces.extend(parts.password);
        pieces.extend(labels(parts.host));
        pieces.extend(parts.path.split('/'));
        pieces
    } else if let (false, Some((local, domain))) = (opaque, value.rsplit_once('@')) {
        let local = local.rsplit_once('<').map_or(local, |(_, address)| address);
        std::iter::once(local).chain(labels(domain.trim_end_matches('>'))).collect()
    } else {
        let key = ["SG.", "sb_secret_", "sb_publishable_"].iter().find_map(|prefix| value.strip_prefix(prefix));
        vec![key.unwrap_or(value)]
    }
}

/// A host's labels without the last one: `xxx` is also a top-level domain.
fn labels(host: &str) -> impl Iterator<Item = &str> {
    host.rsplit_once('.').map_or(host, |(labels, _)| labels).split('.')
}

/// How to show `piece` if it is a placeholder. A person may have put a real password between the brackets.
fn placeholder(piece: &str) -> Option<String> {
    let lower = piece.to_lowercase();
    let bracket = [("[", "]"), ("<", ">"), ("${", "}"), ("{", "}"), ("(", ")")].into_iter().find(|(open, close)| {
        let inner = lower.strip_prefix(open).and_then(|rest| rest.strip_suffix(close));
        inner.is_some_and(is_blank_to_fill)
    });
    if PRINTED.contains(&piece) || matches!(piece, "PASSWORD" | "MOT_DE_PASSE" | "MOT-DE-PASSE") {
        return Some(piece.to_owned());
    }
    if let Some((open, close)) = bracket {
        return Some(format!("{open}…{close}"));
    }
    let only = |letters: &[char]| piece.chars().all(|c| letters.contains(&c));
    let crosses = lower.chars().filter(|c| *c == 'x').count() >= 3 && only(&['x', 'X', '.']);
    let dots = piece.len() >= 3 && only(&['.', '…']);
    if crosses || dots {
        return Some(piece.to_owned());
    }
    ["votre", "your"].into_iter().find_map(|word| {
        let rest = lower.strip_prefix(word)?;
        let yours =
            rest.is_empty() || rest.starts_with(['_', '-', ' ']) || matches!(rest, "domaine" | "site" | "domain");
        yours.then(|| if rest.is_empty() { piece.to_owned() } else { format!("{word}…") })
    })
}

/// Letters only (or a whole sentence), and about what is to be filled in.
fn is_blank_to_fill(inner: &str) -> bool {
    let sentence = inner.contains(' ');
    let plain = |c: char| c.is_alphabetic() || matches!(c, '-' | '_' | ' ') || (sentence && c.is_numeric());
    inner.chars().all(plain) && BLANKS.iter().any(|blank| inner.contains(blank))
}
