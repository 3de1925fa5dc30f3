//! `cargo xtask soak`: the long repetitions whole, of which the tests run a slice.

use crate::steps::{Outcome, cargo, loud, output, visible};
use crate::{fuzz, test, versions};

/// A test that repeats itself as often as a variable says.
struct Soak {
    name: &'static str,
    variable: &'static str,
    /// How many times; or a word for what has another measure.
    whole: &'static str,
    /// The crate that has its tests among its integration tests, and the filter that finds them.
    package: &'static str,
    tests: &'static str,
}

const SOAKS: &[Soak] = &[
    Soak { name: "kills", variable: "NEOPRO_KILLS", whole: "100", package: "neopro-central", tests: "kills" },
    Soak { name: "fleet", variable: "NEOPRO_FLEET_KILLS", whole: "50", package: "neopro-fleet", tests: "kills" },
    Soak {
        name: "pooler",
        variable: "NEOPRO_POOLER_REQUESTS",
        whole: "900",
        package: "neopro-central",
        tests: "pooler",
    },
    Soak { name: "box-kills", variable: "NEOPRO_BOX_KILLS", whole: "50", package: "neopro-box", tests: "kills" },
    Soak {
        name: "tv",
        variable: "NEOPRO_TV_TRANSITIONS",
        whole: "200",
        package: "neopro-box",
        tests: "tv::no_black_picture",
    },
    Soak {
        name: "evening",
        variable: "NEOPRO_TV_TRANSITIONS",
        whole: "200",
        package: "neopro-fleet",
        tests: "tv::what_is_deployed",
    },
    Soak { name: "hostile", variable: "NEOPRO_SIEGE_PAIRS", whole: "6", package: "neopro-central", tests: "siege" },
    Soak {
        name: "attack",
        variable: "NEOPRO_ATTACK",
        whole: "whole",
        package: "neopro-central",
        tests: "openapi_attack",
    },
    Soak { name: "year", variable: "NEOPRO_YEAR", whole: "35x35", package: "neopro-central", tests: "retention::year" },
    Soak {
        name: "drill",
        variable: "NEOPRO_DRILL_SITES",
        whole: "1000",
        package: "neopro-central",
        tests: "backup::drill",
    },
    Soak {
        name: "replicas",
        variable: "NEOPRO_REPLICAS",
        whole: "1200",
        package: "neopro-central",
        tests: "replicas::",
    },
    Soak {
        name: "sleep",
        variable: "NEOPRO_SLEEP",
        whole: "1200",
        package: "neopro-central",
        tests: "stops::a_server_that_slept",
    },
    // The largest that is taken is 500 MB, what stands around the content included.
    Soak { name: "plan512", variable: "NEOPRO_PLAN_MB", whole: "499", package: "neopro-central", tests: "plan512" },
    Soak { name: "gallery", variable: "NEOPRO_GALLERY", whole: "all", package: "neopro-fleet", tests: "gallery" },
];

/// The soak that is no test: made-up inputs.
const FUZZ: &str = "fuzz";

/// The soak that needs another version of the server first. The word behind it is a revision.
const VERSIONS: &str = "versions";

/// Where the soak `gallery` writes its page.
const GALLERY: &str = "target/gallery/index.html";

/// Takes every picture of the dashboard, and says where they can be looked through.
pub fn gallery() -> Outcome {
    let outcome = run(&["gallery".to_owned()]);
    // Faulty pictures are those that somebody wants to see.
    println!("{}", std::path::absolute(GALLERY).unwrap_or_else(|_| GALLERY.into()).display());
    outcome
}

/// Runs the named soaks, or all.
pub fn run(names: &[String]) -> Outcome {
    if let [first, revision] = names
        && first == VERSIONS
        && SOAKS.iter().all(|soak| soak.name != revision)
    {
        test::prepare()?;
        return versions::side_by_side(Some(revision));
    }
    let known: Vec<&str> = SOAKS.iter().map(|soak| soak.name).chain([VERSIONS, FUZZ]).collect();
    if let Some(unknown) = names.iter().find(|name| !known.contains(&name.as_str())) {
        return Err(format!("There is no soak \"{unknown}\", only: {}.", known.join(", ")));
    }
    let is_wanted = |name: &str| names.is_empty() || names.iter().any(|wanted| wanted == name);
    test::prepare()?;
    for Soak { name, variable, whole, package, tests } in SOAKS {
        if is_wanted(name) {
            loud(&format!("{name}, {variable}={whole}"), || {
                let tests_with =
                    |option| cargo(&["test", "--locked", "-p", package, "--test", "it", tests, "--", option]);
                if !output(&mut tests_with("--list"))?.contains(": test") {
                    return Err(format!("No test is found by \"{tests}\", so this soak would prove nothing."));
                }
                visible(tests_with("--nocapture").env(variable, whole))
            })?;
        }
    }
    if is_wanted(VERSIONS) {
        versions::side_by_side(None)?;
    }
    if is_wanted(FUZZ) { fuzz::whole() } else { Ok(()) }
}
