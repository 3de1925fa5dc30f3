//! What keeps a connection from being made, as far as the texts of drivers and poolers tell, and what mends it.

use super::Error;
use crate::words::Words;

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
        &[
            "(EMAXCONN",
            "(ECHECKOUTTIMEOUT)",
            "ax client",
            "too many clients",
            "too many connections",
            "remaining connection slots",
            "no more connections",
        ],
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
    pub fn words(self) -> Words {
        match self {
            Self::Refused => REFUSED,
            Self::Silence => SILENCE,
            Self::UnknownHost => UNKNOWN_HOST,
            Self::Password => PASSWORD,
            Self::UnknownUser => UNKNOWN_USER,
            Self::Blocked => BLOCKED,
            Self::Crowded => CROWDED,
            Self::Banned => BANNED,
            Self::WrongAuthority => WRONG_AUTHORITY,
            Self::WrongName => WRONG_NAME,
            Self::Expired => EXPIRED,
            Self::BadCertificate => BAD_CERTIFICATE,
            Self::NoTls => NO_TLS,
            Self::TlsRequired => TLS_REQUIRED,
            Self::Other => OTHER,
        }
    }

    /// Whether the certificate is what is wrong, or the authority that we were given for it.
    #[must_use]
    pub fn is_certificate(self) -> bool {
        matches!(self, Self::WrongAuthority | Self::WrongName | Self::Expired | Self::BadCertificate)
    }
}

crate::words::words! {
    REFUSED: "Connection refused : rien n'écoute à cette adresse.", "Connection refused: nothing listens at this address.", "Connection refused: nada escucha en esta dirección.";
    SILENCE: "Connection timeout : cette adresse ne répond pas.", "Connection timeout: this address does not answer.", "Connection timeout: esta dirección no responde.";
    UNKNOWN_HOST: "L'hôte de DATABASE_URL n'existe pas.", "The host of DATABASE_URL does not exist.", "El host de DATABASE_URL no existe.";
    PASSWORD: "Le mot de passe de DATABASE_URL est refusé.", "The password of DATABASE_URL is refused.", "La contraseña de DATABASE_URL se rechaza.";
    UNKNOWN_USER: "Le pooler ne connaît pas cet utilisateur : il s'écrit postgres.<référence du projet>. Si c'est le cas, le projet est en pause, ou l'hôte est celui d'une autre région.", "The pooler does not know this user: it is written postgres.<project reference>. If it is, the project is paused, or the host is another region's.", "El pooler no conoce a este usuario: se escribe postgres.<referencia del proyecto>. Si ya es así, el proyecto está en pausa o el host es el de otra región.";
    BLOCKED: "Le pooler n'accepte plus de connexion pour quelques minutes, après trop de mots de passe refusés : corrigez DATABASE_URL, il rouvrira de lui-même.", "The pooler takes no connection for some minutes, after too many refused passwords: correct DATABASE_URL, it opens again by itself.", "El pooler no acepta conexiones durante unos minutos, tras demasiadas contraseñas rechazadas: corrige DATABASE_URL, volverá a abrirse solo.";
    CROWDED: "Toutes les connexions permises sont prises : diminuez DATABASE_POOL_SIZE ou le nombre de réplicas.", "All connections that are allowed are taken: lower DATABASE_POOL_SIZE or the number of replicas.", "Todas las conexiones permitidas están ocupadas: reduce DATABASE_POOL_SIZE o el número de réplicas.";
    BANNED: "L'adresse de ce serveur n'a pas le droit de se connecter à la base.", "This server's address may not connect to the database.", "La dirección de este servidor no puede conectarse a la base.";
    WRONG_AUTHORITY: "Le certificat du serveur n'est pas signé par DATABASE_SSL_CA.", "The server's certificate is not signed by DATABASE_SSL_CA.", "El certificado del servidor no está firmado por DATABASE_SSL_CA.";
    WRONG_NAME: "Le certificat du serveur est celui d'un autre hôte que celui de DATABASE_URL ; rien ne lui a été envoyé.", "The server's certificate is that of another host than DATABASE_URL's; nothing was sent to it.", "El certificado del servidor es el de otro host que el de DATABASE_URL; no se le ha enviado nada.";
    EXPIRED: "Le certificat du serveur n'est pas valable à la date de cette machine.", "The server's certificate is not valid at this machine's date.", "El certificado del servidor no es válido en la fecha de esta máquina.";
    BAD_CERTIFICATE: "Le certificat du serveur n'est pas acceptable.", "The server's certificate cannot be accepted.", "El certificado del servidor no es aceptable.";
    NO_TLS: "Ce serveur n'offre pas de connexion chiffrée, et vers un hôte public il en faut une ; rien ne lui a été envoyé.", "This server offers no encrypted connection, and towards a public host one is needed; nothing was sent to it.", "Este servidor no ofrece conexión cifrada, y hacia un host público hace falta; no se le ha enviado nada.";
    TLS_REQUIRED: "La base exige une connexion chiffrée : ajoutez DATABASE_SSL=true.", "The database demands an encrypted connection: add DATABASE_SSL=true.", "La base exige una conexión cifrada: añade DATABASE_SSL=true.";
    OTHER: "La connexion a échoué.", "The connection failed.", "La conexión ha fallado.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_obstacle_is_told_in_three_languages() {
        crate::words::tests::complete(ALL);
    }

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
            ("db error: FATAL: sorry, too many clients already", Obstacle::Crowded),
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
