//! What the guide's step 6.2 has a platform do: our command needs no Node, and a wrong Root Directory ends before anything is
//! built. `cargo xtask bench build` runs the command in a fresh clone and times it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use super::{in_the_guide, instead_of, read, repository, scratch};

/// Programs of Node, as a build script would start them.
const NODE: [&str; 6] = ["\"node\"", "\"npm\"", "\"npx\"", "\"pnpm\"", "\"yarn\"", "\"bun\""];

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The sources of every build script of the crates that are built here.
fn build_scripts() -> Vec<PathBuf> {
    let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let asked = ["metadata", "--format-version=1", "--locked", "--offline", "--filter-platform", &platform];
    let output = Command::new(env!("CARGO")).args(asked).current_dir(repository()).output().expect("cargo");
    assert!(output.status.success(), "{}", said(&output));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages").iter();
    let targets = packages.flat_map(|package| package["targets"].as_array().expect("targets"));
    let scripts = targets.filter(|target| target["kind"][0] == "custom-build");
    scripts.map(|target| PathBuf::from(target["src_path"].as_str().expect("a path"))).collect()
}

fn starts_node(script: &str) -> bool {
    NODE.iter().any(|program| script.contains(program))
}

#[test]
fn the_command_of_step_6_needs_no_program_but_those_of_rust_and_c() {
    let scripts = build_scripts();
    assert!(scripts.len() > 20, "{scripts:?}");
    assert!(scripts.iter().any(|script| script.ends_with("central-server/build.rs")), "ours is among them");
    for script in &scripts {
        let text = std::fs::read_to_string(script).expect("a source");
        assert!(!starts_node(&text), "{}", script.display());
    }
    assert!(starts_node("Command::new(\"npm\").arg(\"ci\")"), "the control");

    // Ours in a clone in which nobody has built a dashboard, and where no program is on the PATH.
    let built = Path::new(env!("OUT_DIR")).ancestors().nth(2).expect("the folder of all build scripts");
    let own =
        std::fs::read_dir(built).expect("the folder").flatten().map(|entry| entry.path().join("build-script-build"));
    let is_ours = |path: &PathBuf| path.to_str().is_some_and(|path| path.contains("/neopro-central-")) && path.exists();
    let newest =
        own.filter(is_ours).max_by_key(|path| path.metadata().and_then(|facts| facts.modified()).expect("a time"));
    let clone = scratch("fresh-clone");
    let (server, out) = (clone.join("central-server"), clone.join("out"));
    for folder in [&server, &out] {
        std::fs::create_dir_all(folder).expect("a folder");
    }
    let mut command = Command::new(newest.expect("our build script"));
    let ran = command.env_clear().env("OUT_DIR", &out).current_dir(&server).output().expect("it runs");
    assert!(ran.status.success(), "{}", said(&ran));
    assert!(String::from_utf8_lossy(&ran.stdout).contains("NEOPRO_DASHBOARD=absent"));
    assert_eq!(std::fs::read_to_string(out.join("dashboard.rs")).expect("the table"), "&[\n]\n");
    std::fs::remove_dir_all(&clone).expect("it can be removed");
}

/// Root Directory `central-server`, as the original has it, with the command of our edition: Cargo reads no further than the
/// first line that needs the rest of the repository. What it says is its own; our edition leaves the field empty.
#[test]
fn the_servers_folder_alone_is_refused_before_anything_is_built() {
    let folder = scratch("root-directory-alone").join(in_the_guide("6.2", "Root Directory"));
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("Cargo.toml"), read("central-server/Cargo.toml")).expect("a file");
    let command = instead_of("| Build Command | `npm install && npm run build` |");
    let words: Vec<&str> = command.split_whitespace().collect();
    assert_eq!(words[0], "cargo");
    let ran = Command::new(env!("CARGO")).args(&words[1..]).current_dir(&folder).output().expect("cargo");
    assert!(!ran.status.success() && said(&ran).contains("failed to find a workspace root"), "{}", said(&ran));
    let left: Vec<_> = std::fs::read_dir(&folder).expect("it").flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(left, ["Cargo.toml"], "nothing was built, and nothing fetched");
    std::fs::remove_dir_all(folder.parent().expect("its own")).expect("it can be removed");
}
