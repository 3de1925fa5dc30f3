//! Every check there is, in the order in which they are shown.

use super::words::{self, Words};
use super::{Check, CheckGroup};

macro_rules! checks {
    ($($name:ident $id:literal $group:ident $step:literal $title:ident;)*) => {
        $(
            pub(super) const $name: &Check = &Check {
                id: $id,
                group: CheckGroup::$group,
                title: words::$title,
                step: $step,
            };
        )*

        /// All of them.
        pub const CHECKS: &[&Check] = &[$($name),*];
    };
}

checks! {
    VARIABLES "environment.variables" Environment "6.4" TITLE_VARIABLES;
    REPLICAS_SECRETS "replicas.secrets" Environment "6.4" TITLE_REPLICAS_SECRETS;
    REPLICAS_VERSIONS "replicas.versions" Environment "6.6" TITLE_REPLICAS_VERSIONS;
    DATABASE_SETTINGS "database.settings" Database "2.2" TITLE_DATABASE_SETTINGS;
    DATABASE_CONNECTION "database.connection" Database "2.2" TITLE_DATABASE_CONNECTION;
    DATABASE_TLS "database.tls" Database "2.2" TITLE_DATABASE_TLS;
    DATABASE_LOGIN "database.login_role" Database "2.2" TITLE_DATABASE_LOGIN;
    DATABASE_ROLE "database.app_role" Database "8.2" TITLE_DATABASE_ROLE;
    DATABASE_SCHEMA "database.schema" Database "8.2" TITLE_DATABASE_SCHEMA;
    DATABASE_DRIFT "database.drift" Database "8.5" TITLE_DATABASE_DRIFT;
    DATABASE_WALLS "database.row_security" Database "8.2" TITLE_DATABASE_WALLS;
    DATABASE_OUTSIDERS "database.outsiders" Database "8.2" TITLE_DATABASE_OUTSIDERS;
    DATABASE_WRITES "database.writes" Database "2" TITLE_DATABASE_WRITES;
    DATABASE_SIZE "database.size" Database "1.3" TITLE_DATABASE_SIZE;
    DATABASE_CONNECTIONS "database.connections" Database "2.2" TITLE_DATABASE_CONNECTIONS;
    DATABASE_CLOCK "database.clock" Database "10.1" TITLE_DATABASE_CLOCK;
    DATABASE_ACTIVITY "database.activity" Database "1.3" TITLE_DATABASE_ACTIVITY;
    ACCOUNTS_ADMIN "accounts.administrator" Accounts "9" TITLE_ACCOUNTS_ADMIN;
    ACCOUNTS_HASHES "accounts.passwords" Accounts "9" TITLE_ACCOUNTS_HASHES;
    STORAGE_SETTINGS "storage.settings" Storage "2.3" TITLE_STORAGE_SETTINGS;
    STORAGE_BUCKET "storage.bucket" Storage "3.1" TITLE_STORAGE_BUCKET;
    STORAGE_WRITE "storage.write" Storage "3.3" TITLE_STORAGE_WRITE;
    STORAGE_READ "storage.read" Storage "3.3" TITLE_STORAGE_READ;
    STORAGE_CLOSED "storage.closed" Storage "3.3" TITLE_STORAGE_CLOSED;
    STORAGE_PAGES "storage.pages" Storage "3" TITLE_STORAGE_PAGES;
    STORAGE_OBJECT "storage.object_size" Storage "3.1" TITLE_STORAGE_OBJECT;
    STORAGE_ROOM "storage.room" Storage "3" TITLE_STORAGE_ROOM;
    STORAGE_TRAFFIC "storage.traffic" Storage "3" TITLE_STORAGE_TRAFFIC;
    REDIS_SETTINGS "redis.settings" Redis "4.3" TITLE_REDIS_SETTINGS;
    REDIS_PING "redis.ping" Redis "4.3" TITLE_REDIS_PING;
    MAIL_SETTINGS "mail.settings" Mail "Alertes par email" TITLE_MAIL_SETTINGS;
    MAIL_WAY "mail.service" Mail "Alertes par email" TITLE_MAIL_WAY;
    MAIL_QUEUE "mail.queue" Mail "Alertes par email" TITLE_MAIL_QUEUE;
    SLACK_WEBHOOK "slack.webhook" Slack "Notifications Slack" TITLE_SLACK_WEBHOOK;
    LOGS_SETTINGS "logs.settings" Logs "Logs centralisés (Logtail)" TITLE_LOGS_SETTINGS;
    LOGS_HOST "logs.host" Logs "Logs centralisés (Logtail)" TITLE_LOGS_HOST;
    OUTSIDE_HEALTH "outside.health" Outside "10.1" TITLE_OUTSIDE_HEALTH;
    OUTSIDE_READY "outside.ready" Outside "10.2" TITLE_OUTSIDE_READY;
    OUTSIDE_DOCS "outside.docs" Outside "10.4" TITLE_OUTSIDE_DOCS;
    OUTSIDE_MONITOR "outside.monitor" Outside "Monitoring uptime (UptimeRobot)" TITLE_OUTSIDE_MONITOR;
    OUTSIDE_PROXIES "outside.proxies" Outside "6.7" TITLE_OUTSIDE_PROXIES;
    DASHBOARD_SETTINGS "dashboard.settings" Dashboard "7.6" TITLE_DASHBOARD_SETTINGS;
    DASHBOARD_CORS "dashboard.cors" Dashboard "7.6" TITLE_DASHBOARD_CORS;
    DASHBOARD_PAGE "dashboard.page" Dashboard "10.3" TITLE_DASHBOARD_PAGE;
    DASHBOARD_BUILD "dashboard.build" Dashboard "7.3" TITLE_DASHBOARD_BUILD;
    MACHINE_FOLDER "machine.data_folder" Machine "6.4" TITLE_MACHINE_FOLDER;
    MACHINE_DISK "machine.disk" Machine "6.4" TITLE_MACHINE_DISK;
}

/// The words of a group.
pub(super) const fn group(group: CheckGroup) -> Words {
    match group {
        CheckGroup::Environment => words::GROUP_ENVIRONMENT,
        CheckGroup::Database => words::GROUP_DATABASE,
        CheckGroup::Accounts => words::GROUP_ACCOUNTS,
        CheckGroup::Storage => words::GROUP_STORAGE,
        CheckGroup::Redis => words::GROUP_REDIS,
        CheckGroup::Mail => words::GROUP_MAIL,
        CheckGroup::Slack => words::GROUP_SLACK,
        CheckGroup::Logs => words::GROUP_LOGS,
        CheckGroup::Outside => words::GROUP_OUTSIDE,
        CheckGroup::Dashboard => words::GROUP_DASHBOARD,
        CheckGroup::Machine => words::GROUP_MACHINE,
    }
}
