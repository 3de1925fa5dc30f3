//! `/api/sites/:id/command`: commands to single boxes, of both protocols, over cuts, restarts and time.

mod waiting;

use std::time::Duration;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Answer, Player, Stage, TestApp};

/// The boxes that are played: a script of `tests/js`, and how it connects.
const BOXES: [(&str, &str); 3] = [("box.mjs", "websocket"), ("box.mjs", "polling"), ("box2.mjs", "websocket")];

/// A short while, in which a message would have come.
const WHILE: Duration = Duration::from_millis(700);

impl Stage {
    async fn command(&self, site: &str, body: Value) -> Answer {
        self.call(Method::POST, &format!("/api/sites/{site}/command"), Some(&body)).await
    }

    /// Gives a command that is to be told at once: its id.
    async fn told(&self, site: &str, body: Value) -> String {
        let answer = self.command(site, body).await.expect(StatusCode::OK).json();
        let flags = (&answer["success"], &answer["sent"], &answer["queued"]);
        assert_eq!(flags, (&json!(true), &json!(true), &json!(false)), "{answer}");
        answer["commandId"].as_str().expect("an id").to_owned()
    }

    /// Gives a command that is to wait: its id.
    async fn waits(&self, site: &str, body: Value) -> String {
        let answer = self.command(site, body).await.expect(StatusCode::OK).json();
        let flags = (&answer["success"], &answer["sent"], &answer["queued"]);
        assert_eq!(flags, (&json!(true), &json!(false), &json!(true)), "{answer}");
        answer["commandId"].as_str().expect("an id").to_owned()
    }

    async fn row(&self, site: &str, command: &str) -> Value {
        self.get(&format!("/api/sites/{site}/command/{command}")).await
    }

    async fn until_row(&self, site: &str, command: &str, what: &str, holds: impl FnMut(&Value) -> bool) -> Value {
        self.until_it(&format!("/api/sites/{site}/command/{command}"), what, holds).await
    }

    async fn until_status(&self, site: &str, command: &str, status: &str) -> Value {
        self.until_row(site, command, status, |row| row["status"] == status).await
    }

    async fn sql(&self, sql: &str) {
        self.db.owner().await.batch_execute(sql).await.expect("the owner may");
    }

    /// A box of this site, which is welcome.
    async fn boxed(&self, script: &str, site: &str, transports: &str) -> Player {
        let mut player = Player::start(script, self.server.port, site, transports);
        player.says("authenticated").await;
        // A message from within the welcome of the former connection has left before this one is answered.
        player
    }
}

impl Player {
    /// Says something, in the manner of its script.
    async fn emits(&mut self, script: &str, event: &str, data: Value) {
        let words = json!([event, data]);
        self.tell(&if script == "box.mjs" { words } else { json!({ "emit": words }) }).await;
    }

    /// Answers a command and asks whether that was heard: the acknowledgement.
    async fn answers(&mut self, result: Value) -> Value {
        self.tell(&json!({ "ask": ["command_result", result] })).await;
        self.says("acknowledged").await
    }
}

#[tokio::test]
async fn a_command_is_told_to_its_box_alone_and_its_answer_is_on_record() {
    let stage = Stage::start("commands-told").await;
    for (script, transports) in BOXES {
        let (site, other) = (
            stage.site(&format!("A {script} {transports}")).await,
            stage.site(&format!("B {script} {transports}")).await,
        );
        let mut one = stage.boxed(script, &site, transports).await;
        let mut another = stage.boxed(script, &other, transports).await;
        let id = stage
            .told(&site, json!({"command": "get_logs", "params": {"service": "nginx", "lines": 7, "x": "y"}}))
            .await;
        let message = one.says("command").await;
        assert_eq!(
            message,
            json!({"id": id, "type": "get_logs", "data": {"service": "nginx", "lines": 7}}),
            "{script}"
        );
        let row = stage.row(&site, &id).await;
        assert_eq!(
            (&row["status"], &row["command_type"], &row["site_id"]),
            (&json!("executing"), &json!("get_logs"), &json!(site))
        );
        assert!(
            row["executed_by"].is_string() && row["executed_at"].is_string() && row["pending_command_id"].is_null()
        );
        assert_eq!(seconds(&row["deadline"]) - seconds(&row["executed_at"]), 30, "{row}");

        let result = json!({"commandId": id, "status": "success", "result": {"success": true, "logs": "a\u{0}b"}});
        one.emits(script, "command_result", result.clone()).await;
        let row = stage.until_status(&site, &id, "completed").await;
        assert_eq!((&row["result"], &row["error_message"]), (&json!({"success": true, "logs": "ab"}), &Value::Null));
        assert!(row["completed_at"].is_string() && row["received_at"].is_string(), "{row}");
        // The same once more, and another end of it: nothing changes.
        one.emits(script, "command_result", result).await;
        one.emits(script, "command_result", json!({"commandId": id, "status": "error", "error": "non"})).await;

        let failing = stage.told(&site, json!({"command": "reboot"})).await;
        assert_eq!(one.says("command").await["data"], json!({}));
        one.emits(
            script,
            "command_result",
            json!({"commandId": failing, "status": "error", "error": "sudo: a password is required"}),
        )
        .await;
        let row = stage.until_status(&site, &failing, "failed").await;
        assert_eq!((&row["error_message"], &row["result"]), (&json!("sudo: a password is required"), &Value::Null));
        assert_eq!(stage.row(&site, &id).await["status"], "completed");
        assert!(another.says_within("command", WHILE).await.is_none(), "one message, to one box");
        assert!(one.says_within("command", Duration::ZERO).await.is_none());
        // A command is its site's.
        let elsewhere = format!("/api/sites/{other}/command/{id}");
        assert_eq!(stage.call(Method::GET, &elsewhere, None).await.status, 404);
    }
}

/// The seconds of a moment since 1970.
fn seconds(moment: &Value) -> i64 {
    moment.as_str().expect("a moment").parse::<neopro_central::clock::Time>().expect("ISO 8601").unix_seconds()
}

#[tokio::test]
async fn a_box_says_when_it_has_a_command_and_is_told_again_until_then() {
    let mut stage = Stage::start("commands-receipt").await;
    let site = stage.site("Gymnase").await;
    let mut new = stage.boxed("box2.mjs", &site, "websocket").await;
    let heard = stage.told(&site, json!({"command": "reboot"})).await;
    assert_eq!(new.says("command").await["id"], heard.as_str());
    let row = stage.until_row(&site, &heard, "received", |row| row["received_at"].is_string()).await;
    assert_eq!(row["status"], "executing");

    new.tell(&json!({"deaf": true})).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let unheard = stage.told(&site, json!({"command": "restart_service", "params": {"service": "nginx"}})).await;
    assert_eq!(new.says("command").await["id"], unheard.as_str());
    for _ in 0..2 {
        new.tell(&json!({"drop": true})).await;
        new.says("authenticated").await;
        let again = new.says("command").await;
        assert_eq!((&again["id"], &again["data"]), (&json!(unheard), &json!({"service": "nginx"})));
        assert!(new.says_within("command", WHILE).await.is_none(), "once a connection, and not what it has");
    }
    // The server dies with what it had in mind; what is on record is told.
    new.tell(&json!({"deaf": false})).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    stage.kill_and_restart().await;
    new.says("authenticated").await;
    assert_eq!(new.says("command").await["id"], unheard.as_str());
    stage.until_row(&site, &unheard, "received", |row| row["received_at"].is_string()).await;
    new.tell(&json!({"drop": true})).await;
    new.says("authenticated").await;
    assert!(new.says_within("command", WHILE).await.is_none(), "it has both");

    // The answer is acknowledged once it is committed, also one that came before, and one to nothing of ours.
    for status in ["success", "success", "error"] {
        let ack = new.answers(json!({"commandId": heard, "status": status, "result": {"n": 1}})).await;
        assert_eq!(ack, json!({ "commandId": heard }));
        assert_eq!(stage.row(&site, &heard).await["status"], "completed");
    }
    let nothing = uuid::Uuid::now_v7().to_string();
    assert_eq!(new.answers(json!({"commandId": nothing, "status": "success"})).await["commandId"], nothing.as_str());
    // While nothing can be committed, nothing is acknowledged: the box goes on saying it.
    stage.db.admin().await.batch_execute("revoke usage on schema public from public").await.expect("the superuser may");
    new.tell(&json!({"ask": ["command_result", {"commandId": unheard, "status": "success"}]})).await;
    new.says("unheard").await;
    stage.db.admin().await.batch_execute("grant usage on schema public to public").await.expect("the superuser may");
    assert_eq!(new.answers(json!({"commandId": unheard, "status": "success"})).await["commandId"], unheard.as_str());
    stage.until_status(&site, &unheard, "completed").await;
}

#[tokio::test]
async fn a_box_of_neopro_1_is_never_told_twice() {
    let mut stage = Stage::start("commands-old-cut").await;
    let site = stage.site("Gymnase").await;
    let mut old = stage.boxed("box.mjs", &site, "websocket").await;
    let id = stage.told(&site, json!({"command": "reboot"})).await;
    assert_eq!(old.says("command").await["id"], id.as_str());
    old.tell(&json!({"drop": true})).await;
    old.says("authenticated").await;
    assert!(old.says_within("command", WHILE).await.is_none());
    stage.kill_and_restart().await;
    old.says("authenticated").await;
    assert!(old.says_within("command", WHILE).await.is_none());
    // Its answer, on another connection to another process, still counts.
    old.emits("box.mjs", "command_result", json!({"commandId": id, "status": "success", "result": {"success": true}}))
        .await;
    stage.until_status(&site, &id, "completed").await;
}

#[tokio::test]
async fn nobody_answers_for_another_site() {
    let stage = Stage::start("commands-others").await;
    let (mine, yours) = (stage.site("Mien").await, stage.site("Tien").await);
    let mut me = stage.boxed("box2.mjs", &mine, "websocket").await;
    let mut you = stage.boxed("box2.mjs", &yours, "websocket").await;
    you.tell(&json!({"deaf": true})).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let id = stage.told(&yours, json!({"command": "get_config"})).await;
    you.says("command").await;
    // My own command is answered in the same moment; yours is not touched by me.
    let own = stage.told(&mine, json!({"command": "get_config"})).await;
    me.says("command").await;
    me.answers(json!({"commandId": id, "status": "success", "result": {"configuration": {"a": "forged"}}})).await;
    me.answers(json!({"commandId": own, "status": "success", "result": {"configuration": null}})).await;
    let row = stage.row(&yours, &id).await;
    assert_eq!(
        (&row["status"], &row["result"], &row["received_at"]),
        (&json!("executing"), &Value::Null, &Value::Null)
    );
    for said in
        [json!({}), json!({"commandId": 7}), json!({"commandId": "x", "status": "success"}), json!(null), json!([1])]
    {
        me.tell(&json!({ "emit": ["command_result", said] })).await;
    }
    you.answers(json!({"commandId": id, "status": "success", "result": {"configuration": {"auth": {"password": "s3cr3t", "clubName": "C"}}}})).await;
    let row = stage.row(&yours, &id).await;
    assert_eq!(row["result"]["configuration"]["auth"], json!({"password": "********", "clubName": "C"}));
    assert_eq!(stage.row(&mine, &own).await["status"], "completed", "it still speaks with us");
}

#[tokio::test]
async fn the_same_id_is_one_command_however_often_and_at_once() {
    let stage = Stage::start("commands-once").await;
    let (site, other) = (stage.site("Gymnase").await, stage.site("Stade").await);
    let mut new = stage.boxed("box2.mjs", &site, "websocket").await;
    for _ in 0..5 {
        let id = uuid::Uuid::now_v7().to_string();
        let body = json!({"command": "get_system_info", "commandId": id});
        let answers = futures_util::future::join_all((0..8).map(|_| stage.command(&site, body.clone()))).await;
        for answer in answers {
            let answer = answer.expect(StatusCode::OK).json();
            assert_eq!(
                (&answer["success"], &answer["sent"], &answer["commandId"]),
                (&json!(true), &json!(true), &json!(id))
            );
        }
        assert_eq!(new.says("command").await["id"], id.as_str());
        new.answers(json!({"commandId": id, "status": "success"})).await;
        let after = stage.command(&site, body).await.expect(StatusCode::OK).json();
        assert_eq!((&after["sent"], &after["commandId"]), (&json!(true), &json!(id)), "{after}");
        assert!(new.says_within("command", Duration::from_millis(200)).await.is_none());
        for (site, command) in [(&other, "get_system_info"), (&site, "reboot")] {
            let taken =
                stage.command(site, json!({"command": command, "commandId": id})).await.expect(StatusCode::CONFLICT);
            assert_eq!(taken.code(), "command_id_taken");
        }
    }
    let sql = stage.db.owner().await;
    let row = sql
        .query_one("select count(*), count(distinct target_id) from audit_logs where action = 'COMMAND_SENT'", &[])
        .await;
    let row = row.expect("a count");
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (5, 1), "each is in the journal once");
}

#[tokio::test]
async fn only_known_words_with_what_belongs_to_them() {
    let app = TestApp::new().await;
    let token = app.token("operator").await;
    let new = json!({"site_name": "Gymnase", "club_name": "Club"});
    let site = app.post("/api/sites", new).bearer(&token).send().await.json()["id"].as_str().expect("an id").to_owned();
    let path = format!("/api/sites/{site}/command");
    let give = async |body: Value| app.post(&path, body).bearer(&token).send().await;
    for word in ["format_disk", "deploy_video", "update_software", "", "Reboot"] {
        let refused = give(json!({ "command": word })).await.expect(StatusCode::BAD_REQUEST);
        let problem = &refused.json()["details"][0];
        let message = problem["message"].as_str().expect("a sentence");
        assert!(problem["field"] == "command" && message.contains("get_system_info, get_config"), "{problem}");
    }
    let agent =
        json!({"command": "update_config", "params": {"mode": "update_agent", "agentFiles": {"src/agent.js": "evil"}}});
    assert_eq!(give(agent).await.expect(StatusCode::BAD_REQUEST).fields(), ["params.mode"]);
    assert_eq!(
        give(json!({"command": "update_config"})).await.expect(StatusCode::BAD_REQUEST).fields(),
        ["params.configuration"]
    );
    let large = json!({"command": "update_config", "params": {"configuration": {"a": "x".repeat(700_000)}}});
    give(large).await.expect(StatusCode::OK);
    let viewer = app.token("viewer").await;
    let id = give(json!({"command": "reboot"})).await.json()["commandId"].as_str().expect("an id").to_owned();
    let row = app.get(&format!("{path}/{id}")).bearer(&viewer).send().await.expect(StatusCode::OK).json();
    assert_eq!(row["status"], "pending");
}

#[tokio::test]
async fn a_foreign_tenant_reaches_no_command_even_by_itself() {
    use neopro_central::db::{Scalar, Scope, query};
    use neopro_central::ids::{AgencyId, SponsorId, UserId};
    let app = TestApp::new().await;
    let (agency, sponsor) = (crate::walls::tenant(&app, "agency").await, crate::walls::tenant(&app, "sponsor").await);
    let token = app.token("admin").await;
    for tenant in [&agency, &sponsor] {
        let path = format!("/api/sites/{}/command", tenant.site);
        let given = app.post(&path, json!({"command": "reboot"})).bearer(&token).send().await.expect(StatusCode::OK);
        let path = format!("{path}/{}", given.json()["commandId"].as_str().expect("an id"));
        app.get(&path).bearer(&token).send().await.expect(StatusCode::OK);
        app.get(&path).bearer(&tenant.token).send().await.expect(StatusCode::FORBIDDEN);
    }
    // The second wall by itself.
    let user = UserId::new();
    for (scope, own) in [
        (Scope::Agency(user, AgencyId(agency.id)), agency.site),
        (Scope::Sponsor(user, SponsorId(sponsor.id)), sponsor.site),
    ] {
        let seen = query("select count(*) from remote_commands").one::<Scalar<i64>>();
        assert_eq!(app.pool().run(scope, None, seen).await.expect("a count").0, 0);
        let taken = "select count(*) from neopro_take_back_commands(array(select id from remote_commands), now())";
        assert_eq!(app.pool().run(scope, None, query(taken).one::<Scalar<i64>>()).await.expect("a count").0, 0);
        let asked = query(
            "select outcome from neopro_ask_command($1, gen_random_uuid(), 'reboot', '{}', null, 5::smallint, now(), 60, \
             now() + interval '1 day', false, false, 100, '', '')",
        );
        let asked = asked.bind(own).one::<Scalar<String>>();
        assert!(app.pool().run(scope, None, asked).await.is_err(), "{scope:?}");
    }
}
