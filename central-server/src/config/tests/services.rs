//! Supabase and Redis.

use super::*;

#[test]
fn supabase_url_is_brought_into_its_normal_form() {
    for value in [
        format!("https://{PROJECT}.supabase.co"),
        format!("https://{PROJECT}.supabase.co/"),
        format!("HTTPS://{}.Supabase.co:443", PROJECT.to_uppercase()),
        format!("https://{PROJECT}.supabase.co/rest/v1/"),
    ] {
        let config = accepted(&with(production(), &[("SUPABASE_URL", &value)])).config;
        assert_eq!(config.supabase.expect("set").url, format!("https://{PROJECT}.supabase.co"));
    }
    accepted(&with(production(), &[("SUPABASE_URL", "https://base.monclub.fr")]));
    for value in [
        "http://base.monclub.fr",
        "base.monclub.fr",
        "ftp://base.monclub.fr",
        "https://supabase.com/dashboard/project/qwhzkvbnmrtplsdfgjxy",
        "https://base.monclub.fr/autre",
        "https://base.monclub.fr?x=1",
        "https://u:p@base.monclub.fr",
    ] {
        let problem = refused(&with(production(), &[("SUPABASE_URL", value)]), "SUPABASE_URL");
        assert_eq!(problem.step, "2.3");
    }
    warned(&with(production(), &[("SUPABASE_URL", "http://127.0.0.1:54321")]), "SUPABASE_URL", "local ou privé");
    let developing = [("NODE_ENV", ""), ("SUPABASE_URL", "http://base.monclub.fr")];
    accepted(&with(production(), &developing));
}

#[test]
fn the_service_key_must_be_one() {
    let good = [
        service_key(r#"{"role":"service_role"}"#),
        service_key(&format!(r#"{{"role":"service_role","exp":{}}}"#, NOW + 1)),
        format!("sb_secret_{}", random(40, 31, ALPHANUMERIC)),
    ];
    for key in good {
        let config = accepted(&with(production(), &[("SUPABASE_SERVICE_KEY", &key)])).config;
        assert_eq!(config.supabase.expect("set").service_key.expose(), key);
    }
    let whole = service_key(r#"{"role":"service_role"}"#);
    let cut = whole.rsplit_once('.').expect("three parts").0;
    for (key, fragment) in [
        (service_key(r#"{"role":"anon"}"#), "clé anon"),
        (service_key(r#"{"role":"authenticated"}"#), "service_role"),
        (service_key(r#"{"ref":"x"}"#), "service_role"),
        (service_key(&format!(r#"{{"role":"service_role","exp":{NOW}}}"#)), "expiré"),
        (service_key("pas du JSON"), "illisible"),
        (service_key("[1]"), "illisible"),
        (cut.to_owned(), "illisible"),
        (format!("{cut}."), "illisible"),
        ("eyJ.@@@.x".to_owned(), "illisible"),
        (format!("sb_publishable_{}", random(41, 31, ALPHANUMERIC)), "clé publique"),
        ("sb_secret_court".to_owned(), "illisible"),
        ("n'importe quoi".to_owned(), "illisible"),
    ] {
        for mode in ["production", "development"] {
            let environment = with(production(), &[("NODE_ENV", mode), ("SUPABASE_SERVICE_KEY", &key)]);
            let problem = refused(&environment, "SUPABASE_SERVICE_KEY");
            assert!(problem.what.french().contains(fragment) && !problem.what.french().contains(&key), "{problem:?}");
            assert_eq!(problem.step, "2.3");
        }
    }
}

#[test]
fn different_projects_are_remarked() {
    let other = "aaaabbbbccccddddeeee";
    let url = format!("https://{other}.supabase.co");
    let key = service_key(&format!(r#"{{"role":"service_role","ref":"{other}"}}"#));
    let pooler = pooler_url("mot").replace(PROJECT, other);
    let direct = format!("postgresql://postgres:mot@db.{other}.supabase.co:5432/postgres");
    for (name, value) in
        [("SUPABASE_URL", &url), ("SUPABASE_SERVICE_KEY", &key), ("DATABASE_URL", &pooler), ("DATABASE_URL", &direct)]
    {
        let loaded = warned(&with(production(), &[(name, value)]), "SUPABASE_URL", "projets Supabase différents");
        assert!(warnings_of(&loaded, "SUPABASE_URL")[0].contains(&format!("« {other} » dans {name}")));
    }
    let all = [("SUPABASE_URL", url.as_str()), ("SUPABASE_SERVICE_KEY", &key), ("DATABASE_URL", &pooler)];
    assert_eq!(warnings_of(&accepted(&with(production(), &all)), "SUPABASE_URL"), Vec::<String>::new());
    // Nothing to compare with a domain, a key and a database of one's own.
    let own = [
        ("SUPABASE_URL", "https://base.monclub.fr"),
        ("SUPABASE_SERVICE_KEY", &service_key(r#"{"role":"service_role"}"#)),
        ("DATABASE_URL", "embedded"),
    ];
    assert_eq!(warnings_of(&accepted(&with(production(), &own)), "SUPABASE_URL"), Vec::<String>::new());
}

#[test]
fn in_development_half_of_supabase_is_none_and_remarked() {
    let whole = production();
    let half = |name: &str| with(development(), &[(name, &whole[name])]);
    assert!(warned(&half("SUPABASE_URL"), "SUPABASE_SERVICE_KEY", "étape 2.3").config.supabase.is_none());
    assert!(warned(&half("SUPABASE_SERVICE_KEY"), "SUPABASE_URL", "étape 2.3").config.supabase.is_none());
}

#[test]
fn redis_is_encrypted_or_remarked() {
    for (url, tls, remark) in [
        ("rediss://default:jeton@eu1-caring-owl-12345.upstash.io:6379", true, None),
        ("rediss://redis.monclub.fr", true, None),
        ("redis://localhost:6379/0", false, None),
        ("redis://:jeton@10.0.0.5:6379", false, None),
        ("redis://redis:6379", false, None),
        ("redis://default:jeton@redis.monclub.fr:6379", false, Some("en clair")),
    ] {
        let loaded = accepted(&with(production(), &[("REDIS_URL", url)]));
        let redis = loaded.config.redis.as_ref().expect("set");
        assert_eq!((redis.tls, redis.url.expose()), (tls, url));
        let warnings = warnings_of(&loaded, "REDIS_URL");
        assert_eq!(warnings.len(), usize::from(remark.is_some()), "{url}: {warnings:?}");
        assert!(remark.is_none_or(|remark| warnings[0].contains(remark) && warnings[0].contains("étape 4.3")));
        let developing = with(development(), &[("REDIS_URL", url)]);
        assert_eq!(warnings_of(&accepted(&developing), "REDIS_URL"), Vec::<String>::new());
    }
}

#[test]
fn upstash_is_always_spoken_to_with_tls() {
    let loaded = warned(
        &with(production(), &[("REDIS_URL", "redis://default:jeton@eu1-caring-owl-12345.upstash.io:6379")]),
        "REDIS_URL",
        "rediss://",
    );
    let redis = loaded.config.redis.expect("set");
    assert!(redis.tls);
    assert_eq!(redis.url.expose(), "rediss://default:jeton@eu1-caring-owl-12345.upstash.io:6379");
}

#[test]
fn wrong_pastes_of_redis_say_the_expected_form_and_the_step() {
    for value in [
        "redis-cli -u rediss://default:kanari@eu1-caring-owl-12345.upstash.io:6379",
        "redis-cli --tls -u \"redis://default:kanari@eu1-caring-owl-12345.upstash.io:6379\"",
        "\"rediss://default:kanari@eu1-caring-owl-12345.upstash.io:6379",
        "https://eu1-kanari-owl-12345.upstash.io",
        "eu1-kanari-owl-12345.upstash.io:6379",
        "eu1-kanari-owl-12345.upstash.io",
        "unix:///run/kanari.sock",
        "Rediss//kanari",
        "rediss://default:kan@ri@eu1.upstash.io:6379",
        "rediss://default:kanari@eu1.upstash.io:port",
        "rediss://default:kanari@:6379",
        "rediss://default:kanari@eu1.upstash.io:6379/#insecure",
        "rediss://default:kanari@eu1.upstash.io:6379/base",
    ] {
        for environment in [production(), development()] {
            let problem = refused(&with(environment, &[("REDIS_URL", value)]), "REDIS_URL");
            assert!(
                problem.what.french().contains("rediss://default:<jeton>@") && problem.step == "4.3",
                "{problem:?}"
            );
            assert!(!problem.what.french().contains("kan"), "{problem:?}");
        }
    }
    // Quotes on both sides are taken off, with the same hint.
    let quoted = "\"rediss://default:jeton@eu1-caring-owl-12345.upstash.io:6379\"";
    let loaded = warned(&with(production(), &[("REDIS_URL", quoted)]), "REDIS_URL", "étape 4.3");
    assert!(warnings_of(&loaded, "REDIS_URL")[0].contains("forme attendue : rediss://"));
}
