//! A network of a test's own, in which the guide's names lead to this machine and nothing leads out of it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use super::{names, shared_folder};

/// Tells the test binary that it runs inside.
const INSIDE: &str = "NEOPRO_TEST_NETWORK";

/// How long a test inside may take.
const PATIENCE: Duration = Duration::from_secs(300);

/// What is done before the test begins: the loopback goes up, and a cable that leads nowhere, without which browsers take
/// themselves for offline; names come from our file alone, and low ports need no rights.
const BEGIN: &str = "
ip link set lo up
ip link add out0 type veth peer name out1 || ip link add out0 type dummy
ip addr add 198.51.100.1/24 dev out0
ip link set out0 up
ip link set out1 up || true
mount --bind \"$1/hosts\" /etc/hosts
mount --bind \"$1/nsswitch.conf\" /etc/nsswitch.conf
echo 0 > /proc/sys/net/ipv4/ip_unprivileged_port_start
shift
exec setpriv --pdeathsig KILL --inh-caps=-all -- \"$@\"
";

/// Runs a test in a network of its own: this binary starts itself a second time with that one test, in namespaces of the
/// kernel. `name` is the test's whole name.
pub fn alone(name: &str, test: impl Future<Output = ()>) {
    if std::env::var_os(INSIDE).is_some() {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        runtime.expect("a runtime").block_on(test);
        return;
    }
    let (status, said) = inside(name);
    assert!(status.success(), "{name}, in a network of its own, {status}:\n{said}");
    assert!(said.contains("1 passed"), "there is no test {name:?}:\n{said}");
    // What it has measured.
    said.lines()
        .filter(|line| line.starts_with("walk: ") || line.starts_with("tls: "))
        .for_each(|line| println!("{line}"));
}

fn inside(name: &str) -> (ExitStatus, String) {
    let folder = shared_folder(&format!("network-{}", name.replace("::", "-")));
    let lines: String = names().iter().map(|name| format!("127.0.0.1 {name}\n")).collect();
    fs::write(folder.join("hosts"), format!("127.0.0.1 localhost\n::1 localhost\n{lines}")).expect("names");
    fs::write(folder.join("nsswitch.conf"), "hosts: files\npasswd: files\ngroup: files\nshadow: files\n")
        .expect("a file");
    let mut command = Command::new("unshare");
    if rustix::process::getuid().as_raw() != 0 {
        command.args(["--user", "--map-current-user", "--keep-caps"]);
    }
    command.args(["--net", "--mount", "--", "sh", "-ec", BEGIN, "sh"]).arg(&folder);
    command.arg(std::env::current_exe().expect("this program"));
    command.args(["--exact", name, "--nocapture", "--include-ignored"]).env(INSIDE, "1");
    let log = folder.join("said");
    let file = File::create(&log).expect("a file");
    let child = command.stdout(file.try_clone().expect("the file")).stderr(file).spawn();
    let status = ended(child.expect("unshare (package util-linux) is installed"), &log);
    let said = fs::read_to_string(&log).unwrap_or_default();
    if status.success() {
        let _ = fs::remove_dir_all(&folder);
    }
    (status, said)
}

fn ended(mut child: std::process::Child, log: &Path) -> ExitStatus {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().expect("a status") {
            return status;
        }
        if Instant::now() > until {
            let _ = child.kill();
            let _ = child.wait();
            panic!("not over within {PATIENCE:?}: {}", fs::read_to_string(log).unwrap_or_default());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Where pictures and answers of a run are kept for people.
pub fn gallery(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target").join(name);
    fs::create_dir_all(&folder).expect("a folder for pictures");
    folder
}

/// The control: the guide's names lead here and to nobody else, others nowhere, and nobody outside is reached.
#[test]
fn a_test_in_its_own_network_reaches_nobody_outside() {
    alone("cloud::network::a_test_in_its_own_network_reaches_nobody_outside", async {
        for name in names() {
            let found: Vec<_> = tokio::net::lookup_host((name.as_str(), 443)).await.expect("a name of ours").collect();
            assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), ["127.0.0.1:443"], "{name}");
        }
        assert!(tokio::net::lookup_host(("supabase.com", 443)).await.is_err(), "other names lead nowhere");
        let outside = tokio::net::TcpStream::connect(("192.0.2.1", 443)).await.expect_err("there is no way out");
        assert_eq!(outside.kind(), std::io::ErrorKind::NetworkUnreachable);
        std::net::TcpListener::bind(("127.0.0.1", 443)).expect("the ports of services are free and ours to take");
    });
}

#[test]
#[should_panic(expected = "there is no test")]
fn a_test_that_is_not_there_would_be_noticed() {
    assert!(std::env::var_os(INSIDE).is_none());
    alone("cloud::network::there_is_no_such_test", async {});
}
