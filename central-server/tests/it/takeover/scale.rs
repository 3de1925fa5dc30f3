//! How long a takeover takes, and how much memory, when there is much to take over.
//!
//! `NEOPRO_PLAYS` says how many plays, and as many heartbeats; a million are measured by hand, a slice of them in every
//! run.

use std::time::{Duration, Instant};

use super::{KEY, Old, value};
use crate::pooler::variable;
use crate::support::program;

/// The most memory that the program may have had, in kilobytes: it sees no row of the large tables.
const MEMORY: u64 = 120_000;

#[tokio::test]
async fn many_plays_take_seconds_and_no_memory_of_ours() {
    let plays = variable("NEOPRO_PLAYS").unwrap_or(100_000);
    let db = Old::Everything.database().await;
    db.owner()
        .await
        .batch_execute(&format!(
            "insert into video_plays (site_id, video_filename, category, played_at, duration_played, trigger_type) \
             select (array['20000000-0000-4000-8000-000000000001', '20000000-0000-4000-8000-000000000002', \
                 '20000000-0000-4000-8000-000000000003'])[1 + n % 3]::uuid, 'v' || n % 40 || '.mp4', 'sponsor', \
               timestamp '2024-01-01' + n * interval '15 seconds', 15, 'auto' from generate_series(1, {plays}) n; \
             insert into metrics (site_id, cpu_usage, memory_usage, temperature, disk_usage, uptime, recorded_at) \
             select '20000000-0000-4000-8000-000000000002', 10, 40, 55, 30, n, \
               (now() at time zone 'utc') - n * interval '30 seconds' from generate_series(1, {plays}) n"
        ))
        .await
        .expect("much to take over");
    let began = Instant::now();
    let mut child = program::neopro(&["migrate"], &[("DATABASE_URL", &db.url()), ("MFA_ENCRYPTION_KEY", KEY)])
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("it starts");
    let mut most = 0;
    let status = loop {
        if let Some(status) = child.try_wait().expect("a status") {
            break status;
        }
        most = memory(child.id()).unwrap_or(0).max(most);
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    let took = began.elapsed();
    assert!(status.success());
    println!("{plays} plays and {plays} heartbeats were taken over in {took:.1?}, with {most} kB of memory");
    let admin = db.admin().await;
    let counted = "select sum(videos_played) from club_daily_stats where date < '2025-10-01'";
    let expected = "select count(*) from neopro_1.video_plays where played_at < '2025-09-30 22:00:00'";
    assert_eq!(value(&admin, counted).await, value(&admin, expected).await);
    assert!(most > 0 && most < MEMORY, "{most} kB");
    let limit = Duration::from_secs(20) + Duration::from_micros(60 * plays);
    assert!(took < limit, "{took:?}");
}

/// The most memory that a process has had, in kilobytes.
fn memory(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}
