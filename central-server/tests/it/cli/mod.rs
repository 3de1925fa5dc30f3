//! The commands, as other processes: what they do, what they say when they cannot, and how they end.

mod accounts;
mod migrate;
mod sessions;
mod start;

use std::process::Output;

use crate::support::program;

/// A database that nobody listens for, at a port of this machine.
fn unreachable(port: u16) -> String {
    format!("postgresql://neopro:{NOT_A_PASSWORD}@127.0.0.1:{port}/neopro")
}

/// Must never be seen in what a command says.
const NOT_A_PASSWORD: &str = "nobodys-password-1234";

/// Runs a command on a database: its exit code, and everything that it said.
fn run(url: &str, words: &[&str], input: &str) -> (i32, String) {
    ended(&program::run(words, &[("DATABASE_URL", url)], input))
}

/// How a command ended, and everything that it said.
fn ended(output: &Output) -> (i32, String) {
    (output.status.code().expect("an exit code, not a signal"), program::words(output))
}

#[test]
fn the_command_line_explains_itself() {
    let version = concat!("neopro-central ", env!("CARGO_PKG_VERSION"));
    assert_eq!(ended(&program::run(&["-V"], &[], "")), (0, format!("{version}\n")));
    // The tests' program is built with the dashboard or without it: it has to know which.
    let dist = concat!(env!("CARGO_MANIFEST_DIR"), "/../central-dashboard/dist/central-dashboard/index.html");
    let has = if std::path::Path::new(dist).exists() { "compris" } else { "absent" };
    let (code, said) = ended(&program::run(&["--version"], &[], ""));
    assert_eq!(
        (code, said.trim()),
        (0, format!("{version}\ntableau de bord : {has} dans ce programme (étape 7 du guide)").as_str())
    );
    let (code, said) = ended(&program::run(&["--help"], &[], ""));
    assert_eq!(code, 0);
    for word in ["serve", "migrate", "create-admin", "grant-role", "reset-mfa", "openapi", "DATABASE_URL", "étape 2.2"]
    {
        assert!(said.contains(word), "{word} is missing in: {said}");
    }
    for wrong in [&[][..], &["serv"], &["serve", "now"], &["migrate", "--print", "all"], &["grant-role", "a@b.test"]] {
        let (code, said) = ended(&program::run(wrong, &[], ""));
        assert_eq!(code, 2, "{wrong:?}: {said}");
    }
}

#[test]
fn a_database_out_of_reach_is_a_sentence_without_the_password() {
    let url = unreachable(program::free_port());
    let create = ["create-admin", "--email", "a@b.test", "--full-name", "A", "--password-stdin"];
    for words in
        [&["migrate"][..], &create, &["grant-role", "a@b.test", "admin"], &["reset-mfa", "--email", "a@b.test"]]
    {
        let (code, said) = run(&url, words, "Tir au but 7\n");
        assert_eq!(code, 1, "{words:?}: {said}");
        assert!(said.contains("Connection refused") && said.contains("127.0.0.1:"), "{words:?}: {said}");
        assert!(said.contains("étape 2.2"), "{words:?}: {said}");
        assert!(!said.contains(NOT_A_PASSWORD) && !said.contains("Tir au but"), "{words:?}: {said}");
    }
}
