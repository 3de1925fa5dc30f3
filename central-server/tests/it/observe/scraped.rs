//! What is in `deploy/` for Prometheus and Grafana, against what the server really shows.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use yaml_rust2::{Yaml, YamlLoader};

use super::figures::{TOKEN, lively, names};
use crate::support::cluster::scratch;
use crate::support::program::free_port;

fn deploy(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy").join(path)
}

fn read(path: &str) -> String {
    std::fs::read_to_string(deploy(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn yaml(path: &str) -> Yaml {
    YamlLoader::load_from_str(&read(path)).unwrap_or_else(|error| panic!("{path}: {error}")).remove(0)
}

fn dashboard() -> Value {
    serde_json::from_str(&read("grafana/neopro.json")).expect("JSON")
}

fn panels() -> Vec<Value> {
    let all = dashboard()["panels"].as_array().expect("panels").clone();
    all.into_iter().filter(|panel| panel["type"] != "row").collect()
}

/// The queries of the dashboard.
fn queries() -> Vec<String> {
    let targets = panels().into_iter().flat_map(|panel| panel["targets"].as_array().expect("targets").clone());
    targets.map(|target| target["expr"].as_str().expect("a query").to_owned()).collect()
}

/// The queries of the alerts.
fn alarms() -> Vec<String> {
    let rules = yaml("prometheus/alerts.yml");
    let rules = rules["groups"][0]["rules"].as_vec().expect("rules").clone();
    rules.iter().map(|rule| rule["expr"].as_str().expect("a query").to_owned()).collect()
}

/// The names of figures in a query: words that are ours, or of a process or of HTTP.
fn named(query: &str) -> BTreeSet<String> {
    query
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| ["neopro_", "http_", "process_"].iter().any(|begin| word.starts_with(begin)))
        .map(str::to_owned)
        .collect()
}

#[tokio::test]
async fn every_figure_that_a_panel_or_an_alert_asks_for_is_there_and_none_is_forgotten() {
    let app = lively().await;
    let text = app.get("/metrics").bearer(TOKEN).send().await.text;
    let there = names(&text);
    let asked: BTreeSet<String> = queries().iter().chain(&alarms()).flat_map(|query| named(query)).collect();
    let missing: Vec<&String> = asked.iter().filter(|name| !there.contains(*name)).collect();
    assert!(asked.len() > 30 && missing.is_empty(), "asked for and not there: {missing:?}");
    // The other way round: what is shown is worth a panel, but for the name of NeoPro 1, what says where files are, and
    // the halves of histograms that quantiles do not need.
    let known = |name: &str| {
        asked.contains(name)
            || ["neopro_connected_sites_total", "neopro_storage_info"].contains(&name)
            || name
                .strip_suffix("_sum")
                .or(name.strip_suffix("_count"))
                .is_some_and(|stem| asked.contains(&format!("{stem}_bucket")))
    };
    let unseen: Vec<&String> = there.iter().filter(|name| !known(name)).collect();
    assert!(unseen.is_empty(), "nobody looks at {unseen:?}");
    assert_eq!(
        named("sum(rate(neopro_a_total{x=\"y\"}[5m])) / http_b"),
        ["http_b".into(), "neopro_a_total".into()].into()
    );
}

#[test]
fn the_dashboard_can_be_provisioned() {
    let dashboard = dashboard();
    assert_eq!((&dashboard["uid"], dashboard.get("id")), (&json!("neopro"), None), "an id would be another Grafana's");
    assert!(dashboard["schemaVersion"].is_u64());
    let source = yaml("grafana/provisioning/datasources/prometheus.yaml");
    let uid = source["datasources"][0]["uid"].as_str().expect("a uid");
    let mut ids = BTreeSet::new();
    for panel in panels() {
        assert_eq!(panel["datasource"]["uid"], uid, "{}", panel["title"]);
        assert!(ids.insert(panel["id"].as_u64().expect("an id")), "{}: an id twice", panel["title"]);
        let place = &panel["gridPos"];
        let (x, w) = (place["x"].as_u64().expect("x"), place["w"].as_u64().expect("w"));
        assert!(x + w <= 24 && place["h"].as_u64().is_some_and(|height| height > 0), "{panel}");
    }
    let provider = yaml("grafana/provisioning/dashboards/neopro.yaml");
    assert_eq!(provider["providers"][0]["type"].as_str(), Some("file"));
}

/// Runs promtool, and says what it said.
fn promtool(arguments: &[&str], folder: &Path) -> Result<String, String> {
    let output = Command::new("promtool").args(arguments).current_dir(folder).output();
    let output = output.expect("promtool, of the package prometheus");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.success() { Ok(said) } else { Err(said) }
}

#[test]
fn the_alerts_ring_when_they_should_and_not_when_all_is_well() {
    let folder = scratch("promtool");
    std::fs::create_dir_all(&folder).expect("a folder");
    for file in ["alerts.yml", "prometheus.yml"] {
        std::fs::copy(deploy("prometheus").join(file), folder.join(file)).expect("a copy");
    }
    std::fs::write(folder.join("metrics-token"), TOKEN).expect("a token");
    promtool(&["check", "config", "prometheus.yml"], &folder).unwrap_or_else(|said| panic!("{said}"));
    let tests = include_str!("alerts.yml").replace("- ALERTS\n", "- alerts.yml\n");
    std::fs::write(folder.join("tests.yml"), &tests).expect("a file");
    promtool(&["test", "rules", "tests.yml"], &folder).unwrap_or_else(|said| panic!("{said}"));
    // The control: one that never rings is found.
    let deaf = read("prometheus/alerts.yml").replace("up{job=\"neopro\"} == 0", "up{job=\"neopro\"} == 7");
    std::fs::write(folder.join("alerts.yml"), deaf).expect("a file");
    let said = promtool(&["test", "rules", "tests.yml"], &folder).expect_err("a deaf alert");
    assert!(said.contains("NeoproInjoignable"), "{said}");
}

/// A Prometheus of our own. Killed when it is dropped.
struct Prometheus {
    child: Child,
    port: u16,
}

impl Prometheus {
    /// Starts one that scrapes this server every second.
    fn scraping(port: u16) -> Self {
        let folder = scratch("prometheus");
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("a folder");
        let config = read("prometheus/prometheus.yml")
            .replace("scrape_interval: 30s", "scrape_interval: 1s")
            .replace("evaluation_interval: 30s", "evaluation_interval: 1s")
            .replace("scheme: https", "scheme: http")
            .replace("neopro-central-server.onrender.com", &format!("127.0.0.1:{port}"));
        std::fs::write(folder.join("prometheus.yml"), config).expect("a file");
        std::fs::copy(deploy("prometheus/alerts.yml"), folder.join("alerts.yml")).expect("a copy");
        std::fs::write(folder.join("metrics-token"), TOKEN).expect("a token");
        let own = free_port();
        let child = Command::new("prometheus")
            .args(["--config.file=prometheus.yml", "--storage.tsdb.path=data", "--log.level=error"])
            .arg(format!("--web.listen-address=127.0.0.1:{own}"))
            .current_dir(&folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("prometheus");
        Self { child, port: own }
    }

    /// The samples of a query now, or why there are none.
    fn ask(&self, query: &str) -> Result<Vec<Value>, String> {
        let output = Command::new("curl")
            .args(["-s", "-G", "--data-urlencode", &format!("query={query}")])
            .arg(format!("http://127.0.0.1:{}/api/v1/query", self.port))
            .output()
            .expect("curl");
        let answer: Value = serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())?;
        if answer["status"] != "success" {
            return Err(answer["error"].to_string());
        }
        Ok(answer["data"]["result"].as_array().cloned().unwrap_or_default())
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_prometheus_reads_them_and_every_panel_has_something_to_show() {
    let app = lively().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let service = app.app.router().into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move {
        let _ = axum::serve(listener, service).await;
    });
    let prometheus = Prometheus::scraping(port);
    let began = Instant::now();
    let enough = "count_over_time(up{job=\"neopro\"}[1m]) >= 4 and up{job=\"neopro\"} == 1";
    while !prometheus.ask(enough).is_ok_and(|found| !found.is_empty()) {
        assert!(began.elapsed() < Duration::from_secs(60), "{:?}", prometheus.ask("up"));
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let mut empty = Vec::new();
    for query in queries() {
        let found = prometheus.ask(&query).unwrap_or_else(|why| panic!("{query}: {why}"));
        if found.is_empty() {
            empty.push(query);
        }
    }
    assert_eq!(empty, Vec::<String>::new(), "panels with nothing to show");
    for query in alarms() {
        prometheus.ask(&query).unwrap_or_else(|why| panic!("{query}: {why}"));
    }
    assert_eq!(prometheus.ask("neopro_no_such_figure"), Ok(Vec::new()), "the control");
    // This process is the tests', with as much memory as they need, no box and no loop of the live channel.
    let here = "NeoproBoitiersAbsents|NeoproIndisponible|NeoproDegrade|NeoproMemoire";
    let ringing = prometheus.ask(&format!("ALERTS{{alertname!~\"{here}\"}}"));
    assert_eq!(ringing, Ok(Vec::new()), "nothing else is wrong here");
    let lasted = prometheus.ask("scrape_duration_seconds").expect("a figure");
    println!("a scrape by Prometheus took {} s", lasted[0]["value"][1]);
}
