//! The mail of a test: what a server in development writes into files.

use neopro_central::jobs::worker;

use super::TestApp;

/// Does what is due, and gives every mail that was ever written, the oldest first.
pub async fn letters(app: &TestApp) -> Vec<String> {
    while worker::round(&app.app).await > 0 {}
    let folder = app.app.mail.folder().expect("mail goes into files");
    let mut paths: Vec<_> =
        std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read_to_string(path).expect("a mail")).collect()
}

/// The token in the link of a mail.
pub fn token_in(letter: &str) -> String {
    let (_, rest) = letter.split_once("?token=").unwrap_or_else(|| panic!("no link in {letter}"));
    rest.chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).collect()
}

/// The token of the newest mail.
pub async fn newest_token(app: &TestApp) -> String {
    token_in(letters(app).await.last().expect("a mail"))
}
