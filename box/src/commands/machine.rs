//! What the machine is, in the shape that boxes of NeoPro 1 answer `get_system_info` with. What is not known is null.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::system::{local_address, memory_bytes};

/// Everything, beside these figures.
pub(super) fn describe(metrics: Value) -> Value {
    let address = local_address().map(|address| address.to_string());
    let interfaces = interfaces(Path::new("/sys/class/net"));
    let primary = primary(&interfaces);
    let board = text("/proc/device-tree/model");
    json!({
        "success": true,
        "systemInfo": {
            "hostname": text("/proc/sys/kernel/hostname"),
            "os": fs::read_to_string("/etc/os-release").ok().and_then(|release| pretty_name(&release)),
            "kernel": text("/proc/sys/kernel/osrelease"),
            "architecture": std::env::consts::ARCH,
            "cpu_model": fs::read_to_string("/proc/cpuinfo").ok().and_then(|cpus| cpu_model(&cpus)).or(board.clone()),
            "cpu_cores": std::thread::available_parallelism().ok(),
            "total_memory": memory_bytes(),
            "ip_address": address,
            "mac_address": primary.map(|interface| interface["mac"].clone()),
            "model": board,
        },
        "networkStatus": { "interfaces": interfaces },
        "metrics": metrics,
    })
}

/// The text of a file, without the NUL and the line break at its end.
fn text(path: impl AsRef<Path>) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let text = text.trim_matches(|char: char| char == '\0' || char.is_whitespace());
    (!text.is_empty()).then(|| text.to_owned())
}

/// The name of the system for people (os-release(5)).
fn pretty_name(release: &str) -> Option<String> {
    let name = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    Some(name.trim_matches('"').to_owned())
}

/// PCs say `model name` for each processor, a Raspberry Pi `Model` for the board.
fn cpu_model(cpus: &str) -> Option<String> {
    let named = |name: &str| {
        let value =
            |line: &str| line.strip_prefix(name)?.trim_start().strip_prefix(':').map(|value| value.trim().to_owned());
        cpus.lines().find_map(value)
    };
    named("model name").or_else(|| named("Model"))
}

/// The interfaces but the loopback, by name.
fn interfaces(folder: &Path) -> Vec<Value> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name != "lo")
        .collect();
    names.sort();
    let describe = |name: &String| {
        let fact = |fact: &str| text(folder.join(name).join(fact));
        // An interface without a cable says -1, or nothing.
        let speed = fact("speed").and_then(|speed| speed.parse::<u32>().ok());
        json!({ "name": name, "mac": fact("address"), "operstate": fact("operstate"), "speed": speed })
    };
    names.iter().map(describe).collect()
}

/// The one by which people know the machine: the cable, else the radio, else any.
fn primary(interfaces: &[Value]) -> Option<&Value> {
    let rank = |interface: &&Value| match interface["name"].as_str().unwrap_or_default() {
        name if name.starts_with("eth") || name.starts_with("en") => 0,
        name if name.starts_with("wl") => 1,
        _ => 2,
    };
    interfaces.iter().min_by_key(rank)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_say_what_they_are_in_their_own_ways() {
        assert_eq!(
            pretty_name("ID=debian\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n").as_deref(),
            Some("Debian GNU/Linux 12 (bookworm)")
        );
        assert_eq!(cpu_model("processor\t: 0\nmodel name\t: Cortex-A72\nModel\t: Pi\n").as_deref(), Some("Cortex-A72"));
        assert_eq!(
            cpu_model("processor\t: 0\nModel\t\t: Raspberry Pi 4 Model B Rev 1.4\n").as_deref(),
            Some("Raspberry Pi 4 Model B Rev 1.4")
        );
        assert_eq!((cpu_model(""), pretty_name("")), (None, None));
    }

    #[test]
    fn the_cable_is_what_a_machine_is_known_by() {
        let folder = crate::files::tests::scratch("interfaces");
        for (name, mac) in [("lo", "00:00:00:00:00:00"), ("wlan0", "02:00:00:00:00:02"), ("eth0", "02:00:00:00:00:01")]
        {
            fs::create_dir_all(folder.join(name)).expect("a folder");
            fs::write(folder.join(name).join("address"), format!("{mac}\n")).expect("written");
        }
        fs::write(folder.join("eth0/speed"), "-1\n").expect("written");
        let found = interfaces(&folder);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0], json!({"name": "eth0", "mac": "02:00:00:00:00:01", "operstate": null, "speed": null}));
        assert_eq!(primary(&found).map(|interface| &interface["name"]), Some(&json!("eth0")));
        assert_eq!(interfaces(Path::new("/nowhere")), Vec::<Value>::new());
    }

    #[test]
    fn this_machine_is_described() {
        let whole = describe(json!({"cpu": null}));
        let info = &whole["systemInfo"];
        assert!(
            info["hostname"].is_string() && info["kernel"].is_string() && info["total_memory"].as_u64() > Some(1 << 20),
            "{whole}"
        );
        assert!(info["cpu_cores"].as_u64() >= Some(1), "{whole}");
    }
}
