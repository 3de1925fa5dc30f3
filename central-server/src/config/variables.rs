//! The one definition of every environment variable: what `--help` prints, what a problem quotes, what the
//! documentation's table is generated from.

use crate::words::step;

/// A value that is found, or made, in this part of the production guide's optional chapter.
const MAIL: &str = "Alertes par email";
const SLACK: &str = "Notifications Slack";
const LOGTAIL: &str = "Logs centralisés (Logtail)";
const REFERENCE: &str = "Référence des variables d'environnement";

/// One environment variable that the server understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    /// As it is written in the environment, `DATABASE_URL`.
    pub name: &'static str,
    /// Where the production guide gives the value: a step number (`2.2`) or the title of a part.
    pub step: &'static str,
    /// What it is for, in French, without a final full stop.
    pub about: &'static str,
    /// The expected form. Never a usable secret.
    pub example: &'static str,
    /// What an unset variable means; none when there is no sensible value.
    pub default: Option<&'static str>,
    /// One of the guide's ten mandatory variables. Without a default it is a hard error in production; with one,
    /// a warning.
    pub required: bool,
    /// The value must never be shown.
    pub secret: bool,
    /// The command that makes a good value.
    pub command: Option<&'static str>,
}

impl Variable {
    /// The definition of `name`, if the server knows such a variable.
    pub fn find(name: &str) -> Option<&'static Variable> {
        VARIABLES.iter().find(|variable| variable.name == name)
    }

    const fn new(name: &'static str, step: &'static str, about: &'static str, example: &'static str) -> Self {
        Self { name, step, about, example, default: None, required: false, secret: false, command: None }
    }

    const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    const fn secret(self) -> Self {
        Self { secret: true, ..self }
    }

    const fn or(self, default: &'static str) -> Self {
        Self { default: Some(default), ..self }
    }

    const fn made_by(self, command: &'static str) -> Self {
        Self { command: Some(command), ..self }
    }
}

/// Every variable, in the order of the guide: its ten mandatory ones, its optional ones, then those that it does
/// not mention.
pub const VARIABLES: &[Variable] = &[
    Variable::new("NODE_ENV", "6.4", "Mode d'exécution : `production` ou `development`", "production")
        .required()
        .or("development"),
    Variable::new("PORT", "6.4", "Port d'écoute du serveur", "3001").required().or("3001"),
    Variable::new(
        "DATABASE_URL",
        "2.2",
        "URL PostgreSQL Supabase (avec pooler), ou `embedded` pour la base intégrée ; sans valeur en développement : \
         base intégrée",
        "postgresql://postgres.[project-ref]:[YOUR-PASSWORD]@aws-0-eu-west-1.pooler.supabase.com:6543/postgres?pgbouncer=true",
    )
    .required()
    .secret(),
    Variable::new("SUPABASE_URL", "2.3", "URL du projet Supabase", "https://xxx.supabase.co").required(),
    Variable::new("SUPABASE_SERVICE_KEY", "2.3", "Clé service_role (secrète) du projet Supabase", "eyJhbGci...")
        .required()
        .secret(),
    Variable::new(
        "REDIS_URL",
        "4.3",
        "URL Redis Upstash",
        "rediss://default:xxxxxxxxxxxx@eu1-caring-owl-12345.upstash.io:6379",
    )
    .required()
    .secret(),
    Variable::new("JWT_SECRET", "6.4", "Secret qui signe les jetons de session", "(64 caractères tirés au hasard)")
        .required()
        .secret()
        .made_by("openssl rand -base64 48"),
    Variable::new(
        "JWT_EXPIRES_IN",
        "6.4",
        "Durée de validité des sessions : un nombre suivi de s, m, h, d ou w (seconde à semaine), 90d au plus",
        "7d",
    )
    .required()
    .or("7d"),
    Variable::new("MFA_ISSUER", "6.4", "Nom affiché dans l'application d'authentification", "NeoPro")
        .required()
        .or("NeoPro"),
    Variable::new(
        "MFA_ENCRYPTION_KEY",
        "6.4",
        "Clé qui chiffre les secrets de double authentification",
        "(32 caractères tirés au hasard)",
    )
    .required()
    .secret()
    .made_by("openssl rand -base64 24"),
    Variable::new(
        "ALLOWED_ORIGINS",
        "7.6",
        "Adresses des tableaux de bord autorisés (CORS), séparées par des virgules",
        "https://neopro-dashboard.onrender.com",
    ),
    Variable::new(
        "MFA_ENCRYPTION_KEY_PREVIOUS",
        "6.4",
        "Ancienne valeur de MFA_ENCRYPTION_KEY, le temps d'en changer : au démarrage, ce qu'elle a chiffré est chiffré \
         avec la nouvelle ; à retirer quand le journal le dit",
        "(l'ancienne valeur)",
    )
    .secret(),
    Variable::new("SENDGRID_API_KEY", MAIL, "Clé API SendGrid, limitée à « Mail Send »", "SG.xxx...").secret(),
    Variable::new(
        "EMAIL_FROM",
        MAIL,
        "Expéditeur des courriels, vérifié chez SendGrid : `adresse` ou `Nom <adresse>`",
        "noreply@example.com",
    ),
    Variable::new("SLACK_WEBHOOK_URL", SLACK, "URL du webhook Slack", "https://hooks.slack.com/services/...").secret(),
    Variable::new("ALERT_SLACK_CHANNEL", SLACK, "Canal Slack des alertes", "#alerts-neopro"),
    Variable::new("LOGTAIL_TOKEN", LOGTAIL, "Jeton de la source Logtail", "votre_token").secret(),
    Variable::new("METRICS_ENABLED", REFERENCE, "Publier les métriques Prometheus sur /metrics", "true").or("false"),
    Variable::new(
        "LOG_LEVEL",
        REFERENCE,
        "Niveau de journal : error, warn, info, debug, trace, off, ou une liste `cible=niveau`",
        "info",
    )
    .or("info"),
    Variable::new(
        "PUBLIC_URL",
        "6.7",
        "Adresse publique de ce serveur ; à défaut RENDER_EXTERNAL_URL",
        "https://neopro-central-server.onrender.com",
    ),
    Variable::new("RENDER", "6.6", "`true` sur Render, qui la pose lui-même", "true"),
    Variable::new(
        "RENDER_EXTERNAL_URL",
        "6.7",
        "Adresse publique donnée par Render, qui la pose lui-même",
        "https://neopro-central-server.onrender.com",
    ),
    Variable::new(
        "FRONTEND_URL",
        "7.5",
        "Adresse du tableau de bord dans les courriels ; à défaut DASHBOARD_URL, puis la première d'ALLOWED_ORIGINS",
        "https://neopro-dashboard.onrender.com",
    ),
    Variable::new("DASHBOARD_URL", "7.5", "Ancien nom de FRONTEND_URL", "https://neopro-dashboard.onrender.com"),
    Variable::new(
        "TRUSTED_PROXY_HOPS",
        REFERENCE,
        "Nombre de proxys de confiance devant le serveur, de 0 à 10 ; 2 sur Render",
        "2",
    )
    .or("0"),
    Variable::new(
        "NEOPRO_DATA_DIR",
        REFERENCE,
        "Dossier des données locales ; à défaut /var/lib/neopro pour root, sinon $XDG_DATA_HOME/neopro ou \
         $HOME/.local/share/neopro",
        "/var/lib/neopro",
    ),
    Variable::new(
        "NEOPRO_RATE_LIMITS",
        REFERENCE,
        "`off` : n'appliquer aucune limite d'appels, pour des mesures de charge",
        "on",
    )
    .or("on"),
    Variable::new(
        "STORAGE",
        "3",
        "Où sont gardées les vidéos : `supabase`, `s3`, ou `local` (le dossier de données) ; à défaut `supabase` si \
         SUPABASE_URL est définie, sinon `local`",
        "supabase",
    ),
    Variable::new("S3_ENDPOINT", "3", "Adresse d'un stockage S3, sans chemin, pour `STORAGE=s3`", "https://s3.gra.io.cloud.ovh.net"),
    Variable::new("S3_BUCKET", "3", "Son bucket, lisible par tous et dont la règle CORS admet PUT", "neopro-videos"),
    Variable::new("S3_REGION", "3", "Sa région", "gra").or("us-east-1"),
    Variable::new("S3_ACCESS_KEY_ID", "3", "Identifiant de sa clé", "AKIA…"),
    Variable::new("S3_SECRET_ACCESS_KEY", "3", "Sa clé secrète", "(fournie par l'hébergeur)").secret(),
    Variable::new(
        "S3_PUBLIC_URL",
        "3",
        "Adresse où chacun lit le contenu du bucket ; à défaut `S3_ENDPOINT/S3_BUCKET`",
        "https://videos.club.fr",
    ),
    Variable::new(
        "STORAGE_MAX_OBJECT_MB",
        "3",
        "Taille maximale d'un fichier dans le stockage, en Mo (10^6), si le bucket ne la donne pas",
        "50",
    ),
    Variable::new("STORAGE_GB", "3", "Place de l'offre de stockage, en Go ; 0 : sans limite", "1")
        .or("1 chez Supabase, sinon 0"),
    Variable::new("STORAGE_TRAFFIC_GB", "3", "Trafic mensuel de l'offre de stockage, en Go ; 0 : sans limite", "5")
        .or("5 chez Supabase, sinon 0"),
    Variable::new("VIDEO_MAX_MB", REFERENCE, "Taille maximale d'une vidéo envoyée, en Mo, de 1 à 4096", "500").or("500"),
    Variable::new(
        "AUDIT_KEEP_MONTHS",
        REFERENCE,
        "Mois pendant lesquels le journal d'audit est conservé, de 24 à 1200 ; sans valeur : toujours",
        "36",
    ),
    Variable::new(
        "DATABASE_SSL",
        "2.2",
        "`true` : chiffrer aussi la connexion vers une base locale ou privée",
        "true",
    ),
    Variable::new(
        "DATABASE_SSL_CA",
        "2.2",
        "Certificat racine de la base, texte PEM (Supabase : Settings > Database > SSL Configuration)",
        "-----BEGIN CERTIFICATE-----...",
    ),
    Variable::new("DATABASE_SSL_CA_FILE", "2.2", "Chemin du certificat racine de la base", "/etc/neopro/ca.crt"),
    Variable::new("DATABASE_SSL_CA_PATH", "2.2", "Autre nom de DATABASE_SSL_CA_FILE", "/etc/neopro/ca.crt"),
    Variable::new(
        "REDIS_SSL_CA_FILE",
        "4.3",
        "Chemin du certificat racine de Redis, si une autorité privée l'a signé",
        "/etc/neopro/redis-ca.crt",
    ),
    Variable::new(
        "SSL_CERT_FILE",
        REFERENCE,
        "Chemin de certificats d'autorités (PEM) à croire en plus des publiques, pour tout ce qui sort en https : \
         stockage, SendGrid, Slack, Logtail",
        "/etc/neopro/autorites.pem",
    ),
    Variable::new("DATABASE_POOL_SIZE", REFERENCE, "Connexions à la base par instance, de 1 à 100", "10").or("10"),
    Variable::new(
        "SENDGRID_API_URL",
        MAIL,
        "Adresse de l'API SendGrid ; `https://api.eu.sendgrid.com` pour un sous-compte européen",
        "https://api.eu.sendgrid.com",
    )
    .or("https://api.sendgrid.com"),
    Variable::new("SMTP_HOST", MAIL, "Serveur SMTP, utilisé sans SENDGRID_API_KEY", "smtp.example.com"),
    Variable::new("SMTP_PORT", MAIL, "Port SMTP ; 465 si SMTP_SECURE vaut `true`", "587").or("587"),
    Variable::new("SMTP_USER", MAIL, "Compte SMTP", "neopro"),
    Variable::new("SMTP_PASSWORD", MAIL, "Mot de passe SMTP", "(mot de passe)").secret(),
    Variable::new("SMTP_SECURE", MAIL, "`true` : TLS dès la connexion (port 465), sinon STARTTLS", "true"),
    Variable::new("SMTP_FROM", MAIL, "Ancien nom d'EMAIL_FROM", "noreply@example.com"),
    Variable::new("SLACK_ALERTS_ENABLED", SLACK, "`false` : ne rien envoyer à Slack", "false").or("true"),
    Variable::new(
        "LOGTAIL_HOST",
        LOGTAIL,
        "Hôte d'ingestion affiché par la source Logtail",
        "s1234567.eu-nbg-2.betterstackdata.com",
    )
    .or("in.logs.betterstack.com"),
    Variable::new("METRICS_TOKEN", REFERENCE, "Jeton demandé (Bearer) pour lire /metrics", "(32 caractères au hasard)")
        .secret()
        .made_by("openssl rand -base64 24"),
];

/// The variables as plain text for the long help of the command line.
pub fn help() -> String {
    let mut text = String::from("Variables d'environnement obligatoires en production :\n");
    VARIABLES.iter().filter(|variable| variable.required).for_each(|variable| describe(variable, &mut text));
    text.push_str("\nVariables d'environnement facultatives :\n");
    VARIABLES.iter().filter(|variable| !variable.required).for_each(|variable| describe(variable, &mut text));
    text
}

fn describe(variable: &Variable, text: &mut String) {
    let Variable { name, about, example, .. } = variable;
    let mut notes = vec![format!("exemple : {example}")];
    notes.extend(variable.default.map(|default| format!("par défaut : {default}")));
    notes.extend(variable.command.map(|command| format!("à créer avec : {command}")));
    notes.push(format!("guide : {}", step(variable.step).french()));
    text.push_str(&format!("\n  {name}\n      {about}\n"));
    notes.iter().for_each(|note| text.push_str(&format!("      {note}\n")));
}
