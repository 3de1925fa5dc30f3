//! `/api/agencies`: admins manage them, an agency reads itself.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::store;
use super::{Agencies, AgencyChanges, AgencySite, AgencyView, Deletion, Filter, NewAgency, NewSites, Person, Status};
use crate::app::App;
use crate::audit::{self, Action, Entry};
use crate::auth::{Admin, AdminOrAgency, Role};
use crate::db;
use crate::error::{Error, FieldProblem, Mistake, Result};
use crate::events::{Change, Kind};
use crate::http::openapi::{Read, Write};
use crate::http::{Body, Id, Ids, Query, Snapshot};
use crate::ids::{AgencyId, SiteId};

/// The routes of this feature.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(read, update, delete))
        .routes(routes!(sites, add_sites))
        .routes(routes!(remove_site))
}

const GONE: Error = Error::NotFound("Cette agence");

/// What stands in the way of an act on an agency.
fn refused(error: db::Error) -> Error {
    match error {
        db::Error::Reference(_) => Error::NotFound("Un des sites nommés"),
        other if other.breaks("agencies_gone") => GONE,
        other => other.into(),
    }
}

/// An agency in the envelope of NeoPro 1.
#[derive(Debug, Serialize, ToSchema)]
struct AgencyAnswer {
    /// `true`.
    success: bool,
    /// The agency.
    data: AgencyView,
}

fn answer(agency: Option<AgencyView>) -> Result<Json<AgencyAnswer>> {
    Ok(Json(AgencyAnswer { success: true, data: agency.ok_or(GONE)? }))
}

/// One agency in the envelope of NeoPro 1.
#[derive(Debug, Serialize, ToSchema)]
struct AgencyRead {
    /// `true`.
    success: bool,
    /// What is read.
    data: OneAgency,
}

/// One agency.
#[derive(Debug, Serialize, ToSchema)]
struct OneAgency {
    /// It.
    agency: AgencyView,
}

/// A page of agencies in the envelope of NeoPro 1.
#[derive(Debug, Serialize, ToSchema)]
struct AgencyPage {
    /// `true`.
    success: bool,
    /// The agencies.
    data: Agencies,
}

/// An agency's sites in the envelope of NeoPro 1.
#[derive(Debug, Serialize, ToSchema)]
struct AgencySitesRead {
    /// `true`.
    success: bool,
    /// The sites.
    data: AgencySites,
}

/// The sites that an agency looks after.
#[derive(Debug, Serialize, ToSchema)]
struct AgencySites {
    /// Which agency.
    agency: AgencyName,
    /// The sites, by name.
    sites: Vec<AgencySite>,
    /// How many.
    total: usize,
}

/// An agency by name.
#[derive(Debug, Serialize, ToSchema)]
struct AgencyName {
    /// Its id.
    id: AgencyId,
    /// Its name.
    name: String,
}

/// A sentence in the envelope of NeoPro 1.
#[derive(Debug, Serialize, ToSchema)]
struct AgencyMessage {
    /// `true`.
    success: bool,
    /// The sentence.
    message: String,
}

fn said(message: String) -> Json<AgencyMessage> {
    Json(AgencyMessage { success: true, message })
}

/// Agencies: searched, filtered, sorted, in pages; without `page` and `limit` all of them, by name. An agency sees itself.
#[utoipa::path(
    get, path = "/api/agencies", tag = "Agencies", operation_id = "list_agencies", security(("bearer" = []), ("cookie" = [])),
    params(
        ("page" = Option<i64>, Query, description = "From 1.", minimum = 1),
        ("limit" = Option<i64>, Query, description = "Rows a page; 20 if only `page` is given.", minimum = 1, maximum = 1000),
        ("search" = Option<String>, Query, description = "Words of the name or the contact, whatever their accents and capitals."),
        ("status" = Option<Status>, Query, description = "Exactly this status."),
        ("sort" = Option<String>, Query, description = "name, created_at or site_count."),
        ("order" = Option<String>, Query, description = "asc or desc."),
    ),
    responses((status = 200, description = "The agencies.", body = AgencyPage), Read),
)]
async fn list(caller: AdminOrAgency, Query(filter): Query<Filter>) -> Result<Json<AgencyPage>> {
    let scope = caller.scope();
    let (agencies, total) = caller.run((store::page(scope, &filter), store::count(scope, &filter))).await?;
    Ok(Json(AgencyPage { success: true, data: Agencies { agencies, total, pagination: filter.slice.of(total) } }))
}

/// One agency. An agency sees itself.
#[utoipa::path(
    get, path = "/api/agencies/{id}", tag = "Agencies", operation_id = "read_agency", security(("bearer" = []), ("cookie" = [])),
    params(("id" = AgencyId, Path, description = "The agency's id.")),
    responses((status = 200, description = "The agency.", body = AgencyRead), Read),
)]
async fn read(caller: AdminOrAgency, Id(id): Id<AgencyId>) -> Result<Json<AgencyRead>> {
    let agency = caller.run(store::find(caller.scope(), id)).await?.ok_or(GONE)?;
    Ok(Json(AgencyRead { success: true, data: OneAgency { agency } }))
}

/// Creates an agency.
#[utoipa::path(
    post, path = "/api/agencies", tag = "Agencies", operation_id = "create_agency", security(("bearer" = []), ("cookie" = [])), request_body = NewAgency,
    responses((status = 201, description = "The agency.", body = AgencyAnswer), Write),
)]
async fn create(
    State(app): State<App>,
    caller: Admin,
    from: Snapshot,
    Body(new): Body<NewAgency>,
) -> Result<(StatusCode, Json<AgencyAnswer>)> {
    let (scope, id, now) = (caller.scope(), AgencyId::new(), app.clock.now());
    let entry =
        Entry::new(Action::AgencyCreated, caller.user(), &from, now).on("agency", id).change(Value::Null, new.noted());
    let flush = (store::insert(scope, id, &new, now), audit::store::record(entry), store::find(scope, id));
    let ((), (), agency) = caller.run(flush).await?;
    Ok((StatusCode::CREATED, answer(agency)?))
}

/// Changes an agency where asked and nowhere else; `null` clears.
#[utoipa::path(
    put, path = "/api/agencies/{id}", tag = "Agencies", operation_id = "update_agency", security(("bearer" = []), ("cookie" = [])), request_body = AgencyChanges,
    params(("id" = AgencyId, Path, description = "The agency's id.")),
    responses((status = 200, description = "The changed agency.", body = AgencyAnswer), Write),
)]
async fn update(
    State(app): State<App>,
    caller: Admin,
    Id(id): Id<AgencyId>,
    from: Snapshot,
    Body(changes): Body<AgencyChanges>,
) -> Result<Json<AgencyAnswer>> {
    if changes.is_empty() {
        return Err(Error::Unreadable("Aucun champ à modifier n'a été envoyé."));
    }
    let (scope, now) = (caller.scope(), app.clock.now());
    let before = caller.run(store::find(scope, id)).await?.ok_or(GONE)?;
    let after = changes.noted_on(&before);
    let entry =
        Entry::new(Action::AgencyUpdated, caller.user(), &from, now).on("agency", id).change(before.noted(), after);
    let flush = (store::update(scope, id, &changes, now), audit::store::record(entry), store::find(scope, id));
    let ((), (), agency) = caller.run(flush).await.map_err(refused)?;
    answer(agency)
}

/// Deletes an agency; its clubs stay. While people have accounts of it, it stays as well: 409 `has_people` says who. With
/// `force=true`, which is a super_admin's to say, their accounts are suspended.
#[utoipa::path(
    delete, path = "/api/agencies/{id}", tag = "Agencies", operation_id = "delete_agency", security(("bearer" = []), ("cookie" = [])),
    params(
        ("id" = AgencyId, Path, description = "The agency's id."),
        ("force" = Option<bool>, Query, description = "Suspends its people instead of refusing."),
    ),
    responses((status = 200, description = "The agency is gone.", body = AgencyMessage), Write),
)]
async fn delete(
    State(app): State<App>,
    caller: Admin,
    Id(id): Id<AgencyId>,
    Query(Deletion { force }): Query<Deletion>,
    from: Snapshot,
) -> Result<Json<AgencyMessage>> {
    let (scope, now) = (caller.scope(), app.clock.now());
    let (before, people) = caller.run((store::find(scope, id), store::people(scope, id))).await?;
    let before = before.ok_or(GONE)?;
    if !people.is_empty() && !force {
        return Err(has_people(&people));
    }
    if !people.is_empty() && caller.role() != Role::SuperAdmin {
        return Err(Error::Forbidden("Seul un super_admin peut suspendre les comptes d'une agence."));
    }
    let suspended: Vec<_> = people.iter().map(|person| person.id).collect();
    let entry = Entry::new(Action::AgencyDeleted, caller.user(), &from, now)
        .on("agency", id)
        .change(before.noted(), Value::Null)
        .with(json!({ "suspended": suspended }));
    let (delete, record) = (store::delete(scope, id, people.is_empty()), audit::store::record(entry));
    if people.is_empty() {
        caller.run((delete, record)).await.map_err(refused)?;
    } else {
        let flush = (store::suspend_people(scope, id, now), delete, record);
        app.have_ended(caller.run(flush).await.map_err(refused)?.0);
    }
    app.changes.note(Change::All(Kind::Sites));
    Ok(said(format!("L'agence « {} » est supprimée.", before.name)))
}

fn has_people(people: &[Person]) -> Error {
    let named = people.iter().map(|person| FieldProblem {
        field: "people".into(),
        message: person.named(),
        kind: Mistake::IN_USE,
    });
    Error::Occupied(
        "has_people",
        "Des personnes ont un compte de cette agence : rattachez-les ailleurs, ou supprimez-la avec leurs accès.",
        named.collect(),
    )
}

/// The sites that an agency looks after. An agency sees its own.
#[utoipa::path(
    get, path = "/api/agencies/{id}/sites", tag = "Agencies", operation_id = "list_sites_of_agency", security(("bearer" = []), ("cookie" = [])),
    params(("id" = AgencyId, Path, description = "The agency's id.")),
    responses((status = 200, description = "The sites.", body = AgencySitesRead), Read),
)]
async fn sites(State(app): State<App>, caller: AdminOrAgency, Id(id): Id<AgencyId>) -> Result<Json<AgencySitesRead>> {
    let scope = caller.scope();
    let (agency, sites) = caller.run((store::find(scope, id), store::sites(scope, id, app.clock.now()))).await?;
    let agency = agency.map(|agency| AgencyName { id, name: agency.name }).ok_or(GONE)?;
    let total = sites.len();
    Ok(Json(AgencySitesRead { success: true, data: AgencySites { agency, sites, total } }))
}

/// Gives an agency sites; those that it has already stay. Its people see them at once.
#[utoipa::path(
    post, path = "/api/agencies/{id}/sites", tag = "Agencies", security(("bearer" = []), ("cookie" = [])), request_body = NewSites,
    params(("id" = AgencyId, Path, description = "The agency's id.")),
    responses((status = 201, description = "It looks after them.", body = AgencyMessage), Write),
)]
async fn add_sites(
    State(app): State<App>,
    caller: Admin,
    Id(id): Id<AgencyId>,
    from: Snapshot,
    Body(NewSites { site_ids }): Body<NewSites>,
) -> Result<(StatusCode, Json<AgencyMessage>)> {
    let (scope, now) = (caller.scope(), app.clock.now());
    let agency = caller.run(store::find(scope, id)).await?.ok_or(GONE)?;
    let entry = Entry::new(Action::AgencyUpdated, caller.user(), &from, now)
        .on("agency", id)
        // Of very many the journal names some.
        .change(
            Value::Null,
            json!({ "added": site_ids.len(), "sites": site_ids.iter().take(100).collect::<Vec<_>>() }),
        );
    let flush = (store::add_sites(scope, id, &site_ids, now), audit::store::record(entry));
    let (added, ()) = caller.run(flush).await.map_err(refused)?;
    let count = added.len();
    app.changes.note_sites(added.into_iter(), Change::Site);
    let message = match count {
        0 => format!("L'agence « {} » suit déjà ces sites.", agency.name),
        1 => format!("L'agence « {} » suit un site de plus.", agency.name),
        _ => format!("L'agence « {} » suit {count} sites de plus.", agency.name),
    };
    Ok((StatusCode::CREATED, said(message)))
}

/// Takes a site from an agency, whose people do not see it any more.
#[utoipa::path(
    delete, path = "/api/agencies/{id}/sites/{site_id}", tag = "Agencies", security(("bearer" = []), ("cookie" = [])),
    params(
        ("id" = AgencyId, Path, description = "The agency's id."),
        ("site_id" = SiteId, Path, description = "The site's id."),
    ),
    responses((status = 200, description = "It does not look after it any more.", body = AgencyMessage), Write),
)]
async fn remove_site(
    State(app): State<App>,
    caller: Admin,
    Ids(id, site): Ids<AgencyId, SiteId>,
    from: Snapshot,
) -> Result<Json<AgencyMessage>> {
    let entry = Entry::new(Action::AgencyUpdated, caller.user(), &from, app.clock.now())
        .on("agency", id)
        .change(json!({ "sites": [site] }), json!({ "sites": [] }));
    let flush = (store::remove_site(caller.scope(), id, site), audit::store::record(entry));
    caller.run(flush).await.map_err(|error| match error {
        error if error.breaks("agencies_gone") => Error::NotFound("Ce site dans cette agence"),
        error => error.into(),
    })?;
    // Whoever had it on the screen is to read anew.
    app.changes.note(Change::All(Kind::Sites));
    Ok(said("L'agence ne suit plus ce site.".into()))
}
