//! `/api/auth/tokens`: a person's own tokens. No token opens these routes.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::store::{self, Made};
use super::{MOST, MadeToken, NewToken, TokenList, TokenScope, TokenSecret};
use crate::app::App;
use crate::audit::{self, Action, Entry};
use crate::auth::Person;
use crate::error::{Error, Result};
use crate::http::openapi::{Read, Write};
use crate::http::{Body, Id, Snapshot};
use crate::ids::TokenId;

/// The routes of this feature.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(revoke))
}

/// The caller's own tokens of the API.
#[utoipa::path(
    get, path = "/api/auth/tokens", tag = "Authentication", operation_id = "list_tokens",
    security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, description = "The tokens, newest first.", body = TokenList), Read),
)]
async fn list(State(app): State<App>, person: Person) -> Result<Json<TokenList>> {
    let tokens = person.run(store::list(person.scope(), app.clock.now())).await?;
    Ok(Json(TokenList { tokens }))
}

const TOO_MANY: Error =
    Error::Conflict("too_many_tokens", "Vous avez déjà 50 jetons d'API en service. Révoquez ceux qui ne servent plus.");

/// Makes a token of the API. It acts for the caller: with his role, within its scopes, until it expires. The answer is
/// the only one that shows it.
#[utoipa::path(
    post, path = "/api/auth/tokens", tag = "Authentication", operation_id = "create_token",
    security(("bearer" = []), ("cookie" = [])), request_body = NewToken,
    responses((status = 201, description = "The token exists.", body = MadeToken), Write),
)]
async fn create(
    State(app): State<App>,
    person: Person,
    from: Snapshot,
    Body(new): Body<NewToken>,
) -> Result<(StatusCode, Json<MadeToken>)> {
    let (secret, now, id) = (TokenSecret::draw()?, app.clock.now(), TokenId::new());
    let lasts = Duration::from_secs(u64::from(new.expires_in_days) * 24 * 60 * 60);
    let scopes: Vec<&str> = new.scopes.iter().copied().map(TokenScope::name).collect();
    let entry = Entry::new(Action::ApiTokenCreated, person.user(), &from, now)
        .on("api_token", id)
        .change(Value::Null, json!({ "name": new.name, "scopes": scopes, "expires_in_days": new.expires_in_days }));
    let made = Made {
        id,
        name: new.name,
        scopes: new.scopes,
        hash: secret.stored(),
        hint: secret.hint(),
        now,
        expires_at: now.plus(lasts),
    };
    let flush = (store::add(person.scope(), made), audit::store::record_if_token(entry, id));
    let (view, ()) = person.run(flush).await?;
    let view = view.ok_or(TOO_MANY)?;
    Ok((StatusCode::CREATED, Json(MadeToken { view, token: secret.expose().to_owned() })))
}

/// A sentence about the token.
#[derive(Debug, Serialize, ToSchema)]
struct TokenMessage {
    /// The sentence.
    message: &'static str,
}

/// Revokes one of the caller's own tokens: the next request with it is refused, and its streams end.
#[utoipa::path(
    delete, path = "/api/auth/tokens/{id}", tag = "Authentication", operation_id = "revoke_token",
    security(("bearer" = []), ("cookie" = [])),
    params(("id" = TokenId, Path, description = "The token's id.")),
    responses((status = 200, description = "The token is worthless.", body = TokenMessage), Write),
)]
async fn revoke(
    State(app): State<App>,
    person: Person,
    Id(id): Id<TokenId>,
    from: Snapshot,
) -> Result<Json<TokenMessage>> {
    let now = app.clock.now();
    let entry = Entry::new(Action::ApiTokenRevoked, person.user(), &from, now).on("api_token", id);
    let flush = (audit::store::record_revoking(entry, id), store::revoke(person.scope(), id, now));
    let ((), revoked) = person.run(flush).await?;
    if !revoked {
        return Err(Error::NotFound("Ce jeton"));
    }
    app.changes.end(id);
    Ok(Json(TokenMessage { message: "Le jeton est révoqué." }))
}

/// The sentence names the number.
const _: () = assert!(MOST == 50, "TOO_MANY says how many");
