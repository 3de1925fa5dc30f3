//! What keeps a connection from being made, as far as the texts of drivers and poolers tell, and what mends it.

use super::Error;

/// What is in the way of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// Nobody listens there.
    Refused,
    /// No answer in time.
    Silence,
    /// The name leads nowhere.
    UnknownHost,
    /// The password is not the one.
    Password,
    /// The pooler knows no such user, or cannot tell whose he is.
    UnknownUser,
    /// The pooler lets nobody in for a while, after too many refused logins.
    Blocked,
    /// All connections that may be open are.
    Crowded,
    /// This address may not connect.
    Banned,
    /// The certificate is of none of the given authorities.
    WrongAuthority,
    /// The certificate is somebody else's.
    WrongName,
    /// The certificate's time is over, or has not come.
    Expired,
    /// The certificate cannot be accepted for another reason.
    BadCertificate,
    /// We want encryption, and the server has none.
    NoTls,
    /// The server wants encryption, and we were told to do without.
    TlsRequired,
    /// Anything else.
    Other,
}

/// The beginnings by which they are told apart, in the order in which they are looked for. Those in capital letters and
/// round brackets are the codes of Supabase's pooler, the others PostgreSQL's, PgBouncer's, the driver's and the system's.
const SIGNS: [(Obstacle, &[&str]); 14] = [
    (Obstacle::Blocked, &["(ECIRCUITBREAKER)", "too many authentication failures"]),
    (
        Obstacle::UnknownUser,
        &["(ENOTFOUND)", "Tenant or user not found", "(ENOIDENTIFIER)", "no tenant identifier", "no such user"],
    ),
    (Obstacle::Password, &["authentication failed", "auth failed", "Wrong password"]),
    (
        Obstacle::Crowded,
        &["(EMAXCONN", "ax client", "too many connections", "remaining connection slots", "no more connections"],
    ),
    (Obstacle::Banned, &["(EADDRNOTALLOWED)", "(EBANNED)", "no pg_hba.conf entry"]),
    (Obstacle::TlsRequired, &["(ESSLREQUIRED)", "SSL connection is required", "SSL required"]),
    (Obstacle::NoTls, &["does not support TLS"]),
    (Obstacle::WrongName, &["NotValidForName", "not valid for name"]),
    (Obstacle::Expired, &["certificate expired", "Expired", "NotValidYet", "not valid yet"]),
    (Obstacle::WrongAuthority, &["UnknownIssuer", "BadSignature"]),
    (Obstacle::BadCertificate, &["invalid peer certificate"]),
    (Obstacle::Refused, &["Connection refused"]),
    (Obstacle::Silence, &["timed out", "timeout", "in time"]),
    (Obstacle::UnknownHost, &["lookup address", "Name or service not known"]),
];

impl Obstacle {
    /// What stands in the way, by the text of an error.
    #[must_use]
    pub fn of(error: &Error) -> Self {
        Self::in_text(&error.to_string())
    }

    fn in_text(text: &str) -> Self {
        let found = SIGNS.iter().find(|(_, signs)| signs.iter().any(|sign| text.contains(sign)));
        found.map_or(Self::Other, |(obstacle, _)| *obstacle)
    }

    /// Whether a pooler counts this against us: ten in a row, and it closes its door for minutes.
    #[must_use]
    pub fn is_refused_login(self) -> bool {
        matches!(self, Self::Password | Self::UnknownUser | Self::Blocked)
    }

    /// A sentence or two.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Refused => "Connection refused : rien n'écoute à cette adresse.",
            Self::Silence => "Connection timeout : cette adresse ne répond pas.",
            Self::UnknownHost => "L'hôte de DATABASE_URL n'existe pas.",
            Self::Password => "Le mot de passe de DATABASE_URL est refusé.",
            Self::UnknownUser => {
                "Le pooler ne connaît pas cet utilisateur : il s'écrit postgres.<référence du projet>. Si c'est le cas, le \
                 projet est en pause, ou l'hôte est celui d'une autre région."
            }
            Self::Blocked => {
                "Le pooler n'accepte plus de connexion pour quelques minutes, après trop de mots de passe refusés : \
                 corrigez DATABASE_URL, il rouvrira de lui-même."
            }
            Self::Crowded => {
                "Toutes les connexions permises sont prises : diminuez DATABASE_POOL_SIZE ou le nombre de réplicas."
            }
            Self::Banned => "L'adresse de ce serveur n'a pas le droit de se connecter à la base.",
            Self::WrongAuthority => "Le certificat du serveur n'est pas signé par DATABASE_SSL_CA.",
            Self::WrongName => {
                "Le certificat du serveur est celui d'un autre hôte que celui de DATABASE_URL ; rien ne lui a été envoyé."
            }
            Self::Expired => "Le certificat du serveur n'est pas valable à la date de cette machine.",
            Self::BadCertificate => "Le certificat du serveur n'est pas acceptable.",
            Self::NoTls => {
                "Ce serveur n'offre pas de connexion chiffrée, et vers un hôte public il en faut une ; rien ne lui a été \
                 envoyé."
            }
            Self::TlsRequired => "La base exige une connexion chiffrée : ajoutez DATABASE_SSL=true.",
            Self::Other => "La connexion a échoué.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_poolers_and_drivers_say_is_understood() {
        let said = [
            ("db error: FATAL: (ENOTFOUND) tenant/user postgres.abc not found", Obstacle::UnknownUser),
            ("db error: FATAL: Tenant or user not found", Obstacle::UnknownUser),
            ("db error: FATAL: (ENOIDENTIFIER) no tenant identifier provided", Obstacle::UnknownUser),
            ("db error: FATAL: password authentication failed for user \"postgres\"", Obstacle::Password),
            ("db error: FATAL: SASL authentication failed", Obstacle::Password),
            (
                "db error: FATAL: (ECIRCUITBREAKER) too many authentication failures, new connections are temporarily \
                 blocked",
                Obstacle::Blocked,
            ),
            ("db error: FATAL: (EMAXCONN) max client connections reached, limit: 200", Obstacle::Crowded),
            ("db error: FATAL: Max client connections reached", Obstacle::Crowded),
            ("db error: FATAL: (ESSLREQUIRED) SSL connection is required", Obstacle::TlsRequired),
            ("db error: FATAL: (EBANNED) banned", Obstacle::Banned),
            ("error performing TLS handshake: server does not support TLS", Obstacle::NoTls),
            ("invalid peer certificate: UnknownIssuer", Obstacle::WrongAuthority),
            ("invalid peer certificate: certificate not valid for name \"a\"; it is for b", Obstacle::WrongName),
            ("invalid peer certificate: certificate expired: verification time 1", Obstacle::Expired),
            ("error connecting to server: Connection refused (os error 111)", Obstacle::Refused),
            ("error connecting to server: connection timed out", Obstacle::Silence),
            ("error connecting to server: failed to lookup address information", Obstacle::UnknownHost),
            ("connection closed", Obstacle::Other),
        ];
        for (text, obstacle) in said {
            assert_eq!(Obstacle::in_text(text), obstacle, "{text}");
        }
        let counted = said.iter().filter(|(_, obstacle)| obstacle.is_refused_login()).count();
        assert_eq!(counted, 6, "and nothing but refused logins holds connections back");
    }
}
