//! `/api/sites`.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::store;
use super::{
    ConnectionList, Counted, Facets, Filter, KEY_WARNING, NewSite, SiteAlone, SiteBrief, SiteChanges, SiteKey,
    SitePage, SiteStats, SiteView, SiteWithKey,
};
use crate::app::App;
use crate::audit::{self, Action, Entry};
use crate::auth::{Admin, Caller, Operator, Role};
use crate::error::{Error, Result};
use crate::events::{Change, Kind};
use crate::http::openapi::{Read, Write};
use crate::http::page::MOST;
use crate::http::{Body, Got, Id, Query, Snapshot};
use crate::ids::{GroupId, SiteId};

/// The routes of this feature.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(stats))
        .routes(routes!(facets))
        .routes(routes!(connection_status))
        .routes(routes!(read, update, delete))
        .routes(routes!(regenerate_key))
}

const GONE: Error = Error::NotFound("Ce site");

/// How often a creation is tried when others take its name at the same moment.
const TRIES: usize = 5;

/// Sites: searched, filtered, sorted, in pages. An agency sees its clubs, a sponsor those that show it.
#[utoipa::path(
    get, path = "/api/sites", tag = "Sites", operation_id = "list_sites", security(("bearer" = []), ("cookie" = [])),
    params(
        ("page" = Option<i64>, Query, description = "From 1.", minimum = 1),
        ("limit" = Option<i64>, Query, description = "Rows a page, at most 1000. Without `page` and `limit`: the whole list, up to 1000 rows.", minimum = 1, maximum = 1000),
        ("search" = Option<String>, Query, description = "Words of the site's, club's or town's name, whatever their accents and capitals."),
        ("status" = Option<super::Status>, Query, description = "Exactly this state."),
        ("sport" = Option<String>, Query, description = "This sport, among others."),
        ("region" = Option<String>, Query, description = "Exactly this region."),
        ("display_status" = Option<super::DisplayStatus>, Query, description = "Exactly this state, as screens show it."),
        ("group_id" = Option<GroupId>, Query, description = "Members of this group."),
        ("version" = Option<String>, Query, description = "Exactly this version of the box's software. Not for sponsors."),
        ("seen_before" = Option<String>, Query, description = "Not heard of since this moment (RFC 3339); those that were never heard of are among them."),
        ("behind" = Option<bool>, Query, description = "Whether their boxes have yet to report something that they are to have. Not for sponsors."),
        ("sort" = Option<String>, Query, description = "created_at, club_name, site_name, city, status, last_seen_at or software_version."),
        ("order" = Option<String>, Query, description = "asc or desc."),
    ),
    responses((status = 200, description = "A page of sites.", body = SitePage), Read),
)]
async fn list(State(app): State<App>, caller: Caller, Query(filter): Query<Filter>) -> Result<Json<SitePage>> {
    let (scope, now) = (caller.scope(), app.clock.now());
    let is_sponsor = caller.role() == Role::Sponsor;
    if is_sponsor && filter.is_about_machines() {
        return Err(Error::Forbidden("Un compte partenaire ne voit pas le logiciel des boîtiers."));
    }
    let (mut data, total) = caller.run((store::page(scope, &filter, now), store::count(scope, &filter, now))).await?;
    if is_sponsor {
        data = data.into_iter().map(SiteView::for_sponsor).collect();
    }
    // Old scripts read `sites`; they are also those that never page.
    let sites = (filter.slice.limit == MOST).then(|| data.clone());
    Ok(Json(SitePage { data, pagination: filter.slice.of(total), total, sites }))
}

/// How many sites are in which state, among those that the session may see.
#[utoipa::path(
    get, path = "/api/sites/stats", tag = "Sites", security(("bearer" = []), ("cookie" = [])),
    params(("group_id" = Option<GroupId>, Query, description = "Members of this group only.")),
    responses((status = 200, description = "The counts.", body = SiteStats), Read),
)]
async fn stats(State(app): State<App>, caller: Caller, Query(counted): Query<Counted>) -> Result<Json<SiteStats>> {
    Ok(Json(caller.run(store::stats(caller.scope(), &counted, app.clock.now())).await?))
}

/// What a list of sites can be filtered by: regions, sports and versions that exist, among the sites that the session
/// may see.
#[utoipa::path(
    get, path = "/api/sites/facets", tag = "Sites", security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, description = "The values, each with how many sites have it.", body = Facets), Read),
)]
async fn facets(caller: Caller) -> Result<Json<Facets>> {
    let mut facets = Facets::of(caller.run(store::facets(caller.scope())).await?);
    if caller.role() == Role::Sponsor {
        facets.versions.clear();
    }
    Ok(Json(facets))
}

/// Which boxes are connected, of all sites that the session may see.
#[utoipa::path(
    get, path = "/api/sites/connection-status", tag = "Sites", operation_id = "connection_status_of_all", security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, description = "The sites by name, and how many are in which state.", body = ConnectionList), Read),
)]
async fn connection_status(State(app): State<App>, caller: Caller) -> Result<Response> {
    if caller.role().is_staff() {
        // The same for all of them, and long: those who ask at the same time share it. Whoever reads it proves his session
        // in the same flush; who gets it from him proves his own.
        let list = match app.connections.get(every_connection(&app, &caller)).await? {
            Got::Made(list) => list,
            Got::Shared(list) => {
                caller.run(()).await?;
                list
            }
        };
        return Ok(([(CONTENT_TYPE, "application/json")], list).into_response());
    }
    let seen = caller.run(store::connections(caller.scope())).await?;
    let list = ConnectionList::of(seen, app.clock.now());
    Ok(Json(if caller.role() == Role::Sponsor { list.for_sponsor() } else { list }).into_response())
}

/// The connection of every site as a body.
async fn every_connection(app: &App, caller: &Caller) -> Result<Bytes> {
    let seen = caller.run(store::connections(caller.scope())).await?;
    let list = ConnectionList::of(seen, app.clock.now());
    serde_json::to_vec(&list).map(Bytes::from).map_err(|error| Error::Internal(error.to_string()))
}

/// One site, if the session may see it.
#[utoipa::path(
    get, path = "/api/sites/{id}", tag = "Sites", operation_id = "read_site", security(("bearer" = []), ("cookie" = [])),
    params(("id" = SiteId, Path, description = "The site's id.")),
    responses((status = 200, description = "The site.", body = SiteAlone), Read),
)]
async fn read(State(app): State<App>, caller: Caller, Id(id): Id<SiteId>) -> Result<Json<SiteAlone>> {
    let scope = caller.scope();
    let (site, time_zone) = caller.run((store::find(scope, id, app.clock.now()), store::zone(scope, id))).await?;
    let (site, time_zone) = site.zip(time_zone).ok_or(GONE)?;
    let site = if caller.role() == Role::Sponsor { site.for_sponsor() } else { site };
    Ok(Json(SiteAlone { site, time_zone }))
}

/// Refuses a time zone that the database does not know: it could not count days by it.
async fn check_zone(caller: &Caller, zone: Option<&str>) -> Result<()> {
    match zone {
        Some(zone) if !caller.run(store::knows_zone(zone)).await? => Err(Error::field(
            "time_zone",
            "Ce fuseau horaire n'existe pas. Il s'écrit comme Europe/Paris ou Indian/Reunion.",
        )),
        _ => Ok(()),
    }
}

/// Creates a site and shows its key, this once.
#[utoipa::path(
    post, path = "/api/sites", tag = "Sites", operation_id = "create_site", security(("bearer" = []), ("cookie" = [])), request_body = NewSite,
    responses((status = 201, description = "The site and the key of its box.", body = SiteWithKey), Write),
)]
async fn create(
    State(app): State<App>,
    caller: Operator,
    from: Snapshot,
    Body(new): Body<NewSite>,
) -> Result<(StatusCode, Json<SiteWithKey>)> {
    check_zone(&caller, new.time_zone.as_deref()).await?;
    let (id, key, now) = (SiteId::new(), new_key()?, app.clock.now());
    let mut tries = 0;
    let site = loop {
        let entry = Entry::new(Action::SiteCreated, caller.user(), &from, now)
            .on("site", id)
            .with(json!({ "siteName": new.site_name }));
        let made = audit::store::record_made(entry, id.0);
        match caller.run((store::insert(caller.scope(), id, &new, &key, now), made)).await {
            Ok((site, ())) => break site,
            Err(error) if error.is_taken("sites_site_name_key") && tries < TRIES => tries += 1,
            Err(error) => return Err(error.into()),
        }
    };
    app.changes.note(Change::Site(id));
    Ok((StatusCode::CREATED, Json(with_key(site, key))))
}

/// Changes a site where asked and nowhere else.
#[utoipa::path(
    put, path = "/api/sites/{id}", tag = "Sites", operation_id = "update_site", security(("bearer" = []), ("cookie" = [])), request_body = SiteChanges,
    params(("id" = SiteId, Path, description = "The site's id.")),
    responses((status = 200, description = "The changed site.", body = SiteAlone), Write),
)]
async fn update(
    State(app): State<App>,
    caller: Operator,
    Id(id): Id<SiteId>,
    from: Snapshot,
    Body(changes): Body<SiteChanges>,
) -> Result<Json<SiteAlone>> {
    if changes.is_empty() {
        return Err(Error::Unreadable("Aucun champ à modifier n'a été envoyé."));
    }
    check_zone(&caller, changes.time_zone.as_deref()).await?;
    let now = app.clock.now();
    let entry = Entry::new(Action::SiteUpdated, caller.user(), &from, now)
        .on("site", id)
        .with(json!({ "fields": changes.fields() }));
    let update = (store::update(caller.scope(), id, &changes, now), store::zone(caller.scope(), id));
    let journal = (audit::store::before("site", id.0), update, audit::store::record_change(entry, id.0));
    match caller.run(journal).await {
        Ok(((), (site, time_zone), ())) => {
            app.changes.note(Change::Site(id));
            let (site, time_zone) = site.zip(time_zone).ok_or(GONE)?;
            Ok(Json(SiteAlone { site, time_zone }))
        }
        Err(error) if error.is_taken("sites_site_name_key") => {
            Err(Error::Conflict("site_name_taken", "Un autre site porte déjà ce nom."))
        }
        Err(error) => Err(error.into()),
    }
}

/// A sentence about the site.
#[derive(Debug, Serialize, ToSchema)]
struct SiteMessage {
    /// The sentence.
    message: String,
}

/// Deletes a site with all that hangs on it.
#[utoipa::path(
    delete, path = "/api/sites/{id}", tag = "Sites", operation_id = "delete_site", security(("bearer" = []), ("cookie" = [])),
    params(("id" = SiteId, Path, description = "The site's id.")),
    responses((status = 200, description = "The site is gone.", body = SiteMessage), Write),
)]
async fn delete(
    State(app): State<App>,
    caller: Admin,
    Id(id): Id<SiteId>,
    from: Snapshot,
) -> Result<Json<SiteMessage>> {
    let entry = Entry::new(Action::SiteDeleted, caller.user(), &from, app.clock.now()).on("site", id);
    // The journal first: behind the deletion it could not tell whether there was anything to delete.
    let (_, name) = caller.run((audit::store::record_removal(entry, id.0), store::delete(caller.scope(), id))).await?;
    let name = name.ok_or(GONE)?;
    app.dismiss(id);
    app.changes.note(Change::All(Kind::Sites));
    Ok(Json(SiteMessage { message: format!("Le site « {name} » est supprimé.") }))
}

/// Replaces the key of a site's box and shows the new one, this once. The old one is worthless at once.
#[utoipa::path(
    post, path = "/api/sites/{id}/regenerate-key", tag = "Sites", security(("bearer" = []), ("cookie" = [])),
    params(("id" = SiteId, Path, description = "The site's id.")),
    responses((status = 200, description = "The site and the new key of its box.", body = SiteWithKey), Write),
)]
async fn regenerate_key(
    State(app): State<App>,
    caller: Admin,
    Id(id): Id<SiteId>,
    from: Snapshot,
) -> Result<Json<SiteWithKey>> {
    let (key, now) = (new_key()?, app.clock.now());
    // That it is another one, and neither of the two.
    let entry = Entry::new(Action::ApiKeyRegenerated, caller.user(), &from, now)
        .on("site", id)
        .change(json!({ "api_key": "before" }), json!({ "api_key": "after" }));
    let replace = store::replace_key(caller.scope(), id, &key, now);
    let (site, ()) = caller.run((replace, audit::store::record_if_site(entry, id))).await?;
    let site = site.ok_or(GONE)?;
    // Whoever is connected with the old key has to show the new one.
    app.dismiss(id);
    app.changes.note(Change::Site(id));
    Ok(Json(with_key(site, key)))
}

fn new_key() -> Result<SiteKey> {
    SiteKey::generate().map_err(|error| Error::Internal(error.to_string()))
}

fn with_key(site: SiteBrief, key: SiteKey) -> SiteWithKey {
    SiteWithKey { site, api_key: key.into_shown(), api_key_warning: KEY_WARNING }
}
