//! A network of invented clubs in real towns, for demonstrations: the first so many are always the same.

use serde::Serialize;

/// A club with one venue, as the server takes a new site.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Club {
    /// Name of the venue, which no other club of the network has.
    pub site_name: String,
    /// Name of the club.
    pub club_name: String,
    /// Where it is.
    pub location: Location,
    /// What is played there.
    pub sports: Vec<&'static str>,
}

/// Where a venue is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Location {
    /// Town.
    pub city: &'static str,
    /// Region.
    pub region: &'static str,
    /// Country.
    pub country: &'static str,
    /// The point: near the town's middle, no two the same.
    pub coordinates: Point,
}

/// A point on the map, in degrees.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Point {
    /// North.
    pub lat: f64,
    /// East.
    pub lng: f64,
}

/// Town, region, degrees north and east. No name begins with an article, which French would melt into "du".
const TOWNS: [(&str, &str, f64, f64); 43] = [
    ("Vitré", BRITTANY, 48.124, -1.210),
    ("Niort", AQUITAINE, 46.324, -0.464),
    ("Redon", BRITTANY, 47.651, -2.084),
    ("Cholet", LOIRE, 47.060, -0.879),
    ("Lisieux", NORMANDY, 49.146, 0.226),
    ("Auch", OCCITANIA, 43.646, 0.586),
    ("Quimperlé", BRITTANY, 47.873, -3.550),
    ("Colmar", EAST, 48.079, 7.358),
    ("Rodez", OCCITANIA, 44.350, 2.575),
    ("Annonay", RHONE, 45.240, 4.671),
    ("Dole", BURGUNDY, 47.092, 5.490),
    ("Pontivy", BRITTANY, 48.069, -2.963),
    ("Saumur", LOIRE, 47.260, -0.077),
    ("Provins", PARIS, 48.559, 3.299),
    ("Abbeville", NORTH, 50.106, 1.834),
    ("Digne-les-Bains", PROVENCE, 44.092, 6.236),
    ("Vendôme", CENTRE, 47.793, 1.066),
    ("Corte", CORSICA, 42.306, 9.150),
    ("Fougères", BRITTANY, 48.352, -1.199),
    ("Challans", LOIRE, 46.845, -1.878),
    ("Coutances", NORMANDY, 49.047, -1.445),
    ("Marmande", AQUITAINE, 44.500, 0.166),
    ("Épernay", EAST, 49.044, 3.959),
    ("Figeac", OCCITANIA, 44.608, 2.032),
    ("Aurillac", RHONE, 44.926, 2.440),
    ("Autun", BURGUNDY, 46.951, 4.299),
    ("Lannion", BRITTANY, 48.732, -3.459),
    ("Ancenis", LOIRE, 47.366, -1.178),
    ("Rambouillet", PARIS, 48.644, 1.830),
    ("Saint-Omer", NORTH, 50.750, 2.252),
    ("Manosque", PROVENCE, 43.829, 5.787),
    ("Loches", CENTRE, 47.128, 0.995),
    ("Guingamp", BRITTANY, 48.563, -3.151),
    ("Argentan", NORMANDY, 48.745, -0.020),
    ("Brive", AQUITAINE, 45.159, 1.534),
    ("Sélestat", EAST, 48.260, 7.454),
    ("Millau", OCCITANIA, 44.099, 3.078),
    ("Thonon", RHONE, 46.371, 6.479),
    ("Ploërmel", BRITTANY, 47.932, -2.397),
    ("Luçon", LOIRE, 46.455, -1.166),
    ("Montereau", PARIS, 48.385, 2.951),
    ("Cambrai", NORTH, 50.176, 3.235),
    ("Draguignan", PROVENCE, 43.537, 6.465),
];

const BRITTANY: &str = "Bretagne";
const LOIRE: &str = "Pays de la Loire";
const NORMANDY: &str = "Normandie";
const PARIS: &str = "Île-de-France";
const AQUITAINE: &str = "Nouvelle-Aquitaine";
const OCCITANIA: &str = "Occitanie";
const EAST: &str = "Grand Est";
const RHONE: &str = "Auvergne-Rhône-Alpes";
const BURGUNDY: &str = "Bourgogne-Franche-Comté";
const NORTH: &str = "Hauts-de-France";
const PROVENCE: &str = "Provence-Alpes-Côte d'Azur";
const CENTRE: &str = "Centre-Val de Loire";
const CORSICA: &str = "Corse";

/// What the players of a club call themselves.
const ANIMALS: [&str; 24] = [
    "Korrigans",
    "Loutres",
    "Martins-pêcheurs",
    "Renards",
    "Hérons",
    "Castors",
    "Écureuils",
    "Grives",
    "Belettes",
    "Cormorans",
    "Salamandres",
    "Tritons",
    "Marmottes",
    "Chouettes",
    "Bouquetins",
    "Genettes",
    "Huppes",
    "Courlis",
    "Mouflons",
    "Vanneaux",
    "Lucioles",
    "Cigognes",
    "Libellules",
    "Hermines",
];

const VENUES: [&str; 14] = [
    "Gymnase des Tilleuls",
    "Salle du Moulin",
    "Complexe des Peupliers",
    "Gymnase de la Gare",
    "Halle des Lavoirs",
    "Salle des Acacias",
    "Gymnase du Vieux-Pont",
    "Salle de la Fontaine",
    "Complexe des Prés-Hauts",
    "Gymnase des Ardoises",
    "Salle du Pigeonnier",
    "Gymnase de l'Écluse",
    "Halle du Champ-de-Foire",
    "Salle des Marronniers",
];

/// As people say them, and as a club's name has them.
const SPORTS: [(&str, &str); 6] = [
    ("handball", "Handball"),
    ("basketball", "Basket"),
    ("volleyball", "Volley"),
    ("futsal", "Futsal"),
    ("hockey", "Rink-Hockey"),
    ("football", "Football"),
];

/// The club of this number.
#[must_use]
pub fn club(number: usize) -> Club {
    let round = number / TOWNS.len();
    let (city, region, lat, lng) = TOWNS[number % TOWNS.len()];
    let animal = ANIMALS[(number + round) % ANIMALS.len()];
    let (sport, called) = SPORTS[(number + number / SPORTS.len()) % SPORTS.len()];
    let of = if city.starts_with(['A', 'É']) { "d'" } else { "de " };
    // A town of a second round is met with other animals; behind the last animal, with a number.
    let again = match round / ANIMALS.len() {
        0 => String::new(),
        more => format!(" {}", more + 1),
    };
    // The golden angle spreads the points around the town.
    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    let (turn, away) = (round as f64 * 2.399, (round as f64).sqrt() * 0.035);
    let rounded = |degrees: f64| (degrees * 10_000.0).round() / 10_000.0;
    let mut sports = vec![sport];
    if number % 5 == 4 {
        sports.push(SPORTS[(number + number / SPORTS.len() + 2) % SPORTS.len()].0);
    }
    let venue = VENUES[(number * 3 + round) % VENUES.len()];
    Club {
        site_name: if round == 0 { format!("{venue}, {city}") } else { format!("{venue}, {city} {}", round + 1) },
        club_name: format!("{called} Les {animal} {of}{city}{again}"),
        location: Location {
            city,
            region,
            country: "France",
            coordinates: Point { lat: rounded(lat + away * turn.sin()), lng: rounded(lng + away * turn.cos()) },
        },
        sports,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn clubs_have_names_of_their_own_and_stand_in_france() {
        let clubs: Vec<Club> = (0..2_000).map(club).collect();
        let distinct = |name: fn(&Club) -> &str| clubs.iter().map(name).collect::<BTreeSet<_>>().len();
        assert_eq!((distinct(|club| &club.site_name), distinct(|club| &club.club_name)), (2_000, 2_000));
        for Club { location: Location { coordinates: Point { lat, lng }, .. }, .. } in &clubs {
            assert!((41.3..51.2).contains(lat) && (-5.3..9.6).contains(lng), "{lat} {lng}");
        }
    }

    #[test]
    fn two_hundred_of_them_are_in_every_region_and_play_every_sport() {
        let clubs: Vec<Club> = (0..200).map(club).collect();
        let regions: BTreeSet<&str> = clubs.iter().map(|club| club.location.region).collect();
        let sports: BTreeSet<&str> = clubs.iter().flat_map(|club| club.sports.iter().copied()).collect();
        assert_eq!((regions.len(), sports.len()), (13, SPORTS.len()));
        let first: BTreeSet<&str> = clubs[..12].iter().map(|club| club.location.region).collect();
        assert!(first.len() >= 7, "{first:?}");
    }

    #[test]
    fn french_melts_a_vowel() {
        assert_eq!(club(5).club_name, "Football Les Castors d'Auch");
        assert_eq!(club(0).club_name, "Handball Les Korrigans de Vitré");
    }
}
