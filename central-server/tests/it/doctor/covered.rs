//! None of the guide's lines is forgotten: each has a check, and each check that is named exists.

use std::collections::BTreeSet;
use std::path::Path;

use neopro_central::doctor::CHECKS;

use crate::guide::document::Document;

/// The entries of the troubleshooting chapter, point by point, and which checks look at them.
const TROUBLES: &[(&str, &[&[&str]])] = &[
    (
        "L'application ne démarre pas sur Render",
        &[
            &["environment.variables"],
            &["environment.variables"],
            &[
                "database.settings",
                "storage.settings",
                "redis.settings",
                "environment.variables",
                "machine.data_folder",
            ],
        ],
    ),
    (
        "Erreur de connexion à la base de données",
        &[&["database.settings", "database.connection"], &["database.settings"], &["database.connection"]],
    ),
    ("Erreur CORS", &[&["dashboard.cors"], &["dashboard.settings"], &["dashboard.cors"]]),
    ("Redis ne se connecte pas", &[&["redis.settings"], &["redis.ping"]]),
    (
        "Upload de vidéos échoue",
        &[
            &["storage.settings", "storage.bucket"],
            &["storage.bucket"],
            &["storage.read", "storage.write", "storage.closed"],
        ],
    ),
    ("Les emails ne partent pas (SendGrid)", &[&["mail.service"], &["mail.settings"], &["mail.queue"]]),
    (
        "Le dashboard affiche une page blanche",
        &[&["dashboard.page"], &["dashboard.cors"], &["dashboard.build"], &["dashboard.page", "dashboard.build"]],
    ),
];

/// The checklist of step 10.5.
const CHECKLIST: &[(&str, &[&str])] = &[
    ("Health check retourne `healthy`", &["outside.health", "outside.ready", "outside.monitor"]),
    ("Dashboard accessible", &["dashboard.page"]),
    ("Login fonctionne avec l'admin", &["accounts.administrator", "accounts.passwords"]),
    ("Dashboard affiche les données (même vides)", &["dashboard.cors", "dashboard.build", "database.schema"]),
    ("Documentation API accessible", &["outside.docs"]),
];

/// Where the services of today differ from what the guide says of them, in thirteen rows.
const TODAY: [(&str, &[&str]); 13] = [
    ("?pgbouncer=true is optional", &["database.settings"]),
    ("the direct host is IPv6-only", &["database.settings"]),
    ("the pooler's certificate", &["database.tls"]),
    ("two forms of the service key", &["storage.settings", "storage.bucket"]),
    ("limits of objects, room and traffic", &["storage.object_size", "storage.room", "storage.traffic"]),
    ("Upstash's budget", &["redis.ping"]),
    ("SendGrid's trial ends", &["mail.service", "mail.queue"]),
    ("a host for each Logtail source", &["logs.host", "logs.settings"]),
    ("no shell on the free plan", &["accounts.administrator"]),
    ("monitors send HEAD", &["outside.monitor"]),
    ("webhooks have their own channel", &["slack.webhook"]),
    ("ports of SMTP are blocked", &["mail.service"]),
    ("outgoing traffic is metered", &["storage.bucket", "storage.traffic"]),
];

/// The checks that a test of this folder holds to a state that is not `ok`. A promise is made in front of its id, and one
/// that is made and not checked is no program (`#[must_use]`).
fn provoked(text: &str) -> BTreeSet<&str> {
    let promises = ["error(", "warning(", "unseen("].into_iter().flat_map(|promise| text.split(promise).skip(1));
    promises.filter_map(|rest| Some(rest.trim_start().strip_prefix('"')?.split_once('"')?.0)).collect()
}

#[test]
fn every_check_of_the_catalogue_is_provoked_into_a_state_that_is_not_ok() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/doctor");
    let files = std::fs::read_dir(folder).expect("this folder").map(|entry| entry.expect("an entry").path());
    let text: String = files.map(|path| std::fs::read_to_string(path).expect("a source")).collect();
    let provoked = provoked(&text);
    let never: Vec<&str> = CHECKS.iter().map(|check| check.id).filter(|id| !provoked.contains(id)).collect();
    assert!(never.is_empty(), "no test has seen anything wrong with {never:?}");
}

#[test]
fn what_is_only_remarked_is_not_provoked() {
    let text = "remark(\"a.b\", \"x\", \"1\"); error(\n    \"c.d\", \"x\", \"y\", \"1\"); of(&report, \"e.f\", None)";
    assert_eq!(provoked(text), BTreeSet::from(["c.d"]));
}

fn exist<'a>(ids: impl IntoIterator<Item = &'a &'a str>, of: &str) {
    for id in ids {
        assert!(CHECKS.iter().any(|check| check.id == *id), "{of}: there is no check {id}");
    }
}

#[test]
fn every_entry_of_the_troubleshooting_chapter_and_of_the_checklist_has_a_check() {
    let guide = Document::original();
    let (_, chapter) = guide.text.split_once("\n## Dépannage\n").expect("the chapter");
    let (chapter, _) = chapter.split_once("\n## ").expect("its end");
    let mut points: Vec<(&str, usize)> = Vec::new();
    for line in chapter.lines() {
        if let Some(heading) = line.strip_prefix("### ") {
            points.push((heading, 0));
        } else if line.starts_with(|first: char| first.is_ascii_digit()) {
            points.last_mut().expect("a heading before it").1 += 1;
        }
    }
    let known: Vec<(&str, usize)> = TROUBLES.iter().map(|(heading, points)| (*heading, points.len())).collect();
    assert_eq!(points, known, "the guide's entries and their points");
    for (heading, points) in TROUBLES {
        points.iter().for_each(|ids| exist(*ids, heading));
    }
    let boxes: Vec<&str> = guide.text.lines().filter_map(|line| line.strip_prefix("- [ ] ")).collect();
    assert_eq!(boxes, CHECKLIST.iter().map(|(line, _)| *line).collect::<Vec<_>>());
    CHECKLIST.iter().for_each(|(line, ids)| exist(*ids, line));
    TODAY.iter().for_each(|(row, ids)| exist(*ids, row));
}

#[test]
fn every_check_has_an_id_of_its_own_and_a_step_that_the_guide_has() {
    let guide = Document::original();
    let mut ids = BTreeSet::new();
    for check in CHECKS {
        assert!(ids.insert(check.id), "{} twice", check.id);
        let step = check.step;
        let heading = match step.starts_with(|first: char| first.is_ascii_digit()) {
            true if step.contains('.') => format!("\n### {step}. "),
            true => format!("\n## Étape {step} "),
            false => format!("\n### {step}"),
        };
        assert!(guide.text.contains(&heading), "{}: the guide has no {heading:?}", check.id);
    }
    assert!(ids.len() > 35);
}
