//! What can be wrong with Redis, in words.

use std::io;

use redis::{ErrorKind, RedisError};

/// Why Redis is not of use now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Its name is none.
    Host,
    /// Nobody listens there.
    Refused,
    /// No answer.
    Silent,
    /// Its certificate is not one that we trust.
    Certificate,
    /// It does not speak TLS.
    Plain,
    /// It has ended the connection before it said anything of Redis: ports for TLS do that to whoever speaks without.
    HungUp,
    /// User or password are wrong.
    Login,
    /// The user may not do what we need.
    Rights,
    /// Its plan is used up.
    Quota,
    /// It has ended the connection.
    Lost,
    /// Something else.
    Other,
}

impl Trouble {
    /// A sentence of a closed list, for `/health`.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Host => "L'hôte de REDIS_URL n'existe pas.",
            Self::Refused => "Rien n'écoute à l'adresse de REDIS_URL (connexion refusée).",
            Self::Silent => "Redis ne répond pas à temps.",
            Self::Certificate => "Le certificat de Redis n'est pas reconnu.",
            Self::Plain => "Redis ne parle pas TLS à cette adresse.",
            Self::HungUp => "Redis a coupé la connexion avant de répondre.",
            Self::Login => "Redis refuse l'utilisateur ou le mot de passe de REDIS_URL.",
            Self::Rights => "L'utilisateur de REDIS_URL n'a pas les droits qu'il faut.",
            Self::Quota => "Le forfait de Redis est épuisé.",
            Self::Lost => "La connexion à Redis est perdue.",
            Self::Other => "Redis répond par une erreur.",
        }
    }

    /// What to do about it, with the guide's step.
    #[must_use]
    pub fn advice(self) -> &'static str {
        match self {
            Self::Host => "Recopiez l'URL de la base Redis (étape 4.3 du guide).",
            Self::Refused => "Vérifiez l'hôte et le port de REDIS_URL, et que Redis est démarré (étape 4.3 du guide).",
            Self::Silent => {
                "Vérifiez l'hôte, le port et le pare-feu ; un port sans TLS se tait devant « rediss:// » (étape 4.3 du guide)."
            }
            Self::Certificate => {
                "L'hôte de REDIS_URL doit être celui du certificat ; une autorité privée se donne dans \
                 REDIS_SSL_CA_FILE (étape 4.3 du guide)."
            }
            Self::Plain => "Écrivez « redis:// » dans REDIS_URL, ou le port chiffré de Redis (étape 4.3 du guide).",
            Self::HungUp => "Si ce port attend TLS, écrivez « rediss:// » dans REDIS_URL (étape 4.3 du guide).",
            Self::Login => "Recopiez l'URL avec son jeton (étape 4.3 du guide).",
            Self::Rights => {
                "Il lui faut +subscribe, +publish et +ping sur le canal « neopro:bell » (étape 4.3 du guide)."
            }
            Self::Quota => "Choisissez un autre forfait, ou attendez le suivant (étape 4.1 du guide).",
            Self::Lost => "Le serveur s'y reconnecte de lui-même (étape 4 du guide si cela dure).",
            Self::Other => "Le détail est dans le journal du serveur (étape 4 du guide).",
        }
    }

    /// Whether trying again soon cannot help.
    #[must_use]
    pub(super) fn is_lasting(self) -> bool {
        matches!(self, Self::Login | Self::Rights | Self::Quota | Self::Certificate | Self::Plain)
    }
}

/// A trouble, and what was said of it, for the log alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What it is.
    pub trouble: Trouble,
    /// In the words of whoever noticed.
    pub detail: String,
}

impl Fault {
    /// A fault in our own words.
    pub(super) fn new(trouble: Trouble, detail: impl Into<String>) -> Self {
        Self { trouble, detail: detail.into() }
    }

    /// The connection could not be made.
    pub(super) fn of_connecting(error: &io::Error) -> Self {
        let trouble = match error.kind() {
            io::ErrorKind::ConnectionRefused => Trouble::Refused,
            io::ErrorKind::TimedOut | io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
                Trouble::Silent
            }
            _ => Trouble::Other,
        };
        Self::new(trouble, error.to_string())
    }

    /// TLS could not be agreed on.
    pub(super) fn of_tls(error: &io::Error) -> Self {
        let reason = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        let trouble = match reason {
            Some(rustls::Error::InvalidCertificate(_)) => Trouble::Certificate,
            Some(rustls::Error::InvalidMessage(_)) => Trouble::Plain,
            // It has taken our first words for an unknown command, or for too long a one.
            _ if matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset) => {
                Trouble::Plain
            }
            _ => Trouble::Other,
        };
        Self::new(trouble, error.to_string())
    }

    /// Redis has said no, or nothing.
    pub(super) fn of(error: &RedisError, is_greeting: bool) -> Self {
        let code = error.code().unwrap_or_default();
        let text = error.to_string();
        let trouble = match code {
            "WRONGPASS" | "NOAUTH" => Trouble::Login,
            "NOPERM" => Trouble::Rights,
            _ if error.kind() == ErrorKind::AuthenticationFailed => Trouble::Login,
            _ if text.contains("max requests limit") || text.contains("quota") => Trouble::Quota,
            _ if error.is_timeout() => Trouble::Silent,
            // A port for TLS may answer with an alert, whose first byte is 21, before it ends the connection (RFC 8446, 5.1).
            _ if is_greeting && text.contains("Unexpected `21`") => Trouble::HungUp,
            _ if error.is_io_error() || error.is_connection_dropped() => {
                if is_greeting {
                    Trouble::HungUp
                } else {
                    Trouble::Lost
                }
            }
            _ => Trouble::Other,
        };
        Self::new(trouble, text)
    }
}
