//! Puts the built dashboard (`central-dashboard/dist`) into the program, each file a second time compressed. Without
//! it the program builds all the same, and says so when a page is asked for: cargo alone never needs Node.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};

/// Where the dashboard's build puts its pages.
const DIST: &str = "../central-dashboard/dist/central-dashboard";

/// What is served, and whether compressing it is worth it. Files of other kinds stay out.
const KINDS: [(&str, &str, bool); 14] = [
    ("html", "text/html; charset=utf-8", true),
    ("js", "text/javascript; charset=utf-8", true),
    ("css", "text/css; charset=utf-8", true),
    ("json", "application/json", true),
    ("geojson", "application/geo+json", true),
    ("webmanifest", "application/manifest+json", true),
    ("svg", "image/svg+xml", true),
    ("txt", "text/plain; charset=utf-8", true),
    ("ico", "image/x-icon", true),
    ("png", "image/png", false),
    ("jpg", "image/jpeg", false),
    ("webp", "image/webp", false),
    ("woff2", "font/woff2", false),
    ("mp4", "video/mp4", false),
];

fn main() -> io::Result<()> {
    let dist = Path::new(DIST);
    // A folder that is watched and not there makes cargo build each time anew.
    fs::create_dir_all(dist)?;
    println!("cargo::rerun-if-changed={DIST}");
    #[expect(clippy::disallowed_methods, reason = "this is how cargo tells a build script where to write")]
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("cargo sets OUT_DIR"))?);
    let mut files = Vec::new();
    list(dist, &mut files)?;
    files.sort();
    // What `--version` says of it.
    let is_there = files.iter().any(|file| *file == dist.join("index.html"));
    println!("cargo::rustc-env=NEOPRO_DASHBOARD={}", if is_there { "compris" } else { "absent" });
    let mut table = String::from("&[\n");
    for (number, file) in files.iter().enumerate() {
        let extension = file.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        let Some((_, media_type, compress)) = KINDS.iter().find(|(known, ..)| *known == extension) else {
            // Maps of the sources are for whoever builds, not for the world.
            if extension != "map" {
                println!("cargo::warning={} is of no known kind and is not served", file.display());
            }
            continue;
        };
        let path = file.strip_prefix(dist).map_err(io::Error::other)?.display().to_string();
        let bytes = fs::read(file)?;
        let mark: String = Sha256::digest(&bytes).iter().take(12).map(|byte| format!("{byte:02x}")).collect();
        let gzip = match compress.then(|| gzip(&bytes)).transpose()?.filter(|gzip| gzip.len() < bytes.len()) {
            Some(gzip) => {
                let place = out.join(format!("{number}.gz"));
                fs::write(&place, gzip)?;
                format!("Some(include_bytes!({place:?}))")
            }
            None => "None".to_owned(),
        };
        let place = file.canonicalize()?;
        writeln!(
            table,
            "    File {{ path: {path:?}, media_type: {media_type:?}, mark: {mark:?}, bytes: include_bytes!({place:?}), gzip: {gzip} }},"
        )
        .map_err(io::Error::other)?;
    }
    table.push_str("]\n");
    fs::write(out.join("dashboard.rs"), table)
}

fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}

/// Every file below a folder, but those that are for the build and for other hosts: `.vite`, `_redirects`.
fn list(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_name().to_string_lossy().starts_with(['.', '_']) {
            continue;
        }
        if path.is_dir() {
            list(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
