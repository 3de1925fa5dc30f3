//! The files that programs write and that are committed all the same, so that they can be read and compared.

use std::fs;
use std::path::Path;

use crate::dependencies::Dependencies;
use crate::steps::{Outcome, cargo, output, quiet};
use crate::{pages, third_party};

/// A file, and what writes it.
struct Generated {
    path: &'static str,
    from: From,
}

enum From {
    /// The central server, called like this.
    CentralServer(&'static [&'static str]),
    /// The API's description, as the dashboard's types.
    Description,
    Dependencies,
}

const GENERATED: [Generated; 5] = [
    Generated { path: "THIRD_PARTY.md", from: From::Dependencies },
    Generated { path: "central-server/openapi.json", from: From::CentralServer(&["openapi"]) },
    // Made from the one before it.
    Generated { path: "central-dashboard/src/api/schema.d.ts", from: From::Description },
    Generated {
        path: "central-server/src/scripts/init-db.sql",
        from: From::CentralServer(&["migrate", "--print", "init-db"]),
    },
    Generated {
        path: "central-server/src/scripts/analytics-tables.sql",
        from: From::CentralServer(&["migrate", "--print", "analytics"]),
    },
];

/// Writes them all.
pub fn run() -> Outcome {
    for generated in &GENERATED {
        quiet(generated.path, || {
            let text = generated.text()?;
            let path = Path::new(generated.path);
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
            }
            fs::write(path, text).map_err(|error| format!("{}: {error}", generated.path))?;
            Ok(String::new())
        })?;
    }
    Ok(())
}

/// Compares them all with what would be written now.
pub fn check() -> Result<String, String> {
    // What does not compile is said once, and not for every file.
    output(&mut cargo(&["build", "--quiet", "--locked", "-p", "neopro-central"]))?;
    let stale: Vec<String> = GENERATED.iter().filter_map(|generated| generated.complaint().err()).collect();
    if stale.is_empty() {
        return Ok(String::new());
    }
    Err(format!("{}\n`cargo xtask generate` writes them anew.", stale.join("\n")))
}

impl Generated {
    fn text(&self) -> Result<String, String> {
        match self.from {
            From::CentralServer(words) => {
                let line = ["run", "--quiet", "--locked", "-p", "neopro-central", "--"];
                output(cargo(&line).args(words))
            }
            From::Description => pages::types_of("../central-server/openapi.json"),
            From::Dependencies => third_party::text(&Dependencies::read()?),
        }
    }

    fn complaint(&self) -> Outcome {
        let fresh = self.text().map_err(|error| format!("{}: {error}", self.path))?;
        let present = fs::read_to_string(self.path).map_err(|error| format!("{}: {error}", self.path))?;
        match first_difference(&present, &fresh) {
            None => Ok(()),
            Some(line) => Err(format!("{}:{line}: is not what would be written today", self.path)),
        }
    }
}

/// The number of the first line that differs.
fn first_difference(present: &str, fresh: &str) -> Option<usize> {
    if present == fresh {
        return None;
    }
    Some(1 + present.split('\n').zip(fresh.split('\n')).take_while(|(left, right)| left == right).count())
}

#[cfg(test)]
mod tests {
    use super::first_difference;

    #[test]
    fn a_stale_file_is_noticed_by_its_first_other_line() {
        assert_eq!(first_difference("a\nb\n", "a\nb\n"), None);
        assert_eq!(first_difference("a\nb\n", "a\nc\n"), Some(2));
        assert_eq!(first_difference("a\n", "a\nb\n"), Some(2));
        assert_eq!(first_difference("a", "a\n"), Some(2));
    }
}
