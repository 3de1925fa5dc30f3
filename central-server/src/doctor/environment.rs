//! What reading the environment has found, each under what it is about.

use super::catalogue::{
    DASHBOARD_SETTINGS, DATABASE_SETTINGS, LOGS_SETTINGS, MAIL_SETTINGS, REDIS_SETTINGS, STORAGE_SETTINGS, VARIABLES,
};
use super::words::{self, Said};
use super::{Check, CheckState, Finding};
use crate::config::{Config, Gravity, Note};

/// Which variables have a check of their own; the others are those of the environment as a whole.
const OF: [(&Check, &[&str]); 6] = [
    (
        DATABASE_SETTINGS,
        &["DATABASE_URL", "DATABASE_SSL", "DATABASE_SSL_CA", "DATABASE_SSL_CA_FILE", "DATABASE_SSL_CA_PATH"],
    ),
    (
        STORAGE_SETTINGS,
        &[
            "SUPABASE_URL",
            "SUPABASE_SERVICE_KEY",
            "STORAGE",
            "S3_ENDPOINT",
            "S3_BUCKET",
            "S3_REGION",
            "S3_ACCESS_KEY_ID",
            "S3_SECRET_ACCESS_KEY",
            "S3_PUBLIC_URL",
            "STORAGE_GB",
            "STORAGE_TRAFFIC_GB",
            "STORAGE_MAX_OBJECT_MB",
        ],
    ),
    (REDIS_SETTINGS, &["REDIS_URL", "REDIS_SSL_CA_FILE"]),
    (
        MAIL_SETTINGS,
        &[
            "SENDGRID_API_KEY",
            "SENDGRID_API_URL",
            "EMAIL_FROM",
            "SMTP_FROM",
            "SMTP_HOST",
            "SMTP_PORT",
            "SMTP_USER",
            "SMTP_PASSWORD",
            "SMTP_SECURE",
        ],
    ),
    (LOGS_SETTINGS, &["LOGTAIL_TOKEN", "LOGTAIL_HOST"]),
    (DASHBOARD_SETTINGS, &["ALLOWED_ORIGINS", "FRONTEND_URL", "DASHBOARD_URL"]),
];

/// Said by a check that looks at the thing itself.
const TOLD_ELSEWHERE: [&str; 1] = ["DATABASE_SSL_CA"];

/// Everything there is to say, and an « ok » where there is nothing.
pub(super) fn look(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (check, variables) in OF {
        findings.extend(of(check, config.notes.about(variables)));
    }
    let named: Vec<&str> = OF.iter().flat_map(|(_, variables)| variables.iter().copied()).collect();
    // The webhook's check speaks of its own.
    let slack = ["SLACK_WEBHOOK_URL", "SLACK_ALERTS_ENABLED", "ALERT_SLACK_CHANNEL"];
    let others = config.notes.0.iter().filter(|note| {
        let variable = &note.problem.variable;
        !named.contains(variable) && !slack.contains(variable)
    });
    let mut others = of(VARIABLES, others);
    if !config.is_production() && others.iter().all(|finding| finding.state == CheckState::Ok) {
        others = vec![Finding::ok(VARIABLES, words::IN_DEVELOPMENT)];
    }
    findings.extend(others);
    findings
}

/// A finding for each note, or one that says that there is none.
pub(super) fn of<'a>(check: &'static Check, notes: impl Iterator<Item = &'a Note>) -> Vec<Finding> {
    let is_told = |note: &&Note| note.gravity == Gravity::Warning && TOLD_ELSEWHERE.contains(&note.problem.variable);
    let mut findings: Vec<Finding> = notes.filter(|note| !is_told(note)).map(|note| told(check, note)).collect();
    if findings.is_empty() {
        findings.push(Finding::ok(check, words::SETTINGS_OK));
    }
    findings
}

fn told(check: &'static Check, note: &Note) -> Finding {
    let problem = &note.problem;
    // What stands behind a variable's name elsewhere begins a sentence here.
    let found = Said::new(words::SAYS).with_sentence("what", problem.what.clone());
    let command = problem.command.filter(|_| note.gravity == Gravity::Problem);
    let mend = Said::new(if command.is_some() { words::MEND_VARIABLE_WITH } else { words::MEND_VARIABLE })
        .with("variable", problem.variable)
        .with("command", command.unwrap_or_default());
    let finding = match note.gravity {
        Gravity::Problem | Gravity::Fault => Finding::error(check, found, mend),
        Gravity::Warning => Finding::warning(check, found, mend),
        Gravity::Remark => Finding::ok(check, found),
    };
    finding.on(problem.variable).at(problem.step)
}
