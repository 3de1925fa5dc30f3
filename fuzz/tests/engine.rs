//! `engine <words of libFuzzer> -ignore_remaining_args=1 <target> [planted]`: libFuzzer makes up inputs for one
//! reader, led by which branches each of them takes.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use neopro_fuzz::{TARGETS, Target, target};

/// What libFuzzer leaves to us stands behind this.
const OURS: &str = "-ignore_remaining_args=1";

/// The reader that is tried, and whether a panic is planted.
static CHOSEN: LazyLock<(&Target, bool)> = LazyLock::new(|| {
    let mut words = std::env::args().skip_while(|word| word != OURS).skip(1);
    let Some(target) = words.next().as_deref().and_then(target) else {
        let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
        eprintln!("Behind {OURS} one of these is expected: {}.", names.join(", "));
        std::process::exit(2)
    };
    (target, words.next().as_deref() == Some("planted"))
});

fuzz_target!(init: { LazyLock::force(&CHOSEN); }, |bytes: &[u8]| {
    let (target, is_planted) = *CHOSEN;
    if is_planted {
        assert!(!(target.planted)(bytes), "the planted panic");
    } else {
        (target.read)(bytes);
    }
});
