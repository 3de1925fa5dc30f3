//! A certificate authority of our own, as Supabase has one, and what it signs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use data_encoding::BASE64;
use sha2::{Digest as _, Sha256};

use super::give_to_database;

/// An authority.
pub struct Authority {
    folder: PathBuf,
    /// Its certificate, PEM.
    pub root: PathBuf,
    key: PathBuf,
}

/// A certificate and its key, PEM.
#[derive(Debug, Clone)]
pub struct Certificate {
    pub chain: PathBuf,
    pub key: PathBuf,
    /// The same key for the account of the database, which may be another.
    pub key_of_database: PathBuf,
}

impl Authority {
    /// A new one.
    pub fn new(folder: &Path, name: &str) -> Self {
        let file = format!("authority-{}", name.len());
        let (root, key) = (folder.join(format!("{file}.pem")), folder.join(format!("{file}.key")));
        let extensions = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n";
        request(folder, &file, name, extensions, &root, &key, None);
        Self { folder: folder.to_owned(), root, key }
    }

    /// Signs a certificate for these hosts.
    pub fn issue(&self, file: &str, hosts: &[String]) -> Certificate {
        let (chain, key) = (self.folder.join(format!("{file}.pem")), self.folder.join(format!("{file}.key")));
        let named: Vec<String> = hosts.iter().map(|host| format!("DNS:{host}")).collect();
        let extensions = format!(
            "basicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth\nsubjectAltName={}\n",
            named.join(",")
        );
        request(&self.folder, file, "services", &extensions, &chain, &key, Some(self));
        let key_of_database = self.folder.join(format!("{file}-database.key"));
        fs::copy(&key, &key_of_database).expect("a copy of the key");
        give_to_database(&key_of_database);
        Certificate { chain, key, key_of_database }
    }
}

impl Certificate {
    /// What a browser knows its key by: the hash of its public half.
    pub fn mark(&self) -> String {
        let key = openssl(&["pkey", "-in", text(&self.key), "-pubout", "-outform", "DER"]);
        BASE64.encode(&Sha256::digest(key))
    }
}

/// A key of its own and a certificate, signed by an authority or by itself.
fn request(
    folder: &Path,
    file: &str,
    name: &str,
    extensions: &str,
    certificate: &Path,
    key: &Path,
    by: Option<&Authority>,
) {
    let settings = folder.join(format!("{file}.cnf"));
    let words = format!(
        "[req]\nprompt=no\nutf8=yes\nstring_mask=utf8only\ndistinguished_name=name\nx509_extensions=extensions\n\
         [name]\nCN={name}\n[extensions]\n{extensions}"
    );
    fs::write(&settings, words).expect("settings");
    let mut arguments = vec!["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc"];
    arguments.extend([
        "-sha256",
        "-days",
        "2",
        "-config",
        text(&settings),
        "-keyout",
        text(key),
        "-out",
        text(certificate),
    ]);
    if let Some(authority) = by {
        arguments.extend(["-CA", text(&authority.root), "-CAkey", text(&authority.key)]);
    }
    openssl(&arguments);
}

fn openssl(arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("openssl").args(arguments).output().expect("the program `openssl`");
    assert!(output.status.success(), "openssl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}
