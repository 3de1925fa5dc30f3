//! The dashboard on a static host of its own: built from its folder alone, as step 7 of the guide does, and what it says
//! when something about it is wrong. Pictures of every screen lie in `target/hosted`, for people.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::PoisonError;

use serde_json::{Value, json};

use crate::dashboard::browse;
use crate::harness::{Central, EMAIL, PASSWORD, root, scratch};
use crate::outside::video_of;
use crate::tv::ALONE;

const API: &str = "https://api.neopro.test";
const PAGES: &str = "https://tableau.example";

/// The folder of the dashboard as a fresh clone has it, and nothing around it.
fn copy_alone(name: &str) -> PathBuf {
    let folder = scratch(name).join("central-dashboard");
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard", "."])
        .current_dir(root().join("central-dashboard"))
        .output()
        .expect("git");
    for file in String::from_utf8(listed.stdout).expect("names").lines() {
        let (from, to) = (root().join("central-dashboard").join(file), folder.join(file));
        // What was removed and is not committed yet is listed all the same.
        if from.exists() {
            fs::create_dir_all(to.parent().expect("a folder")).expect("a folder");
            fs::copy(from, to).expect("a file");
        }
    }
    folder
}

/// A command of npm in a folder, with nothing of ours around it but these variables.
fn npm(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    Command::new("npm")
        .args(arguments)
        .env_remove("NG_APP_API_URL")
        .envs(variables.iter().copied())
        .current_dir(folder)
        .output()
        .expect("npm")
}

/// Everything that a command has said.
fn words(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The published files with their bytes, in the order of their names.
fn published(folder: &Path) -> Vec<(String, Vec<u8>)> {
    fn add(from: &Path, below: &Path, files: &mut Vec<(String, Vec<u8>)>) {
        for entry in fs::read_dir(from).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                add(&path, below, files);
            } else {
                let name = path.strip_prefix(below).expect("below").display().to_string();
                files.push((name, fs::read(&path).expect("a file")));
            }
        }
    }
    let (dist, mut files) = (folder.join("dist/central-dashboard"), Vec::new());
    add(&dist, &dist, &mut files);
    files.sort();
    files
}

fn file<'a>(files: &'a [(String, Vec<u8>)], name: &str) -> &'a [u8] {
    &files.iter().find(|(known, _)| known == name).unwrap_or_else(|| panic!("{name} is published")).1
}

#[test]
fn a_copy_of_the_folder_alone_builds_with_an_empty_cache_as_step_7_says() {
    let folder = copy_alone("alone");
    let cache = folder.with_file_name("cache");
    let cache = ("npm_config_cache", cache.to_str().expect("UTF-8"));
    let lock = fs::read(folder.join("package-lock.json")).expect("a file");
    let installed = npm(&folder, &["install"], &[cache]);
    assert!(installed.status.success(), "{}", words(&installed));
    assert_eq!(fs::read(folder.join("package-lock.json")).expect("a file"), lock, "npm install leaves the tree clean");
    // The same from the lock file alone, with what the first one has fetched.
    let installed = npm(&folder, &["ci", "--prefer-offline"], &[cache]);
    assert!(installed.status.success(), "{}", words(&installed));

    let built = npm(&folder, &["run", "build:prod"], &[("NG_APP_API_URL", &format!(" {API}/ ")), ("RENDER", "true")]);
    assert!(built.status.success(), "{}", words(&built));
    assert!(!words(&built).contains("NG_APP_API_URL"), "nothing is wrong: {}", words(&built));
    let files = published(&folder);
    let health: Value = serde_json::from_slice(file(&files, "health.json")).expect("JSON");
    assert_eq!((&health["status"], &health["api"]), (&json!("healthy"), &json!(API)), "{health}");
    assert_eq!(health["version"], env!("CARGO_PKG_VERSION"), "package.json has the version of the workspace");
    let page = String::from_utf8(file(&files, "index.html").to_vec()).expect("UTF-8");
    let (charset, policy) = (page.find("<meta charset"), page.find("<meta http-equiv=\"Content-Security-Policy\""));
    assert!(charset < policy && policy < page.find("<style") && policy < page.find("<script"), "{page}");
    let connects = format!("connect-src 'self' {API} https://*.supabase.co;");
    assert!(page.contains(&connects) && page.contains("script-src 'self';"), "{page}");
    for (asset, _) in files.iter().filter(|(name, _)| name.starts_with("assets/")) {
        let stem = asset.rsplit_once('.').expect("an extension").0;
        // Eight characters, a dash may be one of them.
        assert_eq!(stem.as_bytes()[stem.len() - 9], b'-', "{asset} has no mark");
    }
    assert!(files.iter().any(|(name, _)| name == "boot.js") && files.len() > 20);

    // The same sources, the same bytes.
    let again = npm(&folder, &["run", "build"], &[("NG_APP_API_URL", API)]);
    assert!(again.status.success(), "{}", words(&again));
    assert!(published(&folder) == files, "a build of the same sources is the same");
    what_is_broken_leaves_what_was_published(&folder);
    assert!(published(&folder) == files, "a build that fails leaves no half of one");
    what_is_doubtful_is_said_in_the_log(&folder);
    fs::remove_dir_all(folder.parent().expect("a folder")).expect("it can be removed");
}

/// A value that can never work, and sources that are broken: an exit code and a sentence.
fn what_is_broken_leaves_what_was_published(folder: &Path) {
    let refused = npm(folder, &["run", "build"], &[("NG_APP_API_URL", "\"https://api.neopro.test\"")]);
    let log = words(&refused);
    assert!(!refused.status.success() && log.contains("pas une adresse") && log.contains("étape 7.3"), "{log}");
    let name = folder.join("src/app/return-url.ts");
    let sound = fs::read_to_string(&name).expect("a file");
    for (script, more, said) in [
        ("build:prod", "export const wrong: number = 'text'\n", "TS2322"),
        ("build", "export * from './nowhere'\n", "nowhere"),
    ] {
        fs::write(&name, format!("{sound}{more}")).expect("a file");
        let broken = npm(folder, &["run", script], &[("NG_APP_API_URL", API)]);
        assert!(!broken.status.success() && words(&broken).contains(said), "{more}: {}", words(&broken));
    }
    fs::write(&name, sound).expect("a file");
}

/// The forms one by one are in `tests/host.test.ts`; here they are in the log of a build, each with its step.
fn what_is_doubtful_is_said_in_the_log(folder: &Path) {
    let there = [("RENDER", "true"), ("RENDER_EXTERNAL_URL", PAGES)];
    let wrong = format!("{}/api/", PAGES.replace("https", "http"));
    let cases = [
        (None, vec!["n'est pas définie"]),
        (Some(&*wrong), vec!["« /api » à la fin", "est en http", "l'adresse de ce site"]),
    ];
    for (given, said) in cases {
        let variables: Vec<_> = there.into_iter().chain(given.map(|value| ("NG_APP_API_URL", value))).collect();
        let built = npm(folder, &["run", "build"], &variables);
        let log = words(&built);
        assert!(built.status.success(), "{log}");
        assert_eq!(log.matches("étape 7.3").count(), said.len(), "{log}");
        for part in said {
            assert!(log.contains(part), "{part}: {log}");
        }
    }
}

/// A build beside the others, from a copy whose packages are the repository's.
fn build(folder: &Path, into: &Path, api: Option<&str>) -> PathBuf {
    let variables: Vec<_> = api.map(|api| ("NG_APP_API_URL", api)).into_iter().collect();
    let built = npm(folder, &["run", "--silent", "build", "--", "--outDir", into.to_str().expect("UTF-8")], &variables);
    assert!(built.status.success(), "{}", words(&built));
    into.to_owned()
}

/// Runs a part of the browser's script before a server in production: what it says.
fn seen(central: &Central, part: &str, more: &[(&str, &Path)]) -> Value {
    let mut asked = json!({
        "part": part, "chromium": "/usr/bin/chromium", "folder": central.folder, "port": central.port,
        "pictures": root().join("target/hosted"), "email": EMAIL, "password": PASSWORD,
    });
    for (name, path) in more {
        asked[name] = json!(path);
    }
    browse("hosted.mjs", &asked)
}

fn start(name: &str) -> (Central, PathBuf) {
    let central = Central::start_in_production(name, &[("ALLOWED_ORIGINS", PAGES)]);
    let dist = build(&root().join("central-dashboard"), &central.folder.join("dist"), Some(API));
    (central, dist)
}

#[test]
fn whatever_is_configured_wrongly_has_a_screen_that_says_so() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let (mut central, dist) = start("screens");
    let sources = root().join("central-dashboard");
    let unset = build(&sources, &central.folder.join("unset"), None);
    let mixed = build(&sources, &central.folder.join("mixed"), Some("http://api.neopro.test"));
    let all = [("dist", dist.as_path()), ("unset", &unset), ("mixed", &mixed)];
    let copied = seen(&central, "screens", &all)["copied"].as_str().expect("what was copied").to_owned();
    assert_eq!(seen(&central, "own", &all)["own"], true);
    // The value of the screen is the one that mends it.
    assert_eq!(copied, "https://autre.example");
    let named = central.log().lines().filter(|line| line.contains(&copied) && line.contains("7.6")).count();
    assert_eq!(named, 1, "the log names it once as well: {}", central.log());
    central.restart_with("ALLOWED_ORIGINS", &format!("{PAGES},{copied}"));
    assert_eq!(seen(&central, "listed", &all)["listed"], true);
}

#[test]
fn a_page_whose_program_does_not_come_is_never_blank_and_an_old_one_comes_anew() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let (central, dist) = start("blank");
    assert!(seen(&central, "blank", &[("dist", &dist)])["entry"].is_string());
}

#[test]
fn a_dashboard_of_another_version_works_and_says_so() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let (central, dist) = start("mixed");
    let copy = copy_alone("older");
    std::os::unix::fs::symlink(root().join("central-dashboard/node_modules"), copy.join("node_modules"))
        .expect("a link");
    let package = fs::read_to_string(copy.join("package.json")).expect("a file");
    let version = format!("\"version\": \"{}\"", env!("CARGO_PKG_VERSION"));
    assert!(package.contains(&version), "{package}");
    fs::write(copy.join("package.json"), package.replace(&version, "\"version\": \"0.0.9\"")).expect("a file");
    let older = build(&copy, &central.folder.join("older"), Some(API));
    assert_eq!(seen(&central, "mixed", &[("dist", &dist), ("older", &older)])["mixed"], true);
    fs::remove_dir_all(copy.parent().expect("a folder")).expect("it can be removed");
}

#[test]
fn an_upload_whose_line_is_lost_leaves_nothing_and_is_sent_again_by_one_press() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let (central, dist) = start("cut");
    let file = central.folder.join("Quart de finale.mp4");
    fs::write(&file, video_of(6_000_000)).expect("a file");
    let cuts = &seen(&central, "upload", &[("dist", &dist), ("file", &file)])["cuts"];
    assert!(cuts.as_u64().is_some_and(|cuts| cuts >= 2), "{cuts}");
    // On the disk there is that one file, and nothing of the tries before.
    let size = fs::metadata(&file).expect("a file").len();
    let mut kept = files_below(&central.folder.join("data/storage"));
    kept.retain(|kept| *kept > 1_000_000);
    assert_eq!(kept, [size]);
}

/// The sizes of all files below a folder.
fn files_below(folder: &Path) -> Vec<u64> {
    let mut sizes = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry")) {
        if entry.path().is_dir() {
            sizes.extend(files_below(&entry.path()));
        } else {
            sizes.push(entry.metadata().expect("a file").len());
        }
    }
    sizes
}
