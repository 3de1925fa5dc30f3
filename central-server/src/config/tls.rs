//! Whether and how the connection to the database is encrypted: `sslmode`, `DATABASE_SSL`, `DATABASE_SSL_CA…`.
//!
//! To a public host in production it always is. Supabase's certificates chain to a root of its own, so without that
//! root there is nothing to check them against: the server then starts, encrypts, and says so each time.

use std::io::Read as _;

use super::database::Tls;
use super::reader::{Reader, Refused};
use super::{Mode, url, words};
use crate::words::{Said, Words};

/// The largest file of certificates that is read: four times all public authorities together.
const LARGEST_CA: u64 = 1024 * 1024;

/// What the `DATABASE_SSL…` variables ask for, whatever the URL says.
#[derive(Debug)]
pub(super) struct Wish {
    /// `DATABASE_SSL`.
    encrypt: Option<bool>,
    /// Root certificates, PEM.
    ca_pem: Option<String>,
}

/// The parameter `sslmode`, as far as its values differ here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SslMode {
    /// `disable`
    Never,
    /// `allow`, `prefer`: no wish of its own.
    Either,
    /// `require`, and `no-verify` of the JavaScript driver.
    Always,
    /// `verify-ca`, `verify-full`.
    Verify,
}

impl SslMode {
    pub fn read(r: &mut Reader, text: &str) -> Result<Self, Refused> {
        match text {
            "disable" => Ok(Self::Never),
            "allow" | "prefer" => Ok(Self::Either),
            "require" | "no-verify" => Ok(Self::Always),
            "verify-ca" | "verify-full" => Ok(Self::Verify),
            _ => Err(r.refuse("DATABASE_URL", words::BAD_SSLMODE)),
        }
    }
}

/// `DATABASE_SSL`, and the first root certificate of `DATABASE_SSL_CA`, `_FILE`, `_PATH`.
pub(super) fn read_wish(r: &mut Reader) -> Result<Wish, Refused> {
    let encrypt = r.flag("DATABASE_SSL");
    let text = match r.text("DATABASE_SSL_CA") {
        // Forms that take one line only make people write the line breaks as \n.
        Ok(Some(text)) => certificates(text.replace("\\n", "\n"))
            .map(Some)
            .map_err(|fault| r.refuse("DATABASE_SSL_CA", Said::new(words::CA_IS_NO_TEXT).with_words("fault", fault))),
        other => other,
    };
    let file = ca_file(r, "DATABASE_SSL_CA_FILE");
    let path = ca_file(r, "DATABASE_SSL_CA_PATH");
    let (encrypt, text, file, path) = (encrypt?, text?, file?, path?);
    if [&text, &file, &path].iter().filter(|ca| ca.is_some()).count() > 1 {
        r.warn("DATABASE_SSL_CA", words::SEVERAL_CAS);
    }
    Ok(Wish { encrypt, ca_pem: text.or(file).or(path) })
}

/// The certificates in the file that a variable names.
pub(super) fn ca_file(r: &mut Reader, variable: &'static str) -> Result<Option<String>, Refused> {
    let Some(path) = r.text(variable)? else {
        return Ok(None);
    };
    if path.contains("-----BEGIN ") {
        let of_database = variable.starts_with("DATABASE");
        return Err(r.refuse(variable, if of_database { words::NOT_A_PATH_OF_DATABASE } else { words::NOT_A_PATH }));
    }
    of_file(&path).map(Some).map_err(|fault| r.refuse(variable, fault))
}

/// `SSL_CERT_FILE`: authorities that are believed beside the public ones, by all that goes out over https. Other programs
/// know this variable too, so a file that is not there is no reason not to start.
pub(super) fn authorities(r: &mut Reader) -> Result<Option<String>, Refused> {
    const VARIABLE: &str = "SSL_CERT_FILE";
    let Some(path) = r.text(VARIABLE)? else { return Ok(None) };
    match of_file(&path) {
        Ok(text) => Ok(Some(text)),
        Err(fault) => {
            r.warn(VARIABLE, Said::new(words::FILE_NOT_BELIEVED).with_words("fault", fault));
            Ok(None)
        }
    }
}

/// The certificates in this file; else a sentence.
fn of_file(path: &str) -> Result<String, Said> {
    let said = |words, fault: Said| Said::new(words).with("path", path).with_words("fault", fault);
    let text = read_file(path).map_err(|fault| said(words::UNREADABLE_FILE, fault))?;
    certificates(text).map_err(|fault| said(words::BAD_FILE, fault.into()))
}

/// The text of a file, if it is one that can hold certificates: a start must not wait for a pipe into which nobody
/// writes, nor read a device without an end.
fn read_file(path: &str) -> Result<String, Said> {
    if !std::fs::metadata(path).map_err(words::as_it_is)?.is_file() {
        return Err(words::NO_FILE.into());
    }
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(words::as_it_is)?;
    file.take(LARGEST_CA + 1).read_to_string(&mut text).map_err(words::as_it_is)?;
    if text.len() as u64 > LARGEST_CA {
        return Err(words::LARGE_FILE.into());
    }
    Ok(text)
}

/// The text if it holds certificates; else the end of a sentence.
fn certificates(text: String) -> Result<String, Words> {
    if text.contains("PRIVATE KEY-----") {
        Err(words::PRIVATE_KEY)
    } else if text.contains("-----BEGIN CERTIFICATE-----") && text.contains("-----END CERTIFICATE-----") {
        Ok(text)
    } else {
        Err(words::NOT_PEM)
    }
}

/// How to speak to `host`, with a warning for everything short of a checked certificate.
pub(super) fn choose(
    r: &mut Reader,
    host: &str,
    sslmode: Option<SslMode>,
    sslrootcert: Option<&str>,
    wish: Wish,
) -> Result<Tls, Refused> {
    let asked = matches!(sslmode, Some(SslMode::Always | SslMode::Verify)) || wish.encrypt == Some(true);
    let refused = sslmode == Some(SslMode::Never);
    let encrypted = match (r.mode(), url::is_private(host)) {
        (Mode::Production, false) if refused => {
            return Err(r.refuse("DATABASE_URL", words::PLAIN_TO_PUBLIC));
        }
        (Mode::Production, false) => true,
        (Mode::Production, true) => !refused && (asked || wish.ca_pem.is_some()),
        (Mode::Development, private) => !refused && (asked || !private),
    };
    if !encrypted || host.starts_with('/') {
        if r.production() {
            r.warn("DATABASE_URL", words::PLAIN_TO_PRIVATE);
        } else if wish.ca_pem.is_some() {
            r.warn("DATABASE_SSL_CA", words::CA_WITHOUT_TLS);
        }
        return Ok(Tls::Off);
    }
    if wish.encrypt == Some(false) {
        r.warn("DATABASE_SSL", words::TLS_ALL_THE_SAME);
    }
    if let Some(ca_pem) = wish.ca_pem.or_else(|| pasted_root(r, sslrootcert)) {
        return Ok(Tls::Verified { ca_pem });
    }
    let is_asked = sslmode == Some(SslMode::Verify);
    r.warn("DATABASE_SSL_CA", if is_asked { words::NO_CA_ALTHOUGH_ASKED } else { words::NO_CA });
    Ok(Tls::Unverified)
}

/// The file of the parameter `sslrootcert`. It is often the path of another machine: no reason not to start.
fn pasted_root(r: &mut Reader, path: Option<&str>) -> Option<String> {
    let read = read_file(path?).ok().and_then(|text| certificates(text).ok());
    if read.is_none() {
        r.warn("DATABASE_URL", words::NO_ROOTCERT);
    }
    read
}
