//! Simulated boxes, and the demo that shows the whole. They share the types of the protocol with the server, and the link with boxes.

pub mod bench;
pub mod clubs;
pub mod demo;
pub mod identity;
pub mod simulate;
pub mod storm;
pub mod wire;

use rustix::process::{Resource, getrlimit, setrlimit};

/// Lets this process open as many files as the system allows it to: each box is one. Without it shells give 1,024.
pub fn allow_many_files() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // Who may not raise it goes on with what there is; the boxes that find no file say so.
    let _ = setrlimit(Resource::Nofile, limit);
}
