//! Secrets of sessions and of the second factor.

use super::super::login::is_obvious;
use super::*;

/// The two examples that the guide prints, in halves: whole, they would alarm every secret scanner.
fn published() -> [String; 2] {
    [
        ["a3F5K8mN9pR2sT6vX0yB4dG7hJ1lO3", "qU5wE8zC2fA6iL9nM4oP7rS0tV3xY6bK"].concat(),
        ["X7kL9mN2pQ4rS6", "tU8vW0xY3zA5bC"].concat(),
    ]
}

#[test]
fn jwt_secret_is_judged_by_its_length() {
    for (length, fine) in [(31, false), (32, true), (62, true), (64, true), (88, true)] {
        let environment = with(production(), &[("JWT_SECRET", &random(20, length, BASE64))]);
        if fine {
            let loaded = accepted(&environment);
            assert_eq!(warnings_of(&loaded, "JWT_SECRET").len(), usize::from(length < 64), "{length}");
        } else {
            let problem = refused(&environment, "JWT_SECRET");
            assert!(problem.what.french().contains("31 caractères"), "{problem:?}");
            assert_eq!(problem.command, Some("openssl rand -base64 48"));
        }
    }
}

#[test]
fn mfa_encryption_key_is_judged_by_its_length_as_text() {
    for length in [32, 44, 64] {
        let loaded = accepted(&with(production(), &[("MFA_ENCRYPTION_KEY", &random(21, length, BASE64))]));
        assert_eq!(warnings_of(&loaded, "MFA_ENCRYPTION_KEY"), Vec::<String>::new());
        assert_eq!(loaded.config.mfa_encryption_key.expect("kept").expose().len(), length);
    }
    for length in [1, 28, 31] {
        let problem =
            refused(&with(production(), &[("MFA_ENCRYPTION_KEY", &random(21, length, BASE64))]), "MFA_ENCRYPTION_KEY");
        assert_eq!(problem.command, Some("openssl rand -base64 24"));
    }
}

#[test]
fn the_key_before_is_taken_as_it_was_and_useless_ones_are_remarked() {
    const PREVIOUS: &str = "MFA_ENCRYPTION_KEY_PREVIOUS";
    assert!(accepted(&production()).config.mfa_encryption_key_previous.is_none());
    let key = random(21, 44, BASE64);
    let loaded = accepted(&with(production(), &[(PREVIOUS, &key)]));
    assert_eq!(warnings_of(&loaded, PREVIOUS), Vec::<String>::new());
    assert_eq!(loaded.config.mfa_encryption_key_previous.expect("kept").expose(), key);
    warned(&with(production(), &[("MFA_ENCRYPTION_KEY", &key), (PREVIOUS, &key)]), PREVIOUS, "peut être retirée");
    warned(&with(development(), &[(PREVIOUS, &key)]), PREVIOUS, "sans effet");
}

#[test]
fn keys_of_the_random_key_page_work_for_both() {
    let (one, other) = (random(22, 32, ALPHANUMERIC), random(23, 32, ALPHANUMERIC));
    warned(
        &with(production(), &[("JWT_SECRET", &one), ("MFA_ENCRYPTION_KEY", &other)]),
        "JWT_SECRET",
        "64 sont conseillés",
    );
}

#[test]
fn published_examples_are_refused_whichever_variable_holds_them() {
    for variable in ["JWT_SECRET", "MFA_ENCRYPTION_KEY"] {
        for example in published() {
            let problem = refused(&with(production(), &[(variable, &example)]), variable);
            assert!(problem.what.french().contains("connu de tous"), "{problem:?}");
            assert!(!problem.what.french().contains(&example));
        }
    }
    // Whole values are compared: one character more makes another secret.
    accepted(&with(production(), &[("JWT_SECRET", &format!("{}z", published()[0]))]));
}

#[test]
fn obvious_secrets_are_refused_in_production_and_remarked_in_development() {
    for value in [
        "a".repeat(64),
        "ab".repeat(32),
        "0123456789abcdef".repeat(4),
        "changeme-changeme-changeme-changeme".to_owned(),
        "your-super-secret-jwt-key-change-this-in-production".to_owned(),
        "neopro-secret-key-change-in-production".to_owned(),
        "votre_super_secret_jwt_de_32_chars".to_owned(),
    ] {
        for variable in ["JWT_SECRET", "MFA_ENCRYPTION_KEY"] {
            let environment = with(production(), &[(variable, &value)]);
            let what = refused(&environment, variable).what.french();
            assert!(!what.contains(&value));
            let developing = with(environment, &[("NODE_ENV", "")]);
            // A placeholder is one in development too.
            if !what.contains("exemple") {
                warned(&developing, variable, "refusée en production");
            }
        }
    }
    for value in ["secret", "changeme"] {
        let problem = refused(&with(production(), &[("JWT_SECRET", value)]), "JWT_SECRET");
        assert!(problem.what.french().contains("trop courte"), "{problem:?}");
    }
}

#[test]
fn random_secrets_are_never_called_obvious() {
    for seed in 0..5_000 {
        for (length, alphabet) in [(32, BASE64), (64, BASE64), (32, ALPHANUMERIC), (32, "0123456789abcdef")] {
            let value = random(seed, length, alphabet);
            assert!(!is_obvious(&value), "{value}");
        }
    }
    // Words alone do not make a long random value weak.
    let value = format!("neopro-secret-{}", random(30, 48, ALPHANUMERIC));
    accepted(&with(production(), &[("JWT_SECRET", &value)]));
}

#[test]
fn both_secrets_must_differ() {
    let value = random(24, 64, BASE64);
    for mode in ["production", "development"] {
        let same = [("NODE_ENV", mode), ("JWT_SECRET", &value), ("MFA_ENCRYPTION_KEY", &value)];
        let problem = refused(&with(production(), &same), "MFA_ENCRYPTION_KEY");
        assert!(problem.what.french().contains("JWT_SECRET"), "{problem:?}");
    }
}

#[test]
fn jwt_expires_in_takes_units_or_seconds() {
    for (text, seconds) in [
        ("1", 1),
        ("3600", 3600),
        ("45s", 45),
        ("30m", 1800),
        ("8h", 28_800),
        ("7d", 604_800),
        ("12w", 7_257_600),
        ("90d", 7_776_000),
    ] {
        let loaded = accepted(&with(production(), &[("JWT_EXPIRES_IN", text)]));
        assert_eq!(loaded.config.jwt_expires_in, Duration::from_secs(seconds), "{text}");
    }
    for text in
        ["0", "0d", "-1d", "91d", "13w", "7776001", "99999999999999999999w", "7x", "d", "1.5h", "sept jours", "7 d"]
    {
        refused(&with(production(), &[("JWT_EXPIRES_IN", text)]), "JWT_EXPIRES_IN");
    }
}

#[test]
fn mfa_issuer_may_not_hold_a_colon() {
    assert_eq!(accepted(&with(production(), &[("MFA_ISSUER", "Club & Co")])).config.mfa_issuer, "Club & Co");
    refused(&with(production(), &[("MFA_ISSUER", "Neo:Pro")]), "MFA_ISSUER");
}
