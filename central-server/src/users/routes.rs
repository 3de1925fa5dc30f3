//! `/api/users`: admins read, super_admins write.
//!
//! A change is two flushes: what the account is now, which the rules and the journal need, and the change, which
//! happens only if the account is still that.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::store;
use super::{
    AccountChanges, Filter, NewAccount, PasswordReset, Record, Status, StatusChange, Tenants, UserView, Users,
};
use crate::app::App;
use crate::audit::{self, Action, Entry};
use crate::auth::{Admin, Role, SuperAdmin, password};
use crate::db;
use crate::error::{Error, Result};
use crate::http::openapi::{Read, Write};
use crate::http::{Body, Id, Query, Snapshot};
use crate::ids::UserId;
use crate::passwords;

/// The routes of this feature.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(tenants))
        .routes(routes!(read, update, delete))
        .routes(routes!(set_status))
        .routes(routes!(reset_password))
        .routes(routes!(invite))
}

const GONE: Error = Error::NotFound("Ce compte");

/// What stands in the way of a written account, in the words of the form.
fn refused(error: db::Error) -> Error {
    match &error {
        db::Error::Taken(_) => Error::Conflict("email_taken", "Un compte existe déjà pour cette adresse e-mail."),
        db::Error::Reference(key) if key.contains("agency") => {
            Error::field("agency_id", "Cette agence n'existe pas ou n'existe plus.")
        }
        db::Error::Reference(_) => Error::field("sponsor_id", "Ce partenaire n'existe pas ou n'existe plus."),
        db::Error::Rule(rule) if rule == "users_changed_meanwhile" => Error::Conflict(
            "changed_meanwhile",
            "Ce compte vient d'être modifié par quelqu'un d'autre : rechargez-le avant de recommencer.",
        ),
        _ => error.into(),
    }
}

/// An account in the envelope of NeoPro 1.
#[derive(Debug, Serialize, ToSchema)]
struct UserAnswer {
    /// `true`.
    success: bool,
    /// The account.
    data: UserView,
}

fn answer(user: Option<UserView>) -> Result<Json<UserAnswer>> {
    Ok(Json(UserAnswer { success: true, data: user.ok_or(GONE)? }))
}

/// One account in the envelope of NeoPro 1.
#[derive(Debug, Serialize, ToSchema)]
struct UserRead {
    /// `true`.
    success: bool,
    /// What is read.
    data: OneUser,
}

/// One account.
#[derive(Debug, Serialize, ToSchema)]
struct OneUser {
    /// It.
    user: UserView,
}

/// A page of accounts in the envelope of NeoPro 1.
#[derive(Debug, Serialize, ToSchema)]
struct UserPage {
    /// `true`.
    success: bool,
    /// The accounts.
    data: Users,
}

/// A sentence in the envelope of NeoPro 1.
#[derive(Debug, Serialize, ToSchema)]
struct UserMessage {
    /// `true`.
    success: bool,
    /// The sentence.
    message: String,
}

/// Accounts: searched, filtered, sorted, in pages; without `page` and `limit` all of them, newest first.
#[utoipa::path(
    get, path = "/api/users", tag = "Users", operation_id = "list_users", security(("bearer" = []), ("cookie" = [])),
    params(
        ("page" = Option<i64>, Query, description = "From 1.", minimum = 1),
        ("limit" = Option<i64>, Query, description = "Rows a page; 20 if only `page` is given.", minimum = 1, maximum = 1000),
        ("search" = Option<String>, Query, description = "Words of the address or the name, whatever their accents and capitals."),
        ("role" = Option<Role>, Query, description = "Exactly this role."),
        ("status" = Option<Status>, Query, description = "Exactly this status."),
        ("sort" = Option<String>, Query, description = "created_at, email, full_name, role, status or last_login_at."),
        ("order" = Option<String>, Query, description = "asc or desc."),
    ),
    responses((status = 200, description = "The accounts.", body = UserPage), Read),
)]
async fn list(caller: Admin, Query(filter): Query<Filter>) -> Result<Json<UserPage>> {
    let scope = caller.scope();
    let (users, total) = caller.run((store::page(scope, &filter), store::count(scope, &filter))).await?;
    Ok(Json(UserPage { success: true, data: Users { users, total, pagination: filter.slice.of(total) } }))
}

/// Agencies and sponsors, by name: where an account can belong.
#[utoipa::path(
    get, path = "/api/users/tenants", tag = "Users", security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, description = "Their names.", body = Tenants), Read),
)]
async fn tenants(caller: Admin) -> Result<Json<Tenants>> {
    let scope = caller.scope();
    let (agencies, sponsors) = caller.run((store::agencies(scope), store::sponsors(scope))).await?;
    Ok(Json(Tenants { agencies, sponsors }))
}

/// One account.
#[utoipa::path(
    get, path = "/api/users/{id}", tag = "Users", operation_id = "read_user", security(("bearer" = []), ("cookie" = [])),
    params(("id" = UserId, Path, description = "The account's id.")),
    responses((status = 200, description = "The account.", body = UserRead), Read),
)]
async fn read(caller: Admin, Id(id): Id<UserId>) -> Result<Json<UserRead>> {
    let user = caller.run(store::find(caller.scope(), id)).await?.ok_or(GONE)?;
    Ok(Json(UserRead { success: true, data: OneUser { user } }))
}

/// Creates an account. Without a password its person gets a mail with a link to choose one.
#[utoipa::path(
    post, path = "/api/users", tag = "Users", operation_id = "create_user", security(("bearer" = []), ("cookie" = [])), request_body = NewAccount,
    responses((status = 201, description = "The account.", body = UserAnswer), Write),
)]
async fn create(
    State(app): State<App>,
    caller: SuperAdmin,
    from: Snapshot,
    Body(mut new): Body<NewAccount>,
) -> Result<(StatusCode, Json<UserAnswer>)> {
    let (scope, id, now) = (caller.scope(), UserId::new(), app.clock.now());
    let hash = match new.password.take() {
        Some(password) => Some(app.passwords.hash(password).await?),
        None => None,
    };
    let invitation = hash.is_none().then(|| passwords::invite(&app, id)).transpose()?;
    let entry = Entry::new(Action::UserCreated, caller.user(), &from, now)
        .on("user", id)
        .change(Value::Null, created(&new, invitation.is_some()));
    // The link is issued to an account that is there.
    let flush =
        (store::create(scope, id, &new, hash, now), invitation, audit::store::record(entry), store::find(scope, id));
    let ((), invited, (), user) = caller.run(flush).await.map_err(refused)?;
    if invited.is_some() {
        app.jobs.ring();
    }
    Ok((StatusCode::CREATED, answer(user)?))
}

fn created(new: &NewAccount, is_invited: bool) -> Value {
    json!({
        "email": new.email, "full_name": new.full_name, "role": new.role, "sponsor_id": new.sponsor_id,
        "agency_id": new.agency_id, "invited": is_invited,
    })
}

/// Changes an account where asked and nowhere else. Another role, another tenant or a status that is not active ends its
/// sessions at once.
#[utoipa::path(
    put, path = "/api/users/{id}", tag = "Users", operation_id = "update_user", security(("bearer" = []), ("cookie" = [])), request_body = AccountChanges,
    params(("id" = UserId, Path, description = "The account's id.")),
    responses((status = 200, description = "The changed account.", body = UserAnswer), Write),
)]
async fn update(
    State(app): State<App>,
    caller: SuperAdmin,
    Id(id): Id<UserId>,
    from: Snapshot,
    Body(changes): Body<AccountChanges>,
) -> Result<Json<UserAnswer>> {
    if changes.is_empty() {
        return Err(Error::Unreadable("Aucun champ à modifier n'a été envoyé."));
    }
    change(&app, &caller, id, &from, &changes).await
}

/// Lets an account act, or not any more: its sessions end at once, and do not come back.
#[utoipa::path(
    patch, path = "/api/users/{id}/status", tag = "Users", security(("bearer" = []), ("cookie" = [])), request_body = StatusChange,
    params(("id" = UserId, Path, description = "The account's id.")),
    responses((status = 200, description = "The changed account.", body = UserAnswer), Write),
)]
async fn set_status(
    State(app): State<App>,
    caller: SuperAdmin,
    Id(id): Id<UserId>,
    from: Snapshot,
    Body(StatusChange { status }): Body<StatusChange>,
) -> Result<Json<UserAnswer>> {
    change(&app, &caller, id, &from, &AccountChanges::status(status)).await
}

async fn change(
    app: &App,
    caller: &SuperAdmin,
    id: UserId,
    from: &Snapshot,
    changes: &AccountChanges,
) -> Result<Json<UserAnswer>> {
    let (scope, now) = (caller.scope(), app.clock.now());
    let before = Record::of(&caller.run(store::find(scope, id)).await?.ok_or(GONE)?);
    let after = changes.applied(&before, id == caller.user()).map_err(|(field, why)| Error::field(field, why))?;
    let losers: &[UserId] = if after.keeps_sessions_of(&before) { &[] } else { &[id] };
    let entry =
        Entry::new(Action::UserUpdated, caller.user(), from, now).on("user", id).change(before.noted(), after.noted());
    let flush = (
        store::change(scope, id, &before, &after, now),
        store::end_sessions(scope, losers, now),
        audit::store::record(entry),
        store::find(scope, id),
    );
    let ((), ended, (), user) = caller.run(flush).await.map_err(refused)?;
    app.have_ended(ended);
    answer(user)
}

/// Deletes an account, whose sessions end at once. What its person has done stays, with the name where it is shown.
#[utoipa::path(
    delete, path = "/api/users/{id}", tag = "Users", operation_id = "delete_user", security(("bearer" = []), ("cookie" = [])),
    params(("id" = UserId, Path, description = "The account's id.")),
    responses((status = 200, description = "The account is gone.", body = UserMessage), Write),
)]
async fn delete(
    State(app): State<App>,
    caller: SuperAdmin,
    Id(id): Id<UserId>,
    from: Snapshot,
) -> Result<Json<UserMessage>> {
    if id == caller.user() {
        return Err(Error::field("id", "Vous ne pouvez pas supprimer votre propre compte."));
    }
    let (scope, now) = (caller.scope(), app.clock.now());
    let before = Record::of(&caller.run(store::find(scope, id)).await?.ok_or(GONE)?);
    let entry =
        Entry::new(Action::UserDeleted, caller.user(), &from, now).on("user", id).change(before.noted(), Value::Null);
    let flush = (store::end_sessions(scope, &[id], now), store::delete(scope, id), audit::store::record(entry));
    let (ended, (), ()) = caller.run(flush).await.map_err(refused)?;
    app.have_ended(ended);
    Ok(said(format!("Le compte {} est supprimé.", before.email)))
}

/// Gives an account another password, whose sessions end at once. One's own is changed in one's profile.
#[utoipa::path(
    post, path = "/api/users/{id}/reset-password", tag = "Users", security(("bearer" = []), ("cookie" = [])),
    request_body = PasswordReset,
    params(("id" = UserId, Path, description = "The account's id.")),
    responses((status = 200, description = "It has the password.", body = UserMessage), Write),
)]
async fn reset_password(
    State(app): State<App>,
    caller: SuperAdmin,
    Id(id): Id<UserId>,
    from: Snapshot,
    Body(PasswordReset { new_password }): Body<PasswordReset>,
) -> Result<Json<UserMessage>> {
    if id == caller.user() {
        return Err(Error::field("id", "Changez votre propre mot de passe dans votre profil."));
    }
    let (scope, now) = (caller.scope(), app.clock.now());
    let user = caller.run(store::find(scope, id)).await?.ok_or(GONE)?;
    password::accept(&new_password, &user.email).map_err(|why| Error::field("new_password", why))?;
    let hash = app.passwords.hash(new_password).await?;
    let entry = Entry::new(Action::UserPasswordReset, caller.user(), &from, now)
        .on("user", id)
        .change(json!({ "password": "before" }), json!({ "password": "after" }));
    let flush = (
        store::set_password(scope, id, hash, now),
        store::end_sessions(scope, &[id], now),
        audit::store::record(entry),
    );
    let ((), ended, ()) = caller.run(flush).await.map_err(refused)?;
    app.have_ended(ended);
    Ok(said(format!("Le mot de passe de {} est changé ; ses sessions sont terminées.", user.email)))
}

/// Sends the invitation once more to somebody who has not chosen a password yet. The link of the one before is void.
#[utoipa::path(
    post, path = "/api/users/{id}/invite", tag = "Users", security(("bearer" = []), ("cookie" = [])),
    params(("id" = UserId, Path, description = "The account's id.")),
    responses((status = 200, description = "The mail is on its way.", body = UserMessage), Write),
)]
async fn invite(
    State(app): State<App>,
    caller: SuperAdmin,
    Id(id): Id<UserId>,
    from: Snapshot,
) -> Result<Json<UserMessage>> {
    let (scope, now) = (caller.scope(), app.clock.now());
    let user = caller.run(store::find(scope, id)).await?.ok_or(GONE)?;
    if !user.invited {
        return Err(Error::Conflict(
            "has_password",
            "Cette personne a déjà un mot de passe : elle peut en demander un autre à la page de connexion.",
        ));
    }
    if user.status != Status::Active {
        return Err(Error::Conflict("not_active", "Ce compte n'est pas actif : réactivez-le avant d'inviter."));
    }
    let (issue, mail) = passwords::invite(&app, id)?;
    let entry = Entry::new(Action::UserInvited, caller.user(), &from, now)
        .on("user", id)
        .change(Value::Null, json!({ "invited_at": now }));
    caller.run((issue, mail, audit::store::record(entry))).await.map_err(refused)?;
    app.jobs.ring();
    Ok(said(format!("L'invitation est envoyée à {}.", user.email)))
}

fn said(message: String) -> Json<UserMessage> {
    Json(UserMessage { success: true, message })
}
