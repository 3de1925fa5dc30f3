//! Who did what: one row per act, written in the transaction of the act.

pub mod store;

use crate::clock::Time;
use crate::http::Snapshot;
use crate::ids::UserId;

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
        }
    }
}

/// One act, as it is written down.
#[derive(Debug, Clone)]
pub struct Entry {
    action: Action,
    user: UserId,
    target: Option<(&'static str, String)>,
    details: Option<serde_json::Value>,
    from: Snapshot,
    at: Time,
}

impl Entry {
    /// `user` did this, from there, then.
    #[must_use]
    pub fn new(action: Action, user: UserId, from: &Snapshot, at: Time) -> Self {
        Self { action, user, target: None, details: None, from: from.clone(), at }
    }

    /// What it was done to: a kind (`site`) and an id.
    #[must_use]
    pub fn on(mut self, kind: &'static str, id: impl ToString) -> Self {
        self.target = Some((kind, id.to_string()));
        self
    }

    /// What else is worth knowing; never a secret.
    #[must_use]
    pub fn with(mut self, details: serde_json::Value) -> Self {
        self.details = Some(details);
        self
    }
}
