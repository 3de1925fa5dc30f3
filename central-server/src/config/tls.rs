//! Whether and how the connection to the database is encrypted: `sslmode`, `DATABASE_SSL`, `DATABASE_SSL_CA…`.
//!
//! To a public host in production it always is. Supabase's certificates chain to a root of its own, so without that
//! root there is nothing to check them against: the server then starts, encrypts, and says so each time.

use std::io::{self, Read as _};

use super::database::Tls;
use super::reader::{Reader, Refused};
use super::{Mode, url};

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
            _ => {
                Err(r
                    .refuse("DATABASE_URL", "sslmode : disable, prefer, require, verify-ca ou verify-full est attendu"))
            }
        }
    }
}

/// `DATABASE_SSL`, and the first root certificate of `DATABASE_SSL_CA`, `_FILE`, `_PATH`.
pub(super) fn read_wish(r: &mut Reader) -> Result<Wish, Refused> {
    let encrypt = r.flag("DATABASE_SSL");
    let text = match r.text("DATABASE_SSL_CA") {
        // Forms that take one line only make people write the line breaks as \n.
        Ok(Some(text)) => certificates(text.replace("\\n", "\n")).map(Some).map_err(|fault| {
            r.refuse("DATABASE_SSL_CA", format!("{fault} ; pour un chemin de fichier, il y a DATABASE_SSL_CA_FILE"))
        }),
        other => other,
    };
    let file = ca_file(r, "DATABASE_SSL_CA_FILE");
    let path = ca_file(r, "DATABASE_SSL_CA_PATH");
    let (encrypt, text, file, path) = (encrypt?, text?, file?, path?);
    if [&text, &file, &path].iter().filter(|ca| ca.is_some()).count() > 1 {
        r.warn(
            "DATABASE_SSL_CA",
            "plusieurs certificats donnés ; l'ordre est DATABASE_SSL_CA, _FILE, _PATH, le premier sert",
        );
    }
    Ok(Wish { encrypt, ca_pem: text.or(file).or(path) })
}

/// The certificates in the file that a variable names.
pub(super) fn ca_file(r: &mut Reader, variable: &'static str) -> Result<Option<String>, Refused> {
    let Some(path) = r.text(variable)? else {
        return Ok(None);
    };
    if path.contains("-----BEGIN ") {
        let other =
            if variable.starts_with("DATABASE") { " ; le texte du certificat va dans DATABASE_SSL_CA" } else { "" };
        return Err(r.refuse(variable, format!("un chemin de fichier est attendu{other}")));
    }
    match read_file(&path) {
        Ok(text) => {
            certificates(text).map(Some).map_err(|fault| r.refuse(variable, format!("le fichier {path} : {fault}")))
        }
        Err(error) => Err(r.refuse(variable, format!("le fichier {path} n'est pas lisible ({error})"))),
    }
}

/// `SSL_CERT_FILE`: authorities that are believed beside the public ones, by all that goes out over https. Other programs
/// know this variable too, so a file that is not there is no reason not to start.
pub(super) fn authorities(r: &mut Reader) -> Result<Option<String>, Refused> {
    const VARIABLE: &str = "SSL_CERT_FILE";
    let Some(path) = r.text(VARIABLE)? else { return Ok(None) };
    let read = read_file(&path).map_err(|error| format!("n'est pas lisible ({error})"));
    match read.and_then(|text| certificates(text).map_err(|fault| format!(": {fault}"))) {
        Ok(text) => Ok(Some(text)),
        Err(fault) => {
            r.warn(VARIABLE, format!("le fichier {path} {fault} ; seules les autorités publiques seront crues"));
            Ok(None)
        }
    }
}

/// The text of a file, if it is one that can hold certificates: a start must not wait for a pipe into which nobody
/// writes, nor read a device without an end.
fn read_file(path: &str) -> io::Result<String> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("ce n'est pas un fichier"));
    }
    let mut text = String::new();
    std::fs::File::open(path)?.take(LARGEST_CA + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LARGEST_CA {
        return Err(io::Error::other("trop grand pour des certificats"));
    }
    Ok(text)
}

/// The text if it holds certificates; else the end of a sentence.
fn certificates(text: String) -> Result<String, &'static str> {
    if text.contains("PRIVATE KEY-----") {
        Err("contient une clé privée ; seul le certificat racine est attendu ici")
    } else if text.contains("-----BEGIN CERTIFICATE-----") && text.contains("-----END CERTIFICATE-----") {
        Ok(text)
    } else {
        Err("un certificat PEM est attendu, de « -----BEGIN CERTIFICATE----- » à « -----END CERTIFICATE----- »")
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
            return Err(r.refuse(
                "DATABASE_URL",
                "sslmode=disable n'est pas admis en production vers un hôte public : le mot de passe passerait en clair",
            ));
        }
        (Mode::Production, false) => true,
        (Mode::Production, true) => !refused && (asked || wish.ca_pem.is_some()),
        (Mode::Development, private) => !refused && (asked || !private),
    };
    if !encrypted || host.starts_with('/') {
        if r.production() {
            r.warn("DATABASE_URL", "connexion à la base en clair ; admis car l'hôte est local ou privé");
        } else if wish.ca_pem.is_some() {
            r.warn("DATABASE_SSL_CA", "sans effet : connexion en clair ; pour chiffrer, ajouter DATABASE_SSL=true");
        }
        return Ok(Tls::Off);
    }
    if wish.encrypt == Some(false) {
        r.warn("DATABASE_SSL", "« false » est sans effet : la connexion vers cet hôte est chiffrée");
    }
    if let Some(ca_pem) = wish.ca_pem.or_else(|| pasted_root(r, sslrootcert)) {
        return Ok(Tls::Verified { ca_pem });
    }
    let despite = if sslmode == Some(SslMode::Verify) { ", bien que sslmode le demande" } else { "" };
    r.warn(
        "DATABASE_SSL_CA",
        format!(
            "non définie : la connexion à la base est chiffrée mais le certificat n'est pas vérifié{despite} ; télécharger \
             le certificat racine (Supabase : Settings > Database > SSL Configuration) et le donner dans \
             DATABASE_SSL_CA ou DATABASE_SSL_CA_FILE"
        ),
    );
    Ok(Tls::Unverified)
}

/// The file of the parameter `sslrootcert`. It is often the path of another machine: no reason not to start.
fn pasted_root(r: &mut Reader, path: Option<&str>) -> Option<String> {
    let read = read_file(path?).ok().and_then(|text| certificates(text).ok());
    if read.is_none() {
        r.warn("DATABASE_URL", "le fichier de sslrootcert n'est pas un certificat PEM lisible ici ; il est ignoré");
    }
    read
}
