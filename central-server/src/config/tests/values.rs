//! What people paste: quotes, blanks, placeholders, damaged text.

use super::*;

#[test]
fn blanks_quotes_and_the_repeated_name_are_removed_with_a_warning() {
    let key = random(3, 64, BASE64);
    for pasted in [
        format!(" {key}"),
        format!("{key}\n"),
        format!("\"{key}\""),
        format!("'{key}'\r\n"),
        format!("`{key}`"),
        format!("JWT_SECRET={key}"),
        format!("JWT_SECRET=\"{key}\""),
    ] {
        let loaded = warned(&with(production(), &[("JWT_SECRET", &pasted)]), "JWT_SECRET", "étape 6.4");
        assert_eq!(loaded.config.jwt_secret.expect("kept").expose(), key);
        assert!(loaded.warnings.iter().all(|warning| !warning.contains(&key)));
    }
    // One pair only, and nothing inside.
    let quoted = format!("\"'{key}'\"");
    let loaded = accepted(&with(production(), &[("JWT_SECRET", &quoted)]));
    assert_eq!(loaded.config.jwt_secret.expect("kept").expose(), format!("'{key}'"));
    let loaded = accepted(&with(production(), &[("MFA_ISSUER", "Neo Pro")]));
    assert_eq!(loaded.config.mfa_issuer, "Neo Pro");
    assert_eq!(warnings_of(&loaded, "MFA_ISSUER"), Vec::<String>::new());
}

#[test]
fn a_value_with_a_line_break_or_unreadable_text_inside_is_a_problem() {
    for value in ["NeoPro\nPORT=3001", "Neo\u{FFFD}Pro"] {
        refused(&with(production(), &[("MFA_ISSUER", value)]), "MFA_ISSUER");
    }
}

#[test]
fn placeholders_of_the_guide_are_recognised_with_the_step_where_the_value_is_found() {
    let pooler = "aws-0-eu-west-1.pooler.supabase.com:6543/postgres";
    let rows = [
        ("DATABASE_URL", "postgresql://postgres...".to_owned(), "2.2"),
        ("DATABASE_URL", "postgresql://postgres…".to_owned(), "2.2"),
        (
            "DATABASE_URL",
            "postgresql://postgres:[YOUR-PASSWORD]@db.abcdefgh.supabase.co:5432/postgres".to_owned(),
            "2.2",
        ),
        ("DATABASE_URL", format!("postgresql://postgres.[project-ref]:[PASSWORD]@{pooler}?pgbouncer=true"), "2.2"),
        ("DATABASE_URL", format!("postgresql://postgres.[project-ref]:vrai@{pooler}"), "2.2"),
        ("DATABASE_URL", format!("postgresql://postgres.xxx:PASSWORD@{pooler}"), "2.2"),
        ("DATABASE_URL", format!("postgresql://postgres.{PROJECT}:xxxxxx@{pooler}"), "2.2"),
        ("DATABASE_URL", format!("postgresql://postgres.{PROJECT}:VOTRE_MOT_DE_PASSE@{pooler}"), "2.2"),
        ("SUPABASE_URL", "https://xxx.supabase.co".to_owned(), "2.3"),
        ("SUPABASE_URL", "https://abcdefgh.supabase.co".to_owned(), "2.3"),
        ("SUPABASE_URL", "https://[project-ref].supabase.co".to_owned(), "2.3"),
        ("SUPABASE_SERVICE_KEY", "eyJhbGci...".to_owned(), "2.3"),
        ("SUPABASE_SERVICE_KEY", "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9...".to_owned(), "2.3"),
        ("SUPABASE_SERVICE_KEY", "sb_secret_xxxxxxxx".to_owned(), "2.3"),
        ("REDIS_URL", "rediss://default:...".to_owned(), "4.3"),
        ("REDIS_URL", "rediss://default:xxxxxxxxxxxx@eu1-caring-owl-12345.upstash.io:6379".to_owned(), "4.3"),
        ("REDIS_URL", "rediss://default:vrai@xxx.upstash.io:6379".to_owned(), "4.3"),
        ("JWT_SECRET", "(voir ci-dessous)".to_owned(), "6.4"),
        ("JWT_SECRET", "a3F5K8mN9p...".to_owned(), "6.4"),
        ("JWT_SECRET", "(64 caractères tirés au hasard)".to_owned(), "6.4"),
        ("MFA_ENCRYPTION_KEY", "X7kL9mN2pQ...".to_owned(), "6.4"),
        ("MFA_ENCRYPTION_KEY", "x".repeat(32), "6.4"),
        ("ALLOWED_ORIGINS", "https://vrai.fr,https://xxx.onrender.com".to_owned(), "7.6"),
        ("SENDGRID_API_KEY", "SG.xxx...".to_owned(), "Alertes par email"),
        ("SENDGRID_API_KEY", "SG.xxxxx...".to_owned(), "Alertes par email"),
        ("EMAIL_FROM", "noreply@votredomaine.com".to_owned(), "Alertes par email"),
        ("EMAIL_FROM", "NeoPro <votre@email.com>".to_owned(), "Alertes par email"),
        ("SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/...".to_owned(), "Notifications Slack"),
        ("SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/VOTRE/WEBHOOK/URL".to_owned(), "Notifications Slack"),
        ("LOGTAIL_TOKEN", "votre_token".to_owned(), "Logs centralisés (Logtail)"),
        ("LOGTAIL_TOKEN", "xxx...".to_owned(), "Logs centralisés (Logtail)"),
        ("METRICS_TOKEN", "<jeton>".to_owned(), "Référence des variables d'environnement"),
    ];
    for (variable, value, step) in rows {
        let problem = refused(&with(production(), &[(variable, &value)]), variable);
        assert!(problem.what.french().contains("exemple"), "{value}: {problem:?}");
        assert_eq!(problem.step, step, "{value}");
        refused(&with(development(), &[(variable, &value)]), variable);
    }
    // Someone may have written a real password where the example's was.
    for password in ["[monsecretkanari]", "votre_kanari", "<kanari-secret>"] {
        let what =
            refused(&with(production(), &[("DATABASE_URL", &pooler_url(password))]), "DATABASE_URL").what.french();
        assert!(!what.contains("kanari"), "{what}");
    }
}

#[test]
fn the_summary_of_step_2_4_pasted_as_it_stands_gives_one_message_about_all_three() {
    let summary = [
        (
            "DATABASE_URL",
            "postgresql://postgres.[project-ref]:[PASSWORD]@aws-0-eu-west-1.pooler.supabase.com:6543/postgres?pgbouncer=true",
        ),
        ("SUPABASE_URL", "https://abcdefgh.supabase.co"),
        ("SUPABASE_SERVICE_KEY", "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9..."),
    ];
    let problems = read(&with(production(), &summary)).map(|_| ()).expect_err("examples");
    let names: Vec<&str> = problems.0.iter().map(|problem| problem.variable).collect();
    assert_eq!(names, summary.map(|(name, _)| name));
    assert!(problems.0[0].what.french().contains("« [project-ref] », « [PASSWORD] »"), "{problems}");
}

#[test]
fn real_values_are_not_taken_for_placeholders() {
    for seed in 0..2_000 {
        let secret = random(seed, 64, BASE64);
        let with_crosses = format!("{}xxx{}", &secret[..20], &secret[23..]);
        let separated = format!("{}-xxx.xxxx_[ab]@xxx:your.votre{}", &secret[..20], &secret[20..40]);
        for value in [&secret, &with_crosses, &separated] {
            assert_eq!(placeholder::left_in(value, true), Vec::<String>::new(), "{value}");
        }
        let password = random(seed, 12, ALPHANUMERIC);
        let url = pooler_url(&format!("{password}xxx{password}"));
        assert_eq!(placeholder::left_in(&url, true), Vec::<String>::new(), "{url}");
        assert_eq!(placeholder::left_in(&format!("SG.{password}.xxx{secret}"), true), Vec::<String>::new());
    }
    for value in [
        "https://site.xxx",
        "https://votremutuelle.fr,https://yourself.com",
        "https://dashboard.com,https://admin.com",
        "noreply@example.com",
        "Xavier Xx <x@xx.fr>",
        "#alerts-neopro",
        "neopro_central=debug,info",
    ] {
        assert_eq!(placeholder::left_in(value, false), Vec::<String>::new(), "{value}");
    }
}

/// Every example of the guide's tables (6.4 and the reference), with realistic text for what it leaves out.
#[test]
fn the_examples_of_the_guide_filled_in_are_accepted() {
    let fill = |example: &str, rest: &str| format!("{}{rest}", example.trim_end_matches("..."));
    let service_key = production()["SUPABASE_SERVICE_KEY"].clone();
    let rows = [
        ("NODE_ENV", "production".to_owned()),
        ("PORT", "3001".to_owned()),
        (
            "DATABASE_URL",
            "postgresql://postgres.[project-ref]:[YOUR-PASSWORD]@aws-0-eu-west-1.pooler.supabase.com:6543/postgres?pgbouncer=true"
                .replace("[project-ref]", PROJECT)
                .replace("[YOUR-PASSWORD]", &random(8, 16, ALPHANUMERIC)),
        ),
        (
            "DATABASE_URL",
            "postgresql://postgres:[YOUR-PASSWORD]@db.abcdefgh.supabase.co:5432/postgres"
                .replace("[YOUR-PASSWORD]", &random(8, 16, ALPHANUMERIC)),
        ),
        ("SUPABASE_URL", "https://xxx.supabase.co".replace("xxx", PROJECT)),
        ("SUPABASE_SERVICE_KEY", fill("eyJhbGci...", service_key.strip_prefix("eyJhbGci").expect("a JWT"))),
        ("REDIS_URL", fill("rediss://default:...", "AbC123dEf456@eu1-caring-owl-12345.upstash.io:6379")),
        (
            "REDIS_URL",
            "rediss://default:xxxxxxxxxxxx@eu1-caring-owl-12345.upstash.io:6379".replace("xxxxxxxxxxxx", "AbC123dEf456"),
        ),
        ("JWT_SECRET", fill("a3F5K8mN9p...", &random(9, 54, BASE64))),
        ("JWT_EXPIRES_IN", "7d".to_owned()),
        ("MFA_ISSUER", "NeoPro".to_owned()),
        ("MFA_ENCRYPTION_KEY", fill("X7kL9mN2pQ...", &random(10, 22, BASE64))),
        ("ALLOWED_ORIGINS", "https://dashboard.com,https://admin.com".to_owned()),
        ("ALLOWED_ORIGINS", "https://neopro-dashboard.onrender.com".to_owned()),
        ("SENDGRID_API_KEY", "SG.xxx...".replace("xxx...", &random(11, 66, ALPHANUMERIC))),
        ("EMAIL_FROM", "noreply@example.com".to_owned()),
        ("SLACK_WEBHOOK_URL", fill("https://hooks.slack.com/...", "services/T01/B02/AbC123dEf456")),
        ("ALERT_SLACK_CHANNEL", "#alerts-neopro".to_owned()),
        ("LOGTAIL_TOKEN", "xxx...".replace("xxx...", &random(12, 24, ALPHANUMERIC))),
        ("METRICS_ENABLED", "true".to_owned()),
        ("LOG_LEVEL", "info".to_owned()),
    ];
    let mut all = production();
    for (name, value) in rows {
        all.insert(name.to_owned(), value);
        accepted(&all);
    }
    let config = accepted(&all).config;
    assert!(config.mail.is_some() && config.slack.is_some() && config.logtail.is_some() && config.metrics.enabled);
    assert_eq!(config.frontend_url.as_deref(), Some("https://neopro-dashboard.onrender.com"));
}
