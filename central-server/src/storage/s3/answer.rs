//! What an answer of an S3 storage means, and who mends it where.

use crate::storage::Trouble;
use crate::storage::trouble::Told;

/// What a failure means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// There is no such object.
    NotThere,
    /// The object is larger than one may be.
    TooLarge,
    /// What concerns the storage as a whole.
    Trouble(Trouble),
}

impl Verdict {
    pub(super) fn may_pass(&self) -> bool {
        matches!(self, Self::Trouble(trouble) if trouble.may_pass())
    }

    /// The same, where it is nothing that the call has an answer for.
    pub(super) fn trouble(self) -> Trouble {
        match self {
            Self::NotThere => Trouble::Told(&ODD, "no such object".into()),
            Self::TooLarge => Trouble::TooLarge(0, None),
            Self::Trouble(trouble) => trouble,
        }
    }
}

pub(super) static AWAY: Told = Told {
    code: "storage_away",
    words: "Le stockage des vidéos ne répond pas. Réessayez dans un instant.",
    advice: "Si cela dure, vérifiez S3_ENDPOINT et l'état du stockage chez son hébergeur.",
    may_pass: true,
};
static KEY: Told = Told {
    code: "storage_key",
    words: "Le stockage des vidéos refuse la clé de ce serveur.",
    advice: "Vérifiez S3_ACCESS_KEY_ID et S3_SECRET_ACCESS_KEY.",
    may_pass: false,
};
static DENIED: Told = Told {
    code: "storage_write_refused",
    words: "Le stockage des vidéos refuse ce que ce serveur y fait.",
    advice: "La clé S3 doit pouvoir lire, écrire, supprimer et lister dans le bucket de S3_BUCKET.",
    may_pass: false,
};
static BUCKET: Told = Told {
    code: "storage_bucket_missing",
    words: "Le bucket S3 de ce serveur n'existe pas.",
    advice: "Créez chez l'hébergeur le bucket de S3_BUCKET, lisible par tous, ou corrigez son nom.",
    may_pass: false,
};
static REGION: Told = Told {
    code: "storage_project",
    words: "Le stockage des vidéos n'est pas à cette adresse ou dans cette région.",
    advice: "Vérifiez S3_REGION et S3_ENDPOINT.",
    may_pass: false,
};
static CLOCK: Told = Told {
    code: "storage_clock",
    words: "Le stockage des vidéos refuse l'heure de ce serveur.",
    advice: "Mettez l'horloge du serveur à l'heure (NTP).",
    may_pass: false,
};
static FULL: Told = Told {
    code: "storage_full",
    words: "Le stockage des vidéos a atteint la limite de son offre (place ou trafic du mois).",
    advice: "Supprimez des vidéos, ou changez d'offre chez l'hébergeur.",
    may_pass: false,
};
pub(super) static UNREADABLE: Told = Told {
    code: "storage_read_refused",
    words: "Le stockage des vidéos refuse la lecture publique.",
    advice: "Rendez le bucket de S3_BUCKET lisible par tous (règle s3:GetObject), ou corrigez S3_PUBLIC_URL.",
    may_pass: false,
};
pub(super) static ODD: Told = Told {
    code: "storage_odd",
    words: "Le stockage des vidéos a donné une réponse inattendue. Elle a été enregistrée.",
    advice: "Vérifiez S3_ENDPOINT : est-ce bien un stockage S3 ?",
    may_pass: false,
};

/// The most of a foreign text that goes into the log.
const MOST_WORDS: usize = 200;

/// Judges a failed answer: by the code in its body, else by its status. `HEAD` has no body.
pub(super) fn judge(http: u16, body: &[u8]) -> Verdict {
    let text = String::from_utf8_lossy(body);
    let code = element(&text, "Code").unwrap_or_default();
    let words = element(&text, "Message").unwrap_or_else(|| text.to_string());
    let words: String = words.chars().filter(|char| !char.is_control()).take(MOST_WORDS).collect();
    let why = format!("HTTP {http} {code}: {words}");
    let told = |told: &'static Told| Verdict::Trouble(Trouble::Told(told, why.clone()));
    match code.as_str() {
        "NoSuchKey" => Verdict::NotThere,
        "NoSuchBucket" => told(&BUCKET),
        "EntityTooLarge" => Verdict::TooLarge,
        "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "InvalidSecurity" | "NotSignedUp" => told(&KEY),
        "AccessDenied" | "AllAccessDisabled" => told(&DENIED),
        "RequestTimeTooSkewed" | "RequestExpired" => told(&CLOCK),
        "AuthorizationHeaderMalformed"
        | "AuthorizationQueryParametersError"
        | "PermanentRedirect"
        | "TemporaryRedirect"
        | "IllegalLocationConstraintException" => told(&REGION),
        "QuotaExceeded" | "XMinioStorageFull" | "InsufficientStorage" => told(&FULL),
        "SlowDown" | "ServiceUnavailable" | "InternalError" | "RequestTimeout" | "Busy" => told(&AWAY),
        _ => match http {
            404 => Verdict::NotThere,
            413 => Verdict::TooLarge,
            401 | 403 => told(&DENIED),
            301 | 302 | 307 | 308 => told(&REGION),
            402 | 507 => told(&FULL),
            408 | 429 | 500.. => told(&AWAY),
            _ => told(&ODD),
        },
    }
}

/// The text of the first element of this name: S3's answers are flat.
pub(super) fn element(xml: &str, name: &str) -> Option<String> {
    elements(xml, name).next()
}

/// The texts of all elements of this name.
pub(super) fn elements<'a>(xml: &'a str, name: &str) -> impl Iterator<Item = String> + use<'a> {
    let (begin, end) = (format!("<{name}>"), format!("</{name}>"));
    let mut rest = xml;
    std::iter::from_fn(move || {
        let from = rest.find(&begin)? + begin.len();
        let length = rest[from..].find(&end)?;
        let text = &rest[from..from + length];
        rest = &rest[from + length + end.len()..];
        Some(unescaped(text))
    })
}

/// A text of XML as it was meant. Names of ours need none of this; those of people's files do, and storages write the same
/// character by its name or by its number.
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        plain.push_str(before);
        let meant = after.split_once(';').and_then(|(name, behind)| Some((character(name)?, behind)));
        let (character, behind) = meant.unwrap_or(('&', after));
        plain.push(character);
        rest = behind;
    }
    plain + rest
}

/// The character that stands between `&` and `;`.
fn character(name: &str) -> Option<char> {
    let number = match name {
        "amp" => return Some('&'),
        "lt" => return Some('<'),
        "gt" => return Some('>'),
        "quot" => return Some('"'),
        "apos" => return Some('\''),
        _ => name.strip_prefix('#')?,
    };
    let number = match number.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16),
        None => number.parse(),
    };
    char::from_u32(number.ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(http: u16, code: &str) -> Verdict {
        judge(http, format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>m</Message></Error>").as_bytes())
    }

    #[test]
    fn the_code_counts_before_the_status_and_a_head_has_only_that() {
        assert_eq!(of(404, "NoSuchKey"), Verdict::NotThere);
        assert_eq!(judge(404, b""), Verdict::NotThere);
        assert_eq!(of(400, "EntityTooLarge"), Verdict::TooLarge);
        for (http, code, expected) in [
            (404, "NoSuchBucket", "storage_bucket_missing"),
            (403, "SignatureDoesNotMatch", "storage_key"),
            (403, "AccessDenied", "storage_write_refused"),
            (403, "RequestTimeTooSkewed", "storage_clock"),
            (400, "AuthorizationHeaderMalformed", "storage_project"),
            (301, "PermanentRedirect", "storage_project"),
            (503, "SlowDown", "storage_away"),
            (403, "QuotaExceeded", "storage_full"),
            (418, "Teapot", "storage_odd"),
        ] {
            let Verdict::Trouble(trouble) = of(http, code) else { panic!("{code}") };
            assert_eq!(trouble.code(), expected, "{code}");
            assert_eq!(trouble.may_pass(), code == "SlowDown");
            assert!(trouble.why().contains(code) && !trouble.advice().contains("Supabase"), "{code}");
        }
    }

    #[test]
    fn lists_are_read_as_they_are_written() {
        let xml = "<a><Key>x/1&amp;2</Key><Key>y</Key><NextContinuationToken>t==</NextContinuationToken></a>";
        assert_eq!(elements(xml, "Key").collect::<Vec<_>>(), ["x/1&2", "y"]);
        assert_eq!(element(xml, "NextContinuationToken").as_deref(), Some("t=="));
        assert_eq!(element("<Key>cut", "Key"), None);
        for (written, meant) in [
            ("l&#39;&#xE9;t&#xe9; &apos;a&apos; &#34;b&quot; &lt;c&gt;", "l'été 'a' \"b\" <c>"),
            ("&amp;amp; &amp;#39;", "&amp; &#39;"),
            ("a & b; &nothing; &#x110000; &#; &", "a & b; &nothing; &#x110000; &#; &"),
        ] {
            assert_eq!(element(&format!("<Key>{written}</Key>"), "Key").as_deref(), Some(meant));
        }
    }
}
