//! `DATABASE_URL`.

use super::*;

pub(super) fn url_of(loaded: &Loaded) -> &DatabaseUrl {
    match &loaded.config.database {
        Database::Url(url) => url,
        Database::Embedded => panic!("embedded"),
    }
}

pub(super) fn in_production(url: &str) -> Environment {
    with(production(), &[("DATABASE_URL", url)])
}

fn in_development(url: &str) -> Environment {
    with(development(), &[("DATABASE_URL", url)])
}

#[test]
fn the_guides_pooler_url_works_as_it_stands() {
    let loaded = accepted(&in_production(&pooler_url("mot-de-passe")));
    let url = url_of(&loaded);
    assert_eq!(url.host, "aws-0-eu-west-1.pooler.supabase.com");
    assert_eq!(url.port, 6543);
    assert_eq!(url.user, format!("postgres.{PROJECT}"));
    assert_eq!(url.password.expose(), "mot-de-passe");
    assert_eq!(url.name, "postgres");
    assert_eq!(url.tls, Tls::Unverified);
    assert!(url.pooled);
    assert_eq!(warnings_of(&loaded, "DATABASE_URL"), Vec::<String>::new());
}

#[test]
fn any_region_both_schemes_and_no_pgbouncer_are_fine() {
    for region in ["aws-1-eu-west-3", "aws-0-mars-north-9", "gcp-0-lune-1"] {
        let url = format!("postgres://postgres.{PROJECT}:mot@{region}.pooler.supabase.com:6543/postgres");
        let loaded = accepted(&in_production(&url));
        assert!(url_of(&loaded).pooled);
        assert_eq!(warnings_of(&loaded, "DATABASE_URL"), Vec::<String>::new());
    }
    assert!(!url_of(&accepted(&in_development("postgres://u:p@localhost/n"))).pooled);
    assert!(url_of(&accepted(&in_development("postgres://u:p@localhost/n?pgbouncer=true"))).pooled);
}

#[test]
fn embedded_is_a_word_in_both_modes() {
    for environment in [production(), development()] {
        let loaded = accepted(&with(environment, &[("DATABASE_URL", "embedded")]));
        assert!(matches!(loaded.config.database, Database::Embedded));
    }
}

#[test]
fn reserved_characters_in_the_password_are_named_and_the_password_is_not() {
    for (password, character, encoded) in [
        ("kan@ri", "« @ »", "%40"),
        ("kan:ri", "« : »", "%3A"),
        ("kan/ri", "« / »", "%2F"),
        ("kan?ri", "« ? »", "%3F"),
        ("kan#ri", "« # »", "%23"),
        ("kan[ri", "« [ »", "%5B"),
        ("kan]ri", "« ] »", "%5D"),
        ("kan%ri", "« % »", "%25"),
        ("kan%4", "« % »", "%25"),
        ("k@n/r?i#", "« @ »", "%40"),
    ] {
        for environment in [in_production(&pooler_url(password)), in_development(&pooler_url(password))] {
            let problem = refused(&environment, "DATABASE_URL");
            assert!(
                problem.what.french().contains(character) && problem.what.french().contains(encoded),
                "{password}: {problem:?}"
            );
            assert_eq!(problem.step, "2.2");
            for piece in password.split(|c: char| !c.is_alphanumeric()).filter(|piece| piece.len() > 2) {
                assert!(!problem.what.french().contains(piece), "{password}: {problem:?}");
            }
        }
        let all: String = password.chars().map(super::super::url::encoded).collect();
        let loaded = accepted(&in_production(&pooler_url(&all)));
        assert_eq!(url_of(&loaded).password.expose(), password);
    }
    let problem = refused(&in_production(&pooler_url("[Kanari123]")), "DATABASE_URL");
    assert!(problem.what.french().contains("crochets") && !problem.what.french().contains("Kanari"), "{problem:?}");
}

#[test]
fn other_characters_in_the_password_are_taken_as_they_are() {
    for password in ["a!$&'()*+,;=-._~b", "é€", "%C3%A9t%C3%A9"] {
        let loaded = accepted(&in_production(&pooler_url(password)));
        let expected = if password.starts_with('%') { "été" } else { password };
        assert_eq!(url_of(&loaded).password.expose(), expected);
    }
    for password in ["%FF", "a%00b"] {
        refused(&in_production(&pooler_url(password)), "DATABASE_URL");
    }
}

#[test]
fn malformed_urls_are_problems_that_do_not_repeat_them() {
    for url in [
        "mysql://kanari",
        "kanari",
        "https://kanari.supabase.co",
        "psql \"postgresql://u:kanari@h:6543/n\"",
        "postgresql://u:kanari@h:port/n",
        "postgresql://u:kanari@h:0/n",
        "postgresql://u:kanari@h:65536/n",
        "postgresql://u:kanari@h:6543",
        "postgresql://u:kanari@h:6543/",
        "postgresql://u:kanari@h:6543/a/b",
        "postgresql://u:kanari@/n",
        "postgresql://u:kanari@ho_st!/n",
        "postgresql://u:kanari@h1,h2/n",
        "postgresql://:kanari@h/n",
        "postgresql://h/n",
        "postgresql://u:kan ari@h/n",
        "postgresql://u:kanari@h/n?sslmode=kanari",
        "postgresql://u:kanari@h/n?connect_timeout=kanari",
        "postgresql://u:kanari@h/n#kanari",
    ] {
        for environment in [in_production(url), in_development(url)] {
            let problem = refused(&environment, "DATABASE_URL");
            assert!(!problem.what.french().contains("kan"), "{url}: {problem:?}");
        }
    }
    // Nobody is let in from afar without a password.
    refused(&in_production("postgresql://u@db.example.com/n"), "DATABASE_URL");
    accepted(&in_production("postgresql://u@db/n"));
}

#[test]
fn known_parameters_are_kept_and_the_others_named_in_one_warning() {
    let url = "postgresql://u:p@localhost/n?application_name=neo%20pro&options=-c%20x%3Dy&connect_timeout=5\
               &connection_limit=3&pool_timeout=9&schema=public&pgbouncer=true&keepalives=1&k%C3%A9=1";
    let loaded = accepted(&in_development(url));
    let parsed = url_of(&loaded);
    assert_eq!(parsed.application_name.as_deref(), Some("neo pro"));
    assert_eq!(parsed.options.as_deref(), Some("-c x=y"));
    assert_eq!(parsed.connect_timeout, Some(Duration::from_secs(5)));
    let warnings = warnings_of(&loaded, "DATABASE_URL");
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].ends_with("(?), connection_limit, keepalives, pool_timeout, schema"), "{warnings:?}");
    let endless = accepted(&in_development("postgresql://u:p@localhost/n?connect_timeout=0"));
    assert_eq!(url_of(&endless).connect_timeout, None);
}

#[test]
fn sockets_and_addresses_are_hosts_too() {
    for (url, host, port) in [
        ("postgresql://u:p@/n?host=/run/x", "/run/x", 5432),
        ("postgresql:///n?host=/run/x&user=u&password=p&port=6000", "/run/x", 6000),
        ("postgresql://u:p@%2Frun%2Fx:6000/n", "/run/x", 6000),
        ("postgresql://u:p@[::1]:6000/n", "::1", 6000),
        ("postgresql://u:p@[fd00::1]/n", "fd00::1", 5432),
        ("postgresql://u:p@10.0.0.1/n", "10.0.0.1", 5432),
        ("postgresql://u:p@LocalHost/?dbname=n", "localhost", 5432),
    ] {
        let loaded = accepted(&in_production(url));
        let parsed = url_of(&loaded);
        assert_eq!((parsed.host.as_str(), parsed.port), (host, port), "{url}");
        assert_eq!((parsed.user.as_str(), parsed.password.expose(), parsed.name.as_str()), ("u", "p", "n"), "{url}");
        assert_eq!(parsed.tls, Tls::Off);
        assert!(warnings_of(&loaded, "DATABASE_URL")[0].contains("en clair"), "{url}");
    }
}

#[test]
fn unwise_supabase_addresses_are_remarked_in_production() {
    let direct = format!("postgresql://postgres:mot@db.{PROJECT}.supabase.co:5432/postgres");
    let loaded = warned(&in_production(&direct), "DATABASE_URL", "6543");
    let warning = &warnings_of(&loaded, "DATABASE_URL")[0];
    assert!(warning.contains("IPv6") && warning.contains("étape 2.2"), "{warning}");
    assert_eq!(warnings_of(&accepted(&in_development(&direct)), "DATABASE_URL"), Vec::<String>::new());

    let session = pooler_url("mot").replace(":6543", ":5432");
    warned(&in_production(&session), "DATABASE_URL", "mode session");
    let without_project = pooler_url("mot").replace(&format!(".{PROJECT}"), "");
    warned(&in_production(&without_project), "DATABASE_URL", "référence du projet");
}

#[test]
fn the_pool_has_one_to_a_hundred_connections() {
    for size in [1, 10, 100] {
        let environment = with(production(), &[("DATABASE_POOL_SIZE", &size.to_string())]);
        assert_eq!(accepted(&environment).config.database_pool_size, size);
    }
    for size in ["0", "101", "-1", "+5", "dix", "1.5"] {
        refused(&with(production(), &[("DATABASE_POOL_SIZE", size)]), "DATABASE_POOL_SIZE");
    }
}
