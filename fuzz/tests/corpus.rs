//! Every input of the corpora, read as the engine reads it. An input that the engine has found is kept by putting it
//! there.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use neopro_fuzz::TARGETS;

/// One test alone in its program: what memory is held at a time is counted for the whole process.
#[test]
fn every_input_is_read_as_it_must_be_and_none_finds_what_is_planted() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut folders: BTreeSet<String> = names(&corpus);
    for target in &TARGETS {
        assert!(folders.remove(target.name), "there is no corpus for {}", target.name);
        let folder = corpus.join(target.name);
        let inputs = names(&folder);
        assert!(inputs.len() >= 5, "{} are few for {}", inputs.len(), target.name);
        for input in inputs {
            // The harness shows it, if the input is the one that fails.
            println!("{}/{input}", target.name);
            let bytes = fs::read(folder.join(input)).expect("an input");
            (target.read)(&bytes);
            assert!(!(target.planted)(&bytes));
        }
    }
    assert!(folders.is_empty(), "nobody reads {folders:?}");
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("a plain name")).collect()
}
