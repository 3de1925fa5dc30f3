//! bcrypt hashes, made by others than us, as the site of option B makes them.

use std::process::Command;

use crate::support::Cluster;

/// PostgreSQL's own, `$2a$`, in a database of its own.
pub async fn by_pgcrypto(password: &str) -> String {
    let admin = Cluster::get().empty().await.admin().await;
    admin.batch_execute("create extension pgcrypto").await.expect("pgcrypto (package postgresql-contrib)");
    let row = admin.query_one("select crypt($1, gen_salt('bf', 12))", &[&password]).await.expect("a hash");
    checked(row.get(0), "$2a$12$")
}

/// The C library's, called by perl: `$2b$` or `$2y$`.
pub fn by_perl(prefix: &str, password: &str) -> String {
    let salt = format!("{prefix}12$nothing.but.a.test.22u");
    let output = Command::new("perl").args(["-e", "print crypt($ARGV[0], $ARGV[1])", password, &salt]).output();
    let text = String::from_utf8(output.expect("the program `perl`").stdout).expect("ASCII");
    checked(text, &format!("{prefix}12$"))
}

/// Apache's, by the program that the guide's readers have at hand: `$2y$`. Without a cost it takes 5.
pub fn by_htpasswd(cost: Option<u8>, password: &str) -> String {
    let mut command = Command::new("htpasswd");
    command.arg("-nbB").args(cost.map(|cost| format!("-C{cost}"))).args(["camille", password]);
    let output = command.output().expect("htpasswd, which `cargo xtask test` installs");
    let line = String::from_utf8(output.stdout).expect("ASCII");
    let hash = line.trim().strip_prefix("camille:").expect("name and hash").to_owned();
    checked(hash, &format!("$2y${:02}$", cost.unwrap_or(5)))
}

fn checked(hash: String, prefix: &str) -> String {
    assert!(hash.starts_with(prefix) && hash.len() == 60, "this is no bcrypt hash that begins {prefix}: {hash:?}");
    hash
}
