//! The names of things: UUID newtypes, so that a site's id cannot be passed where a user's is meant.

use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord,
            serde::Serialize, serde::Deserialize, utoipa::ToSchema,
        )]
        #[serde(transparent)]
        #[schema(value_type = String, format = "uuid")]
        pub struct $name(pub Uuid);

        impl $name {
            /// A fresh id. Version 7: later ids sort behind earlier ones, which keeps indexes dense.
            #[must_use]
            #[expect(clippy::new_without_default, reason = "an id that appears by default is a bug")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                Uuid::parse_str(text).map(Self)
            }
        }

        $crate::db::sql_newtype!($name, Uuid);
    };
}

id! {
    /// One box in one venue.
    SiteId
}
id! {
    /// A group of sites.
    GroupId
}
id! {
    /// A video, or a picture, of the library.
    VideoId
}
id! {
    /// A person with an account.
    UserId
}
id! {
    /// One login of one person on one device.
    SessionId
}
id! {
    /// A token of the API that a person has made for a program.
    TokenId
}
id! {
    /// An agency that looks after several clubs.
    AgencyId
}
id! {
    /// A sponsor whose videos are shown.
    SponsorId
}
id! {
    /// One HTTP request, as it stands in its answer, its log lines and its error body.
    RequestId
}
id! {
    /// An order: these sites are to have this video, or to have it no more.
    DeploymentId
}
id! {
    /// Something that one box is told to do.
    CommandId
}
id! {
    /// A site or a group, as the order that is for it says.
    TargetId
}
id! {
    /// Something that is done behind an answer.
    JobId
}
id! {
    /// Something that is wrong, from when it was seen until it is over.
    AlertId
}
id! {
    /// What people are to be told.
    NoticeId
}

/// What a person acts with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Credential {
    /// A session: he has logged in himself.
    Session(SessionId),
    /// A token of the API: a program acts for him.
    Token(TokenId),
}

impl From<SessionId> for Credential {
    fn from(session: SessionId) -> Self {
        Self::Session(session)
    }
}

impl From<TokenId> for Credential {
    fn from(token: TokenId) -> Self {
        Self::Token(token)
    }
}
