//! The table: each entry of the guide's troubleshooting part, what brings it about, and where that is seen: in the log, in the
//! diagnosis of that very environment, on the screen.

use super::case::{CASE, Case, Entry, Fault, Screen, Start};
use crate::doctor::{error, unseen, warning};

const MAIL: &str = "Alertes par email";
/// What every line about a database out of reach says.
const CONNECTION: &str = "Erreur de connexion à la base de données";
const MEND: &str =
    "Vérifiez le port 6543 (pooler), ?pgbouncer=true et le mot de passe dans l'URL (étape 2.2 du guide).";
const REDIS_FORM: &str = "forme attendue : rediss://default:<jeton>@<nom>.upstash.io:6379";
const SENDER: &str = "The from address does not match a verified Sender Identity";

/// All of them, in the guide's order.
pub static TABLE: [Entry; 7] = [
    Entry {
        test: "a_server_that_does_not_start",
        heading: "L'application ne démarre pas sur Render",
        cases: &[
            Case {
                cause: "variables that are missing",
                change: &[
                    ("DATABASE_URL", None),
                    ("SUPABASE_URL", None),
                    ("SUPABASE_SERVICE_KEY", None),
                    ("REDIS_URL", None),
                    ("JWT_SECRET", None),
                    ("MFA_ENCRYPTION_KEY", None),
                ],
                start: Start::Refused,
                log: &[
                    "La configuration contient 6 problèmes",
                    "DATABASE_URL : absente ou vide",
                    "Guide de mise en production : étape 2.2.",
                    "SUPABASE_URL : absente ou vide",
                    "SUPABASE_SERVICE_KEY : absente ou vide",
                    "Guide de mise en production : étape 2.3.",
                    "REDIS_URL : absente ou vide",
                    "Guide de mise en production : étape 4.3.",
                    "JWT_SECRET : absente ou vide",
                    "Commande : openssl rand -base64 48",
                    "MFA_ENCRYPTION_KEY : absente ou vide",
                    "Guide de mise en production : étape 6.4.",
                ],
                doctor: &[
                    error("database.settings", "Absente ou vide", "DATABASE_URL", "2.2").on("DATABASE_URL"),
                    error("storage.settings", "Absente ou vide", "SUPABASE_URL", "2.3").on("SUPABASE_URL"),
                    error("storage.settings", "Absente ou vide", "KEY", "2.3").on("SUPABASE_SERVICE_KEY"),
                    error("redis.settings", "Absente ou vide", "REDIS_URL", "4.3").on("REDIS_URL"),
                    error("environment.variables", "Absente ou vide", "openssl rand", "6.4").on("JWT_SECRET"),
                    error("environment.variables", "Absente ou vide", "openssl rand", "6.4").on("MFA_ENCRYPTION_KEY"),
                    unseen("database.connection", "pas utilisables", "2.2"),
                ],
                screen: &[Screen::Open(&["Ce n’est pas le serveur NeoPro qui répond", "étape 6.7 du guide"])],
                ..CASE
            },
            Case {
                cause: "variables that are wrong",
                change: &[
                    ("DATABASE_URL", Some("mysql://nope")),
                    ("PORT", Some("abc")),
                    ("SUPABASE_SERVICE_KEY", Some("{anon}")),
                ],
                start: Start::Refused,
                log: &[
                    "La configuration contient 3 problèmes",
                    "« postgresql://",
                    "par exemple 3001",
                    "c'est la clé anon",
                ],
                doctor: &[
                    error("database.settings", "« postgresql://", "DATABASE_URL", "2.2"),
                    error("environment.variables", "par exemple 3001", "PORT", "6.4").on("PORT"),
                    error("storage.settings", "C'est la clé anon", "SUPABASE_SERVICE_KEY", "2.3"),
                ],
                ..CASE
            },
            Case {
                cause: "the guide's own examples",
                change: &[
                    ("DATABASE_URL", Some("{printed DATABASE_URL}")),
                    ("SUPABASE_URL", Some("{printed SUPABASE_URL}")),
                    ("SUPABASE_SERVICE_KEY", Some("{printed SUPABASE_SERVICE_KEY}")),
                ],
                start: Start::Refused,
                log: &["La configuration contient 3 problèmes", "étape 2.2", "étape 2.3"],
                doctor: &[
                    error("database.settings", "La valeur d'exemple n'a pas été remplacée", "DATABASE_URL", "2.2"),
                    error("storage.settings", "C'est l'adresse d'exemple du guide", "SUPABASE_URL", "2.3"),
                    error("storage.settings", "La valeur d'exemple n'a pas été remplacée", "KEY", "2.3"),
                ],
                ..CASE
            },
            // Beside a server that runs its port is always taken: the diagnosis has nothing to say.
            Case {
                cause: "a port that is taken",
                fault: Fault::PortTaken,
                start: Start::Refused,
                log: &["Le port 3001 est déjà utilisé par un autre programme"],
                ..CASE
            },
        ],
    },
    Entry {
        test: "a_database_out_of_reach",
        heading: "Erreur de connexion à la base de données",
        cases: &[
            Case {
                cause: "a port that is closed",
                change: &[(
                    "DATABASE_URL",
                    Some("postgresql://{user}:{password}@{pooler}:6549/postgres?pgbouncer=true"),
                )],
                start: Start::Waits,
                log: &[CONNECTION, "Connection refused : rien n'écoute à cette adresse.", "{pooler}:6549", MEND],
                health: Some(("database", "La base de données ne répond pas.")),
                doctor: &[
                    error("database.connection", "Connection refused : rien n'écoute à cette adresse.", "6543", "2.2"),
                    error("database.connection", "pooler.supabase.com:6549", "psql \"postgresql://", "2.2"),
                    unseen("database.schema", "La base ne répond pas", "8.2"),
                ],
                screen: &[Screen::LogIn(&["Le service est momentanément indisponible."])],
                ..CASE
            },
            Case {
                cause: "an address that says nothing",
                change: &[(
                    "DATABASE_URL",
                    Some("postgresql://{user}:{password}@{pooler}:6550/postgres?pgbouncer=true"),
                )],
                start: Start::Waits,
                log: &[CONNECTION, "Connection timeout : cette adresse ne répond pas.", "{pooler}:6550", MEND],
                health: Some(("database", "La base de données ne répond pas.")),
                doctor: &[error(
                    "database.connection",
                    "Connection timeout : cette adresse ne répond pas.",
                    "6543",
                    "2.2",
                )],
                ..CASE
            },
            Case {
                cause: "a wrong password",
                change: &[("DATABASE_URL", Some("postgresql://{user}:faux@{pooler}:6543/postgres?pgbouncer=true"))],
                start: Start::Waits,
                log: &[CONNECTION, "Le mot de passe de DATABASE_URL est refusé.", "{pooler}:6543", MEND],
                health: Some(("database", "La base de données ne répond pas.")),
                doctor: &[error(
                    "database.connection",
                    "Le mot de passe de DATABASE_URL est refusé.",
                    "mot de passe",
                    "2.2",
                )],
                ..CASE
            },
            Case {
                cause: "the host of another region",
                change: &[(
                    "DATABASE_URL",
                    Some("postgresql://{user}:{password}@aws-0-eu-west-9.pooler.supabase.com:6543/postgres"),
                )],
                start: Start::Waits,
                log: &[CONNECTION, "L'hôte de DATABASE_URL n'existe pas.", "aws-0-eu-west-9.pooler.supabase.com", MEND],
                health: Some(("database", "La base de données ne répond pas.")),
                doctor: &[error("database.connection", "L'hôte de DATABASE_URL n'existe pas.", "6543", "2.2")],
                ..CASE
            },
            // Told before anything is tried.
            Case {
                cause: "a user without the project's reference",
                change: &[(
                    "DATABASE_URL",
                    Some("postgresql://postgres:{password}@{pooler}:6543/postgres?pgbouncer=true"),
                )],
                start: Start::Waits,
                log: &["postgres.<référence du projet>", CONNECTION],
                doctor: &[warning("database.settings", "postgres.<référence du projet>", "DATABASE_URL", "2.2")],
                ..CASE
            },
            Case {
                cause: "the direct host, which is not the pooler",
                change: &[("DATABASE_URL", Some("postgresql://postgres:{password}@{direct}:5432/postgres"))],
                log: &["prendre l'URL du pooler, port 6543 (étape 2.2)"],
                doctor: &[warning("database.settings", "prendre l'URL du pooler, port 6543", "DATABASE_URL", "2.2")],
                ..CASE
            },
        ],
    },
    Entry {
        test: "an_origin_that_is_not_listed",
        heading: "Erreur CORS",
        cases: &[
            Case {
                cause: "no list",
                change: &[("ALLOWED_ORIGINS", None)],
                log: &["add this value to ALLOWED_ORIGINS (étape 7.6 du guide)", "{own}"],
                doctor: &[warning(
                    "dashboard.settings",
                    "Non définie : aucun tableau de bord hébergé ailleurs ne peut joindre ce serveur",
                    "ALLOWED_ORIGINS",
                    "7.6",
                )],
                screen: &[Screen::Open(&["Le serveur refuse l’adresse de cette page", "{own}"])],
                ..CASE
            },
            Case {
                cause: "a list with another address",
                change: &[("ALLOWED_ORIGINS", Some("https://monsite.com")), ("DASHBOARD_URL", Some("{own}"))],
                log: &["to allow it, add this value to ALLOWED_ORIGINS", "{own}"],
                doctor: &[error(
                    "dashboard.cors",
                    "qui n'est pas dans ALLOWED_ORIGINS",
                    "Mettez exactement {own}",
                    "7.6",
                )],
                screen: &[Screen::Open(&["Le serveur refuse l’adresse de cette page", "{own}"])],
                ..CASE
            },
            // Nothing but that list says where the dashboard is.
            Case {
                cause: "a list with another address, and no other variable that names the right one",
                change: &[("ALLOWED_ORIGINS", Some("https://monsite.com"))],
                doctor: &[error("dashboard.page", "https://monsite.com/ ne répond pas", "ALLOWED_ORIGINS", "10.3")],
                ..CASE
            },
            Case {
                cause: "a star",
                change: &[("ALLOWED_ORIGINS", Some("*"))],
                start: Start::Refused,
                log: &["ALLOWED_ORIGINS : l'adresse n° 1 contient « * »"],
                doctor: &[error("dashboard.settings", "L'adresse n° 1 contient « * »", "ALLOWED_ORIGINS", "7.6")],
                ..CASE
            },
            Case {
                cause: "a path",
                change: &[("ALLOWED_ORIGINS", Some("https://monsite.com/app"))],
                start: Start::Refused,
                log: &["ALLOWED_ORIGINS : l'adresse n° 1 contient un chemin ; écrire seulement https://monsite.com"],
                doctor: &[error(
                    "dashboard.settings",
                    "écrire seulement https://monsite.com",
                    "ALLOWED_ORIGINS",
                    "7.6",
                )],
                ..CASE
            },
        ],
    },
    Entry {
        test: "a_redis_that_does_not_connect",
        heading: "Redis ne se connecte pas",
        cases: &[
            Case {
                cause: "a command that was pasted",
                change: &[("REDIS_URL", Some("redis-cli -u rediss://default:{token}@{redis}:6379"))],
                start: Start::Refused,
                log: &["REDIS_URL : une commande redis-cli a été collée", REDIS_FORM, "étape 4.3"],
                doctor: &[error("redis.settings", "Une commande redis-cli a été collée", "REDIS_URL", "4.3")],
                ..CASE
            },
            Case {
                cause: "the address of another interface",
                change: &[("REDIS_URL", Some("https://{redis}"))],
                start: Start::Refused,
                log: &["REDIS_URL : c'est l'adresse REST", REDIS_FORM, "étape 4.3"],
                doctor: &[error("redis.settings", "C'est l'adresse REST", "REDIS_URL", "4.3")],
                ..CASE
            },
            Case {
                cause: "a host alone",
                change: &[("REDIS_URL", Some("{redis}:6379"))],
                start: Start::Refused,
                log: &["REDIS_URL : le début « rediss:// » manque", REDIS_FORM, "étape 4.3"],
                doctor: &[error("redis.settings", "Le début « rediss:// » manque", "REDIS_URL", "4.3")],
                ..CASE
            },
            // What does not answer, or does not let us in, stops nothing.
            Case {
                cause: "a port that is closed",
                change: &[("REDIS_URL", Some("rediss://default:{token}@{redis}:6390"))],
                log: &[
                    "Rien n'écoute à l'adresse de REDIS_URL (connexion refusée).",
                    "Vérifiez l'hôte et le port de REDIS_URL, et que Redis est démarré (étape 4.3 du guide).",
                ],
                health: Some(("redis", "Rien n'écoute à l'adresse de REDIS_URL (connexion refusée).")),
                doctor: &[warning(
                    "redis.ping",
                    "Connection refused : rien n'écoute à {redis}:6390.",
                    "redis-cli",
                    "4.3",
                )],
                screen: &[Screen::Diagnosis(&["Connection refused : rien n'écoute à {redis}:6390."])],
                ..CASE
            },
            Case {
                cause: "a wrong token",
                change: &[("REDIS_URL", Some("rediss://default:faux@{redis}:6379"))],
                log: &["Redis refuse l'utilisateur ou le mot de passe de REDIS_URL."],
                health: Some(("redis", "Redis refuse l'utilisateur ou le mot de passe de REDIS_URL.")),
                doctor: &[warning(
                    "redis.ping",
                    "Redis refuse le mot de passe (jeton) de REDIS_URL.",
                    "REDIS_URL",
                    "4.3",
                )],
                ..CASE
            },
            // Nor does one that goes away while the server runs.
            Case {
                cause: "a Redis that goes away",
                fault: Fault::RedisAway,
                doctor: &[warning(
                    "redis.ping",
                    "Connection refused : rien n'écoute à {redis}:6379.",
                    "redis-cli",
                    "4.3",
                )],
                ..CASE
            },
        ],
    },
    Entry {
        test: "an_upload_that_fails",
        heading: "Upload de vidéos échoue",
        cases: &[
            Case {
                cause: "a policy that refuses writing",
                fault: Fault::WritesRefused,
                log: &[
                    "Le stockage des vidéos refuse ce que ce serveur y écrit.",
                    "la règle « Allow service upload » (étape 3.3 du guide)",
                ],
                doctor: &[error("storage.write", "Le serveur ne peut pas y écrire", "« Allow service upload »", "3.3")
                    .on("videos")],
                screen: &[Screen::Upload(&["Le stockage des vidéos refuse ce que ce serveur y écrit."])],
                ..CASE
            },
            Case {
                cause: "the public key in the place of the secret one",
                change: &[("SUPABASE_SERVICE_KEY", Some("{anon}"))],
                start: Start::Refused,
                log: &["SUPABASE_SERVICE_KEY : c'est la clé anon", "étape 2.3"],
                doctor: &[error("storage.settings", "C'est la clé anon", "SUPABASE_SERVICE_KEY", "2.3")],
                ..CASE
            },
            Case {
                cause: "a key of nobody",
                change: &[("SUPABASE_SERVICE_KEY", Some("{tampered}"))],
                log: &[
                    "Le stockage des vidéos refuse la clé de ce serveur.",
                    "Vérifiez SUPABASE_SERVICE_KEY (étape 2.3 du guide).",
                ],
                health: Some(("storage", "Le stockage des vidéos refuse la clé de ce serveur.")),
                doctor: &[error(
                    "storage.bucket",
                    "Le stockage refuse la clé de ce serveur.",
                    "SUPABASE_SERVICE_KEY",
                    "2.3",
                )
                .on("videos")],
                ..CASE
            },
            Case {
                cause: "the address of another project",
                change: &[("SUPABASE_URL", Some("https://abcdefghijklmnopqrst.supabase.co"))],
                log: &["Le stockage des vidéos ne répond pas.", "SUPABASE_URL (étape 2.3 du guide)."],
                health: Some(("storage", "Le stockage des vidéos ne répond pas.")),
                doctor: &[error("storage.bucket", "Le stockage ne répond pas", "SUPABASE_URL", "2.3").on("videos")],
                ..CASE
            },
            Case {
                cause: "no buckets",
                fault: Fault::NoBuckets,
                log: &["Le bucket « videos » du stockage n'existe pas.", "étape 3.1 du guide"],
                doctor: &[
                    error("storage.bucket", "Le bucket n'existe pas.", "Créez ce bucket, public", "3.1").on("videos"),
                    error("storage.bucket", "Le bucket n'existe pas.", "Créez ce bucket", "3.2").on("software-updates"),
                ],
                ..CASE
            },
        ],
    },
    Entry {
        test: "mail_that_does_not_leave",
        heading: "Les emails ne partent pas (SendGrid)",
        cases: &[
            Case {
                cause: "the example's sender",
                change: &[("EMAIL_FROM", Some("noreply@votredomaine.com"))],
                start: Start::Refused,
                log: &["EMAIL_FROM : la valeur d'exemple n'a pas été remplacée"],
                doctor: &[error("mail.settings", "La valeur d'exemple n'a pas été remplacée", "EMAIL_FROM", MAIL)],
                ..CASE
            },
            Case {
                cause: "no sender",
                change: &[("EMAIL_FROM", None)],
                log: &["EMAIL_FROM : non définie alors que SENDGRID_API_KEY l'est"],
                doctor: &[error("mail.settings", "Non définie alors que SENDGRID_API_KEY l'est", "EMAIL_FROM", MAIL)],
                ..CASE
            },
            Case {
                cause: "a key that is none of SendGrid's",
                change: &[("SENDGRID_API_KEY", Some("aZ09.une-cle-sans-son-debut"))],
                log: &["SENDGRID_API_KEY : une clé SendGrid commence par « SG. »"],
                doctor: &[error("mail.settings", "Une clé SendGrid commence par « SG. »", "SENDGRID_API_KEY", MAIL)],
                ..CASE
            },
            Case {
                cause: "a sender that was never verified",
                fault: Fault::SenderRefused,
                log: &["verify the sender noreply@club.test of EMAIL_FROM", SENDER],
                health: Some(("mail", "Le dernier courriel n'a pas pu partir : le journal dit pourquoi.")),
                doctor: &[
                    error(
                        "mail.service",
                        "SendGrid refuse l'expéditeur noreply@club.test",
                        "Sender Authentication",
                        MAIL,
                    ),
                    warning("mail.queue", "verify the sender noreply@club.test of EMAIL_FROM", "Corrigez", MAIL),
                ],
                screen: &[Screen::Diagnosis(&["SendGrid refuse l'expéditeur noreply@club.test"])],
                ..CASE
            },
        ],
    },
    Entry {
        test: "a_blank_page",
        heading: "Le dashboard affiche une page blanche",
        cases: &[
            // Nobody asks this server: its log has nothing to say.
            Case {
                cause: "an address of the API that leads nowhere",
                fault: Fault::Built("https://neopro-central-serveur.onrender.com"),
                doctor: &[error(
                    "dashboard.build",
                    "Le tableau de bord parle à https://neopro-central-serveur.onrender.com",
                    "NG_APP_API_URL",
                    "7.3",
                )],
                screen: &[Screen::Open(&["Aucun serveur ne répond à l’adresse configurée", "NG_APP_API_URL"])],
                ..CASE
            },
            Case {
                cause: "another site's address of the API",
                fault: Fault::Built("https://{project}"),
                doctor: &[error(
                    "dashboard.build",
                    "Le tableau de bord parle à https://{project}",
                    "NG_APP_API_URL",
                    "7.3",
                )],
                screen: &[Screen::Open(&["Ce n’est pas le serveur NeoPro qui répond", "NG_APP_API_URL"])],
                ..CASE
            },
            Case {
                cause: "a build that did not go well",
                fault: Fault::Built(""),
                doctor: &[error("dashboard.page", "mais ce n'est pas le tableau de bord", "build", "10.3")],
                ..CASE
            },
        ],
    },
];
