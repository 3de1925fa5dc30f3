//! Encryption of the connection to the database.

use super::database::{in_production, url_of};
use super::*;

const PEM: &str = "-----BEGIN CERTIFICATE-----\nTUlJ\n-----END CERTIFICATE-----\n";

#[test]
fn private_hosts_are_told_from_public_ones() {
    let private = |host| super::super::url::is_private(host);
    for host in [
        "localhost",
        "a.localhost",
        "postgres",
        "dpg-abc-a",
        "127.0.0.1",
        "127.9.9.9",
        "10.1.2.3",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "::1",
        "[::1]",
        "fd12::1",
        "fe80::1%eth0",
        "::ffff:10.0.0.1",
        "/run/x",
    ] {
        assert!(private(host), "{host}");
    }
    for host in [
        "example.com",
        "8.8.8.8",
        "172.32.0.1",
        "11.0.0.1",
        "2001:db8::1",
        "::ffff:8.8.8.8",
        "134744072",
        "0x08080808",
        "db.internal.example",
        "localhost.example.com",
    ] {
        assert!(!private(host), "{host}");
    }
}

#[test]
fn encryption_follows_mode_host_and_wish() {
    let off = Some(Tls::Off);
    let unverified = Some(Tls::Unverified);
    for (mode, host, sslmode, ssl, expected) in [
        ("production", "db.example.com", "", "", &unverified),
        ("production", "db.example.com", "prefer", "", &unverified),
        ("production", "db.example.com", "require", "", &unverified),
        ("production", "db.example.com", "no-verify", "", &unverified),
        ("production", "db.example.com", "verify-full", "", &unverified),
        ("production", "db.example.com", "", "false", &unverified),
        ("production", "db.example.com", "disable", "", &None),
        ("production", "postgres", "", "", &off),
        ("production", "postgres", "prefer", "", &off),
        ("production", "postgres", "disable", "", &off),
        ("production", "postgres", "require", "", &unverified),
        ("production", "postgres", "", "TRUE", &unverified),
        ("development", "localhost", "", "", &off),
        ("development", "localhost", "prefer", "", &off),
        ("development", "localhost", "require", "", &unverified),
        ("development", "localhost", "verify-ca", "", &unverified),
        ("development", "localhost", "", "true", &unverified),
        ("development", "db.example.com", "", "", &unverified),
        ("development", "db.example.com", "disable", "", &off),
    ] {
        let parameter = if sslmode.is_empty() { String::new() } else { format!("?sslmode={sslmode}") };
        let url = format!("postgresql://u:p@{host}/n{parameter}");
        let environment = with(production(), &[("NODE_ENV", mode), ("DATABASE_URL", &url), ("DATABASE_SSL", ssl)]);
        let row = format!("{mode} {host} {sslmode} {ssl}");
        let Some(expected) = expected else {
            refused(&environment, "DATABASE_URL");
            continue;
        };
        let loaded = accepted(&environment);
        assert_eq!(url_of(&loaded).tls, *expected, "{row}");
        let unchecked = warnings_of(&loaded, "DATABASE_SSL_CA").len();
        assert_eq!(unchecked, usize::from(*expected == Tls::Unverified), "{row}: {:?}", loaded.warnings);

        let certain = with(environment, &[("DATABASE_SSL_CA", PEM)]);
        let loaded = accepted(&certain);
        if *expected == Tls::Unverified || (mode == "production" && sslmode != "disable") {
            assert!(matches!(&url_of(&loaded).tls, Tls::Verified { ca_pem } if ca_pem.contains("TUlJ")), "{row}");
            assert_eq!(warnings_of(&loaded, "DATABASE_SSL_CA"), Vec::<String>::new(), "{row}");
        } else {
            assert_eq!(url_of(&loaded).tls, Tls::Off, "{row}");
        }
    }
    refused(&with(production(), &[("DATABASE_SSL", "peut-être")]), "DATABASE_SSL");
}

#[test]
fn the_root_certificate_comes_as_text_as_file_or_with_the_url() {
    let file = std::env::temp_dir().join(format!("neopro-config-{}.pem", std::process::id()));
    std::fs::write(&file, PEM).expect("a temporary file");
    let path = file.to_str().expect("a readable path");
    let one_line = PEM.trim().replace('\n', "\\n");
    let with_root = format!("{}&sslmode=verify-full&sslrootcert={path}", pooler_url("mot"));
    for (name, value) in [
        ("DATABASE_SSL_CA", PEM),
        ("DATABASE_SSL_CA", one_line.as_str()),
        ("DATABASE_SSL_CA_FILE", path),
        ("DATABASE_SSL_CA_PATH", path),
        ("DATABASE_URL", with_root.as_str()),
    ] {
        let loaded = accepted(&with(production(), &[(name, value)]));
        match &url_of(&loaded).tls {
            Tls::Verified { ca_pem } => assert_eq!(ca_pem.trim(), PEM.trim(), "{name}"),
            other => panic!("{name}: {other:?}"),
        }
        assert_eq!(warnings_of(&loaded, name), Vec::<String>::new());
    }
    let two = [("DATABASE_SSL_CA", PEM), ("DATABASE_SSL_CA_FILE", path)];
    warned(&with(production(), &two), "DATABASE_SSL_CA", "plusieurs");
    std::fs::remove_file(&file).expect("removed");

    let key = "-----BEGIN PRIVATE KEY-----\nkanari\n-----END PRIVATE KEY-----";
    for (name, value) in [
        ("DATABASE_SSL_CA", "/etc/ca.crt"),
        ("DATABASE_SSL_CA", key),
        ("DATABASE_SSL_CA_FILE", "/nulle/part.crt"),
        ("DATABASE_SSL_CA_FILE", "/dev/zero"),
        ("DATABASE_SSL_CA_PATH", key),
    ] {
        assert!(!refused(&with(production(), &[(name, value)]), name).what.french().contains("kanari"));
    }
    // A path of another machine inside the URL does not keep the server from starting.
    let foreign = format!("{}&sslrootcert=./prod-ca-2021.crt", pooler_url("mot"));
    warned(&in_production(&foreign), "DATABASE_URL", "sslrootcert");
    let endless = format!("{}&sslrootcert=/dev/zero", pooler_url("mot"));
    warned(&in_production(&endless), "DATABASE_URL", "sslrootcert");
}

#[test]
fn further_authorities_are_read_from_a_file_and_a_bad_one_is_no_reason_not_to_start() {
    let file = std::env::temp_dir().join(format!("neopro-authorities-{}.pem", std::process::id()));
    let path = file.to_str().expect("a readable path");
    std::fs::write(&file, PEM).expect("a temporary file");
    let loaded = accepted(&with(production(), &[("SSL_CERT_FILE", path)]));
    assert_eq!(loaded.config.authorities.as_deref(), Some(PEM));
    assert_eq!(warnings_of(&loaded, "SSL_CERT_FILE"), Vec::<String>::new());
    std::fs::write(&file, "none").expect("a temporary file");
    for bad in [path, "/nulle/part.pem", "/dev/zero"] {
        let loaded = accepted(&with(production(), &[("SSL_CERT_FILE", bad)]));
        assert_eq!(
            (loaded.config.authorities, loaded.warnings.len()),
            (None, accepted(&production()).warnings.len() + 1)
        );
        warned(&with(production(), &[("SSL_CERT_FILE", bad)]), "SSL_CERT_FILE", "autorités publiques");
    }
    std::fs::remove_file(&file).expect("removed");
    assert_eq!(accepted(&production()).config.authorities, None);
}
