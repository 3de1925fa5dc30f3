//! A real nginx with the example of `deploy/nginx`, at ports of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::cluster::scratch;
use crate::support::program::{Server, free_port, text};

/// An nginx. Killed when it is dropped.
pub struct Nginx {
    program: Child,
    folder: PathBuf,
    pub port: u16,
}

impl Nginx {
    /// Starts one before three servers.
    pub async fn before(servers: &[Server]) -> Self {
        Self::with(servers, str::to_owned).await
    }

    /// The same with one thing wrong: clients that poll go to each server in turn, like all others.
    pub async fn without_stickiness(servers: &[Server]) -> Self {
        let sticky = "default          neopro_sticky;";
        Self::with(servers, |example| {
            assert!(example.contains(sticky), "the example has {sticky}");
            example.replace(sticky, "default          neopro;")
        })
        .await
    }

    async fn with(servers: &[Server], change: impl Fn(&str) -> String) -> Self {
        let port = free_port();
        let folder = scratch(&format!("nginx-{port}"));
        fs::create_dir_all(&folder).expect("a folder for nginx");
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/nginx/neopro.conf");
        let mut site = change(&fs::read_to_string(example).expect("the example"));
        assert!(site.contains("listen 8080;"));
        site = site.replace("listen 8080;", &format!("listen 127.0.0.1:{port};"));
        for (number, server) in servers.iter().enumerate() {
            let theirs = format!("127.0.0.1:{}", 3001 + number);
            assert_eq!(site.matches(&theirs).count(), 2, "the example has three replicas");
            site = site.replace(&theirs, &format!("127.0.0.1:{}", server.port));
        }
        let path = folder.display();
        let user = if fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0) {
            "user root;\n"
        } else {
            ""
        };
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {path}/{kind};\n"))
            .concat();
        let whole = format!(
            "{user}daemon off;\nmaster_process off;\npid {path}/pid;\nerror_log {path}/error.log;\n\
             events {{ worker_connections 2000; }}\nhttp {{\naccess_log off;\n{temporary}{site}\n}}\n"
        );
        fs::write(folder.join("nginx.conf"), whole).expect("its settings");
        let paths = std::env::var("PATH").unwrap_or_default();
        let program = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--", "nginx", "-c"])
            .arg(folder.join("nginx.conf"))
            .arg("-p")
            .arg(&folder)
            .env("PATH", format!("{paths}:/usr/sbin"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(folder.join("stderr")).expect("its words"))
            .spawn()
            .expect("setpriv is installed");
        let nginx = Self { program, folder, port };
        let until = Instant::now() + Duration::from_secs(10);
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            let said = text(&nginx.folder.join("stderr"));
            assert!(Instant::now() < until, "nginx (is it installed?) does not answer: {said}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        nginx
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
        if !std::thread::panicking() {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}
