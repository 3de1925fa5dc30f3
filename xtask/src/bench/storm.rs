//! What a crowd costs that does nothing: the memory of an idle connection, and a storm of 20,000 boxes in waves.
//!
//! The boxes are a process of their own (`neopro-fleet`): in the server's they would be measured with it.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::cluster::Cluster;
use super::figures::{Figure, Judged, Measured};
use super::server::{Server, Settings};
use crate::steps::output;

const PROGRAM: &str = "target/release/neopro-fleet";
/// From which the ids and keys of these boxes follow.
const SEED: &str = "fleet";
const DATABASE: &str = "bench_storm";
const BOXES: usize = 20_000;
const WAVE: usize = 5_000;
/// Between these two numbers of connections the memory is compared: what the server needs by itself falls out.
const FEW: usize = 2_000;
const MANY: usize = 13_000;
/// Two rounds of what the server does by itself, after which nothing of the arrival is under way.
const SETTLED: Duration = Duration::from_secs(11);

/// Measures on a server of its own.
pub fn measure(cluster: &Cluster, settings: &Settings) -> Result<Measured, String> {
    let sites = output(Command::new(PROGRAM).args(["sites", "--count", &BOXES.to_string()]))?;
    // A database of its own: the next part's is copied from the server's own.
    cluster.remove(DATABASE)?;
    cluster.copy(DATABASE)?;
    cluster.run(DATABASE, &sites)?;
    let mut server = Server::start(settings, &cluster.url_of(DATABASE, cluster.port()))?;
    server.wait_until("/ready")?;
    let measured = weather(&server)?;
    drop(server);
    cluster.remove(DATABASE)?;
    Ok(measured)
}

fn weather(server: &Server) -> Result<Measured, String> {
    let mut memory = Figure::new("memory of an idle box", "KiB", Judged::Worst, Some(12.0));
    let few = Held::come(server, SEED, 0, FEW)?;
    let with_few = server.resident_megabytes()?;
    let many = Held::come(server, SEED, FEW, MANY - FEW)?;
    let with_many = server.resident_megabytes()?;
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    memory.add((with_many - with_few) * 1024.0 / (MANY - FEW) as f64);
    few.go()?;
    many.go()?;

    let mut lost = Figure::new("lost of 20,000 at once", "", Judged::Worst, Some(0.0));
    let mut waves = Figure::new("a wave of 5,000 known", "s", Judged::Median, None);
    let said = Command::new(PROGRAM)
        .args(["storm", "--server", &address(server), "--count", &BOXES.to_string(), "--wave", &WAVE.to_string()])
        .output()
        .map_err(|error| format!("{PROGRAM} cannot be started: {error}"))?;
    let outcome = read(&String::from_utf8_lossy(&said.stdout))?;
    let known = outcome["authenticated"].as_u64().and_then(|known| u32::try_from(known).ok());
    lost.add(known.map_or(f64::NAN, |known| f64::from(20_000 - known.min(20_000))));
    for seconds in outcome["waves"].as_array().into_iter().flatten().filter_map(Value::as_f64) {
        waves.add(seconds);
    }
    Ok(Measured { figures: vec![memory, lost, waves], ..Measured::default() })
}

fn address(server: &Server) -> String {
    format!("127.0.0.1:{}", server.port())
}

fn read(line: &str) -> Result<Value, String> {
    serde_json::from_str(line).map_err(|error| format!("{PROGRAM} said \"{}\": {error}", line.trim()))
}

/// Boxes that stay connected.
pub struct Held {
    process: Child,
    says: BufReader<ChildStdout>,
    count: usize,
}

impl Held {
    /// Lets boxes come and waits until all is quiet again. Each must be welcome.
    pub fn come(server: &Server, seed: &str, first: usize, count: usize) -> Result<Self, String> {
        let numbers = [first, count, 1_000].map(|number| number.to_string());
        let [first, how_many, wave] = &numbers;
        let mut process = Command::new(PROGRAM)
            .args(["storm", "--hold", "--server", &address(server), "--first", first, "--count", how_many])
            .args(["--wave", wave, "--seed", seed])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{PROGRAM} cannot be started: {error}"))?;
        let says = BufReader::new(process.stdout.take().ok_or("its output is not there")?);
        let mut held = Self { process, says, count };
        let outcome = held.line()?;
        if outcome["authenticated"] != count {
            return Err(format!("Not every box was welcome: {outcome}"));
        }
        std::thread::sleep(SETTLED);
        Ok(held)
    }

    /// Lets them go. All must still have been connected, or the memory was that of fewer.
    pub fn go(mut self) -> Result<(), String> {
        drop(self.process.stdin.take());
        let left = self.line()?;
        match left["connected"] == self.count {
            true => Ok(()),
            false => Err(format!("Of {} boxes not all stayed: {left}", self.count)),
        }
    }

    fn line(&mut self) -> Result<Value, String> {
        let mut line = String::new();
        self.says.read_line(&mut line).map_err(|error| error.to_string())?;
        read(&line)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // Gone already when it was let go.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
