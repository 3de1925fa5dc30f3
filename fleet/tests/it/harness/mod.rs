//! What the tests of the whole stand on: programs, started as people start them.

mod boxes;
mod browser;
mod central;
mod fleet;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

pub use boxes::RealBox;
pub use browser::Browser;
pub use central::{Central, EMAIL, PASSWORD, Site};
pub use fleet::{Boxes, Told};

/// The programs of this workspace, built once for a run of the tests.
pub fn program(name: &str) -> PathBuf {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| {
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
        let mut build = Command::new(cargo);
        build.args(["build", "--quiet", "--locked", "--bins"]).current_dir(root());
        build.args(["neopro-central", "neopro-box", "neopro-fleet", "xtask"].iter().flat_map(|name| ["-p", name]));
        // What cargo has set for this test. Build scripts that watch it would run again, and all that stands on them
        // be built again, each time a test and a person take turns.
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")) {
                build.env_remove(name);
            }
        }
        let built = build.status();
        assert!(built.is_ok_and(|status| status.success()), "the programs are built");
    });
    // The tests lie in `<target>/<profile>/deps`.
    let test = std::env::current_exe().expect("a path");
    test.parent().and_then(Path::parent).expect("two folders up").join(name)
}

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a parent").to_owned()
}

/// An empty folder of a test. Not in the repository: the database's user may not be able to enter it.
pub fn scratch(name: &str) -> PathBuf {
    let folder = Path::new("/var/tmp").join(format!("neopro-whole-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// A port that was free a moment ago, below those that the system gives to whoever connects somewhere: one of these may
/// be gone before a server has taken it.
pub fn free_port() -> u16 {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = std::process::id() * 37 + NEXT.fetch_add(1, Ordering::Relaxed);
        let port = 10_000 + u16::try_from(number % 20_000).expect("small");
        if std::net::TcpListener::bind(("0.0.0.0", port)).is_ok() {
            return port;
        }
    }
}
