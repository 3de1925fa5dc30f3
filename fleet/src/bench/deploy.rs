//! A video for the whole fleet: how long the order takes, until when every box is told, and until when all have it.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use uuid::Uuid;

use super::Measured;
use super::arrive::milliseconds_each;
use super::beat::Controls;
use super::boxes::Crowd;
use super::ledger::{Ledger, Record};
use super::process::Spent;
use super::seed::GROUP;
use super::times::Times;

/// How long the boxes may take until all are told.
const TOLD_WITHIN: Duration = Duration::from_secs(60);
/// And until all say that they have it.
const DONE_WITHIN: Duration = Duration::from_secs(120);
/// Between the parts of a form: in no file of ours.
const BOUNDARY: &str = "neopro-bench-5d1c0be7a2f94e31";

/// Orders the video for the group, which is the fleet; the strangers among the boxes are to hear nothing of it.
pub(super) async fn measure(
    measured: &Measured,
    crowd: &Crowd,
    clip: &Path,
    background: Spent,
    controls: &mut Controls,
) -> Result<Value, String> {
    let ledger = &crowd.shared.ledger;
    let video = upload(measured, clip).await?;
    let mut caller = measured.caller().await?;
    let before = measured.processes.cost()?;
    let began = Instant::now();
    let order = json!({ "video_id": video, "target_type": "group", "target_id": GROUP });
    let order = caller.send_json("POST", "/api/deployments", &order).await?.json();
    let created = began.elapsed();
    let order = order.map_err(|error| format!("POST /api/deployments: {error}"))?;

    while told(ledger, video) < ledger.members() && began.elapsed() < TOLD_WITHIN {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let spent = measured.processes.cost()?.since(before).without(background);
    let done = until_done(&mut caller, &order, ledger.members(), began).await?;
    let records = ledger.records();
    ledger.faults().extend(faults(&records, ledger.members(), video));
    controls.expect(&faults(&records, ledger.members() - 1, video));
    let after: Times = records
        .iter()
        .flat_map(|record| record.told.iter().map(|(_, at)| at.saturating_duration_since(began)))
        .collect();
    Ok(json!({
        "created_ms": created.as_secs_f64() * 1000.0, "told": after.json(), "done_s": done,
        "cpu_ms": milliseconds_each(spent, ledger.members()),
    }))
}

fn told(ledger: &Ledger, video: Uuid) -> usize {
    (0..ledger.count()).filter(|number| ledger.of(*number).told.iter().any(|(id, _)| *id == video)).count()
}

/// Waits until the order says that every site has the video: the seconds since it was given.
async fn until_done(
    caller: &mut super::http::Caller,
    order: &Value,
    members: usize,
    began: Instant,
) -> Result<Option<f64>, String> {
    let path = format!("/api/deployments/{}", order["id"].as_str().ok_or("The order has no id.")?);
    let all_told = Instant::now();
    while all_told.elapsed() < DONE_WITHIN {
        let now = caller.read(&path).await?;
        if now["status"] == "completed" {
            let is_all = now["deployed_count"] == members;
            return if is_all {
                Ok(Some(began.elapsed().as_secs_f64()))
            } else {
                Err(format!("The order says: {now}"))
            };
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Ok(None)
}

/// What is wrong: each member is to be told once, and of this video alone; the others of nothing.
fn faults(records: &[Record], members: usize, video: Uuid) -> Vec<String> {
    let is_right = |number: usize, record: &Record| match &record.told[..] {
        [] => number >= members,
        [(id, _)] => number < members && *id == video,
        _ => false,
    };
    let wrong = records.iter().enumerate().filter(|(number, record)| !is_right(*number, record));
    wrong
        .map(|(number, record)| format!("Box {number} is told {:?}, not the video {video} once.", record.told))
        .collect()
}

/// Adds the file to the library: the video's id.
async fn upload(measured: &Measured, clip: &Path) -> Result<Uuid, String> {
    let bytes = std::fs::read(clip).map_err(|error| format!("{}: {error}.", clip.display()))?;
    let mut body = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"video\"; filename=\"bench.mp4\"\r\n\
         Content-Type: video/mp4\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(&bytes);
    body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    let mut caller = measured.caller().await?;
    let video = caller.send("POST", "/api/videos", &kind, &body).await?.json();
    let video = video.map_err(|error| format!("POST /api/videos: {error}"))?;
    video["id"]
        .as_str()
        .and_then(|id| Uuid::parse_str(id).ok())
        .ok_or_else(|| format!("An upload is answered with {video}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_is_told_once_and_nobody_else() {
        let (video, now) = (Uuid::from_u128(7), Instant::now());
        let told = |ids: &[u128]| Record {
            told: ids.iter().map(|id| (Uuid::from_u128(*id), now)).collect(),
            ..Record::default()
        };
        assert_eq!(faults(&[told(&[7]), told(&[7]), told(&[])], 2, video), Vec::<String>::new());
        for wrong in [[&[7][..], &[], &[]], [&[7], &[7, 7], &[]], [&[7], &[8], &[]], [&[7], &[7], &[7]]] {
            let records: Vec<Record> = wrong.iter().map(|ids| told(ids)).collect();
            assert_eq!(faults(&records, 2, video).len(), 1, "{wrong:?}");
        }
    }
}
