//! Makes the demo network, as a person would who has only the public interface.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::time::sleep;

use super::api::{Api, text};
use super::folder::{Folder, Site};
use super::network::{CLIPS, CLUBS, FLEET, PILOTS, REGION, SPORT, To, WITH_BOX};
use crate::clubs::{Club, club};

/// How long both boxes may take to fetch what is sent to them.
const DELIVERY: Duration = Duration::from_secs(120);

/// What a site's box is said to be.
const HARDWARE: &str = "Raspberry Pi 4";

/// The clubs and their groups.
pub(super) async fn clubs(api: &Api, folder: &mut Folder) -> Result<(), String> {
    let clubs: Vec<Club> = (0..CLUBS).map(club).collect();
    for club in &clubs {
        folder.state.clubs.push(create(api, club).await?);
    }
    let with = |holds: &dyn Fn(usize, &Club) -> bool| -> Vec<String> {
        let members = clubs.iter().zip(&folder.state.clubs).enumerate();
        members.filter(|(number, (club, _))| holds(*number, club)).map(|(_, (_, site))| site.id.clone()).collect()
    };
    let (pilots, region) = (with(&|number, _| number < WITH_BOX), with(&|_, club| club.location.region == REGION.0));
    let sport = with(&|_, club| club.sports.contains(&"handball"));
    folder.state.pilots = group(api, PILOTS, &pilots).await?;
    folder.state.region = group(api, REGION, &region).await?;
    group(api, SPORT, &sport).await?;
    folder.save()
}

async fn create(api: &Api, club: &Club) -> Result<Site, String> {
    let mut body = serde_json::to_value(club).map_err(|error| error.to_string())?;
    body["hardware_model"] = json!(HARDWARE);
    let site = api.post("/api/sites", &body).await?;
    Ok(Site { id: text(&site, "id")?, key: text(&site, "api_key")?, name: club.club_name.clone() })
}

async fn group(api: &Api, (name, kind, about): (&str, &str, &str), sites: &[String]) -> Result<String, String> {
    let body = json!({"name": name, "type": kind, "description": about, "site_ids": sites});
    text(&api.post("/api/groups", &body).await?, "id")
}

/// The clips and their small pictures.
pub(super) async fn library(api: &Api, folder: &mut Folder, media: &Path) -> Result<(), String> {
    for clip in &CLIPS {
        let mut fields = vec![("title", clip.title), ("category", clip.category)];
        fields.extend(clip.subcategory.map(|name| ("subcategory", name)));
        let video = api.upload(clip.file, &read(&media.join(clip.file))?, &fields).await?;
        let id = text(&video, "id")?;
        let still = read(&media.join(clip.file).with_extension("thumbnail.jpg"))?;
        api.put_picture(&format!("/api/videos/{id}/thumbnail"), still).await?;
        folder.state.videos.push(id);
    }
    folder.save()
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("{}: {error}.", path.display()))
}

/// Sends the clips out, and waits until both boxes have theirs.
pub(super) async fn orders(api: &Api, folder: &Folder) -> Result<(), String> {
    let mut awaited = Vec::new();
    for (clip, video) in CLIPS.iter().zip(&folder.state.videos) {
        match clip.to {
            To::Pilots => awaited.push(order(api, video, &folder.state.pilots).await?),
            // Its other clubs have no box yet: that order stays open.
            To::Region => _ = order(api, video, &folder.state.region).await?,
            To::Nobody => {}
        }
    }
    let until = Instant::now() + DELIVERY;
    for order in awaited {
        loop {
            let seen = api.get(&format!("/api/deployments/{order}")).await?;
            if seen["status"] == "completed" {
                break;
            }
            if seen["status"] == "failed" || Instant::now() > until {
                return Err(format!("A video did not reach both boxes: {seen}"));
            }
            sleep(Duration::from_millis(100)).await;
        }
    }
    Ok(())
}

async fn order(api: &Api, video: &str, group: &str) -> Result<String, String> {
    let body = json!({"video_id": video, "target_type": "group", "target_id": group});
    text(&api.post("/api/deployments", &body).await?, "id")
}

/// The sites of the simulated boxes, as many as are missing, and something for them to fetch.
pub(super) async fn fleet(api: &Api, folder: &mut Folder, count: usize) -> Result<(), String> {
    let before = folder.state.fleet.len();
    for number in before..count {
        let site = create(api, &club(CLUBS + number)).await?;
        folder.state.fleet.push(site);
        // Its key is told once.
        folder.save()?;
    }
    let ids = |sites: &[Site]| -> Vec<Value> { sites.iter().map(|site| json!(site.id)).collect() };
    let all = &folder.state.fleet;
    let group_of_fleet = match &folder.state.fleet_group {
        Some(group) if before < count => {
            api.post(&format!("/api/groups/{group}/sites"), &json!({"site_ids": ids(&all[before..])})).await?;
            group.clone()
        }
        Some(_) => return Ok(()),
        None => {
            let members: Vec<String> = all.iter().map(|site| site.id.clone()).collect();
            group(api, FLEET, &members).await?
        }
    };
    // Said again to those that have them already, which changes nothing for them.
    for (clip, video) in CLIPS.iter().zip(&folder.state.videos) {
        if clip.to == To::Pilots {
            order(api, video, &group_of_fleet).await?;
        }
    }
    folder.state.fleet_group = Some(group_of_fleet);
    folder.save()
}
