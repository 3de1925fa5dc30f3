//! Each test gives the reader an environment and looks at what it made of it.

mod database;
mod dotenv;
mod login;
mod notify;
mod services;
mod storage;
mod tls;
mod values;
mod web;
mod whole;

use std::collections::{HashMap, HashSet};
use std::time::{Duration, UNIX_EPOCH};

use super::*;

/// The clock of every test, 2026-01-01.
const NOW: u64 = 1_767_225_600;
const PROJECT: &str = "qwhzkvbnmrtplsdfgjxy";

type Environment = HashMap<String, String>;

/// Text that looks drawn at random and is the same each time; no test holds a secret that a scanner could find.
fn random(seed: u64, length: usize, alphabet: &str) -> String {
    let letters: Vec<char> = alphabet.chars().collect();
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        letters[(state >> 33) as usize % letters.len()]
    };
    std::iter::repeat_with(next).take(length).collect()
}

const BASE64: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const ALPHANUMERIC: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

fn service_key(claims: &str) -> String {
    let encode = |text: &str| data_encoding::BASE64URL_NOPAD.encode(text.as_bytes());
    format!("{}.{}.{}", encode(r#"{"alg":"HS256","typ":"JWT"}"#), encode(claims), encode("signature"))
}

fn pooler_url(password: &str) -> String {
    format!(
        "postgresql://postgres.{PROJECT}:{password}@aws-0-eu-west-1.pooler.supabase.com:6543/postgres?pgbouncer=true"
    )
}

/// The guide's ten variables, filled in, as on a good first deployment.
fn production() -> Environment {
    [
        ("NODE_ENV", "production".to_owned()),
        ("PORT", "3001".to_owned()),
        ("DATABASE_URL", pooler_url(&random(1, 16, ALPHANUMERIC))),
        ("SUPABASE_URL", format!("https://{PROJECT}.supabase.co")),
        (
            "SUPABASE_SERVICE_KEY",
            service_key(&format!(r#"{{"iss":"supabase","ref":"{PROJECT}","role":"service_role","exp":2051222400}}"#)),
        ),
        ("REDIS_URL", format!("rediss://default:{}@eu1-caring-owl-12345.upstash.io:6379", random(2, 32, ALPHANUMERIC))),
        ("JWT_SECRET", random(3, 64, BASE64)),
        ("JWT_EXPIRES_IN", "7d".to_owned()),
        ("MFA_ISSUER", "NeoPro".to_owned()),
        ("MFA_ENCRYPTION_KEY", random(4, 32, BASE64)),
        ("HOME", "/home/neopro".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

fn development() -> Environment {
    [("HOME".to_owned(), "/home/neopro".to_owned())].into()
}

/// `environment` with other values; an empty one removes the variable.
fn with(mut environment: Environment, changes: &[(&str, &str)]) -> Environment {
    for (name, value) in changes {
        environment.insert((*name).to_owned(), (*value).to_owned());
        if value.is_empty() {
            environment.remove(*name);
        }
    }
    environment
}

fn read(environment: &Environment) -> Result<Loaded, Problems> {
    let now = UNIX_EPOCH + Duration::from_secs(NOW);
    Config::read_in(&|name| environment.get(name).cloned(), Surroundings { now, root: false })
}

/// Reads an environment that must be accepted.
fn accepted(environment: &Environment) -> Loaded {
    read(environment).unwrap_or_else(|problems| panic!("not accepted: {problems}"))
}

/// Reads an environment that must be refused because of `variable` alone, and returns that problem.
fn refused(environment: &Environment, variable: &str) -> Problem {
    let problems = read(environment).map(|loaded| loaded.config).expect_err(variable).0;
    assert_eq!(problems.iter().map(|problem| problem.variable).collect::<Vec<_>>(), [variable], "{problems:?}");
    problems.into_iter().next().expect("one problem")
}

/// The warnings that begin with `variable`.
fn warnings_of(loaded: &Loaded, variable: &str) -> Vec<String> {
    let start = format!("{variable} : ");
    loaded.warnings.iter().filter(|warning| warning.starts_with(&start)).cloned().collect()
}

fn warned(environment: &Environment, variable: &str, fragment: &str) -> Loaded {
    let loaded = accepted(environment);
    let warnings = warnings_of(&loaded, variable);
    assert!(warnings.iter().any(|text| text.contains(fragment)), "« {fragment} » not in {:?}", loaded.warnings);
    loaded
}
