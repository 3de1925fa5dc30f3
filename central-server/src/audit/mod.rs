//! Who did what: one row per act, written in the transaction of the act; sealed behind it, in a chain that shows what
//! was changed since (docs/audit.md).

mod parts;
pub mod reading;
pub mod seals;
pub mod store;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::clock::Time;
use crate::http::Snapshot;
use crate::ids::{SessionId, UserId};

/// What was done, in the vocabulary of NeoPro 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A session began.
    UserLogin,
    /// A session ended by its owner's will.
    UserLogout,
    /// A session was revoked because somebody showed a handle that had been used: there was a copy of it.
    SessionRevoked,
    /// A site was created.
    SiteCreated,
    /// A site's data was changed.
    SiteUpdated,
    /// A site was deleted.
    SiteDeleted,
    /// A box's key was replaced.
    ApiKeyRegenerated,
    /// A group was created.
    GroupCreated,
    /// A group or its members were changed.
    GroupUpdated,
    /// A group was deleted.
    GroupDeleted,
    /// A video was added to the library.
    VideoUploaded,
    /// A video was deleted.
    VideoDeleted,
    /// A video was ordered onto sites, or off them.
    VideoDeployed,
    /// Such an order was taken back.
    DeploymentCancelled,
    /// Sites on which such an order had failed were asked to try again.
    DeploymentRetried,
    /// Such an order was deleted.
    DeploymentDeleted,
    /// A person has a second factor from now on.
    MfaEnabled,
    /// A person has none any more, and has proven it by a code.
    MfaDisabled,
    /// A person's second factor was taken away by somebody else.
    MfaReset,
    /// A wrong code came behind a right password.
    MfaFailed,
    /// A person's backup codes were replaced.
    BackupCodesReplaced,
    /// The rules for everybody were changed.
    SettingsUpdated,
    /// A session, or all others, ended from the list of its owner's sessions.
    SessionEnded,
    /// A token of the API was made.
    ApiTokenCreated,
    /// A token of the API was revoked by its owner.
    ApiTokenRevoked,
    /// What is said of a video, or its small picture, was changed.
    VideoUpdated,
    /// Somebody was refused at login.
    UserLoginFailed,
    /// An account was created.
    UserCreated,
    /// An account was changed: its person's data, role, tenant or status.
    UserUpdated,
    /// The first account was made with a link from the log.
    FirstAccountCreated,
    /// Somebody asked for a link to choose a new password.
    PasswordResetRequested,
    /// A new password was set with such a link.
    PasswordReset,
    /// The first password was set with an invitation.
    InvitationAccepted,
    /// A person has changed his own password.
    PasswordChanged,
    /// An account was deleted.
    UserDeleted,
    /// The person of an account was asked to choose a password.
    UserInvited,
    /// An account got another password from somebody else.
    UserPasswordReset,
    /// An agency was created.
    AgencyCreated,
    /// An agency or its clubs were changed.
    AgencyUpdated,
    /// An agency was deleted.
    AgencyDeleted,
    /// Somebody has taken an alert on.
    AlertAcknowledged,
    /// Somebody has said that an alert is over.
    AlertResolved,
    /// Test messages were sent by every way out of the server.
    TrialsSent,
}

impl Action {
    /// The word in the table.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::UserLogin => "USER_LOGIN",
            Self::UserLogout => "USER_LOGOUT",
            Self::SessionRevoked => "SESSION_REVOKED",
            Self::SiteCreated => "SITE_CREATED",
            Self::SiteUpdated => "SITE_UPDATED",
            Self::SiteDeleted => "SITE_DELETED",
            Self::ApiKeyRegenerated => "API_KEY_REGENERATED",
            Self::GroupCreated => "GROUP_CREATED",
            Self::GroupUpdated => "GROUP_UPDATED",
            Self::GroupDeleted => "GROUP_DELETED",
            Self::VideoUploaded => "VIDEO_UPLOADED",
            Self::VideoDeleted => "VIDEO_DELETED",
            Self::VideoDeployed => "VIDEO_DEPLOYED",
            Self::DeploymentCancelled => "DEPLOYMENT_CANCELLED",
            Self::DeploymentRetried => "DEPLOYMENT_RETRIED",
            Self::DeploymentDeleted => "DEPLOYMENT_DELETED",
            Self::MfaEnabled => "MFA_ENABLED",
            Self::MfaDisabled => "MFA_DISABLED",
            Self::MfaReset => "MFA_RESET",
            Self::MfaFailed => "MFA_FAILED",
            Self::BackupCodesReplaced => "MFA_BACKUP_CODES_REPLACED",
            Self::SettingsUpdated => "SETTINGS_UPDATED",
            Self::SessionEnded => "SESSION_ENDED",
            Self::ApiTokenCreated => "API_TOKEN_CREATED",
            Self::ApiTokenRevoked => "API_TOKEN_REVOKED",
            Self::VideoUpdated => "VIDEO_UPDATED",
            Self::UserLoginFailed => "USER_LOGIN_FAILED",
            Self::UserCreated => "USER_CREATED",
            Self::UserUpdated => "USER_UPDATED",
            Self::FirstAccountCreated => "FIRST_ACCOUNT_CREATED",
            Self::PasswordResetRequested => "PASSWORD_RESET_REQUESTED",
            Self::PasswordReset => "PASSWORD_RESET",
            Self::InvitationAccepted => "INVITATION_ACCEPTED",
            Self::PasswordChanged => "PASSWORD_CHANGED",
            Self::UserDeleted => "USER_DELETED",
            Self::UserInvited => "USER_INVITED",
            Self::UserPasswordReset => "USER_PASSWORD_RESET",
            Self::AgencyCreated => "AGENCY_CREATED",
            Self::AgencyUpdated => "AGENCY_UPDATED",
            Self::AgencyDeleted => "AGENCY_DELETED",
            Self::AlertAcknowledged => "ALERT_ACKNOWLEDGED",
            Self::AlertResolved => "ALERT_RESOLVED",
            Self::TrialsSent => "TEST_MESSAGES_SENT",
        }
    }
}

/// One act, as it is written down.
///
/// Its session, or the token that it came by, is known by the flush that it stands in.
#[derive(Debug, Clone)]
pub struct Entry {
    action: Action,
    user: Option<UserId>,
    session: Option<SessionId>,
    target: Option<(&'static str, String)>,
    details: Option<Value>,
    before: Option<Value>,
    after: Option<Value>,
    personal: Option<Value>,
    from: Option<Snapshot>,
    at: Time,
}

impl Entry {
    /// `user` did this, from there, then.
    #[must_use]
    pub fn new(action: Action, user: UserId, from: &Snapshot, at: Time) -> Self {
        Self { user: Some(user), ..Self::system(action, Some(from), at) }
    }

    /// Nobody with an account did this: a job, the command line, or somebody who is not known.
    #[must_use]
    pub fn system(action: Action, from: Option<&Snapshot>, at: Time) -> Self {
        Self {
            action,
            user: None,
            session: None,
            target: None,
            details: None,
            before: None,
            after: None,
            personal: None,
            from: from.cloned(),
            at,
        }
    }

    /// The session that it belongs to, where the flush proves none: at login and logout.
    #[must_use]
    pub fn by(mut self, session: SessionId) -> Self {
        self.session = Some(session);
        self
    }

    /// What it was done to: a kind (`site`) and an id.
    #[must_use]
    pub fn on(mut self, kind: &'static str, id: impl ToString) -> Self {
        self.target = Some((kind, id.to_string()));
        self
    }

    /// What else is worth knowing, as an object. A secret in it is blotted out, a person's data goes where it can be
    /// erased.
    #[must_use]
    pub fn with(mut self, details: Value) -> Self {
        self.details = self.put("details", details);
        self
    }

    /// What it was, and what it is since, as objects: those of their fields that differ are kept. Secrets are blotted out, also
    /// when they differ, and a person's data goes where it can be erased. For what the database can look up by
    /// itself see [`store::before`].
    #[must_use]
    pub fn change(mut self, before: Value, after: Value) -> Self {
        let (before, after) = parts::difference(before, after);
        self.before = self.put("before", before);
        self.after = self.put("after", after);
        self
    }

    /// The open part of a document; the rest of it goes under this name into `personal`.
    fn put(&mut self, name: &str, document: Value) -> Option<Value> {
        let (open, personal) = parts::split(document);
        if let Some(personal) = personal {
            self.personal.get_or_insert_with(|| Value::Object(serde_json::Map::new()))[name] = personal;
        }
        (!open.is_null()).then_some(open)
    }
}

/// What an entry keeps of what was made, for entries that the database writes by itself: the columns `after` and
/// `personal`.
#[must_use]
pub fn made(document: Value) -> (Value, Option<Value>) {
    let (open, personal) = parts::split(document);
    (open, personal.map(|personal| serde_json::json!({ "after": personal })))
}

/// What the journal keeps of the address that somebody typed who has no account: enough to see that it is the same one
/// again, and not what may have been a password in the wrong field.
#[must_use]
pub fn login_mark(address: &str) -> String {
    let address = address.trim().to_lowercase();
    let digest = Sha256::new().chain_update(b"neopro login address v1\0").chain_update(address.as_bytes()).finalize();
    data_encoding::HEXLOWER.encode(&digest[..8])
}
