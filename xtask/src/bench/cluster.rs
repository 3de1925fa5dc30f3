//! A PostgreSQL of the bench's own, in which the server has the rights that it has in production.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::server::random_hex;
use crate::programs::{am_root, folder_of};
use crate::steps::{Outcome, output};

/// The user of this machine as whom PostgreSQL runs if we are root, which it refuses.
const DATABASE_USER: &str = "postgres";

/// Runs until it is dropped.
pub struct Cluster {
    programs: PathBuf,
    data: PathBuf,
    port: u16,
    /// Of PostgreSQL's superuser and of our role alike.
    password: String,
    postmaster: Child,
}

impl Cluster {
    /// Makes a new one in a folder, whose old content is removed, with an empty database for the role `neopro`.
    pub fn start(folder: &Path) -> Result<Self, String> {
        let programs = folder_of("initdb").ok_or("The PostgreSQL server's program initdb is not found.")?;
        let folder = std::path::absolute(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let data = folder.join("data");
        if data.join("postmaster.pid").exists() {
            // Left by a bench that was killed. If it is gone already, so much the better.
            let _ = stop(&programs, &data);
        }
        let password = random_hex(16)?;
        make_folder(&folder, &password)?;
        let arguments = ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--username=postgres"];
        let password_file = folder.join("password");
        output(
            as_database_user(&programs.join("initdb"))
                .args(arguments)
                .args([Path::new("--pwfile"), &password_file, Path::new("--pgdata"), &data])
                .current_dir(&folder),
        )?;
        let port = free_port()?;
        let log = fs::File::create(folder.join("log")).map_err(|error| format!("{}: {error}", folder.display()))?;
        let postmaster = as_database_user(&programs.join("postgres"))
            .arg("-D")
            .arg(&data)
            .args(["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-p", &port.to_string()])
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(|error| format!("PostgreSQL cannot be started: {error}"))?;
        let cluster = Self { programs, data, port, password, postmaster };
        cluster.wait()?;
        cluster.run(
            "postgres",
            &format!("create role neopro login createrole nosuperuser password '{}'", cluster.password),
        )?;
        cluster.run("postgres", "create database neopro owner neopro")?;
        Ok(cluster)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The parent of all its processes.
    pub fn pid(&self) -> u32 {
        self.postmaster.id()
    }

    /// The address of the database for the server, at the cluster's own port or at one that leads there.
    pub fn url(&self, port: u16) -> String {
        self.url_of("neopro", port)
    }

    /// The same of a copy.
    pub fn url_of(&self, database: &str, port: u16) -> String {
        format!("postgresql://neopro:{}@127.0.0.1:{port}/{database}", self.password)
    }

    /// Copies the server's database as it is now; no server may be connected to it.
    pub fn copy(&self, name: &str) -> Outcome {
        self.run("postgres", &format!("create database {name} template neopro owner neopro"))
    }

    /// Removes a copy.
    pub fn remove(&self, name: &str) -> Outcome {
        self.run("postgres", &format!("drop database if exists {name} with (force)"))
    }

    fn wait(&self) -> Outcome {
        let start = Instant::now();
        loop {
            match self.run("postgres", "select 1") {
                Err(error) if start.elapsed() > Duration::from_secs(30) => return Err(error),
                Err(_) => std::thread::sleep(Duration::from_millis(50)),
                Ok(()) => return Ok(()),
            }
        }
    }

    /// Runs statements in a database, as PostgreSQL's superuser.
    pub fn run(&self, database: &str, sql: &str) -> Outcome {
        let port = self.port.to_string();
        let line =
            ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", &port, "-U", "postgres", "-d", database];
        // What is run may hold a password, so an error shows what psql said and not its command line.
        let result = Command::new("psql").args(line).args(["-c", sql]).env("PGPASSWORD", &self.password).output();
        let result = result.map_err(|error| format!("psql cannot be started: {error}"))?;
        if result.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&result.stderr).into_owned()) }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if stop(&self.programs, &self.data).is_err() {
            // The last resort; its own processes notice and end.
            let _ = self.postmaster.kill();
        }
        let _ = self.postmaster.wait();
    }
}

fn stop(programs: &Path, data: &Path) -> Outcome {
    let mut command = as_database_user(&programs.join("pg_ctl"));
    output(command.args(["stop", "--mode=fast", "--pgdata"]).arg(data).current_dir("/")).map(|_| ())
}

/// An empty folder with the password in a file, both of the database user alone.
fn make_folder(folder: &Path, password: &str) -> Outcome {
    let complain = |error: std::io::Error| format!("{}: {error}", folder.display());
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(complain)?;
    }
    output(Command::new("install").args(["-d", "-m", "0700"]).arg(folder))?;
    let file = folder.join("password");
    output(Command::new("install").args(["-m", "0600", "/dev/null"]).arg(&file))?;
    fs::write(&file, password).map_err(complain)?;
    if am_root() {
        output(Command::new("chown").args(["-R", DATABASE_USER]).arg(folder))?;
        if output(as_database_user(Path::new("test")).args(["-x"]).arg(folder)).is_err() {
            return Err(format!(
                "The user {DATABASE_USER} cannot enter {}: a folder above it is closed. Please clone into an open one.",
                folder.display()
            ));
        }
    }
    Ok(())
}

fn as_database_user(program: &Path) -> Command {
    if !am_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", DATABASE_USER, "--regid", DATABASE_USER, "--clear-groups", "--"]).arg(program);
    command
}

/// A port that was free a moment ago.
pub fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let address = listener.and_then(|listener| listener.local_addr());
    address.map(|address| address.port()).map_err(|error| format!("No free port: {error}"))
}
