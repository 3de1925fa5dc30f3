//! Real boxes: the program itself, with a folder in the place of its card.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::{Central, Site, free_port, program};

/// A running box.
pub struct RealBox {
    child: Child,
    site: Site,
    server: u16,
    pub port: u16,
    pub root: PathBuf,
}

impl RealBox {
    /// Starts the box of a site, with this club's configuration if it is given.
    pub fn start(central: &Central, site: &Site, configuration: Option<&str>) -> Self {
        let root = central.folder.join(format!("box-{}", site.id));
        std::fs::create_dir_all(root.join("webapp")).expect("a folder");
        if let Some(configuration) = configuration {
            std::fs::write(root.join("webapp/configuration.json"), configuration).expect("a configuration");
        }
        let port = free_port();
        Self { child: run(&root, site, central.port, port), site: site.clone(), server: central.port, port, root }
    }

    /// Kills it without a warning.
    pub fn kill(&mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it is gone");
    }

    /// Starts it again with what is on its card.
    pub fn restart(&mut self) {
        self.child = run(&self.root, &self.site, self.server, self.port);
    }

    /// The address of its TV page.
    pub fn tv(&self) -> String {
        format!("http://127.0.0.1:{}/tv", self.port)
    }
}

fn run(root: &Path, site: &Site, server: u16, port: u16) -> Child {
    let log = File::options().create(true).append(true).open(root.join("log")).expect("a log");
    Command::new(program("neopro-box"))
        .arg("run")
        .env("CONFIG_FILE", root.join("site.conf"))
        .env("NEOPRO_ROOT", root)
        .env("CENTRAL_SERVER_ENABLED", "true")
        .env("CENTRAL_SERVER_URL", format!("http://localhost:{server}/"))
        .env("SITE_ID", &site.id)
        .env("SITE_API_KEY", &site.key)
        .env("NEOPRO_LISTEN", format!("127.0.0.1:{port}"))
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("the log"))
        .stderr(log)
        .spawn()
        .expect("the box starts")
}

impl Drop for RealBox {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
