//! A club network on one machine: the central server on a database of its own, two real boxes, clips, and simulated
//! boxes if they are wanted. It runs until somebody stops it, and is found again by the next start.

mod api;
mod folder;
mod network;
mod parts;
mod seed;

use std::fmt::Write as _;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;

use api::Api;
use folder::Folder;
use parts::Parts;

/// The account of the demo. The domain is one that nobody can own.
const EMAIL: &str = "demo@neopro.example";

/// How long a part may take to be there.
const PATIENCE: Duration = Duration::from_secs(90);

/// How long what an earlier run left may take to go.
const LEAVING: Duration = Duration::from_secs(30);

/// What is wrong with how many of a thousand simulated boxes.
const FAULTS: [(&str, usize); 4] = [("offline", 25), ("slow", 5), ("disk_full", 10), ("corrupt", 10)];

/// What `neopro-fleet demo` is told. `cargo xtask demo` builds all that it needs and starts it.
#[derive(Debug, Args)]
pub struct Demo {
    /// Where its data are kept.
    #[arg(long)]
    folder: PathBuf,
    /// Where its clips are.
    #[arg(long)]
    media: PathBuf,
    /// The server's port.
    #[arg(long, default_value_t = 3001)]
    port: u16,
    /// The ports of the two boxes.
    #[arg(long, num_args = 1, value_delimiter = ',', default_values_t = [8081, 8082])]
    boxes: Vec<u16>,
    /// How many simulated boxes there are beside them.
    #[arg(long, default_value_t = 0)]
    fleet: usize,
    /// Forgets what an earlier run has left, and begins anew.
    #[arg(long)]
    fresh: bool,
}

impl Demo {
    /// Runs the demo until a signal comes or a part of it ends.
    ///
    /// # Errors
    /// A sentence for the person who started it: what was in the way, and what to do.
    pub async fn run(self) -> Result<(), String> {
        let &[first, second] = self.boxes.as_slice() else {
            return Err("The demo has two boxes: --boxes 8081,8082.".to_owned());
        };
        let mut stop = std::pin::pin!(told_to_stop().map_err(|error| format!("Signals cannot be heard: {error}."))?);
        let mut folder = Folder::open(&self.folder)?;
        self.wait_for_ports([first, second], folder.was_left_running()).await?;
        if self.fresh || !folder.state.is_seeded {
            folder.clear()?;
        }
        let mut parts = Parts::new(folder.path())?;
        let outcome = tokio::select! {
            outcome = self.show(&mut folder, &mut parts, [first, second]) => outcome,
            () = &mut stop => Ok(()),
        };
        println!("\nStopping …");
        parts.stop().await;
        folder.ended()?;
        outcome.inspect(|()| println!("Everything has stopped. The next start finds it all again."))
    }

    /// Starts everything, says where it is, and returns when a part has ended by itself.
    async fn show(&self, folder: &mut Folder, parts: &mut Parts, boxes: [u16; 2]) -> Result<(), String> {
        let began = Instant::now();
        folder.started()?;
        say(began, "the central server and its database");
        parts.server(folder, self.port)?;
        parts.until_answers(self.port, "/ready", PATIENCE).await?;
        let is_new = !folder.state.is_seeded;
        if is_new {
            parts::create_account(folder, EMAIL).await?;
        }
        let api = Api::log_in(self.port, EMAIL, &folder.state.password).await?;
        if is_new {
            say(began, "clubs, groups and clips");
            seed::clubs(&api, folder).await?;
            seed::library(&api, folder, &self.media).await?;
        }
        say(began, "two boxes");
        for (club, port) in folder.state.clubs.iter().zip(boxes) {
            parts.real_box(folder, club, self.port, port)?;
        }
        for port in boxes {
            parts.until_answers(port, "/tv", PATIENCE).await?;
        }
        if is_new {
            say(began, "videos on their way to both");
            seed::orders(&api, folder).await?;
            folder.state.is_seeded = true;
            folder.save()?;
        }
        if self.fleet > 0 {
            say(began, &format!("{} simulated boxes", self.fleet));
            seed::fleet(&api, folder, self.fleet).await?;
            parts.simulated(folder, self.port, self.fleet, &faults(self.fleet))?;
        }
        println!("\n{}", self.card(folder, boxes));
        Err(parts.first_end().await)
    }

    async fn wait_for_ports(&self, boxes: [u16; 2], was_left_running: bool) -> Result<(), String> {
        let everywhere = SocketAddr::from((Ipv6Addr::UNSPECIFIED, self.port));
        let here = boxes.map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        let until = Instant::now() + if was_left_running { LEAVING } else { Duration::ZERO };
        for address in [everywhere, here[0], here[1]] {
            while is_taken(address) {
                if Instant::now() >= until {
                    return Err(format!(
                        "Port {} is used by another program. Stop that program, or choose other ports: \
                         NEOPRO_DEMO_PORT=3101 NEOPRO_DEMO_BOXES=8181,8182 cargo xtask demo",
                        address.port()
                    ));
                }
                // Those that an earlier run has left are ending.
                sleep(Duration::from_millis(200)).await;
            }
        }
        Ok(())
    }

    /// What a person needs to know.
    fn card(&self, folder: &Folder, boxes: [u16; 2]) -> String {
        let mut lines = vec![
            ("Dashboard".to_owned(), format!("http://localhost:{}/", self.port)),
            ("Login".to_owned(), EMAIL.to_owned()),
            ("Password".to_owned(), folder.state.password.clone()),
        ];
        for (club, port) in folder.state.clubs.iter().zip(boxes) {
            lines.push((format!("TV of {}", club.name), format!("http://127.0.0.1:{port}/tv")));
        }
        lines.push(("The API, to try it".to_owned(), format!("http://localhost:{}/api-docs", self.port)));
        if self.fleet > 0 {
            lines.push(("Simulated boxes".to_owned(), format!("{} ({})", self.fleet, faults(self.fleet))));
        }
        lines.push(("Data and logs".to_owned(), folder.path().display().to_string()));
        let width = lines.iter().map(|(what, _)| what.chars().count()).max().unwrap_or_default();
        let mut card = format!("{0}\n  The demo is running.\n\n", "─".repeat(72));
        for (what, value) in &lines {
            // Writing into a text cannot fail.
            let _ = writeln!(card, "  {what:<width$}   {value}");
        }
        card + "\n  Stop it with Ctrl-C. `cargo xtask demo --fresh` begins anew.\n" + &"─".repeat(72)
    }
}

/// How many of so many boxes have which fault, as `neopro-fleet simulate` reads it.
fn faults(boxes: usize) -> String {
    let some = FAULTS.iter().map(|(fault, share)| format!("{fault}={}", (boxes * share).div_ceil(1000)));
    some.collect::<Vec<_>>().join(",")
}

fn is_taken(address: SocketAddr) -> bool {
    // Where there is no IPv6 the server takes IPv4, and the port may still be free.
    let is_in_use = |address| TcpListener::bind(address).is_err_and(|error| error.kind() == io::ErrorKind::AddrInUse);
    is_in_use(address) || address.is_ipv6() && is_in_use(SocketAddr::from((Ipv4Addr::UNSPECIFIED, address.port())))
}

fn say(began: Instant, what: &str) {
    println!("{:>5.1} s  {what} …", began.elapsed().as_secs_f64());
}

fn told_to_stop() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {}, _ = hang_up.recv() => {} }
    })
}

/// The program of this workspace with this name: it was built beside ours.
fn program(name: &str) -> Result<PathBuf, String> {
    let ours = std::env::current_exe().map_err(|error| format!("Where this program is cannot be found: {error}."))?;
    let path = ours.parent().unwrap_or(Path::new(".")).join(name);
    if path.is_file() { Ok(path) } else { Err(format!("{} is not built: `cargo xtask demo` does it.", path.display())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_of_many_have_a_fault() {
        assert_eq!(faults(200), "offline=5,slow=1,disk_full=2,corrupt=2");
        assert_eq!(faults(1), "offline=1,slow=1,disk_full=1,corrupt=1");
    }

    #[test]
    fn a_port_is_taken_while_somebody_listens() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let address = listener.local_addr().expect("an address");
        assert!(is_taken(address));
        assert!(is_taken(SocketAddr::from((Ipv4Addr::UNSPECIFIED, address.port()))));
        drop(listener);
        assert!(!is_taken(address));
    }
}
