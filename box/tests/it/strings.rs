//! What is not in the program of a box: it stands in a club, where anybody may take it away and look into it.

use std::collections::BTreeSet;
use std::process::Command;

/// Which of these words the program holds, each once.
fn held(words: &[&str]) -> BTreeSet<String> {
    let found = Command::new("grep")
        .args(["--text", "--only-matching", "--no-filename", "--extended-regexp", &words.join("|")])
        .arg(env!("CARGO_BIN_EXE_neopro-box"))
        .output()
        .expect("the program `grep`");
    String::from_utf8_lossy(&found.stdout).lines().map(str::to_owned).collect()
}

#[test]
fn a_box_knows_its_server_and_no_key_database_or_service_behind_it() {
    let servers = [
        "DATABASE_URL",
        "REDIS_URL",
        "SUPABASE",
        "service_role",
        "JWT_SECRET",
        "MFA_ENCRYPTION_KEY",
        "SENDGRID",
        "SMTP_PASSWORD",
        "SLACK_WEBHOOK",
        "LOGTAIL",
        "S3_SECRET",
        "postgres(ql)?://",
        "rediss?://",
    ];
    assert!(held(&servers).is_empty(), "{:?}", held(&servers));
    // The control: what it does ask for is found in the same way.
    let own = ["CENTRAL_SERVER_URL", "SITE_API_KEY", "SITE_ID"];
    assert_eq!(held(&own), own.map(str::to_owned).into());
}
