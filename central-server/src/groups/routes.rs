//! `/api/groups`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::store;
use super::{GroupChanges, GroupList, GroupSites, GroupView, GroupWithSites, Kind, Members, NewGroup};
use crate::app::App;
use crate::audit::{self, Action, Entry};
use crate::auth::{Admin, Operator, StaffOrAgency};
use crate::db;
use crate::error::{Error, Result};
use crate::events::{self, Change};
use crate::http::openapi::{Read, Write};
use crate::http::{Body, Form, FromForm, Id, Ids, Query, Snapshot};
use crate::ids::{GroupId, SiteId};

/// The routes of this feature.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(read, update, delete))
        .routes(routes!(members, add_members))
        .routes(routes!(remove_member))
}

const GONE: Error = Error::NotFound("Ce groupe");

/// A site that is named and does not exist.
fn no_such_site(error: db::Error) -> Error {
    match error {
        db::Error::Reference(_) => Error::NotFound("Un des sites nommés"),
        other => other.into(),
    }
}

/// Which groups a list is of.
#[derive(Debug)]
struct Filter {
    search: Option<String>,
    kind: Option<Kind>,
}

impl FromForm for Filter {
    fn read(form: &mut Form) -> Option<Self> {
        Some(Self { search: form.optional_text("search", 200), kind: form.choice("type", Kind::WORDS) })
    }
}

/// Every group that the session may see, newest first.
#[utoipa::path(
    get, path = "/api/groups", tag = "Groups", operation_id = "list_groups", security(("bearer" = []), ("cookie" = [])),
    params(
        ("search" = Option<String>, Query, description = "Words of the name, whatever their accents and capitals."),
        ("type" = Option<Kind>, Query, description = "Exactly this kind."),
    ),
    responses((status = 200, description = "The groups.", body = GroupList), Read),
)]
async fn list(caller: StaffOrAgency, Query(filter): Query<Filter>) -> Result<Json<GroupList>> {
    let groups = caller.run(store::list(caller.scope(), filter.search, filter.kind)).await?;
    Ok(Json(GroupList { total: groups.len(), groups }))
}

/// One group with who is in it.
#[utoipa::path(
    get, path = "/api/groups/{id}", tag = "Groups", operation_id = "read_group", security(("bearer" = []), ("cookie" = [])),
    params(("id" = GroupId, Path, description = "The group's id.")),
    responses((status = 200, description = "The group.", body = GroupWithSites), Read),
)]
async fn read(State(app): State<App>, caller: StaffOrAgency, Id(id): Id<GroupId>) -> Result<Json<GroupWithSites>> {
    let scope = caller.scope();
    let members = store::members(scope, id, app.clock.now());
    let (group, sites) = caller.run((store::find(scope, id), members)).await?;
    Ok(Json(GroupWithSites { group: group.ok_or(GONE)?, sites }))
}

/// Who is in a group.
#[utoipa::path(
    get, path = "/api/groups/{id}/sites", tag = "Groups", security(("bearer" = []), ("cookie" = [])),
    params(("id" = GroupId, Path, description = "The group's id.")),
    responses((status = 200, description = "The sites; none for an unknown group.", body = GroupSites), Read),
)]
async fn members(State(app): State<App>, caller: StaffOrAgency, Id(id): Id<GroupId>) -> Result<Json<GroupSites>> {
    let sites = caller.run(store::members(caller.scope(), id, app.clock.now())).await?;
    Ok(Json(GroupSites { group_id: id, total: sites.len(), sites }))
}

/// Creates a group, with its members if they are named.
#[utoipa::path(
    post, path = "/api/groups", tag = "Groups", operation_id = "create_group", security(("bearer" = []), ("cookie" = [])), request_body = NewGroup,
    responses((status = 201, description = "The group.", body = GroupView), Write),
)]
async fn create(
    State(app): State<App>,
    caller: Operator,
    from: Snapshot,
    Body(new): Body<NewGroup>,
) -> Result<(StatusCode, Json<GroupView>)> {
    let (scope, id, now) = (caller.scope(), GroupId::new(), app.clock.now());
    let entry = Entry::new(Action::GroupCreated, caller.user(), &from, now).on("group", id);
    let sites = new.site_ids.as_deref().unwrap_or_default();
    let flush = (
        store::insert(scope, id, &new, now),
        store::add(scope, id, sites, now),
        audit::store::record_made(entry, id.0),
        store::find(scope, id),
    );
    let ((), (), (), group) = caller.run(flush).await.map_err(no_such_site)?;
    app.changes.note(Change::Group(id));
    Ok((StatusCode::CREATED, Json(group.ok_or(GONE)?)))
}

/// Changes a group where asked; `site_ids` says exactly who is in it from now on.
#[utoipa::path(
    put, path = "/api/groups/{id}", tag = "Groups", operation_id = "update_group", security(("bearer" = []), ("cookie" = [])), request_body = GroupChanges,
    params(("id" = GroupId, Path, description = "The group's id.")),
    responses((status = 200, description = "The changed group.", body = GroupView), Write),
)]
async fn update(
    State(app): State<App>,
    caller: Operator,
    Id(id): Id<GroupId>,
    from: Snapshot,
    Body(changes): Body<GroupChanges>,
) -> Result<Json<GroupView>> {
    if changes.is_empty() {
        return Err(Error::Unreadable("Aucun champ à modifier n'a été envoyé."));
    }
    let (scope, now) = (caller.scope(), app.clock.now());
    let entry = Entry::new(Action::GroupUpdated, caller.user(), &from, now).on("group", id);
    let sites = changes.site_ids.as_deref();
    let flush = (
        (audit::store::before("group", id.0), store::update(scope, id, &changes, now)),
        (store::keep_only(scope, id, sites), store::add(scope, id, sites.unwrap_or_default(), now)),
        audit::store::record_change(entry, id.0),
        store::find(scope, id),
    );
    let (_, _, (), group) = caller.run(flush).await.map_err(no_such_site)?;
    app.changes.note(Change::Group(id));
    group.map(Json).ok_or(GONE)
}

/// A sentence about the group.
#[derive(Debug, Serialize, ToSchema)]
struct GroupMessage {
    /// The sentence.
    message: String,
}

/// A sentence about those who joined.
#[derive(Debug, Serialize, ToSchema)]
struct MembersAdded {
    /// The sentence.
    message: String,
    /// How many were named.
    added_count: usize,
}

/// Deletes a group; its sites stay.
#[utoipa::path(
    delete, path = "/api/groups/{id}", tag = "Groups", operation_id = "delete_group", security(("bearer" = []), ("cookie" = [])),
    params(("id" = GroupId, Path, description = "The group's id.")),
    responses((status = 200, description = "The group is gone.", body = GroupMessage), Write),
)]
async fn delete(
    State(app): State<App>,
    caller: Admin,
    Id(id): Id<GroupId>,
    from: Snapshot,
) -> Result<Json<GroupMessage>> {
    let entry = Entry::new(Action::GroupDeleted, caller.user(), &from, app.clock.now()).on("group", id);
    let (_, name) = caller.run((audit::store::record_removal(entry, id.0), store::delete(caller.scope(), id))).await?;
    let name = name.ok_or(GONE)?;
    app.changes.note(Change::All(events::Kind::Groups));
    Ok(Json(GroupMessage { message: format!("Le groupe « {name} » est supprimé.") }))
}

/// Adds sites to a group; those that are in it already stay.
#[utoipa::path(
    post, path = "/api/groups/{id}/sites", tag = "Groups", security(("bearer" = []), ("cookie" = [])), request_body = Members,
    params(("id" = GroupId, Path, description = "The group's id.")),
    responses((status = 200, description = "They are in it.", body = MembersAdded), Write),
)]
async fn add_members(
    State(app): State<App>,
    caller: Operator,
    Id(id): Id<GroupId>,
    from: Snapshot,
    Body(members): Body<Members>,
) -> Result<Json<MembersAdded>> {
    let (scope, now) = (caller.scope(), app.clock.now());
    let entry = Entry::new(Action::GroupUpdated, caller.user(), &from, now)
        .on("group", id)
        .with(json!({ "added": named(&members.site_ids) }));
    let flush = (
        audit::store::before("group", id.0),
        store::add(scope, id, &members.site_ids, now),
        audit::store::record_change(entry, id.0),
        store::find(scope, id),
    );
    let ((), (), (), group) = caller.run(flush).await.map_err(no_such_site)?;
    app.changes.note(Change::Group(id));
    let (name, added_count) = (group.ok_or(GONE)?.name, members.site_ids.len());
    Ok(Json(MembersAdded { message: format!("Le groupe « {name} » est complété."), added_count }))
}

/// Who joins, as the journal keeps it: by name, or how many when they are very many.
fn named(sites: &[SiteId]) -> serde_json::Value {
    if sites.len() <= 100 { json!(sites) } else { json!(sites.len()) }
}

/// Takes a site out of a group.
#[utoipa::path(
    delete, path = "/api/groups/{id}/sites/{site_id}", tag = "Groups", security(("bearer" = []), ("cookie" = [])),
    params(
        ("id" = GroupId, Path, description = "The group's id."),
        ("site_id" = SiteId, Path, description = "The site's id."),
    ),
    responses((status = 200, description = "It is not in it any more.", body = GroupMessage), Write),
)]
async fn remove_member(
    State(app): State<App>,
    caller: Operator,
    Ids(id, site): Ids<GroupId, SiteId>,
    from: Snapshot,
) -> Result<Json<GroupMessage>> {
    let entry = Entry::new(Action::GroupUpdated, caller.user(), &from, app.clock.now())
        .on("group", id)
        .with(json!({ "removed": site }));
    let flush = (
        audit::store::before("group", id.0),
        store::remove(caller.scope(), id, site),
        audit::store::record_change_if_any(entry, id.0),
    );
    match caller.run(flush).await?.1 {
        true => {
            app.changes.note(Change::Group(id));
            Ok(Json(GroupMessage { message: "Le site ne fait plus partie du groupe.".into() }))
        }
        false => Err(Error::NotFound("Ce site dans ce groupe")),
    }
}
