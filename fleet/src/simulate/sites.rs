//! Which sites the boxes are of: one line each, as JSON or as CSV, and what is wrong with whose box.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use uuid::Uuid;

use crate::identity::Identity;

/// A site and the key of its box.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Site {
    /// Its id.
    pub id: Uuid,
    /// Its key, as the server gave it.
    #[serde(alias = "api_key")]
    pub key: String,
    /// What is always wrong with its box.
    #[serde(default)]
    pub fault: Option<Fault>,
}

impl Site {
    /// The site of an identity, with a sound box.
    #[must_use]
    pub fn of(identity: Identity) -> Self {
        Self { id: identity.site, key: identity.key, fault: None }
    }
}

/// What is always wrong with a box.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// After each heartbeat its network is away, for as long as a network may be.
    Offline,
    /// Its line is slow.
    Slow,
    /// Its card is full: no file fits.
    DiskFull,
    /// Its card is broken: no file comes out as it went in.
    Corrupt,
}

impl FromStr for Fault {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        match word {
            "offline" => Ok(Self::Offline),
            "slow" => Ok(Self::Slow),
            "disk_full" => Ok(Self::DiskFull),
            "corrupt" => Ok(Self::Corrupt),
            _ => Err(()),
        }
    }
}

/// How many boxes have which fault, `offline=5,slow=1`.
///
/// # Errors
/// What is expected, for the person at the command line.
pub fn read_faults(text: &str) -> Result<(Fault, usize), &'static str> {
    let (word, count) = text.split_once('=').ok_or(FAULTS)?;
    Ok((word.trim().parse().map_err(|()| FAULTS)?, count.trim().parse().map_err(|_| FAULTS)?))
}

const FAULTS: &str = "offline=N, slow=N, disk_full=N, corrupt=N, with commas between them";

/// Gives so many of the boxes that have no fault one, spread evenly over the list; all of them, if they are too few.
pub fn spoil(sites: &mut [Site], faults: &[(Fault, usize)]) {
    let mut sound: Vec<&mut Site> = sites.iter_mut().filter(|site| site.fault.is_none()).collect();
    let unlucky: Vec<Fault> = faults.iter().flat_map(|(fault, count)| std::iter::repeat_n(*fault, *count)).collect();
    let all = sound.len();
    let unlucky = &unlucky[..unlucky.len().min(all)];
    for (number, fault) in unlucky.iter().enumerate() {
        // Each has a stretch of the list of its own, so that nobody is met twice.
        sound[number * all / unlucky.len()].fault = Some(*fault);
    }
}

/// A line that names no site.
#[derive(Debug, PartialEq, Eq)]
pub struct NoSite {
    /// Which line, from 1.
    line: usize,
}

impl fmt::Display for NoSite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} is neither {{\"id\": …, \"key\": …}} nor id,key, with a fault or without", self.line)
    }
}

impl std::error::Error for NoSite {}

/// Reads `{"id": …, "key": …, "fault": …}` or `id,key,fault` from each line, the fault being optional. Empty lines, and
/// a first line that says `id,key`, are left out.
///
/// # Errors
/// A line that is neither.
pub fn read(text: &str) -> Result<Vec<Site>, NoSite> {
    let lines = text.lines().map(str::trim).enumerate();
    let wanted = lines.filter(|(number, line)| !(line.is_empty() || *number == 0 && *line == "id,key"));
    wanted.map(|(number, line)| read_line(line).ok_or(NoSite { line: number + 1 })).collect()
}

fn read_line(line: &str) -> Option<Site> {
    if line.starts_with('{') {
        return serde_json::from_str(line).ok();
    }
    let mut words = line.split(',').map(str::trim);
    let (id, key) = (words.next()?.parse().ok()?, words.next()?.to_owned());
    let fault = match words.next() {
        None | Some("") => None,
        Some(word) => Some(word.parse().ok()?),
    };
    (!key.is_empty() && words.next().is_none()).then_some(Site { id, key, fault })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_json_or_csv() {
        let text = "id,key\n00000000-0000-0000-0000-000000000001,ab\n\n\
            {\"id\":\"00000000-0000-0000-0000-000000000002\",\"api_key\":\"cd\",\"site_name\":\"x\"}\n";
        let sites = read(text).expect("sites");
        let keys: Vec<(u128, &str)> = sites.iter().map(|site| (site.id.as_u128(), site.key.as_str())).collect();
        assert_eq!(keys, [(1, "ab"), (2, "cd")]);
    }

    #[test]
    fn a_line_says_what_is_wrong_with_its_box() {
        let id = "00000000-0000-0000-0000-000000000001";
        let text =
            format!("{id},a,slow\n{id},b,\n{{\"id\":\"{id}\",\"key\":\"c\",\"fault\":\"disk_full\"}}\n{id},d,offline");
        let faults: Vec<Option<Fault>> = read(&text).expect("sites").iter().map(|site| site.fault).collect();
        assert_eq!(faults, [Some(Fault::Slow), None, Some(Fault::DiskFull), Some(Fault::Offline)]);
    }

    #[test]
    fn so_many_boxes_have_a_fault_and_nobody_two() {
        let site = |number| Site { id: Uuid::from_u128(number), key: "k".into(), fault: None };
        let mut sites: Vec<Site> = (0..50).map(site).collect();
        spoil(&mut sites, &[(Fault::Offline, 5), (Fault::Slow, 1), (Fault::Corrupt, 2)]);
        let with = |fault| sites.iter().filter(|site| site.fault == Some(fault)).count();
        assert_eq!([Fault::Offline, Fault::Slow, Fault::DiskFull, Fault::Corrupt].map(with), [5, 1, 0, 2]);
        let mut few: Vec<Site> = (0..2).map(site).collect();
        few[0].fault = Some(Fault::Slow);
        spoil(&mut few, &[(Fault::DiskFull, 9)]);
        assert_eq!([few[0].fault, few[1].fault], [Some(Fault::Slow), Some(Fault::DiskFull)]);
        spoil(&mut [], &[(Fault::DiskFull, 9)]);
    }

    #[test]
    fn faults_are_words_with_numbers() {
        assert_eq!(read_faults("disk_full=3"), Ok((Fault::DiskFull, 3)));
        for bad in ["slow", "slow=", "slow=-1", "tired=1", "=1"] {
            assert_eq!(read_faults(bad), Err(FAULTS), "{bad}");
        }
    }

    #[test]
    fn a_line_that_is_neither_is_named() {
        let id = "00000000-0000-0000-0000-000000000001";
        let tired = format!("{id},ab,tired");
        for bad in
            ["x,ab", "00000000-0000-0000-0000-000000000001,", "{\"id\":1}", "nothing", &tired, &format!("{id},a,slow,")]
        {
            assert_eq!(read(&format!("\n{bad}")), Err(NoSite { line: 2 }), "{bad}");
        }
    }
}
