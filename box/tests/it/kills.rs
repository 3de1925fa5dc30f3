//! The program itself, killed without a warning, again and again.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use neopro_protocol::ItemState;

use crate::support::boxed::{KEY, SITE};
use crate::support::central::Central;
use crate::support::storage::Trouble;
use crate::support::{Random, bytes, media, scratch, sha256};

const NAME: &str = "large.mp4";
const SIZE: usize = 50_000_000;

/// The program. Killed when it is dropped.
struct Program(Child);

impl Program {
    fn start(central: &Central, root: &Path, variables: &[(&str, &str)]) -> Self {
        let log = fs::File::options().create(true).append(true).open(root.join("log")).expect("a log");
        let mut command = Command::new(env!("CARGO_BIN_EXE_neopro-box"));
        command.arg("run").env_clear().stdin(Stdio::null()).stderr(Stdio::null()).stdout(log);
        command.envs([
            ("CONFIG_FILE", "/nowhere"),
            ("NEOPRO_ROOT", root.to_str().expect("UTF-8")),
            ("NEOPRO_LISTEN", "127.0.0.1:0"),
            ("CENTRAL_SERVER_ENABLED", "true"),
            ("CENTRAL_SERVER_URL", &central.url()),
            ("SITE_ID", SITE),
            ("SITE_API_KEY", KEY),
        ]);
        command.envs(variables.iter().copied());
        Self(command.spawn().expect("the program starts"))
    }

    fn kill(&mut self) {
        self.0.kill().expect("it can be killed");
        self.0.wait().expect("and is gone");
    }

    /// Asks it to end; how long that took.
    fn terminate(&mut self) -> Duration {
        let began = Instant::now();
        let pid = self.0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs").success());
        assert!(self.0.wait().expect("it ends").success());
        began.elapsed()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How many times, and with which seed: `NEOPRO_BOX_KILLS`, `NEOPRO_BOX_SEED`.
#[expect(clippy::disallowed_methods, reason = "a test's own variable, as the soak sets it")]
fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().map_or(default, |text| text.parse().expect("a number"))
}

#[tokio::test]
async fn a_box_that_is_killed_forgets_no_command_and_does_none_twice() {
    let central = Central::start().await;
    let root = scratch("kills-commands");
    let acknowledged = || {
        let acks = central.events("(ack)").into_iter();
        acks.filter_map(|ack| Some(ack["commandId"].as_str()?.to_owned())).collect::<BTreeSet<_>>()
    };
    let mut given = Vec::new();
    for kill in 0..number("NEOPRO_BOX_KILLS", 5) {
        let mut program = Program::start(&central, &root, &[]);
        let beats = central.events("heartbeat").len();
        central.event("heartbeat", beats).await;
        // What was given and not acknowledged is told again, as the server does.
        let (acks, kept) = (acknowledged(), central.events("(ack)").len());
        given.extend((0..10).map(|_| uuid::Uuid::now_v7().to_string()));
        for id in given.iter().filter(|id| !acks.contains(*id)) {
            let kind = if kill % 2 == 0 { "get_system_info" } else { "reboot" };
            central.send(&format!("42900{}", serde_json::json!(["command", {"id": id, "type": kind, "data": {}}])));
        }
        central.until("an acknowledgement", |central| (central.events("(ack)").len() > kept).then_some(())).await;
        // Between keeping, doing and answering, wherever that falls.
        tokio::time::sleep(Duration::from_millis(kill * 4)).await;
        program.kill();
    }
    let mut program = Program::start(&central, &root, &[]);
    let known = acknowledged();
    let answers = |id: &str| {
        let answers = central.events("command_result").into_iter();
        answers.filter(|answer| answer["commandId"] == id).collect::<Vec<_>>()
    };
    for id in &known {
        central.until(id, |_| (!answers(id).is_empty()).then_some(())).await;
    }
    program.terminate();
    let mut repeated = 0;
    for id in &known {
        let all = answers(id);
        repeated += all.len() - 1;
        assert!(all.iter().all(|answer| *answer == all[0]), "{id} was done twice: {all:#?}");
    }
    eprintln!("{} commands of {} were acknowledged, {repeated} answers were repeated", known.len(), given.len());
    assert!(known.len() >= 5);
}

#[tokio::test]
async fn a_box_that_is_killed_goes_on_where_it_was() {
    let kills = number("NEOPRO_BOX_KILLS", 5);
    let mut bits = [0; 8];
    getrandom::fill(&mut bits).expect("random numbers");
    let seed = number("NEOPRO_BOX_SEED", u64::from_le_bytes(bits));
    eprintln!("NEOPRO_BOX_KILLS={kills} NEOPRO_BOX_SEED={seed}");
    let mut random = Random(seed);
    let central = Central::start().await;
    let content = bytes(seed, SIZE);
    central.storage.put(NAME, &content);
    // 8 MB a second at most: a fast line of a club, and slow enough to be killed in the middle.
    central.storage.trouble(NAME, Trouble::Slow(16 * 1024, Duration::from_millis(2)));
    let wanted = media(&content, central.file(NAME));
    central.want(std::slice::from_ref(&wanted));
    let root = scratch("kills");
    let folder = root.join("videos/central");
    let target = folder.join(format!("{}.mp4", wanted.sha256));
    for kill in 0..kills {
        let mut program = Program::start(&central, &root, &[]);
        // Each run gets its share of the file, give or take: the last kills still find something to interrupt.
        let share = SIZE as u64 / (kills + 1);
        let stop_at = (kill * share + random.below(share * 2)).min(SIZE as u64 - 100_000);
        let began = Instant::now();
        let early = Duration::from_millis(random.below(400));
        while central.storage.with(NAME, |served| served.sent) < stop_at || began.elapsed() < early {
            assert!(began.elapsed() < Duration::from_secs(60), "nothing comes any more");
            assert!(!target.exists() || fs::metadata(&target).expect("there").len() == SIZE as u64, "half a file");
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
        program.kill();
        assert!(!target.exists() || fs::read(&target).expect("there") == content, "half a file under its name");
    }
    let mut program = Program::start(&central, &root, &[]);
    central.reported(&wanted, |item| item.state == ItemState::Installed).await;
    assert_eq!(sha256(&fs::read(&target).expect("the file")), wanted.sha256);
    let (sent, asked) = central.storage.with(NAME, |served| (served.sent, served.asked.len()));
    eprintln!("{sent} bytes on the wire in {asked} requests for a file of {SIZE}");
    assert!(sent >= SIZE as u64 && sent <= SIZE as u64 / 100 * 105, "{sent} bytes for a file of {SIZE}");
    assert!(asked as u64 > kills / 2, "the kills have interrupted only {asked} downloads");
    let names: Vec<_> =
        fs::read_dir(&folder).expect("the folder").map(|entry| entry.expect("a name").file_name()).collect();
    assert_eq!(names.len(), 1, "{names:?}");
    let took = program.terminate();
    assert!(took < Duration::from_secs(2), "the end took {took:?}");
}

/// Waits until the log of a folder says something.
async fn says(root: &Path, what: &str) {
    let began = Instant::now();
    while !fs::read_to_string(root.join("log")).is_ok_and(|log| log.contains(what)) {
        assert!(began.elapsed() < Duration::from_secs(10), "the log does not say: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn one_folder_has_one_box() {
    let central = Central::start().await;
    let root = scratch("two");
    let mut first = Program::start(&central, &root, &[]);
    central.event("heartbeat", 0).await;
    let mut second = Program::start(&central, &root, &[]);
    says(&root, "another box works with this folder").await;
    assert!(second.terminate() < Duration::from_secs(2), "who waits can be told to end");
    let _third = Program::start(&central, &root, &[]);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(central.connections().len(), 1, "the first is not pushed off the server");
    first.kill();
    central.event("authenticate", 1).await;
}

#[tokio::test]
async fn no_secret_is_in_the_log_and_a_box_by_itself_runs() {
    let central = Central::start().await;
    let root = scratch("log");
    fs::create_dir_all(root.join("webapp")).expect("a folder");
    fs::write(root.join("webapp/configuration.json"), r#"{"auth":{"password":"s3cr3t"}}"#).expect("a file");
    let mut program = Program::start(&central, &root, &[("LOG_LEVEL", "trace")]);
    central.event("sync_local_state", 0).await;
    central.event("heartbeat", 0).await;
    program.terminate();
    let log = fs::read_to_string(root.join("log")).expect("a log");
    assert!(log.contains("connected to the server"), "{log}");
    assert!(!log.contains(KEY) && !log.contains("s3cr3t"), "{log}");
    let mut program = Program::start(&central, &root, &[("CENTRAL_SERVER_ENABLED", "false")]);
    says(&root, "fonctionne sans le serveur central").await;
    let began = Instant::now();
    while fs::read_to_string(root.join("log")).expect("a log").matches("the box runs").count() < 2 {
        assert!(began.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(program.terminate() < Duration::from_secs(2));
    assert_eq!(central.connections().len(), 1);
}
