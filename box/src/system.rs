//! The figures of the machine for the heartbeat. What is not known is `None`, never 0.

use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;

use serde_json::{Value, json};

/// Reads figures; the load is measured between two readings.
#[derive(Debug, Default)]
pub struct Figures {
    processor: Option<Processor>,
}

/// Time that the processors had, in ticks since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Processor {
    all: u64,
    idle: u64,
}

impl Figures {
    /// The figures now, in the shape of the heartbeat's `metrics`: percent, degrees Celsius, seconds. `disk` is the
    /// file system of this folder.
    pub fn read(&mut self, disk: &Path) -> Value {
        let processor = text("/proc/stat").and_then(|text| processor(&text));
        let load = self.processor.zip(processor).and_then(|(before, now)| load(before, now));
        self.processor = processor.or(self.processor);
        json!({
            "cpu": load.map(one_decimal),
            "memory": text("/proc/meminfo").and_then(|text| memory(&text)).map(one_decimal),
            "temperature": temperature(Path::new("/sys/class/thermal")).map(one_decimal),
            "disk": room(disk).and_then(used).map(one_decimal),
            "uptime": text("/proc/uptime").and_then(|text| text.split_whitespace().next()?.parse::<f64>().ok()),
            "localIp": local_address().map(|address| address.to_string()),
            "timestamp": crate::clock::unix_millis(),
        })
    }
}

/// The room of a file system, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Free for us.
    pub free: u64,
    /// In all.
    pub total: u64,
}

/// The room of the file system of a path; `None` if the path does not exist.
#[must_use]
pub fn room(path: &Path) -> Option<Room> {
    let figures = rustix::fs::statvfs(path).ok()?;
    let bytes = |blocks: u64| blocks.saturating_mul(figures.f_frsize);
    Some(Room { free: bytes(figures.f_bavail), total: bytes(figures.f_blocks) })
}

fn used(room: Room) -> Option<f64> {
    percent(room.total.checked_sub(room.free)?, room.total)
}

fn text(path: &str) -> Option<String> {
    fs::read_to_string(path).ok()
}

#[expect(clippy::cast_precision_loss, reason = "a percentage needs no more than 52 bits")]
fn percent(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 * 100.0 / whole as f64)
}

fn one_decimal(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// The first line of `/proc/stat` (proc_stat(5)): user, nice, system, idle, iowait, irq, softirq, steal.
fn processor(stat: &str) -> Option<Processor> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let ticks: Vec<u64> = line.split_whitespace().take(8).map_while(|field| field.parse().ok()).collect();
    let idle = ticks.get(3)? + ticks.get(4).unwrap_or(&0);
    Some(Processor { all: ticks.iter().sum(), idle })
}

fn load(before: Processor, now: Processor) -> Option<f64> {
    let all = now.all.checked_sub(before.all)?;
    let idle = now.idle.checked_sub(before.idle)?;
    percent(all.checked_sub(idle)?, all)
}

fn memory(meminfo: &str) -> Option<f64> {
    let total = kilobytes(meminfo, "MemTotal:")?;
    percent(total.checked_sub(kilobytes(meminfo, "MemAvailable:")?)?, total)
}

/// The machine's memory in bytes.
pub(crate) fn memory_bytes() -> Option<u64> {
    kilobytes(&text("/proc/meminfo")?, "MemTotal:")?.checked_mul(1024)
}

fn kilobytes(meminfo: &str, field: &str) -> Option<u64> {
    meminfo.lines().find_map(|line| line.strip_prefix(field))?.split_whitespace().next()?.parse().ok()
}

/// The first zone of the processor, else the first of all; thousandths of a degree on the file.
fn temperature(zones: &Path) -> Option<f64> {
    let mut zones: Vec<_> = fs::read_dir(zones)
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("thermal_zone")))
        .collect();
    zones.sort();
    let is_processor = |zone: &Path| fs::read_to_string(zone.join("type")).is_ok_and(|kind| kind.contains("cpu"));
    zones.sort_by_key(|zone| !is_processor(zone));
    let millis: f64 = fs::read_to_string(zones.first()?.join("temp")).ok()?.trim().parse().ok()?;
    Some(millis / 1000.0)
}

/// The machine's address in its network: of the cable, else of the radio, else any.
pub(crate) fn local_address() -> Option<Ipv4Addr> {
    address(&text("/proc/net/route")?, &text("/proc/net/fib_trie")?)
}

/// Joins the kernel's table of routes, which knows interfaces, with that of its own addresses, which does not.
fn address(routes: &str, addresses: &str) -> Option<Ipv4Addr> {
    let network = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        // Hexadecimal, as the bytes lie in the memory of a little-endian machine.
        let number = |field: &str| u32::from_str_radix(field, 16).ok().map(u32::swap_bytes);
        let (network, mask) = (number(fields.get(1)?)?, number(fields.get(7)?)?);
        Some(((*fields.first()?).to_owned(), network, mask)).filter(|_| mask != 0)
    };
    let networks: Vec<(String, u32, u32)> = routes.lines().skip(1).filter_map(network).collect();
    let mut own = Vec::new();
    let mut last = None;
    for line in addresses.lines().map(str::trim) {
        if let Some(address) = line.strip_prefix("|-- ") {
            last = address.parse::<Ipv4Addr>().ok();
        } else if line == "/32 host LOCAL" {
            own.extend(last.filter(|address| !address.is_loopback()));
        }
    }
    let rank = |interface: &str| match interface {
        name if name.starts_with("eth") || name.starts_with("en") => 0,
        name if name.starts_with("wl") => 1,
        _ => 2,
    };
    let within = |address: &Ipv4Addr| {
        let number = u32::from(*address);
        networks.iter().filter(|(_, network, mask)| number & mask == *network).map(|(name, ..)| rank(name)).min()
    };
    own.into_iter().min_by_key(|address| within(address).unwrap_or(3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_load_is_that_between_two_readings() {
        let read = |text: &str| processor(text).expect("a line");
        let before = read("cpu  100 0 100 700 100 0 0 0 5 5\ncpu0 1 1\n");
        let now = read("cpu  150 0 150 760 140 0 0 0 9 9\n");
        assert_eq!(load(before, now), Some(50.0));
        assert_eq!(load(now, before), None);
        assert_eq!(load(now, now), None);
        assert_eq!(processor("garbage"), None);
    }

    #[test]
    fn what_is_not_known_is_null() {
        assert_eq!(memory("MemTotal: 1000 kB\nMemFree: 1 kB\nMemAvailable: 250 kB\n"), Some(75.0));
        assert_eq!(memory("MemTotal: 1000 kB\n"), None);
        assert_eq!(temperature(Path::new("/nowhere")), None);
        assert_eq!(room(Path::new("/nowhere")), None);
        let mut figures = Figures::default();
        let first = figures.read(Path::new("/nowhere"));
        assert!(first["cpu"].is_null() && first["disk"].is_null(), "{first}");
        assert!(first["memory"].as_f64().is_some_and(|memory| memory > 0.0 && memory < 100.0), "{first}");
        assert!(first["uptime"].as_f64().is_some_and(|uptime| uptime > 0.0), "{first}");
    }

    #[test]
    fn the_processors_zone_comes_first() {
        let zones = crate::files::tests::scratch("thermal");
        for (zone, kind, temp) in [("thermal_zone0", "gpu", "40000"), ("thermal_zone1", "cpu-thermal", "52149")] {
            fs::create_dir_all(zones.join(zone)).expect("a folder");
            fs::write(zones.join(zone).join("type"), kind).expect("a file");
            fs::write(zones.join(zone).join("temp"), format!("{temp}\n")).expect("a file");
        }
        assert_eq!(temperature(&zones).map(one_decimal), Some(52.1));
    }

    #[test]
    fn the_cable_goes_before_the_radio() {
        const ROUTES: &str = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n\
            wlan0\t0004A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\n\
            eth0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\n\
            eth0\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\n";
        const OWN: &str = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 127.0.0.1\n        /32 host LOCAL\n\
            |-- 192.168.4.1\n /32 host LOCAL\n |-- 192.168.1.20\n /32 host LOCAL\n |-- 192.168.1.255\n /32 link BROADCAST\n";
        assert_eq!(address(ROUTES, OWN), Some(Ipv4Addr::new(192, 168, 1, 20)));
        let radio: String =
            ROUTES.lines().filter(|line| !line.starts_with("eth0")).map(|line| format!("{line}\n")).collect();
        assert_eq!(address(&radio, &OWN.replace("192.168.1.20", "127.0.0.2")), Some(Ipv4Addr::new(192, 168, 4, 1)));
        assert_eq!(address("", ""), None);
    }
}
