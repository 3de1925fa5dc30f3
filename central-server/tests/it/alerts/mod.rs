//! Alerts: seen, told, over. The look-out runs by hand here, every half minute of a clock of the test's own.

mod limits;
mod list;
mod looking;
mod reports;
mod slack;
mod telling;

use std::time::Duration;

use neopro_central::alerts::watch;
use neopro_central::jobs::worker;
use serde_json::Value;
use uuid::Uuid;

use self::slack::Slack;
use crate::mail::sendgrid::SendGrid;
use crate::support::{Cluster, TestApp, TestDb};

/// A server with Slack and SendGrid, and two people who run it: one reads French, the other English.
struct Scene {
    app: TestApp,
    slack: Slack,
    sendgrid: SendGrid,
}

impl Scene {
    async fn start() -> Self {
        let (slack, sendgrid) = (Slack::start().await, SendGrid::start().await);
        let app = server(Cluster::get().migrated().await, &slack, &sendgrid).await;
        app.account("camille@club.fr", "super_admin").await;
        app.account("robin@club.fr", "admin").await;
        let scene = Self { app, slack, sendgrid };
        scene.sql("update users set language = 'en' where email like 'robin%'").await;
        scene
    }

    async fn sql(&self, sql: &str) {
        self.app.db.owner().await.batch_execute(sql).await.unwrap_or_else(|error| panic!("{error:?} in {sql}"));
    }

    async fn count(&self, sql: &str) -> i64 {
        self.app.db.owner().await.query_one(sql, &[]).await.unwrap_or_else(|error| panic!("{error:?} in {sql}")).get(0)
    }

    async fn text(&self, sql: &str) -> String {
        let row = self.app.db.owner().await.query_one(sql, &[]).await;
        row.unwrap_or_else(|error| panic!("{error:?} in {sql}")).get(0)
    }

    /// Sites with these names, whose boxes are heard of now.
    async fn sites(&self, names: impl Iterator<Item = String>) {
        let names: Vec<String> = names.collect();
        let sql = "insert into sites (site_name, club_name, api_key, status, last_seen_at) \
             select name, 'Club ' || name, name, 'online', to_timestamp($2::bigint) from unnest($1::text[]) name";
        let now = self.app.clock.now().unix_seconds();
        self.app.db.owner().await.execute(sql, &[&names, &now]).await.expect("sites");
    }

    /// The boxes of the sites with such names are heard of now.
    async fn heard(&self, like: &str) {
        let sql = "update sites set last_seen_at = to_timestamp($1::bigint), status = 'online' where site_name like $2";
        let now = self.app.clock.now().unix_seconds();
        self.app.db.owner().await.execute(sql, &[&now, &like]).await.expect("sites");
    }

    /// A box says how it is, and is heard of.
    async fn measured(&self, site: &str, temperature: f64, disk: f64) {
        self.heard(site).await;
        let sql = "insert into site_latest (site_id, heard_at, temperature, disk, memory) \
             select id, to_timestamp($1::bigint), $3, $4, 40 from sites where site_name = $2 \
             on conflict (site_id) do update set heard_at = excluded.heard_at, temperature = excluded.temperature, \
               disk = excluded.disk";
        let now = self.app.clock.now().unix_seconds();
        self.app.db.owner().await.execute(sql, &[&now, &site, &temperature, &disk]).await.expect("figures");
    }

    /// Half a minute goes by, and it is looked and told.
    async fn look(&self) {
        self.app.clock.advance(Duration::from_secs(30));
        watch::look_and_tell(&self.app.app).await.expect("a look");
        self.work().await;
    }

    /// Minutes go by in which nobody is heard of but those with such names.
    async fn minutes(&self, minutes: u32, heard: &str) {
        for _ in 0..minutes * 2 {
            self.heard(heard).await;
            self.look().await;
        }
    }

    async fn work(&self) {
        while worker::round(&self.app.app).await > 0 {}
    }

    /// How many messages have reached Slack, and how many mails have left.
    fn told(&self) -> (usize, usize) {
        (self.slack.taken().len(), self.sendgrid.taken().len())
    }

    /// Everything in the last message for Slack.
    fn said(&self) -> String {
        self.slack.taken().last().expect("a message").to_string()
    }

    /// The mails to this address: subject and text.
    fn mails(&self, to: &str) -> Vec<(String, String)> {
        let is_to = |mail: &Value| mail["personalizations"][0]["to"][0]["email"] == to;
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let mails = self.sendgrid.taken();
        mails
            .iter()
            .filter(|mail| is_to(mail))
            .map(|mail| (text(&mail["subject"]), text(&mail["content"][0]["value"])))
            .collect()
    }

    async fn settings(&self, change: Value) {
        let sql = "insert into settings (key, value, updated_at) values ('alerts', $1, now()) \
             on conflict (key) do update set value = settings.value || excluded.value";
        self.app.db.owner().await.execute(sql, &[&change]).await.expect("settings");
    }

    async fn user(&self, email: &str) -> Uuid {
        self.app
            .db
            .owner()
            .await
            .query_one("select id from users where email = $1", &[&email])
            .await
            .expect("one")
            .get(0)
    }
}

/// A server on this database that writes to these two.
async fn server(db: TestDb, slack: &Slack, sendgrid: &SendGrid) -> TestApp {
    server_with(db, slack, sendgrid, &[]).await
}

/// The same with more variables.
async fn server_with(db: TestDb, slack: &Slack, sendgrid: &SendGrid, more: &[(&str, &str)]) -> TestApp {
    let mut variables = slack.variables();
    variables.extend(sendgrid.variables());
    variables.push(("FRONTEND_URL", "https://tableau.neopro.test".to_owned()));
    let mut borrowed: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    borrowed.extend(more);
    TestApp::on(db, &borrowed).await
}
