//! Puts the built pages (`ui/dist`) into the program. Without them the program builds all the same, and says so when
//! a page is asked for: cargo alone never needs Node.

use std::fmt::Write as _;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::path::{Path, PathBuf};

/// Files of other kinds stay out.
const MEDIA_TYPES: [(&str, &str); 5] = [
    ("html", "text/html; charset=utf-8"),
    ("js", "text/javascript; charset=utf-8"),
    ("css", "text/css; charset=utf-8"),
    ("woff2", "font/woff2"),
    ("txt", "text/plain; charset=utf-8"),
];

fn main() -> io::Result<()> {
    let dist = Path::new("ui/dist");
    // A folder that is watched and not there makes cargo build each time anew.
    fs::create_dir_all(dist)?;
    println!("cargo::rerun-if-changed=ui/dist");
    let mut files = Vec::new();
    list(dist, &mut files)?;
    files.sort();
    let mut table = String::from("const PAGES: &[Page] = &[\n");
    let mut hasher = DefaultHasher::new();
    for file in &files {
        let extension = file.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        let Some((_, media_type)) = MEDIA_TYPES.iter().find(|(known, _)| *known == extension) else { continue };
        let path = file.strip_prefix(dist).map_err(io::Error::other)?.display().to_string();
        fs::read(file)?.hash(&mut hasher);
        let absolute = file.canonicalize()?;
        writeln!(
            table,
            "    Page {{ path: {path:?}, media_type: {media_type:?}, bytes: include_bytes!({absolute:?}) }},"
        )
        .map_err(io::Error::other)?;
    }
    writeln!(table, "];\nconst VERSION: &str = \"{:016x}\";", hasher.finish()).map_err(io::Error::other)?;
    #[expect(clippy::disallowed_methods, reason = "this is how cargo tells a build script where to write")]
    let out = std::env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("cargo sets OUT_DIR"))?;
    fs::write(PathBuf::from(out).join("pages.rs"), table)
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            list(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
