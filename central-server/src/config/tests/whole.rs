//! The environment as a whole: defaults, what production needs, one message for everything, the table.

use super::*;

#[test]
fn an_empty_environment_is_development_with_every_default() {
    let Loaded { config, warnings } = accepted(&development());
    assert_eq!(warnings, Vec::<String>::new());
    assert_eq!(config.mode, Mode::Development);
    assert_eq!(config.port, 3001);
    assert_eq!(config.data_dir, PathBuf::from("/home/neopro/.local/share/neopro"));
    assert!(matches!(config.database, Database::Embedded));
    assert_eq!(config.database_pool_size, 10);
    assert!(config.supabase.is_none() && config.redis.is_none() && config.mail.is_none());
    assert!(config.slack.is_none() && config.logtail.is_none() && !config.metrics.enabled);
    assert!(config.jwt_secret.is_none() && config.mfa_encryption_key.is_none());
    assert_eq!(config.jwt_expires_in, Duration::from_secs(7 * 24 * 3600));
    assert_eq!(config.mfa_issuer, "NeoPro");
    assert!(config.allowed_origins.is_empty() && config.public_url.is_none() && config.frontend_url.is_none());
    assert_eq!(config.trusted_proxy_hops, 0);
    assert_eq!(config.log_level, "info");
}

#[test]
fn the_ten_variables_of_the_guide_are_enough_in_production() {
    let Loaded { config, warnings } = accepted(&production());
    assert_eq!(config.mode, Mode::Production);
    assert!(config.supabase.is_some() && config.redis.is_some_and(|redis| redis.tls));
    assert!(config.jwt_secret.is_some() && config.mfa_encryption_key.is_some());
    let about: Vec<&str> = warnings.iter().filter_map(|text| text.split(" : ").next()).collect();
    assert_eq!(about, ["DATABASE_SSL_CA", "ALLOWED_ORIGINS", "PUBLIC_URL", "SENDGRID_API_KEY"]);
}

#[test]
fn production_without_variables_names_the_six_in_one_message_with_steps_and_commands() {
    let problems = read(&with(development(), &[("NODE_ENV", "production")])).map(|_| ()).expect_err("nothing is set");
    let expected = [
        ("DATABASE_URL", "2.2", None),
        ("SUPABASE_URL", "2.3", None),
        ("SUPABASE_SERVICE_KEY", "2.3", None),
        ("REDIS_URL", "4.3", None),
        ("JWT_SECRET", "6.4", Some("openssl rand -base64 48")),
        ("MFA_ENCRYPTION_KEY", "6.4", Some("openssl rand -base64 24")),
    ];
    let found: Vec<_> = problems.0.iter().map(|problem| (problem.variable, problem.step, problem.command)).collect();
    assert_eq!(found, expected);
    let message = problems.to_string();
    assert!(message.starts_with("La configuration contient 6 problèmes"), "{message}");
    for (variable, step, command) in expected {
        assert!(message.contains(variable) && message.contains(&format!("étape {step}")), "{message}");
        assert!(command.is_none_or(|command| message.contains(command)), "{message}");
    }
}

#[test]
fn each_of_the_six_is_missed_alone_and_the_other_four_have_defaults() {
    for variable in VARIABLES.iter().filter(|variable| variable.required && variable.name != "NODE_ENV") {
        for empty in [None, Some(""), Some(" \n")] {
            let mut environment = production();
            environment.remove(variable.name);
            environment.extend(empty.map(|text| (variable.name.to_owned(), text.to_owned())));
            match variable.default {
                None => assert!(refused(&environment, variable.name).what.french().contains("absente ou vide")),
                Some(default) => drop(warned(&environment, variable.name, default)),
            }
        }
    }
}

#[test]
fn everything_wrong_is_told_at_once_and_no_value_with_it() {
    let canary = "Zq7kanari9";
    let environment: Environment = VARIABLES
        .iter()
        .map(|variable| (variable.name.to_owned(), format!("{canary}@{canary} %")))
        .chain([("HOME".to_owned(), "/home/neopro".to_owned())])
        .collect();
    let problems = read(&with(environment, &[("NODE_ENV", "production")])).map(|_| ()).expect_err("all is wrong");
    let names: HashSet<&str> = problems.0.iter().map(|problem| problem.variable).collect();
    assert!(names.len() >= 15, "{problems}");
    let shown = format!("{problems} {problems:?}");
    // The path of a file is no secret.
    let path = format!("{canary}@{canary} %");
    let without_paths = shown.replace(&format!("le fichier {path}"), "").replace(&format!("Text({path:?})"), "");
    assert!(!without_paths.contains(canary), "{shown}");
}

#[test]
fn node_env_knows_two_words() {
    for (value, mode) in [("", Mode::Development), ("development", Mode::Development), ("production", Mode::Production)]
    {
        assert_eq!(accepted(&with(production(), &[("NODE_ENV", value)])).config.mode, mode);
    }
    for value in ["test", "staging", "Production", "prod"] {
        refused(&with(production(), &[("NODE_ENV", value)]), "NODE_ENV");
    }
    // Whoever meant production is told what else it needs.
    let problems = read(&with(development(), &[("NODE_ENV", "prod")])).map(|_| ()).expect_err("prod");
    assert_eq!(problems.0.len(), 7);
    warned(&with(development(), &[("RENDER", "true")]), "NODE_ENV", "étape 6.4");
}

#[test]
fn development_accepts_what_is_missing_but_not_what_is_malformed() {
    for (name, value) in [
        ("PORT", "abc"),
        ("DATABASE_URL", "mysql://nope"),
        ("SUPABASE_URL", "projet"),
        ("SUPABASE_SERVICE_KEY", "clef"),
        ("REDIS_URL", "localhost:6379"),
        ("JWT_SECRET", "trop-court"),
        ("JWT_EXPIRES_IN", "une semaine"),
        ("MFA_ENCRYPTION_KEY", "trop-court"),
        ("ALLOWED_ORIGINS", "https://a.fr/chemin"),
        ("DATABASE_POOL_SIZE", "0"),
        ("TRUSTED_PROXY_HOPS", "11"),
    ] {
        refused(&with(development(), &[(name, value)]), name);
    }
}

#[test]
fn commands_for_the_database_need_only_its_variables() {
    let source = |environment: Environment| move |name: &str| environment.get(name).cloned();
    let nothing_else = with(development(), &[("NODE_ENV", "production"), ("DATABASE_URL", &pooler_url("mot"))]);
    let loaded = DatabaseConfig::read(source(nothing_else)).expect("enough for migrate");
    assert_eq!(loaded.config.mode, Mode::Production);
    assert_eq!(loaded.config.database_pool_size, 10);
    assert!(matches!(loaded.config.database, Database::Url(url) if url.pooled));

    let others_wrong = with(production(), &[("JWT_SECRET", "court"), ("REDIS_URL", "faux"), ("PORT", "x")]);
    DatabaseConfig::read(source(others_wrong)).expect("others do not count");

    let missing = with(production(), &[("DATABASE_URL", "")]);
    let problems = DatabaseConfig::read(source(missing)).map(|_| ()).expect_err("no database");
    assert_eq!(problems.0.iter().map(|problem| problem.variable).collect::<Vec<_>>(), ["DATABASE_URL"]);
}

#[test]
fn the_table_lists_exactly_the_variables_that_are_read() {
    let asked = std::cell::RefCell::new(HashSet::new());
    let environment = production();
    let source = |name: &str| {
        asked.borrow_mut().insert(name.to_owned());
        environment.get(name).cloned()
    };
    let surroundings = Surroundings { now: UNIX_EPOCH, root: false };
    Config::read_in(&source, surroundings).expect("good environment");
    let mut read: HashSet<String> = asked.take();
    // Not ours: they only place the default folders.
    for foreign in ["HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"] {
        assert!(read.remove(foreign));
    }
    let defined: HashSet<String> = VARIABLES.iter().map(|variable| variable.name.to_owned()).collect();
    assert_eq!(read, defined);
    assert_eq!(VARIABLES.len(), defined.len(), "a name stands twice");
    assert_eq!(VARIABLES.iter().filter(|variable| variable.required).count(), 10);
}

#[test]
fn help_describes_every_variable() {
    let help = help();
    for variable in VARIABLES {
        assert!(help.contains(&format!("\n  {}\n      {}\n", variable.name, variable.about)), "{}", variable.name);
        assert!(variable.default.is_none_or(|default| help.contains(&format!("par défaut : {default}\n"))));
    }
    assert!(help.contains("étape 2.2") && help.contains("partie « Alertes par email »"));
}

#[test]
fn debug_output_shows_no_secret() {
    let environment = with(
        production(),
        &[
            ("SENDGRID_API_KEY", &format!("SG.{}", random(5, 60, ALPHANUMERIC))),
            ("EMAIL_FROM", "noreply@example.com"),
            ("SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/T1/B2/kanari"),
            ("LOGTAIL_TOKEN", &random(6, 24, ALPHANUMERIC)),
            ("METRICS_TOKEN", &random(7, 32, ALPHANUMERIC)),
        ],
    );
    let loaded = accepted(&environment);
    let shown = format!("{loaded:?}");
    for variable in VARIABLES.iter().filter(|variable| variable.secret) {
        let value = environment.get(variable.name);
        assert!(value.is_none_or(|value| !shown.contains(value.as_str())), "{}", variable.name);
    }
    assert!(!shown.contains(&random(1, 16, ALPHANUMERIC)), "the database password");
    assert!(shown.contains("•••"));
    assert_eq!(format!("{} {:?}", Secret::new("a"), Secret::new("a")), "••• •••");
}
