//! `/api/sites/:id/command`.

use axum::Json;
use axum::extract::State;
use neopro_protocol::configuration;
use serde_json::Value;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::store::{self, Asked};
use super::{CommandSent, CommandView, NewCommand, noted};
use crate::app::App;
use crate::audit;
use crate::auth::{Operator, Staff};
use crate::error::{Error, Result};
use crate::http::openapi::{Read, Write};
use crate::http::{Body, Id, Ids, Snapshot};
use crate::ids::{CommandId, SiteId};
use crate::live::{Message, Presence};

/// The routes of this feature.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(send)).routes(routes!(read))
}

/// Tells a site's box to do something, or has that wait for the box to come back. The box is told only once it is on
/// record; what became of it is asked for by its id.
#[utoipa::path(
    post, path = "/api/sites/{id}/command", tag = "Commands", security(("bearer" = []), ("cookie" = [])), request_body = NewCommand,
    params(("id" = SiteId, Path, description = "The site's id.")),
    responses(
        (status = 200, description = "Told, waiting, or neither: `success` is false for a box that is away and a command that does not wait.", body = CommandSent),
        Write,
    ),
)]
async fn send(
    State(app): State<App>,
    caller: Operator,
    from: Snapshot,
    Id(site): Id<SiteId>,
    Body(new): Body<NewCommand>,
) -> Result<Json<CommandSent>> {
    let (id, now) = (new.command_id.unwrap_or_else(CommandId::new), app.clock.now());
    let presence = app.live.presence(site);
    let may_wait = new.queue_if_offline && new.kind.can_wait();
    let (data, secrets) = without_secrets(&app, id, &new.params)?;
    let sent = audit::made(noted(new.kind, &data));
    let asked = Asked {
        id,
        site,
        kind: new.kind,
        data,
        secrets,
        priority: new.priority,
        now,
        waits_until: may_wait.then(|| now.plus(new.expires_in)),
        told: presence.is_some(),
        replica: app.replicas.id(),
        alone: presence == Some(Presence::Old) && new.kind.writes_configuration(),
        from,
        sent,
    };
    // On record it has to be told as well, also if nobody waits for the answer any more.
    App::to_its_end(async move { give(&app, &caller, asked, &new).await.map(Json) }).await
}

/// Writes a command down, and tells it once that is committed.
async fn give(app: &App, caller: &Operator, asked: Asked, new: &NewCommand) -> Result<CommandSent> {
    let (id, site, now, waits) = (asked.id, asked.site, asked.now, asked.waits_until.is_some());
    let is_there = asked.told;
    let Some(outcome) = caller.run(store::ask(caller.scope(), asked)).await? else { return Err(GONE) };
    let away = || if new.queue_if_offline { Ok(CommandSent::away()) } else { Err(Error::NotConnected) };
    match outcome.outcome.unwrap_or_default().as_str() {
        "sent" => {
            let message = Message { id, kind: new.kind.name(), data: &new.params };
            // It may have gone this moment; and come back, and been told, before its command is taken back.
            if app.live.tell(site, message) || !caller.run(store::take_back(caller.scope(), id, now)).await? {
                Ok(CommandSent::told(id))
            } else if waits {
                Ok(waiting(app, site, CommandSent::waits(id)))
            } else {
                away()
            }
        }
        "queued" if outcome.elsewhere => Ok(waiting(app, site, CommandSent::told(id))),
        "queued" if is_there => Ok(waiting(app, site, CommandSent::waits_its_turn(id))),
        "queued" => Ok(waiting(app, site, CommandSent::waits(id))),
        "known" => Ok(CommandSent::known(id, &outcome.state.unwrap_or_default())),
        "away" => away(),
        "taken" => {
            Err(Error::Conflict("command_id_taken", "Cet identifiant (commandId) est celui d'une autre commande."))
        }
        "crowded" => Err(Error::Conflict("too_many_commands", "Trop de commandes attendent déjà ce boîtier.")),
        _ => Err(GONE),
    }
}

const GONE: Error = Error::NotFound("Ce site");

/// Since it was looked whether the box is there, it may have come and found nothing: it is looked for its work again.
fn waiting(app: &App, site: SiteId, sent: CommandSent) -> CommandSent {
    app.ring(vec![site]);
    sent
}

/// What is stored of a command's data in the open, and what is sealed.
fn without_secrets(app: &App, id: CommandId, params: &Value) -> Result<(Value, Option<String>)> {
    let (data, secrets) = configuration::split(params.clone());
    if secrets.is_empty() {
        return Ok((data, None));
    }
    let secrets = Value::Object(secrets).to_string();
    match app.command_sealer.seal(&id.to_string(), secrets.as_bytes()) {
        Ok(sealed) => Ok((data, Some(sealed))),
        Err(why) => Err(Error::Internal(format!("the secrets of a command could not be sealed: {why}"))),
    }
}

/// One command: whether its box was told, has it, has answered, and what.
#[utoipa::path(
    get, path = "/api/sites/{id}/command/{command_id}", tag = "Commands", operation_id = "read_command", security(("bearer" = []), ("cookie" = [])),
    params(
        ("id" = SiteId, Path, description = "The site's id."),
        ("command_id" = CommandId, Path, description = "The command's id."),
    ),
    responses((status = 200, description = "The command.", body = CommandView), Read),
)]
async fn read(caller: Staff, Ids(site, command): Ids<SiteId, CommandId>) -> Result<Json<CommandView>> {
    let command = caller.run(store::find(caller.scope(), site, command)).await?;
    command.map(Json).ok_or(Error::NotFound("Cette commande"))
}
