//! The sites of the bench, made by one script, and what their boxes show of themselves.

use std::fmt::Write as _;

use neopro_protocol::configuration;
use serde_json::Value;
use uuid::Uuid;

use super::Sites;
use crate::identity::sites_sql;

/// The group that the video is for.
pub(super) const GROUP: Uuid = Uuid::from_u128(0x4e65_6f50_726f_0000_8000_6265_6e63_6801);
/// How large a mirrored configuration is, in bytes.
const MIRROR: usize = 50_000;
/// Where the sites are, in turn.
pub(super) const REGIONS: [&str; 13] = [
    "Auvergne-Rhône-Alpes",
    "Bourgogne-Franche-Comté",
    "Bretagne",
    "Centre-Val de Loire",
    "Corse",
    "Grand Est",
    "Hauts-de-France",
    "Île-de-France",
    "Normandie",
    "Nouvelle-Aquitaine",
    "Occitanie",
    "Pays de la Loire",
    "Provence-Alpes-Côte d'Azur",
];

/// What the site of a number is called, before it is renamed.
pub(super) fn site_name(number: usize) -> String {
    format!("Gymnase {number:05}")
}

/// The statements that make the sites: the one with the number 0 is the newest and the first by its name, and so on.
///
/// Keys as NeoPro 1 stored them are bcrypt hashes of cost 10. They need the extension `pgcrypto`, in a schema of the
/// bench's own.
#[must_use]
pub fn sql(sites: &Sites) -> String {
    let Sites { count, seed, old_keys, members } = sites;
    let regions = REGIONS.map(|region| format!("'{}'", region.replace('\'', "''"))).join(", ");
    let mut script = format!(
        "begin;\n{};\n\
         update sites s set site_name = 'Gymnase ' || lpad(n::text, 5, '0'), club_name = 'Club sportif de Ville ' || n, \
           created_at = now() - n * interval '1 minute', software_version = '2.4.1', sports = '[\"handball\", \"basket\"]', \
           location = jsonb_build_object('city', 'Ville ' || n, 'region', (array[{regions}])[n % {} + 1], \
             'country', 'France', 'coordinates', jsonb_build_object('lat', 43 + n % 700 / 100.0, 'lng', n % 900 / 100.0)) \
         from (select split_part(site_name, ' ', 2)::integer as n, id from sites where site_name like '{seed} %') numbered \
         where numbered.id = s.id;\n\
         insert into groups (id, name, type) values ('{GROUP}', 'Tous les gymnases', 'custom');\n\
         insert into site_groups (site_id, group_id) select id, '{GROUP}' from sites \
           where right(site_name, 5)::integer < {members};\n",
        sites_sql(seed, *count),
        REGIONS.len(),
    );
    if *old_keys > 0 {
        let _ = writeln!(
            script,
            "create schema if not exists bench; create extension if not exists pgcrypto with schema bench;\n\
             update sites set api_key = bench.crypt(encode(sha256(convert_to('key ' || right(site_name, 5)::integer || \
               ' of {seed}', 'UTF8')), 'hex'), bench.gen_salt('bf', 10)) where right(site_name, 5)::integer < {old_keys};"
        );
    }
    script.push_str("commit;\nanalyze;");
    script
}

/// The configuration of a box, as it sends it: a document of a club, of the size that the bench asks for.
pub(super) fn mirror(site: Uuid, number: usize) -> String {
    format!(
        r#"{{"siteId":"{site}","configHash":"{number:016x}","timestamp":"2026-01-01T00:00:00.000Z","config":{}}}"#,
        configuration_of(number)
    )
}

fn configuration_of(number: usize) -> String {
    let mut text = format!(
        r#"{{"version":"1.0","remote":{{"title":"Télécommande du club {number}"}},"auth":{{"password":"secret-{number}"}},"sync":{{"enabled":true}},"sponsors":["#
    );
    let mut entry = 0;
    while text.len() < MIRROR {
        let comma = if entry == 0 { "" } else { "," };
        let _ = write!(
            text,
            r#"{comma}{{"name":"Partenaire {entry} du club {number}","path":"videos/SPONSORS/partenaire-{entry:04}.mp4","type":"video/mp4","duration":{},"locked":false}}"#,
            8 + entry % 20,
        );
        entry += 1;
    }
    text.push_str("],\"categories\":[]}");
    text
}

/// What the server is to show of it: the same without the secret.
pub(super) fn mirror_shown(number: usize) -> Result<Value, String> {
    let document = serde_json::from_str(&configuration_of(number)).map_err(|error| error.to_string())?;
    Ok(configuration::split(document).0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_is_as_large_as_asked_for_and_shows_no_secret() {
        let text = mirror(Uuid::nil(), 7);
        let whole: Value = serde_json::from_str(&text).expect("JSON");
        assert!((MIRROR..MIRROR + 500).contains(&whole["config"].to_string().len()), "{}", text.len());
        let shown = mirror_shown(7).expect("JSON");
        assert_eq!(
            (&whole["config"]["auth"]["password"], &shown["auth"]["password"]),
            (&"secret-7".into(), &configuration::MASK.into())
        );
        assert_eq!(whole["config"]["sponsors"], shown["sponsors"]);
        assert_ne!(shown, mirror_shown(8).expect("JSON"));
    }
}
