//! Ports, addresses, origins, proxies, folders.

use super::*;

#[test]
fn any_valid_port_works() {
    for port in [1, 80, 3001, 10_000, 65_535] {
        assert_eq!(accepted(&with(production(), &[("PORT", &port.to_string())])).config.port, port);
    }
    for port in ["abc", "0", "65536", "-1", "+3001", "3001.0", "30 01"] {
        refused(&with(production(), &[("PORT", port)]), "PORT");
    }
}

#[test]
fn allowed_origins_take_the_form_that_browsers_send() {
    for (list, expected) in [
        ("https://dashboard.com,https://admin.com", vec!["https://dashboard.com", "https://admin.com"]),
        ("https://site1.com/ , HTTPS://Site2.COM:443 ,", vec!["https://site1.com", "https://site2.com"]),
        ("https://a.fr:8443,https://a.fr:8443/", vec!["https://a.fr:8443"]),
        ("http://localhost:4200,http://192.168.1.5:80", vec!["http://localhost:4200", "http://192.168.1.5"]),
        ("https://[FD00::1]:3000", vec!["https://[fd00::1]:3000"]),
    ] {
        let loaded = accepted(&with(production(), &[("ALLOWED_ORIGINS", list)]));
        assert_eq!(loaded.config.allowed_origins, expected);
        assert_eq!(warnings_of(&loaded, "ALLOWED_ORIGINS"), Vec::<String>::new());
        assert_eq!(loaded.config.frontend_url.as_deref(), Some(expected[0]));
    }
}

#[test]
fn wrong_origins_are_named_one_by_one() {
    for (list, fragment) in [
        ("*", "« * »"),
        ("https://*.monclub.fr", "« * »"),
        ("https://a.fr/chemin", "écrire seulement https://a.fr"),
        ("http://monclub.fr", "écrire https://monclub.fr"),
        ("monclub.fr", "https://"),
        ("https://a.fr,ws://b.fr", "n° 2"),
        ("https://u:p@a.fr", "« @ »"),
        ("https://a.fr?x", "« ? »"),
        ("https://é.fr", "xn--"),
        ("https://a.fr:x", "port"),
        ("https://", "nom d'hôte"),
        ("https://a.fr https://b.fr", "nom d'hôte"),
    ] {
        let problem = refused(&with(production(), &[("ALLOWED_ORIGINS", list)]), "ALLOWED_ORIGINS");
        assert!(problem.what.french().contains(fragment), "{list}: {problem:?}");
        assert_eq!(problem.step, "7.6");
    }
    let two = read(&with(production(), &[("ALLOWED_ORIGINS", "*,http://a.fr")])).map(|_| ()).expect_err("both");
    assert_eq!(two.0.len(), 2);
    accepted(&with(development(), &[("ALLOWED_ORIGINS", "http://monclub.fr")]));
}

#[test]
fn origins_unset_in_production_are_remarked_with_their_step() {
    let loaded = warned(&production(), "ALLOWED_ORIGINS", "étape 7.6");
    assert!(loaded.config.allowed_origins.is_empty());
}

#[test]
fn the_public_address_is_ours_or_the_platforms() {
    for (ours, platform, expected) in [
        ("https://api.monclub.fr/", "https://x.onrender.com", Some("https://api.monclub.fr")),
        ("", "https://x.onrender.com", Some("https://x.onrender.com")),
        ("", "x.onrender.com", None),
        ("", "", None),
    ] {
        let environment = with(production(), &[("PUBLIC_URL", ours), ("RENDER_EXTERNAL_URL", platform)]);
        assert_eq!(accepted(&environment).config.public_url.as_deref(), expected);
    }
    warned(&production(), "PUBLIC_URL", "étape 6.7");
    for value in ["http://api.monclub.fr", "https://api.monclub.fr/health", "api.monclub.fr"] {
        refused(&with(production(), &[("PUBLIC_URL", value)]), "PUBLIC_URL");
    }
    warned(&with(production(), &[("PUBLIC_URL", "http://127.0.0.1:3001")]), "PUBLIC_URL", "local ou privé");
}

#[test]
fn the_dashboards_address_has_three_sources() {
    for (frontend, dashboard, origins, expected) in [
        ("https://f.fr/", "https://d.fr", "https://o.fr", Some("https://f.fr")),
        ("https://f.fr/app/", "", "", Some("https://f.fr/app")),
        ("", "https://d.fr", "https://o.fr", Some("https://d.fr")),
        ("", "", "https://o.fr,https://p.fr", Some("https://o.fr")),
        ("", "", "", None),
    ] {
        let changes = [("FRONTEND_URL", frontend), ("DASHBOARD_URL", dashboard), ("ALLOWED_ORIGINS", origins)];
        assert_eq!(accepted(&with(production(), &changes)).config.frontend_url.as_deref(), expected);
    }
    for variable in ["FRONTEND_URL", "DASHBOARD_URL"] {
        refused(&with(production(), &[(variable, "http://monclub.fr")]), variable);
        accepted(&with(development(), &[(variable, "http://localhost:4200")]));
    }
}

#[test]
fn proxies_are_trusted_by_number() {
    for (render, hops, expected) in
        [("", "", 0), ("true", "", 2), ("true", "1", 1), ("", "0", 0), ("", "10", 10), ("false", "", 0)]
    {
        let changes = [("RENDER", render), ("TRUSTED_PROXY_HOPS", hops)];
        assert_eq!(accepted(&with(production(), &changes)).config.trusted_proxy_hops, expected);
    }
    for hops in ["11", "-1", "true", "un"] {
        refused(&with(production(), &[("TRUSTED_PROXY_HOPS", hops)]), "TRUSTED_PROXY_HOPS");
    }
}

#[test]
fn limits_are_kept_unless_somebody_measures() {
    for (value, expected) in [("", true), ("on", true), ("off", false)] {
        let config = accepted(&with(development(), &[("NEOPRO_RATE_LIMITS", value)])).config;
        assert_eq!(config.rate_limits, expected, "{value:?}");
    }
    warned(
        &with(production(), &[("NEOPRO_RATE_LIMITS", "off")]),
        "NEOPRO_RATE_LIMITS",
        "réserver cette valeur aux mesures",
    );
    for value in ["no", "false", "0", "OFF"] {
        refused(&with(production(), &[("NEOPRO_RATE_LIMITS", value)]), "NEOPRO_RATE_LIMITS");
    }
}

#[test]
fn the_data_folder_is_absolute() {
    let folder = |environment: &Environment| accepted(environment).config.data_dir;
    assert_eq!(folder(&with(production(), &[("NEOPRO_DATA_DIR", "/srv/neopro")])), PathBuf::from("/srv/neopro"));
    let relative = folder(&with(production(), &[("NEOPRO_DATA_DIR", "target/neopro-test")]));
    assert!(relative.is_absolute() && relative.ends_with("target/neopro-test"));
    refused(&with(production(), &[("NEOPRO_DATA_DIR", "~/neopro")]), "NEOPRO_DATA_DIR");

    assert_eq!(folder(&with(development(), &[("XDG_DATA_HOME", "/data")])), PathBuf::from("/data/neopro"));
    warned(&Environment::new(), "NEOPRO_DATA_DIR", "/var/lib/neopro");
}
