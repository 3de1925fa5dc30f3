//! The ways to run that the repository offers: they say what the production guide says, and what this program reads.

mod build;
mod package;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use neopro_central::config::{VARIABLES, Variable};
use yaml_rust2::{Yaml, YamlLoader};

use crate::guide::differences::instead_of;
use crate::guide::document::Document;
use crate::support::cluster::scratch;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(repository().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The documents of a YAML file.
fn documents(path: &str) -> Vec<Yaml> {
    YamlLoader::load_from_str(&read(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn list(yaml: &Yaml) -> &[Yaml] {
    yaml.as_vec().map_or(&[], Vec::as_slice)
}

fn text(yaml: &Yaml) -> &str {
    yaml.as_str().unwrap_or_default()
}

/// The keys of a mapping.
fn keys(yaml: &Yaml) -> BTreeSet<String> {
    yaml.as_hash().into_iter().flatten().map(|(key, _)| text(key).to_owned()).collect()
}

fn names(values: &[&str]) -> BTreeSet<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

/// A value in a table of the guide: `| Name | \`neopro-dashboard\` |`, below a heading.
fn in_the_guide(heading: &str, field: &str) -> String {
    let guide = Document::original();
    let section = guide.sections().iter().find(|section| section.heading.contains(heading)).expect(heading);
    let start = format!("| {field} | ");
    let line = section.lines.iter().find_map(|line| line.strip_prefix(&start)).expect(field);
    line.split('|').next().unwrap_or_default().trim().trim_matches('`').to_owned()
}

/// What the server has to be given in production: the guide's mandatory variables.
fn required() -> BTreeSet<String> {
    VARIABLES.iter().filter(|variable| variable.required).map(|variable| variable.name.to_owned()).collect()
}

fn unknown(given: &BTreeSet<String>) -> Vec<&String> {
    given.iter().filter(|name| Variable::find(name).is_none()).collect()
}

#[test]
fn the_blueprint_is_the_guides_step_6() {
    let blueprint = documents("render.yaml").remove(0);
    let service = &blueprint["services"][0];
    assert_eq!(text(&service["name"]), in_the_guide("6.2.", "Name"));
    assert!(in_the_guide("6.2.", "Region").to_lowercase().contains(text(&service["region"])), "{service:?}");
    assert_eq!(text(&service["branch"]), in_the_guide("6.2.", "Branch"));
    assert_eq!(text(&service["runtime"]), instead_of("| Runtime | `Node` |").trim().to_lowercase());
    assert!(service["rootDir"].is_badvalue(), "outside of it nothing is there");
    let build = instead_of("| Build Command | `npm install && npm run build` |");
    assert_eq!(text(&service["buildCommand"]), build.trim());
    assert_eq!(text(&service["startCommand"]), instead_of("| Start Command | `npm start` |").trim());
    assert_eq!(text(&service["healthCheckPath"]), "/health");
    let patience = service["maxShutdownDelaySeconds"].as_i64().expect("seconds");
    assert!((10..=300).contains(&patience), "{patience}");

    let variables = list(&service["envVars"]);
    let mut given = BTreeSet::new();
    for entry in variables {
        let name = text(&entry["key"]);
        if name == "RUSTUP_TOOLCHAIN" {
            assert_eq!(text(&entry["value"]), env!("CARGO_PKG_RUST_VERSION"), "the version that Cargo.toml asks for");
            continue;
        }
        let variable = Variable::find(name).unwrap_or_else(|| panic!("the server knows no {name}"));
        assert!(!variable.secret || entry["value"].is_badvalue(), "{name} is nothing for a repository");
        let has_a_way = entry["value"].is_badvalue() != entry["generateValue"].is_badvalue()
            || entry["sync"].as_bool() == Some(false);
        assert!(has_a_way, "{entry:?}");
        given.insert(name.to_owned());
    }
    assert!(given.is_superset(&required()), "missing: {:?}", required().difference(&given).collect::<Vec<_>>());
    for (name, value) in [("NODE_ENV", "production"), ("PORT", "3001"), ("JWT_EXPIRES_IN", "7d")] {
        let entry = variables.iter().find(|entry| text(&entry["key"]) == name).expect(name);
        assert_eq!(text(&entry["value"]), value);
    }
}

#[test]
fn what_the_build_filter_watches_is_what_the_server_is_built_from() {
    let blueprint = documents("render.yaml").remove(0);
    let watched: BTreeSet<&str> = list(&blueprint["services"][0]["buildFilter"]["paths"]).iter().map(text).collect();
    let manifest = read("central-server/Cargo.toml");
    let built = manifest.split("[dev-dependencies]").next().unwrap_or_default();
    for member in built.lines().filter_map(|line| line.strip_prefix("neopro-")?.split(['.', ' ']).next()) {
        assert!(watched.contains(format!("{member}/**").as_str()), "{member}: {watched:?}");
    }
    for path in ["central-server/**", "Cargo.toml", "Cargo.lock"] {
        assert!(watched.contains(path), "{path}");
    }
    for path in watched {
        assert!(repository().join(path.trim_end_matches("/**")).exists(), "{path}");
    }
}

#[test]
fn the_blueprint_is_the_guides_step_7() {
    let blueprint = documents("render.yaml").remove(0);
    let site = &blueprint["services"][1];
    for (field, key) in [
        ("Name", "name"),
        ("Branch", "branch"),
        ("Root Directory", "rootDir"),
        ("Build Command", "buildCommand"),
        ("Publish Directory", "staticPublishPath"),
    ] {
        assert_eq!(text(&site[key]), in_the_guide("7.2.", field));
    }
    assert_eq!(text(&site["runtime"]), "static");
    assert_eq!(text(&site["envVars"][0]["key"]), "NG_APP_API_URL");
    let route = &site["routes"][0];
    assert_eq!([&route["type"], &route["source"], &route["destination"]].map(text), ["rewrite", "/*", "/index.html"]);
    let header = |name: &str| {
        let of_all = |entry: &&Yaml| text(&entry["path"]) == "/*" && text(&entry["name"]) == name;
        list(&site["headers"]).iter().find(of_all).map(|entry| text(&entry["value"])).expect("a header for every page")
    };
    assert_eq!(header("Content-Security-Policy"), "frame-ancestors 'none'");
    assert_eq!(header("X-Content-Type-Options"), "nosniff");
    assert_eq!(header("Referrer-Policy"), "same-origin");
}

#[test]
fn compose_starts_what_the_server_needs_and_gives_it_what_it_reads() {
    let services = &documents("compose.yaml").remove(0)["services"];
    assert_eq!(keys(services), names(&["central", "database", "redis", "proxy"]));
    let central = &services["central"];
    let given = keys(&central["environment"]);
    assert_eq!(unknown(&given), Vec::<&String>::new());
    // Files are on a volume of its own, so it needs no project of Supabase.
    let missing: Vec<String> = required().difference(&given).cloned().collect();
    assert_eq!(missing, ["SUPABASE_SERVICE_KEY", "SUPABASE_URL"]);
    assert_eq!(text(&central["environment"]["STORAGE"]), "local");
    // One proxy stands before it, whose address is nobody's.
    assert_eq!(text(&central["environment"]["TRUSTED_PROXY_HOPS"]), "1");
    for name in ["central", "database", "redis"] {
        assert!(services[name]["ports"].is_badvalue(), "{name} is reached through the proxy, or not at all");
    }
    let secret = |name: &str| text(&central["environment"][name]).contains("${");
    assert!(["JWT_SECRET", "MFA_ENCRYPTION_KEY", "DATABASE_URL", "REDIS_URL"].into_iter().all(secret));
    let asked: BTreeSet<String> = read("compose.yaml")
        .split("${")
        .skip(1)
        .map(|rest| rest.split([':', '}']).next().unwrap_or_default().to_owned())
        .collect();
    let example = read("deploy/docker/env.example");
    let offered: BTreeSet<String> = example
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| Some(line.split_once('=')?.0.to_owned()))
        .collect();
    assert_eq!(asked, offered, "what is asked for stands in the example");
}

#[test]
fn the_image_is_built_from_what_is_here_and_runs_as_nobody_in_particular() {
    let image = read("deploy/docker/Dockerfile");
    let last = image.rsplit("\nFROM ").next().expect("a stage");
    assert!(last.contains("\nUSER 10001:10001\n"));
    assert!(last.contains("\nCMD [\"serve\"]") && last.contains("ENTRYPOINT [\"neopro-central\"]"));
    assert!(image.contains(instead_of("| Build Command | `npm install && npm run build` |").trim()));
    assert!(image.contains(&format!("FROM rust:{}-", env!("CARGO_PKG_RUST_VERSION"))));
    let copied = image.lines().filter_map(|line| line.strip_prefix("COPY ")).filter(|line| !line.starts_with("--"));
    for source in copied.flat_map(|line| line.split_whitespace().rev().skip(1)) {
        assert!(repository().join(source).exists(), "{source}");
    }
    let set = last.lines().skip_while(|line| !line.starts_with("ENV ")).take(3);
    let given: BTreeSet<String> =
        set.filter_map(|line| Some(line.trim_start_matches("ENV").trim().split_once('=')?.0.to_owned())).collect();
    assert_eq!(given, names(&["NODE_ENV", "PORT", "NEOPRO_DATA_DIR"]));
    assert_eq!(unknown(&given), Vec::<&String>::new());
}

#[test]
fn kubernetes_gets_two_replicas_that_are_asked_whether_they_are_ready() {
    let all = documents("deploy/kubernetes/central.yaml");
    let of_kind = |kind: &str| all.iter().find(|one| text(&one["kind"]) == kind).expect("it is there");
    let settings = keys(&of_kind("ConfigMap")["data"]);
    assert_eq!(unknown(&settings), Vec::<&String>::new());
    assert!(settings.contains("TRUSTED_PROXY_HOPS"), "an ingress stands before it");
    // The rest comes from the secret, whose names stand in the comment at the top.
    let manifest = read("deploy/kubernetes/central.yaml");
    let comment = manifest.split("apiVersion").next().unwrap_or_default();
    for name in required().difference(&settings) {
        assert!(comment.contains(name.as_str()), "{name}");
    }
    let deployment = &of_kind("Deployment")["spec"];
    assert_eq!(deployment["replicas"].as_i64(), Some(2));
    let pod = &deployment["template"]["spec"];
    assert_eq!(pod["securityContext"]["runAsNonRoot"].as_bool(), Some(true));
    assert!(pod["terminationGracePeriodSeconds"].as_i64().expect("seconds") >= 15);
    let container = &pod["containers"][0];
    assert_eq!(text(&container["livenessProbe"]["httpGet"]["path"]), "/live");
    assert_eq!(text(&container["readinessProbe"]["httpGet"]["path"]), "/ready");
    assert_eq!(text(&container["args"][0]), "serve");
    let labels = &deployment["template"]["metadata"]["labels"];
    assert_eq!(labels, &of_kind("Service")["spec"]["selector"]);
    assert_eq!(labels, &deployment["selector"]["matchLabels"]);
    assert_eq!(labels, &of_kind("PodDisruptionBudget")["spec"]["selector"]["matchLabels"]);
}

/// Step 6.2 of the original, word by word: the server's folder alone, and npm.
#[test]
fn the_originals_commands_in_the_servers_folder_end_with_a_sentence() {
    let folder = scratch("root-directory");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("package.json"), read("central-server/package.json")).expect("a file");
    for command in [in_the_guide("6.2", "Build Command"), in_the_guide("6.2", "Start Command")] {
        let ran = Command::new("sh").args(["-c", &command]).current_dir(&folder).output().expect("a shell");
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert!(!ran.status.success(), "{command}");
        let build = instead_of("| Build Command | `npm install && npm run build` |");
        for part in ["« Root Directory » vide", "étape 6.2", build.trim()] {
            assert!(said.contains(part), "{command}: {part}: {said}");
        }
    }
    std::fs::remove_dir_all(&folder).expect("it can be removed");
}
