//! `cargo xtask check`: everything that is known to be wrong without running the product.

mod files;
mod finding;
mod first_wall;
mod functions;
mod layout;
mod licence;
mod links;
mod names;
mod policy;
mod rooms;
mod secrets;
mod source;
mod text;

use crate::steps::{Outcome, cargo, output, quiet};
use crate::{generate, pages};

use files::Tree;
use finding::report;

/// A remark if all is well, otherwise what is wrong.
type Check<'a> = &'a dyn Fn() -> Result<String, String>;

/// Runs every check, also behind one that fails, and lists the failed ones at the end.
pub fn run() -> Outcome {
    let tree = Tree::read()?;
    let cargo_is_content = |arguments: &[&str]| output(&mut cargo(arguments)).map(|_| String::new());
    let checks: [(&str, Check<'_>); 11] = [
        ("formatting", &|| {
            let hint = |files| format!("{files}\n`cargo fmt --all` mends it.");
            cargo_is_content(&["fmt", "--all", "--", "--check", "-l"]).map_err(hint)
        }),
        ("layout rules", &|| report([layout::check(&tree), rooms::check(&tree), functions::check(&tree)].concat())),
        ("first wall in a release", &|| first_wall::check(&tree)),
        ("texts", &|| text::check(&tree)),
        ("secrets", &|| report(secrets::check(&tree))),
        ("links", &|| report(links::check(&tree))),
        ("guide unchanged", &guide_unchanged),
        ("dependency policy", &|| policy::check(&tree)),
        ("clippy", &|| {
            cargo_is_content(&["clippy", "--quiet", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"])
        }),
        ("types of the pages", &pages::check),
        ("generated files", &generate::check),
    ];
    let failed: Vec<&str> =
        checks.iter().filter(|(name, check)| quiet(name, check).is_err()).map(|(name, _)| *name).collect();
    if failed.is_empty() { Ok(()) } else { Err(format!("Failed: {}.", failed.join(", "))) }
}

/// The production guide as its author wrote it, against which our editions are compared.
const GUIDE: &str = "docs/guide-original.md";
const GUIDE_SHA256: &str = "917d8007f8adf6f0007b5904c45ae759d72b5af2425d322d1291834098487a5b";

fn guide_unchanged() -> Result<String, String> {
    let sum = output(std::process::Command::new("sha256sum").arg(GUIDE))?;
    if sum.starts_with(GUIDE_SHA256) {
        return Ok(String::new());
    }
    Err(format!(
        "{GUIDE} is the user's own document and stays as it came, byte for byte. Our editions stand beside it."
    ))
}
