//! Where the loop goes on after its items changed.

use crate::library::Clip;

/// Where an item stands in a loop. It may stand there several times: the place nearest to the old one is meant.
pub fn place_of(key: &str, around: usize, clips: &[Clip]) -> Option<usize> {
    let places = clips.iter().enumerate().filter(|(_, clip)| clip.key == key).map(|(index, _)| index);
    places.min_by_key(|index| index.abs_diff(around))
}

/// The place in `new` of the first item of `old`, from an index on and round, that is still there; else the beginning.
pub fn first_left(old: &[Clip], from: usize, new: &[Clip]) -> usize {
    let in_order = (0..old.len()).map(|step| (from + step) % old.len());
    in_order.filter_map(|index| place_of(&old[index].key, index, new)).next().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::ClipKind;

    fn clips(keys: &str) -> Vec<Clip> {
        let clip = |key: char| Clip {
            key: key.to_string(),
            name: String::new(),
            file: std::path::PathBuf::new(),
            kind: ClipKind::Video,
        };
        keys.chars().map(clip).collect()
    }

    #[test]
    fn behind_a_vanished_item_comes_what_stood_behind_it() {
        let left = |old: &str, from, new: &str| first_left(&clips(old), from, &clips(new));
        assert_eq!(left("abc", 1, "abc"), 1);
        assert_eq!(left("abc", 1, "ac"), 1);
        assert_eq!(left("abc", 2, "ab"), 0);
        assert_eq!(left("abcd", 1, "xd"), 1);
        assert_eq!(left("abc", 1, "xyz"), 0, "nothing is left: from the beginning");
        assert_eq!(left("abc", 3, "cab"), 1, "one behind the end is the beginning");
        assert_eq!((left("abc", 1, ""), left("", 0, "abc")), (0, 0));
    }

    #[test]
    fn of_an_item_that_stands_there_twice_the_nearer_place_is_meant() {
        assert_eq!(place_of("a", 2, &clips("abac")), Some(2));
        assert_eq!(place_of("a", 0, &clips("abac")), Some(0));
        assert_eq!(place_of("a", 4, &clips("xabac")), Some(3));
        assert_eq!(place_of("z", 0, &clips("abac")), None);
    }
}
