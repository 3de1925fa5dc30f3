//! What can be wrong with a storage that is not this machine's disk: what a person is told, and who has to mend what.

use super::Bucket;

/// Why the storage outside does not do what it is asked for. Texts within are for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// It does not answer, or says that it cannot just now.
    Away(String),
    /// The project sleeps.
    Paused,
    /// It does not take the server's key.
    Key(String),
    /// It knows no project at this address.
    Project(String),
    /// A bucket is not there, and could not be made.
    Missing(Bucket, String),
    /// A bucket is there, but not public.
    Private(Bucket),
    /// The key is good, and still nothing may be written.
    WriteRefused(Bucket, String),
    /// What is stored may not be read without a key.
    ReadRefused(Bucket, String),
    /// The plan's room or traffic is used up.
    Full(String),
    /// One object is larger than the storage takes: its bytes, and the most if the storage has said so.
    TooLarge(u64, Option<u64>),
    /// It said something that it is not known to say.
    Odd(String),
    /// A storage that is not Supabase says what is wrong, and who mends it where.
    Told(&'static Told, String),
}

/// What can be wrong with a storage that speaks S3.
#[derive(Debug, PartialEq, Eq)]
pub struct Told {
    /// See [`Trouble::code`].
    pub code: &'static str,
    /// See [`Trouble::words`].
    pub words: &'static str,
    /// See [`Trouble::advice`].
    pub advice: &'static str,
    /// See [`Trouble::may_pass`].
    pub may_pass: bool,
}

impl Trouble {
    /// A stable word for a program.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Away(_) => "storage_away",
            Self::Paused => "storage_paused",
            Self::Key(_) => "storage_key",
            Self::Project(_) => "storage_project",
            Self::Missing(..) => "storage_bucket_missing",
            Self::Private(_) => "storage_bucket_private",
            Self::WriteRefused(..) => "storage_write_refused",
            Self::ReadRefused(..) => "storage_read_refused",
            Self::Full(_) => "storage_full",
            Self::TooLarge(..) => "too_large",
            Self::Odd(_) => "storage_odd",
            Self::Told(told, _) => told.code,
        }
    }

    /// What is wrong, for anybody: one of a fixed list.
    #[must_use]
    pub fn words(&self) -> &'static str {
        match self {
            Self::Away(_) => "Le stockage des vidéos ne répond pas. Réessayez dans un instant.",
            Self::Paused => "Le stockage des vidéos est arrêté : le projet Supabase est en pause.",
            Self::Key(_) => "Le stockage des vidéos refuse la clé de ce serveur.",
            Self::Project(_) => "Le stockage des vidéos ne connaît pas le projet de ce serveur.",
            Self::Missing(Bucket::Videos, _) => "Le bucket « videos » du stockage n'existe pas.",
            Self::Missing(Bucket::SoftwareUpdates, _) => "Le bucket « software-updates » du stockage n'existe pas.",
            Self::Private(Bucket::Videos) => {
                "Le bucket « videos » du stockage est privé : les boîtiers ne peuvent pas y lire."
            }
            Self::Private(Bucket::SoftwareUpdates) => {
                "Le bucket « software-updates » du stockage est privé : les boîtiers ne peuvent pas y lire."
            }
            Self::WriteRefused(..) => "Le stockage des vidéos refuse ce que ce serveur y écrit.",
            Self::ReadRefused(..) => "Le stockage des vidéos refuse la lecture publique.",
            Self::Full(_) => "Le stockage des vidéos a atteint la limite de son offre (place ou trafic du mois).",
            Self::TooLarge(..) => "Ce fichier dépasse ce que le stockage accepte pour un seul fichier.",
            Self::Odd(_) => "Le stockage des vidéos a donné une réponse inattendue. Elle a été enregistrée.",
            Self::Told(told, _) => told.words,
        }
    }

    /// The same with what is known of the case.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Self::TooLarge(size, Some(most)) => format!(
                "Ce fichier ({}) dépasse ce que le stockage accepte pour un seul fichier ({}).",
                megabytes(size.div_ceil(100_000)),
                megabytes(most / 100_000)
            ),
            Self::TooLarge(size, None) => format!(
                "Ce fichier ({}) dépasse ce que le stockage accepte pour un seul fichier.",
                megabytes(size.div_ceil(100_000))
            ),
            other => other.words().to_owned(),
        }
    }

    /// Who mends it where: the step of the production guide.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Away(_) | Self::Odd(_) => {
                "Si cela dure, regardez l'état du projet dans Supabase, et SUPABASE_URL (étape 2.3 du guide)."
            }
            Self::Paused => "Relancez le projet dans le tableau de bord de Supabase (étape 2 du guide).",
            Self::Key(_) => "Vérifiez SUPABASE_SERVICE_KEY (étape 2.3 du guide).",
            Self::Project(_) => "Vérifiez SUPABASE_URL (étape 2.3 du guide).",
            Self::Missing(Bucket::Videos, _) => "Créez le bucket public « videos » (étape 3.1 du guide).",
            Self::Missing(Bucket::SoftwareUpdates, _) => {
                "Créez le bucket public « software-updates » (étape 3.2 du guide)."
            }
            Self::Private(Bucket::Videos) => "Rendez le bucket « videos » public (étape 3.1 du guide).",
            Self::Private(Bucket::SoftwareUpdates) => {
                "Rendez le bucket « software-updates » public (étape 3.2 du guide)."
            }
            Self::WriteRefused(Bucket::Videos, _) => {
                "Vérifiez SUPABASE_SERVICE_KEY (étape 2.3) et la règle « Allow service upload » (étape 3.3 du guide)."
            }
            Self::WriteRefused(Bucket::SoftwareUpdates, _) => {
                "Vérifiez SUPABASE_SERVICE_KEY (étape 2.3) et la règle « Allow service upload » (étape 3.4 du guide)."
            }
            Self::ReadRefused(Bucket::Videos, _) => "Vérifiez la règle « Allow public read » (étape 3.3 du guide).",
            Self::ReadRefused(Bucket::SoftwareUpdates, _) => {
                "Vérifiez la règle « Allow public read » (étape 3.4 du guide)."
            }
            Self::Full(_) => "Supprimez des vidéos, attendez le mois prochain, ou changez d'offre chez Supabase.",
            Self::Told(told, _) => told.advice,
            Self::TooLarge(..) => {
                "Réduisez la vidéo (MP4, H.264, 1080p), ou relevez la limite dans Supabase (Storage > Settings ; 50 Mo \
                 au plus sur l'offre gratuite)."
            }
        }
    }

    /// What an engineer has to know besides, for the log.
    #[must_use]
    pub fn why(&self) -> &str {
        match self {
            Self::Away(why)
            | Self::Key(why)
            | Self::Project(why)
            | Self::Missing(_, why)
            | Self::WriteRefused(_, why)
            | Self::ReadRefused(_, why)
            | Self::Full(why)
            | Self::Odd(why)
            | Self::Told(_, why) => why,
            Self::Paused => "the project is paused",
            Self::Private(_) => "the bucket is private",
            Self::TooLarge(..) => "the object is too large",
        }
    }

    /// Whether another try soon may go better, without anybody mending anything.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Away(_) => true,
            Self::Told(told, _) => told.may_pass,
            _ => false,
        }
    }
}

/// Tenths of a megabyte in words.
fn megabytes(tenths: u64) -> String {
    match tenths % 10 {
        0 => format!("{} Mo", tenths / 10),
        tenth => format!("{},{tenth} Mo", tenths / 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_told_so_that_the_larger_one_looks_larger() {
        let told = Trouble::TooLarge(52_428_801, Some(52_428_800)).sentence();
        assert!(told.contains("(52,5 Mo)") && told.contains("(52,4 Mo)"), "{told}");
        let told = Trouble::TooLarge(60_000_000, Some(50_000_000)).sentence();
        assert!(told.contains("(60 Mo)") && told.contains("(50 Mo)"), "{told}");
    }

    #[test]
    fn each_bucket_names_its_own_step() {
        assert!(Trouble::Private(Bucket::Videos).advice().contains("3.1"));
        assert!(Trouble::Private(Bucket::SoftwareUpdates).advice().contains("3.2"));
        assert!(Trouble::Missing(Bucket::SoftwareUpdates, String::new()).advice().contains("3.2"));
        assert!(Trouble::ReadRefused(Bucket::SoftwareUpdates, String::new()).advice().contains("3.4"));
    }
}
