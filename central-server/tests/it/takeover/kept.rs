//! What a takeover keeps: everything, under its ids.

use neopro_central::db::migrations::latest;
use serde_json::json;

use super::{BAKERY, GOAL, LIFFRE, Old, PAUL, RENNES, VITRE, counts, migrate, row, taken_over, value};

#[tokio::test]
async fn either_beginning_and_all_that_came_later_is_taken_over_once() {
    for (old, lines) in [
        (
            Old::InitDb,
            &[
                "Comptes : 3",
                "Sites : 3",
                "Partenaires : 2",
                "Diffusions de partenaires : dans neopro_1.sponsor_impressions : 5",
            ][..],
        ),
        (
            Old::FullSchema,
            &[
                "Comptes : 3",
                "Diffusions : dans neopro_1.video_plays : 21",
                "Copies de configurations, leurs secrets chiffrés à part : 1",
            ],
        ),
        (
            Old::Everything,
            &[
                "Comptes : 6",
                "Agences : 1",
                "Lignes du journal : 2",
                "Doubles authentifications, secret chiffré et codes de secours hachés : 1",
            ],
        ),
    ] {
        let db = old.database().await;
        // As its superuser: row-level security hides nothing from these counts.
        let admin = db.admin().await;
        let before = counts(&admin, "public").await;
        let (code, said) = migrate(&db, &[]);
        assert_eq!(code, 0, "{old:?}: {said}");
        for line in lines {
            assert!(said.contains(line), "{old:?}: {line} is missing in {said}");
        }
        assert!(said.contains(&format!("à jour (version {} du schéma)", latest())), "{said}");
        let mut kept = counts(&admin, "neopro_1").await;
        kept.retain(|(name, _)| name != "takeover");
        assert_eq!(kept, before, "{old:?}: every old table is still there, with every row");

        let whole = |admin| async move { (counts(admin, "public").await, counts(admin, "neopro_1").await) };
        let after = whole(&admin).await;
        let (code, said) = migrate(&db, &[]);
        assert_eq!(
            (code, said.trim()),
            (0, &*format!("La base de données est à jour (version {} du schéma).", latest()))
        );
        assert_eq!(whole(&admin).await, after, "{old:?}: a second run finds nothing to do");
    }
}

#[tokio::test]
async fn ids_hashes_and_texts_stay_and_times_are_read_as_utc() {
    let (db, _) = taken_over(Old::Everything).await;
    let admin = db.admin().await;
    for (table, columns) in [
        (
            "users",
            "id, email, password_hash, full_name, role, status, sponsor_id, agency_id, coalesce(mfa_enabled, false)",
        ),
        (
            "sites",
            "id, site_name, club_name, location, sports, api_key, last_ip, local_ip, software_version, hardware_model, \
                   coalesce(metadata, '{}'), live_score_enabled",
        ),
        ("groups", "id, name, description, type, filters"),
        ("site_groups", "site_id, group_id"),
        ("agencies", "id, name, contact_email, address, status"),
        ("agency_sites", "agency_id, site_id, added_by"),
        ("sponsors", "id, name, contact_email, status"),
        ("sponsor_sites", "sponsor_id, site_id, contract_start, contract_end, is_active"),
        (
            "videos",
            "id, filename, original_name, category, subcategory, file_size, mime_type, storage_path, checksum, \
                    metadata, uploaded_by",
        ),
        ("content_deployments", "id, video_id, target_type, target_id, deployed_by"),
        ("audit_logs", "id, action, user_id, target_type, target_id, details, ip_address, user_agent, created_at"),
    ] {
        let sql = format!(
            "select count(*) from (select {columns} from neopro_1.{table} except select {columns} from public.{table}) lost"
        );
        assert_eq!(value(&admin, &sql).await.as_deref(), Some("0"), "{table}");
    }
    for (table, column) in [
        ("users", "created_at"),
        ("users", "last_login_at"),
        ("sites", "last_seen_at"),
        ("videos", "created_at"),
        ("content_deployments", "created_at"),
        ("content_deployments", "scheduled_at"),
        ("remote_commands", "completed_at"),
    ] {
        let sql = format!(
            "select count(*) from neopro_1.{table} o join public.{table} n using (id) \
             where o.{column} is not null and n.{column} is distinct from (o.{column}::timestamp at time zone 'UTC')"
        );
        assert_eq!(value(&admin, &sql).await.as_deref(), Some("0"), "{table}.{column}");
    }
    let zone = "select to_char(last_login_at at time zone 'Europe/Paris', 'YYYY-MM-DD HH24:MI:SS.US') from users \
                where email = 'Jeanne.Admin@neopro.test'";
    assert_eq!(value(&admin, zone).await.as_deref(), Some("2025-12-20 19:45:10.123456"));
    let states = "select string_agg(status, ',' order by id) from sites";
    assert_eq!(value(&admin, states).await.as_deref(), Some("offline,maintenance,offline"), "no box is connected now");
}

#[tokio::test]
async fn no_secret_stays_in_clear_anywhere() {
    let (db, _) = taken_over(Old::Everything).await;
    let admin = db.admin().await;
    // A proof that the search would find one.
    assert_eq!(
        value(&admin, "select count(*) from sites where site_name = 'Gymnase Jean-Moulin'").await.as_deref(),
        Some("1")
    );
    for schema in ["public", "neopro_1"] {
        for (table, _) in counts(&admin, schema).await {
            for secret in ["in-clear", "GEZDGNBV", "MFRGGZDF", "A1B2-C3D4", "A1B2C3D4"] {
                let sql = format!("select count(*) from {schema}.{table} x where to_jsonb(x)::text like '%{secret}%'");
                assert_eq!(value(&admin, &sql).await.as_deref(), Some("0"), "{secret} in {schema}.{table}");
            }
        }
    }
    let factor = row(&admin, &format!("select mfa_secret, mfa_backup_codes from users where id = '{PAUL}'")).await;
    assert!(factor["mfa_secret"].as_str().expect("sealed").starts_with("v2:"), "{factor}");
    let codes = factor["mfa_backup_codes"].as_array().expect("codes");
    assert!(
        codes.len() == 3 && codes.iter().all(|code| code.as_str().expect("a hash").starts_with("$argon2id$")),
        "{factor}"
    );

    // Nothing was thrown away: what was masked is sealed beside it, under the server's key.
    let sealer = neopro_central::sealing::Sealer::new(super::KEY, "mirror");
    let opened = |place: String, sealed: String| {
        String::from_utf8(sealer.open(&place, &sealed).expect("it opens")).expect("UTF-8")
    };
    for (table, column, id, secret) in [
        ("remote_commands", "command_data", "70000000-0000-4000-8000-000000000002", "wifi-in-clear-1"),
        ("remote_commands", "result", "70000000-0000-4000-8000-000000000003", "club-in-clear-2"),
        ("config_history", "configuration", "a0000000-0000-4000-8000-000000000001", "history-in-clear-4"),
        ("config_history", "changes_summary", "a0000000-0000-4000-8000-000000000001", "change-in-clear-5"),
        ("pending_commands", "command_data", "71000000-0000-4000-8000-000000000001", "queue-in-clear-6"),
    ] {
        let sealed = value(&admin, &format!("select {column}_sealed from neopro_1.{table} where id = '{id}'")).await;
        let text = opened(format!("neopro_1 {table}.{column} {id}"), sealed.expect("sealed"));
        assert!(text.contains(secret), "{table}.{column}: {text}");
    }
    let mirror = row(
        &admin,
        &format!("select configuration, secrets, hash, received_at from site_mirrors where site_id = '{VITRE}'"),
    )
    .await;
    assert_eq!(mirror["configuration"]["auth"], json!({"password": "********", "clubName": "CA Vitré"}));
    assert_eq!(
        (&mirror["hash"], &mirror["received_at"]),
        (&json!("0123456789abcdef"), &json!("2025-12-24T20:00:00+00:00"))
    );
    let text = opened(VITRE.to_owned(), mirror["secrets"].as_str().expect("sealed").to_owned());
    assert!(text.contains("mirror-in-clear-3"), "{text}");
    let told = row(
        &admin,
        "select command_data, status, error_message from remote_commands \
                            where id = '70000000-0000-4000-8000-000000000002'",
    )
    .await;
    assert_eq!(told["command_data"], json!({"ssid": "NEOPRO", "password": "********"}));
    assert_eq!(told["status"], "timeout", "what NeoPro 1 has not seen the end of is not told again");
}

#[tokio::test]
async fn what_sites_are_to_have_follows_from_the_last_orders_and_from_what_boxes_show() {
    let (db, said) = taken_over(Old::Everything).await;
    let admin = db.admin().await;
    let orders = "select string_agg(right(id::text, 1) || ' ' || status || ' ' || total_count, ', ' order by id) from deployment_orders";
    assert_eq!(
        value(&admin, orders).await.as_deref(),
        Some("1 completed 1, 2 failed 2, 3 pending 1, 4 cancelled 0, 5 scheduled 0, 6 cancelled 0"),
    );
    let wanted =
        "select string_agg(concat_ws(' ', site_id, video_id), ', ' order by site_id, video_id) from site_videos";
    let expected = [
        format!("{VITRE} {BAKERY}"), // its box shows it
        format!("{VITRE} {GOAL}"),   // failed: a person may try again
        format!("{RENNES} {GOAL}"),
        format!("{LIFFRE} {GOAL}"), // still to come
    ];
    assert_eq!(value(&admin, wanted).await.expect("some"), expected.join(", "));
    let open = "select string_agg(site_id::text, ',') from site_states where desired_revision > reported_revision";
    assert_eq!(value(&admin, open).await.as_deref(), Some(LIFFRE));
    let failed = row(&admin, &format!("select state, reason from site_inventory where site_id = '{RENNES}'")).await;
    assert_eq!(failed, json!({"state": "failed", "reason": "Checksum mismatch"}));
    let shown = row(
        &admin,
        &format!("select state, filename, category, mirrored from site_inventory where video_id = '{BAKERY}'"),
    )
    .await;
    assert_eq!(
        shown,
        json!({"state": "installed", "filename": "boulangerie.mp4", "category": "SPONSORS", "mirrored": true})
    );
    assert!(said.contains("annulés : 1") && said.contains("Boulangerie Morel → Stade du Pressoir"), "{said}");

    // A box of Liffré that shows nothing is sent the open one, and nothing else.
    let next = format!(
        "select n.command_type, n.command_data->>'videoId' as video from neopro_next_command('{LIFFRE}', gen_random_uuid(), now()) n"
    );
    assert_eq!(row(&admin, &next).await, json!({"command_type": "deploy_video", "video": GOAL}));
    // That of Vitré has one and has failed at the other: it is left alone.
    for quiet in [VITRE, RENNES] {
        let next = format!("select count(*) from neopro_next_command('{quiet}', gen_random_uuid(), now())");
        assert_eq!(value(&admin, &next).await.as_deref(), Some("0"), "{quiet}");
    }
}

#[tokio::test]
async fn plays_are_kept_and_counted_in_the_days_of_france_and_heartbeats_by_the_hour() {
    let (db, said) = taken_over(Old::Everything).await;
    let admin = db.admin().await;
    assert_eq!(value(&admin, "select count(*) from neopro_1.video_plays").await.as_deref(), Some("21"));
    let days = "select string_agg(concat_ws(' ', date, videos_played, screen_time_seconds, manual_triggers, sponsor_plays, \
                  jingle_plays, ambiance_plays, other_plays), ' | ' order by date) from club_daily_stats";
    assert_eq!(
        value(&admin, days).await.as_deref(),
        // Midnight of Paris parts the first twenty; what NeoPro 1 has counted itself stays.
        Some("2025-10-01 10 150 5 3 3 2 2 | 2025-10-02 10 150 5 2 2 3 3 | 2025-10-05 17 255 0 0 0 0 0"),
    );
    assert!(said.contains("que NeoPro 1 n'avait pas comptées : 2"), "{said}");
    let hours = "select string_agg(concat_ws(' ', beats, minutes, cpu_sum, cpu_count, cpu_max, disk_count), ' | ' order by hour) \
                 from site_figures";
    let whole = u64::MAX >> 4;
    let hour = format!("120 {whole} 1440 120 14 120");
    assert_eq!(value(&admin, hours).await, Some([&*hour, &hour, &hour].join(" | ")));
    let latest = row(&admin, &format!("select cpu, uptime from site_latest where site_id = '{VITRE}'")).await;
    assert_eq!(latest, json!({"cpu": 14, "uptime": 359 * 30}));
}
