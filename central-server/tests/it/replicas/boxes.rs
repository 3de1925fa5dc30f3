//! A box of protocol 2 on one connection, and the ledger of what it was told.

use std::net::SocketAddr;
use std::time::Duration;

use neopro_fleet::wire::{Said, Wire};
use serde_json::{Value, json};

use crate::support::stage::key;

/// A box that is connected.
pub struct Boxed {
    wire: Wire,
    site: String,
    /// Every command that it was told, in this order, repetitions included.
    pub commands: Vec<String>,
    /// Every video that it was ever told to have.
    pub videos: std::collections::BTreeSet<String>,
    revision: i64,
}

impl Boxed {
    /// Connects as the box of a site, and is welcome.
    pub async fn connect(port: u16, site: &str) -> Self {
        Self::try_connect(port, site, 0).await.expect("a welcome")
    }

    /// The same with the revision that it has; nothing if it does not work now.
    pub async fn try_connect(port: u16, site: &str, revision: i64) -> Option<Self> {
        let welcome = async {
            let mut wire = Wire::connect(SocketAddr::from(([127, 0, 0, 1], port)), 0).await.ok()?;
            let claim = json!({"siteId": site, "apiKey": key(site), "protocol": 2, "revision": revision});
            wire.emit("authenticate", &claim).await.ok()?;
            loop {
                match wire.next().await.ok()? {
                    Said::Event { name, .. } if name == "authenticated" => return Some(wire),
                    Said::Event { name, data, .. } if name == "auth_error" => panic!("{data}"),
                    _ => {}
                }
            }
        };
        let wire = tokio::time::timeout(Duration::from_secs(5), welcome).await.ok().flatten()?;
        let (commands, videos) = (Vec::new(), std::collections::BTreeSet::new());
        Some(Self { wire, site: site.to_owned(), commands, videos, revision })
    }

    /// The revision that it has.
    pub fn revision(&self) -> i64 {
        self.revision
    }

    /// What the server tells it next, noted and acknowledged; nothing when the connection is over.
    pub async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            let Said::Event { name, data, ack } = self.wire.next().await.ok()? else { continue };
            match name.as_str() {
                "desired" => {
                    self.revision = data["revision"].as_i64().expect("a revision");
                    let media = data["media"].as_array().expect("media").iter();
                    self.videos.extend(media.map(|media| media["id"].as_str().expect("an id").to_owned()));
                    self.acknowledge(ack, json!({"revision": self.revision})).await;
                }
                "command" => {
                    let id = data["id"].as_str().expect("an id").to_owned();
                    self.commands.push(id.clone());
                    self.acknowledge(ack, json!({"commandId": id})).await;
                    let result = json!({"commandId": id, "status": "success", "result": {"site": self.site}});
                    let _ = self.wire.ask("command_result", &result).await;
                }
                _ => continue,
            }
            return Some((name, data));
        }
    }

    async fn acknowledge(&mut self, ack: Option<u64>, data: Value) {
        if let Some(ack) = ack {
            let _ = self.wire.acknowledge(ack, &data).await;
        }
    }

    /// What it is told within a time.
    pub async fn within(&mut self, time: Duration) -> Option<(String, Value)> {
        tokio::time::timeout(time, self.next()).await.ok().flatten()
    }

    /// Waits for this within a time; whether it came.
    pub async fn hears(&mut self, event: &str, within: Duration) -> bool {
        let found = async {
            while let Some((name, _)) = self.next().await {
                if name == event {
                    return true;
                }
            }
            false
        };
        tokio::time::timeout(within, found).await.unwrap_or(false)
    }

    /// Whether the server ends the connection within a time.
    pub async fn is_ended(&mut self, within: Duration) -> bool {
        tokio::time::timeout(within, async { while self.next().await.is_some() {} }).await.is_ok()
    }

    /// A heartbeat; whether the connection still takes one.
    pub async fn beats(&mut self) -> bool {
        let beat = json!({"metrics": {"cpu": 10.0, "memory": 20.0, "temperature": 40.0, "disk": 30.0, "uptime": 100}});
        self.wire.emit("heartbeat", &beat).await.is_ok()
    }
}
