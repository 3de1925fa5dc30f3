//! Commands to a real box, while it and the server are killed: each is answered, and by what was done once.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{Central, RealBox, Site};

/// Waits until a command has ended.
fn ended(central: &Central, site: &Site, id: &str) -> Value {
    let path = format!("/api/sites/{}/command/{id}", site.id);
    let began = Instant::now();
    loop {
        let row = central.try_get(&path).unwrap_or_default();
        if matches!(row["status"].as_str(), Some("completed" | "failed")) {
            return row;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "the command never ended: {row:#}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn give(central: &Central, site: &Site, command: &Value) -> String {
    let given = central.post(&format!("/api/sites/{}/command", site.id), command);
    given["commandId"].as_str().expect("an id").to_owned()
}

fn is_connected(central: &Central, site: &Site) -> bool {
    central.try_get(&format!("/api/sites/{}", site.id)).is_some_and(|site| site["status"] == "online")
}

#[test]
fn a_real_box_answers_each_command_whoever_is_killed() {
    let mut central = Central::start("commands");
    let site = central.site("Gymnase");
    let waiting = give(&central, &site, &json!({"command": "reboot"}));
    let configuration = r#"{"auth":{"clubName":"CA Vitré","password":"mot de passe du club"}}"#;
    let mut boxed = RealBox::start(&central, &site, Some(configuration));
    // It waited for the box; what this version cannot do, it says.
    let row = ended(&central, &site, &waiting);
    assert_eq!((&row["status"], &row["pending_command_id"]), (&json!("failed"), &json!(waiting)));
    assert!(row["error_message"].as_str().is_some_and(|error| error.contains("« reboot »")), "{row}");
    let row = ended(&central, &site, &give(&central, &site, &json!({"command": "get_system_info"})));
    assert!(row["result"]["systemInfo"]["hostname"].is_string() && row["received_at"].is_string(), "{row}");
    let row = ended(&central, &site, &give(&central, &site, &json!({"command": "get_config"})));
    assert_eq!(row["result"]["configuration"]["auth"], json!({"clubName": "CA Vitré", "password": "********"}));

    for round in 0..4 {
        let began = Instant::now();
        while !is_connected(&central, &site) {
            assert!(began.elapsed() < Duration::from_secs(60), "the box does not come back");
            std::thread::sleep(Duration::from_millis(50));
        }
        // Reboots wait if the box is away this moment; each is answered once, with what this version says to it.
        let ids: Vec<String> = (0..5).map(|_| give(&central, &site, &json!({"command": "reboot"}))).collect();
        std::thread::sleep(Duration::from_millis(round * 7));
        if round % 2 == 0 {
            central.kill();
            central.restart();
        } else {
            boxed.kill();
            boxed.restart();
        }
        for id in &ids {
            let row = ended(&central, &site, id);
            let error = row["error_message"].as_str().unwrap_or_default();
            assert!(error.contains("« reboot »") || error.contains("redémarré"), "{row}");
        }
    }
}
