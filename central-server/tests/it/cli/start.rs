//! `serve` where it cannot start: one message with everything in it, at once, and without a single secret.

use std::net::TcpListener;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::{NOT_A_PASSWORD, ended, unreachable};
use crate::guide::document::Document;
use crate::guide::{borrowed, variables};
use crate::support::program;

/// Starts `serve`, which has to end by itself: its exit code, what it said, and after how long.
fn refused(variables: &[(&str, &str)]) -> (i32, String, Duration) {
    let start = Instant::now();
    let mut child = program::neopro(&["serve"], variables)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    while child.try_wait().expect("a status").is_none() {
        if start.elapsed() > Duration::from_secs(10) {
            child.kill().expect("it can be killed");
            panic!("the server runs: {}", program::words(&child.wait_with_output().expect("its words")));
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let elapsed = start.elapsed();
    let (code, said) = ended(&child.wait_with_output().expect("its words"));
    (code, said, elapsed)
}

/// The variables that a message has a numbered problem for, in its order.
fn problems(said: &str) -> Vec<&str> {
    let numbered =
        said.lines().filter_map(|line| line.split_once(". ").filter(|(number, _)| number.parse::<u8>().is_ok()));
    numbered.filter_map(|(_, rest)| rest.split_once(" : ").map(|(name, _)| name)).collect()
}

#[test]
fn production_with_nothing_set_is_told_everything_at_once() {
    let (code, said, elapsed) = refused(&[("NODE_ENV", "production")]);
    assert_eq!(code, 1, "{said}");
    assert_eq!(
        problems(&said),
        ["DATABASE_URL", "SUPABASE_URL", "SUPABASE_SERVICE_KEY", "REDIS_URL", "JWT_SECRET", "MFA_ENCRYPTION_KEY"]
    );
    assert!(said.starts_with("La configuration contient 6 problèmes"), "{said}");
    for step in
        ["étape 2.2", "étape 2.3", "étape 4.3", "étape 6.4", "openssl rand -base64 48", "openssl rand -base64 24"]
    {
        assert!(said.contains(step), "{step} is missing in: {said}");
    }
    assert!(elapsed < Duration::from_secs(1), "{elapsed:?}");
}

#[test]
fn the_summary_of_step_2_4_as_it_stands_is_not_filled_in() {
    let guide = Document::original();
    let summary: Vec<(&str, &str)> =
        guide.section("2.4.").block("").lines().map(|line| line.split_once('=').expect("NAME=value")).collect();
    assert_eq!(
        summary.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
        ["DATABASE_URL", "SUPABASE_URL", "SUPABASE_SERVICE_KEY"]
    );

    let own = variables("embedded");
    let mut pasted = borrowed(&own);
    pasted.retain(|(name, _)| !summary.iter().any(|(pasted, _)| pasted == name));
    pasted.extend(&summary);
    let (code, said, elapsed) = refused(&pasted);
    assert_eq!(code, 1, "{said}");
    assert_eq!(problems(&said), ["DATABASE_URL", "SUPABASE_URL", "SUPABASE_SERVICE_KEY"], "{said}");
    assert!(said.contains("[project-ref]") && said.contains("[PASSWORD]"), "what is to be replaced: {said}");
    assert!(elapsed < Duration::from_secs(1), "{elapsed:?}");
    for (name, value) in
        own.iter().filter(|(name, _)| ["REDIS_URL", "JWT_SECRET", "MFA_ENCRYPTION_KEY"].contains(&name.as_str()))
    {
        assert!(!said.contains(value), "the value of {name} is said: {said}");
    }
}

#[test]
fn each_mandatory_variable_that_is_missing_is_named_with_its_step() {
    let own = variables("embedded");
    for (missing, step) in [
        ("DATABASE_URL", "2.2"),
        ("SUPABASE_URL", "2.3"),
        ("SUPABASE_SERVICE_KEY", "2.3"),
        ("REDIS_URL", "4.3"),
        ("JWT_SECRET", "6.4"),
        ("MFA_ENCRYPTION_KEY", "6.4"),
    ] {
        let mut rest = borrowed(&own);
        rest.retain(|(name, _)| *name != missing);
        for empty in [false, true] {
            if empty {
                rest.push((missing, "  "));
            }
            let (code, said, _) = refused(&rest);
            assert_eq!((code, problems(&said)), (1, vec![missing]), "{said}");
            assert!(said.contains(&format!("étape {step}")), "{missing}: {said}");
        }
    }
}

#[test]
fn a_value_that_is_refused_is_not_repeated() {
    let values = [
        ("DATABASE_URL", format!("mysql://neopro:{NOT_A_PASSWORD}@db.example.com/neopro")),
        ("SUPABASE_SERVICE_KEY", format!("anything-{NOT_A_PASSWORD}")),
        ("REDIS_URL", format!("redis-cli -u rediss://default:{NOT_A_PASSWORD}@no-host.upstash.io:6379")),
        ("JWT_SECRET", NOT_A_PASSWORD.to_owned()),
        ("MFA_ENCRYPTION_KEY", NOT_A_PASSWORD.to_owned()),
        ("SENDGRID_API_KEY", NOT_A_PASSWORD.to_owned()),
        ("SLACK_WEBHOOK_URL", format!("https:/{NOT_A_PASSWORD}")),
        ("METRICS_TOKEN", NOT_A_PASSWORD.to_owned()),
    ];
    let mut given: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
    given.push(("NODE_ENV", "production"));
    let (code, said, _) = refused(&given);
    assert_eq!(code, 1);
    let named = problems(&said);
    for name in
        ["DATABASE_URL", "SUPABASE_SERVICE_KEY", "REDIS_URL", "JWT_SECRET", "MFA_ENCRYPTION_KEY", "SLACK_WEBHOOK_URL"]
    {
        assert!(named.contains(&name), "{name} is missing in: {said}");
    }
    assert!(!said.contains(NOT_A_PASSWORD), "{said}");
    // A badly written password is as bad as a badly written scheme.
    for url in [
        format!("postgresql://neopro:{NOT_A_PASSWORD}/x?y#z@db.example.com:6543/postgres"),
        format!("postgresql://neopro:[{NOT_A_PASSWORD}]@db.example.com:6543/postgres"),
        format!("postgresql://neopro:{NOT_A_PASSWORD}@db.example.com:no-port/postgres"),
        format!("psql \"postgresql://neopro:{NOT_A_PASSWORD}@db.example.com:6543/postgres\""),
    ] {
        let (code, said, _) = refused(&[("NODE_ENV", "production"), ("DATABASE_URL", &url)]);
        assert!(code == 1 && problems(&said).contains(&"DATABASE_URL"), "{said}");
        assert!(!said.contains(NOT_A_PASSWORD), "{said}");
    }
}

#[test]
fn a_port_that_is_taken_or_unreadable_is_named() {
    let url = unreachable(program::free_port());
    let taken = TcpListener::bind("0.0.0.0:0").expect("a port");
    let port = taken.local_addr().expect("its address").port().to_string();
    let (code, said, _) = refused(&[("DATABASE_URL", &url), ("PORT", &port)]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains(&format!("Le port {port} est déjà utilisé")) && said.contains("PORT"), "{said}");
    for wrong in ["abc", "0", "70000", "3001a", "-1"] {
        let (code, said, _) = refused(&[("DATABASE_URL", &url), ("PORT", wrong)]);
        assert_eq!((code, problems(&said)), (1, vec!["PORT"]), "{wrong}: {said}");
    }
}
