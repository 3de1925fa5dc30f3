//! What the demo network is: its clips and its groups. The clubs are those of [`crate::clubs`].

/// How many clubs there are from the start; the first two have real boxes.
pub(super) const CLUBS: usize = 12;

/// How many of them have a box.
pub(super) const WITH_BOX: usize = 2;

/// A clip of the library.
pub(super) struct Clip {
    /// Its file, and with `.thumbnail.jpg` in the place of its ending its small picture.
    pub file: &'static str,
    pub title: &'static str,
    /// Sponsors' clips loop by themselves, others wait for the remote.
    pub category: &'static str,
    pub subcategory: Option<&'static str>,
    pub to: To,
}

/// Where a clip is sent to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum To {
    /// The clubs with boxes.
    Pilots,
    /// The clubs of a region, most of which were never seen.
    Region,
    /// Nowhere yet: it is there to be sent by hand.
    Nobody,
}

const fn sponsor(file: &'static str, title: &'static str, subcategory: &'static str, to: To) -> Clip {
    Clip { file, title, category: "SPONSORS", subcategory: Some(subcategory), to }
}

pub(super) const CLIPS: [Clip; 7] = [
    sponsor("garage-morvan.mp4", "Garage Morvan", "Automobile", To::Pilots),
    sponsor("boulangerie-le-goff.mp4", "Boulangerie Le Goff", "Commerces", To::Pilots),
    sponsor("vergers-de-kerlann.mp4", "Les vergers de Kerlann", "Producteurs", To::Region),
    sponsor("opticien-du-canal.mp4", "Opticien du Canal", "Santé", To::Pilots),
    sponsor("armor-energie.mp4", "Armor Énergie", "Énergie", To::Nobody),
    Clip { file: "but.mp4", title: "But !", category: "JINGLES", subcategory: None, to: To::Pilots },
    Clip {
        file: "loto.jpg",
        title: "Loto du club",
        category: "PARTENAIRES",
        subcategory: Some("Vie du club"),
        to: To::Nobody,
    },
];

/// The groups: a name, what they are, a sentence, and which clubs are in them.
pub(super) const PILOTS: (&str, &str, &str) = ("Clubs pilotes", "custom", "Les clubs dont le boîtier est déjà posé.");
pub(super) const REGION: (&str, &str, &str) = ("Bretagne", "geography", "Tous les clubs de Bretagne.");
pub(super) const SPORT: (&str, &str, &str) = ("Handball", "sport", "Tous les clubs de handball.");
pub(super) const FLEET: (&str, &str, &str) =
    ("Parc simulé", "custom", "Des boîtiers simulés, pour voir un parc vivre.");
