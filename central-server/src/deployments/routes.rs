//! `/api/deployments`, and what sites and videos have of them.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::store::{self, Prospect};
use super::{
    Act, Cause, DeploymentStatus, DeploymentSummary, DeploymentView, Filter, ForcedStatus, Inventory, NewDeployment,
    OrderedFor, Retry, TargetFilter, TargetPage, TargetView, VideoDeployments, VideoStats, order,
};
use crate::app::App;
use crate::audit::{self, Action, Entry};
use crate::auth::{Admin, Operator, Staff};
use crate::error::{Error, Result};
use crate::events::{Change, Kind};
use crate::http::openapi::{Read, Write};
use crate::http::page::Slice;
use crate::http::{Body, Form, FromForm, Id, Query, Snapshot};
use crate::ids::{DeploymentId, SiteId, VideoId};
use crate::storage::{Bucket, Storage};

/// The routes of this feature.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(scheduled))
        .routes(routes!(summary))
        .routes(routes!(read, update, delete))
        .routes(routes!(targets))
        .routes(routes!(causes))
        .routes(routes!(cancel))
        .routes(routes!(retry))
        .routes(routes!(of_video))
        .routes(routes!(of_site))
        .routes(routes!(inventory))
        .merge(super::preview::routes::routes())
}

/// How many rows the whole list has, where the answer is only its rows.
const TOTAL: &str = "x-total-count";

const GONE: Error = Error::NotFound("Ce déploiement");

impl DeploymentView {
    /// The same with addresses that anybody can fetch: the database knows paths in the storage. An address of
    /// NeoPro 1 stays as it is.
    #[must_use]
    pub fn with_addresses(mut self, storage: &Storage) -> Self {
        self.thumbnail_url = self.thumbnail_url.map(|stored| storage.address_of(Bucket::Videos, &stored));
        self
    }
}

fn shown(app: &App, orders: Vec<DeploymentView>) -> Json<Vec<DeploymentView>> {
    Json(orders.into_iter().map(|order| order.with_addresses(&app.storage)).collect())
}

/// The orders, newest first. The answer is a bare array, as it always was: how many there are stands in a header.
#[utoipa::path(
    get, path = "/api/deployments", tag = "Deployments", operation_id = "list_deployments", security(("bearer" = []), ("cookie" = [])),
    params(
        ("page" = Option<i64>, Query, description = "From 1.", minimum = 1),
        ("limit" = Option<i64>, Query, description = "Rows a page, at most 1000. Without `page` and `limit`: the newest 1000.", minimum = 1, maximum = 1000),
        ("status" = Option<DeploymentStatus>, Query, description = "Exactly this far."),
        ("open" = Option<bool>, Query, description = "`true`: only those that are pending, scheduled or in progress; `false`: only the others."),
        ("video_id" = Option<VideoId>, Query, description = "About this video."),
        ("target_id" = Option<String>, Query, description = "For this site or group, also as a part of a selection."),
        ("search" = Option<String>, Query, description = "Words of the video's title, or of what it is for, whatever their accents and capitals."),
    ),
    responses(
        (status = 200, description = "The orders.", body = Vec<DeploymentView>,
            headers(("X-Total-Count" = i64, description = "Rows of the whole list."))),
        Read,
    ),
)]
async fn list(
    State(app): State<App>,
    caller: Staff,
    Query(filter): Query<Filter>,
) -> Result<([(&'static str, String); 1], Json<Vec<DeploymentView>>)> {
    let scope = caller.scope();
    let (orders, total) = caller.run((store::list(scope, &filter), store::count(scope, &filter))).await?;
    Ok(([(TOTAL, total.to_string())], shown(&app, orders)))
}

/// How many orders are how far.
#[utoipa::path(
    get, path = "/api/deployments/summary", tag = "Deployments", security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, description = "The counts.", body = DeploymentSummary), Read),
)]
async fn summary(State(app): State<App>, caller: Staff) -> Result<Json<DeploymentSummary>> {
    Ok(Json(caller.run(store::summary(caller.scope(), app.clock.now())).await?))
}

/// Which part of a list.
struct Part(Slice);

impl FromForm for Part {
    fn read(form: &mut Form) -> Option<Self> {
        Some(Self(Slice::read(form)))
    }
}

/// The orders whose day has not come, newest first.
#[utoipa::path(
    get, path = "/api/deployments/scheduled", tag = "Deployments", security(("bearer" = []), ("cookie" = [])),
    params(
        ("page" = Option<i64>, Query, description = "From 1.", minimum = 1),
        ("limit" = Option<i64>, Query, description = "Rows a page, at most 1000.", minimum = 1, maximum = 1000),
    ),
    responses((status = 200, description = "The orders.", body = Vec<DeploymentView>), Read),
)]
async fn scheduled(
    State(app): State<App>,
    caller: Staff,
    Query(Part(slice)): Query<Part>,
) -> Result<Json<Vec<DeploymentView>>> {
    Ok(shown(&app, caller.run(store::list(caller.scope(), &Filter::scheduled(slice))).await?))
}

/// One order, and how far it is.
#[utoipa::path(
    get, path = "/api/deployments/{id}", tag = "Deployments", operation_id = "read_deployment", security(("bearer" = []), ("cookie" = [])),
    params(("id" = DeploymentId, Path, description = "The order's id.")),
    responses((status = 200, description = "The order.", body = DeploymentView), Read),
)]
async fn read(State(app): State<App>, caller: Staff, Id(id): Id<DeploymentId>) -> Result<Json<DeploymentView>> {
    let order = caller.run(store::find(caller.scope(), id)).await?.ok_or(GONE)?;
    Ok(Json(order.with_addresses(&app.storage)))
}

/// The sites of an order, each with its state: what asks for a person first.
#[utoipa::path(
    get, path = "/api/deployments/{id}/targets", tag = "Deployments", security(("bearer" = []), ("cookie" = [])),
    params(
        ("id" = DeploymentId, Path, description = "The order's id."),
        ("page" = Option<i64>, Query, description = "From 1.", minimum = 1),
        ("limit" = Option<i64>, Query, description = "Rows a page, at most 1000.", minimum = 1, maximum = 1000),
        ("state" = Option<super::TargetState>, Query, description = "Exactly this far."),
        ("reason_code" = Option<String>, Query, description = "For exactly this reason; `unknown` where none was told."),
    ),
    responses((status = 200, description = "A page of sites.", body = TargetPage), Read),
)]
async fn targets(
    caller: Staff,
    Id(id): Id<DeploymentId>,
    Query(filter): Query<TargetFilter>,
) -> Result<Json<TargetPage>> {
    let scope = caller.scope();
    let flush = (store::find(scope, id), store::targets(scope, id, &filter), store::count_targets(scope, id, &filter));
    let (order, data, total) = caller.run(flush).await?;
    order.ok_or(GONE)?;
    Ok(Json(TargetPage { data, pagination: filter.slice.of(total) }))
}

/// Why sites of an order have failed, the most frequent cause first.
#[utoipa::path(
    get, path = "/api/deployments/{id}/causes", tag = "Deployments", security(("bearer" = []), ("cookie" = [])),
    params(("id" = DeploymentId, Path, description = "The order's id.")),
    responses((status = 200, description = "The causes.", body = Vec<Cause>), Read),
)]
async fn causes(caller: Staff, Id(id): Id<DeploymentId>) -> Result<Json<Vec<Cause>>> {
    let scope = caller.scope();
    match caller.run((store::has_order(scope, id), store::causes(scope, id))).await? {
        (true, causes) => Ok(Json(causes)),
        (false, _) => Err(GONE),
    }
}

/// Orders that a site, every site of a group, or those of a selection of both, are to have a video, or to have it no
/// more. A box that is offline gets it when it comes.
#[utoipa::path(
    post, path = "/api/deployments", tag = "Deployments", operation_id = "create_deployment", security(("bearer" = []), ("cookie" = [])), request_body = NewDeployment,
    responses((status = 201, description = "The order.", body = DeploymentView), Write),
)]
async fn create(
    State(app): State<App>,
    caller: Operator,
    from: Snapshot,
    Body(new): Body<NewDeployment>,
) -> Result<(StatusCode, Json<DeploymentView>)> {
    let (scope, id, now) = (caller.scope(), DeploymentId::new(), app.clock.now());
    if new.scheduled_at.is_some_and(|day| day <= now) {
        return Err(Error::Unreadable("La date prévue (scheduled_at) est passée."));
    }
    let entry =
        Entry::new(Action::VideoDeployed, caller.user(), &from, now).on("deployment", id).with(journalled(&new));
    let flush = (
        store::look(scope, &new),
        (store::insert(scope, id, &new, now), store::start(scope, id, now)),
        audit::store::record_made(entry, id.0),
        store::find(scope, id),
    );
    let (prospect, ((), sites), (), order) = caller.run(flush).await?;
    let order = order.ok_or_else(|| refusal(&prospect, &new))?;
    app.has_ordered(id, sites);
    Ok((StatusCode::CREATED, Json(order.with_addresses(&app.storage))))
}

/// What the journal keeps of a new order. A long selection stands in the order itself.
fn journalled(new: &NewDeployment) -> serde_json::Value {
    match new.chosen().as_slice() {
        [one] => json!({
            "video_id": new.video_id, "target_type": one.kind, "target_id": one.id, "action": new.action,
        }),
        several => json!({
            "video_id": new.video_id, "target_type": OrderedFor::Selection, "action": new.action,
            "target_name": order::selection_name(several),
        }),
    }
}

/// Why an order was not made.
fn refusal(prospect: &Prospect, new: &NewDeployment) -> Error {
    if !prospect.video {
        Error::NotFound("Cette vidéo")
    } else if !prospect.targets {
        Error::NotFound("Ce site ou ce groupe")
    } else if !prospect.hashed && new.action == Act::Install {
        Error::Conflict("no_checksum", "L'empreinte de cette vidéo n'est pas connue : ajoutez-la de nouveau.")
    } else if prospect.sites == 0 && new.chosen().len() > 1 {
        Error::Conflict("empty_group", "Les groupes choisis ne contiennent aucun site.")
    } else if prospect.sites == 0 {
        Error::Conflict("empty_group", "Ce groupe ne contient aucun site.")
    } else {
        Error::Unavailable("the order met a change of its video or its target".into())
    }
}

/// Refused: a status follows from what the sites report, and cannot be written.
#[utoipa::path(
    put, path = "/api/deployments/{id}", tag = "Deployments", operation_id = "update_deployment", security(("bearer" = []), ("cookie" = [])), request_body = ForcedStatus,
    params(("id" = DeploymentId, Path, description = "The order's id.")),
    responses((status = 200, description = "Never.", body = DeploymentView), Write),
)]
async fn update(
    caller: Operator,
    Id(id): Id<DeploymentId>,
    Body(forced): Body<ForcedStatus>,
) -> Result<Json<DeploymentView>> {
    caller.run(store::find(caller.scope(), id)).await?.ok_or(GONE)?;
    tracing::debug!(?forced, "somebody tried to write a status");
    Err(Error::Conflict(
        "derived_status",
        "L'état d'un déploiement vient des boîtiers et ne s'écrit pas : annulez-le (cancel) ou relancez-le (retry).",
    ))
}

/// A sentence about the order.
#[derive(Debug, Serialize, ToSchema)]
struct DeploymentMessage {
    /// The sentence.
    message: String,
}

/// Deletes an order. What of it was not done is taken back first; what was done stays.
#[utoipa::path(
    delete, path = "/api/deployments/{id}", tag = "Deployments", operation_id = "delete_deployment", security(("bearer" = []), ("cookie" = [])),
    params(("id" = DeploymentId, Path, description = "The order's id.")),
    responses((status = 200, description = "The order is gone.", body = DeploymentMessage), Write),
)]
async fn delete(
    State(app): State<App>,
    caller: Admin,
    Id(id): Id<DeploymentId>,
    from: Snapshot,
) -> Result<Json<DeploymentMessage>> {
    let (scope, now) = (caller.scope(), app.clock.now());
    let entry = Entry::new(Action::DeploymentDeleted, caller.user(), &from, now).on("deployment", id);
    let flush = (audit::store::record_removal(entry, id.0), store::cancel(scope, id, now), store::delete(scope, id));
    let ((), sites, title) = caller.run(flush).await?;
    let title = title.ok_or(GONE)?;
    app.has_ordered(id, sites);
    app.changes.note(Change::All(Kind::Deployments));
    Ok(Json(DeploymentMessage { message: format!("Le déploiement de « {title} » est supprimé.") }))
}

/// Takes an order back. Sites that are done stay as they are; those that are not go back to what they were.
#[utoipa::path(
    post, path = "/api/deployments/{id}/cancel", tag = "Deployments", security(("bearer" = []), ("cookie" = [])),
    params(("id" = DeploymentId, Path, description = "The order's id.")),
    responses((status = 200, description = "The order.", body = DeploymentView), Write),
)]
async fn cancel(
    State(app): State<App>,
    caller: Operator,
    Id(id): Id<DeploymentId>,
    from: Snapshot,
) -> Result<Json<DeploymentView>> {
    let (scope, now) = (caller.scope(), app.clock.now());
    let entry = Entry::new(Action::DeploymentCancelled, caller.user(), &from, now).on("deployment", id);
    let flush = (
        audit::store::before("deployment", id.0),
        store::cancel(scope, id, now),
        audit::store::record_change(entry, id.0),
        store::find(scope, id),
    );
    let ((), sites, (), order) = caller.run(flush).await?;
    let order = order.ok_or(GONE)?.with_addresses(&app.storage);
    app.has_ordered(id, sites);
    Ok(Json(order))
}

/// What a retry did.
#[derive(Debug, Serialize, ToSchema)]
struct Retried {
    /// How many sites try again.
    retried: usize,
    /// The order.
    #[serde(flatten)]
    order: DeploymentView,
}

/// Has the sites that have failed try again: all, those that are named, or those that have failed for one reason.
#[utoipa::path(
    post, path = "/api/deployments/{id}/retry", tag = "Deployments", security(("bearer" = []), ("cookie" = [])), request_body = Retry,
    params(("id" = DeploymentId, Path, description = "The order's id.")),
    responses((status = 200, description = "The order, and how many sites try again.", body = Retried), Write),
)]
async fn retry(
    State(app): State<App>,
    caller: Operator,
    Id(id): Id<DeploymentId>,
    from: Snapshot,
    Body(which): Body<Retry>,
) -> Result<Json<Retried>> {
    let (scope, now) = (caller.scope(), app.clock.now());
    let entry = Entry::new(Action::DeploymentRetried, caller.user(), &from, now).on("deployment", id);
    let flush = (
        audit::store::before("deployment", id.0),
        store::retry(scope, id, which, now),
        audit::store::record_change_if_any(entry, id.0),
        store::find(scope, id),
    );
    let ((), sites, (), order) = caller.run(flush).await?;
    let (order, retried) = (order.ok_or(GONE)?.with_addresses(&app.storage), sites.len());
    app.has_ordered(id, sites);
    Ok(Json(Retried { retried, order }))
}

/// Every order about a video, and how far they are.
#[utoipa::path(
    get, path = "/api/videos/{id}/deployments", tag = "Deployments", security(("bearer" = []), ("cookie" = [])),
    params(("id" = VideoId, Path, description = "The video's id.")),
    responses((status = 200, description = "The orders.", body = VideoDeployments), Read),
)]
async fn of_video(State(app): State<App>, caller: Staff, Id(id): Id<VideoId>) -> Result<Json<VideoDeployments>> {
    let scope = caller.scope();
    let (there, deployments) =
        caller.run((store::has_video(scope, id), store::list(scope, &Filter::of_video(id)))).await?;
    if !there {
        return Err(Error::NotFound("Cette vidéo"));
    }
    let stats = VideoStats::of(&deployments);
    let Json(deployments) = shown(&app, deployments);
    Ok(Json(VideoDeployments { video_id: id, stats, deployments }))
}

/// Every order that a site has a part in, newest first.
#[utoipa::path(
    get, path = "/api/sites/{id}/deployments", tag = "Deployments", operation_id = "list_deployments_of_site", security(("bearer" = []), ("cookie" = [])),
    params(("id" = SiteId, Path, description = "The site's id.")),
    responses((status = 200, description = "The site's part of each.", body = Vec<TargetView>), Read),
)]
async fn of_site(caller: Staff, Id(id): Id<SiteId>) -> Result<Json<Vec<TargetView>>> {
    let scope = caller.scope();
    match caller.run((store::has_site(scope, id), store::targets_of_site(scope, id))).await? {
        (true, targets) => Ok(Json(targets)),
        (false, _) => Err(Error::NotFound("Ce site")),
    }
}

/// What is on a box: every video that is wanted or there, and where the two differ.
#[utoipa::path(
    get, path = "/api/sites/{id}/inventory", tag = "Deployments", security(("bearer" = []), ("cookie" = [])),
    params(("id" = SiteId, Path, description = "The site's id.")),
    responses((status = 200, description = "The inventory.", body = Inventory), Read),
)]
async fn inventory(caller: Staff, Id(id): Id<SiteId>) -> Result<Json<Inventory>> {
    let scope = caller.scope();
    let (state, items) = caller.run((store::inventory_state(scope, id), store::inventory(scope, id))).await?;
    let state = state.ok_or(Error::NotFound("Ce site"))?;
    let in_sync = items.iter().all(|item| item.drift.is_none());
    Ok(Json(Inventory { state, in_sync, items }))
}
