//! The only place that knows HTTP statuses. Everything above it speaks in sentences.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::ids::RequestId;
use crate::{db, storage};

/// How a request can fail.
///
/// The sentences are for the person in front of the screen. What only an engineer may read goes to the log
/// and never into an answer.
#[derive(Debug)]
pub enum Error {
    /// 401: no session, or one that is over.
    Unauthenticated(&'static str),
    /// 401: a tab's handle, or a login's second step, that opens nothing; a stable code and a sentence.
    Handle(&'static str, &'static str),
    /// 401: a link that opens nothing, or no more; a stable code and a sentence.
    Link(&'static str, &'static str),
    /// 403: a session without the right; the sentence says who has it.
    Forbidden(&'static str),
    /// 403: the request comes from a page of a foreign origin.
    ForeignOrigin,
    /// 403: a cookie is to act for a page that nobody names.
    UnnamedOrigin,
    /// 404 for the thing that is not there: "Ce site".
    NotFound(&'static str),
    /// 404: no such route.
    NoRoute(String),
    /// 405 on a route that exists.
    Method,
    /// 400 with every field that is wrong.
    Invalid(Vec<FieldProblem>),
    /// 400 for a request that cannot be read at all.
    Unreadable(&'static str),
    /// 408: the request's body did not arrive in time.
    SlowBody,
    /// 409: a state or a value in the way; a stable code and a sentence.
    Conflict(&'static str, &'static str),
    /// 409: others hang on it, who are listed; a stable code and a sentence.
    Occupied(&'static str, &'static str, Vec<FieldProblem>),
    /// 409: the same bytes are stored already, under this id.
    Duplicate(String),
    /// 411: a body without `Content-Length`, where its size has to be known before.
    LengthRequired,
    /// 413: more than this many bytes.
    TooLarge(u64),
    /// 415: not JSON.
    MediaType,
    /// 431: an address or headers beyond any use.
    HeadTooLarge,
    /// 415: not a form with files.
    NotMultipart,
    /// 415: a file of a kind that is not accepted; a stable code and a sentence that says what to do.
    Unsupported(&'static str, String),
    /// 429: come back after this many seconds.
    TooManyRequests(u64),
    /// 429: too many streams are open; the sentence says whose.
    TooManyStreams(&'static str),
    /// 503: a dependency does not answer. The text is for the log.
    Unavailable(String),
    /// 503: the database takes no writes: its plan is full, or it is a standby.
    ReadOnly,
    /// 503: what was asked for needs a box that is connected, and it is not.
    NotConnected,
    /// 507: the disk has no room for it. Not 503: to try again does not help before somebody has made room.
    StorageFull,
    /// 413, 503 or 507: the storage outside does not do its part.
    Storage(storage::Trouble),
    /// 500: a mistake of ours. The text is for the log.
    Internal(String),
}

/// One field of a body or a query that is wrong, as clients of NeoPro 1 know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct FieldProblem {
    /// Dotted path of the field.
    #[schema(example = "location.city")]
    pub field: String,
    /// What is wrong with it, in a sentence.
    pub message: String,
    /// The same in a word, for programs and pages of another language.
    #[serde(flatten)]
    pub kind: Mistake,
}

/// What is wrong with a field, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Mistake {
    /// `required`, `too_long`, `too_many`, `wrong`, `in_use` beside what is in the way, or `duplicate` beside the id of
    /// what is there already.
    pub code: &'static str,
    /// How many characters or elements there may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub most: Option<usize>,
}

impl Mistake {
    /// It has to be there.
    pub const REQUIRED: Self = Self { code: "required", most: None };
    /// It hangs on what was to go.
    pub const IN_USE: Self = Self { code: "in_use", most: None };
    /// It is there already.
    pub const DUPLICATE: Self = Self { code: "duplicate", most: None };
    /// None of the others.
    pub const WRONG: Self = Self { code: "wrong", most: None };

    /// More characters than that.
    #[must_use]
    pub const fn too_long(most: usize) -> Self {
        Self { code: "too_long", most: Some(most) }
    }

    /// More elements than that.
    #[must_use]
    pub const fn too_many(most: usize) -> Self {
        Self { code: "too_many", most: Some(most) }
    }
}

/// The body of every failure.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct ErrorBody {
    /// `false`, below the addresses where NeoPro 1 said so: its programs look at it there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    pub success: Option<bool>,
    /// A sentence for a person.
    pub error: String,
    /// A stable word for a program.
    pub code: &'static str,
    /// Names this request in the server's log.
    #[schema(value_type = String, format = "uuid")]
    pub request_id: RequestId,
    /// What one can do about it: with 403, 429, 503 and 507, and with 413 of the storage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<&'static str>,
    /// Every field that is wrong: with 400 of a body or a query. With `duplicate`, the field `existing_id`, whose
    /// message is the id. With `has_people`, who they are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub details: Vec<FieldProblem>,
    /// The path that no route answers: with 404 of an unknown route.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Seconds to wait: with 429 and 503.
    #[serde(rename = "retryAfter", skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    /// False: with 401 of a link.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid: Option<bool>,
}

/// Where the failures of NeoPro 1 had `success: false` as well.
const SAYING_SUCCESS: &[&str] = &["/api/users", "/api/agencies"];

/// Seconds after which a client should try again when a dependency is down.
const RETRY: u64 = 5;

impl Error {
    /// A single wrong field.
    pub fn field(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldProblem { field: field.into(), message: message.into(), kind: Mistake::WRONG }])
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Unauthenticated(_) | Self::Handle(..) | Self::Link(..) => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) | Self::ForeignOrigin | Self::UnnamedOrigin => StatusCode::FORBIDDEN,
            Self::NotFound(_) | Self::NoRoute(_) => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Invalid(_) | Self::Unreadable(_) => StatusCode::BAD_REQUEST,
            Self::SlowBody => StatusCode::REQUEST_TIMEOUT,
            Self::Conflict(..) | Self::Occupied(..) | Self::Duplicate(_) => StatusCode::CONFLICT,
            Self::LengthRequired => StatusCode::LENGTH_REQUIRED,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::HeadTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::MediaType | Self::NotMultipart | Self::Unsupported(..) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooManyRequests(_) | Self::TooManyStreams(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable(_) | Self::ReadOnly | Self::NotConnected => StatusCode::SERVICE_UNAVAILABLE,
            Self::StorageFull | Self::Storage(storage::Trouble::Full(_)) => StatusCode::INSUFFICIENT_STORAGE,
            Self::Storage(storage::Trouble::TooLarge(..)) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Storage(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The stable word for a program.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unauthenticated(_) => "unauthenticated",
            Self::Forbidden(_) => "forbidden",
            Self::ForeignOrigin | Self::UnnamedOrigin => "foreign_origin",
            Self::NotFound(_) => "not_found",
            Self::NoRoute(_) => "no_route",
            Self::Method => "method_not_allowed",
            Self::Invalid(_) => "invalid",
            Self::Unreadable(_) => "unreadable",
            Self::SlowBody => "slow_body",
            Self::Conflict(code, _)
            | Self::Occupied(code, ..)
            | Self::Unsupported(code, _)
            | Self::Handle(code, _)
            | Self::Link(code, _) => code,
            Self::Duplicate(_) => "duplicate",
            Self::LengthRequired => "length_required",
            Self::TooLarge(_) => "too_large",
            Self::MediaType => "not_json",
            Self::HeadTooLarge => "head_too_large",
            Self::NotMultipart => "not_multipart",
            Self::TooManyRequests(_) => "too_many_requests",
            Self::TooManyStreams(_) => "too_many_streams",
            Self::Unavailable(_) => "unavailable",
            Self::ReadOnly => "database_read_only",
            Self::NotConnected => "not_connected",
            Self::StorageFull => "storage_full",
            Self::Storage(trouble) => trouble.code(),
            Self::Internal(_) => "internal",
        }
    }

    /// Whether a file that was refused for this will be refused for ever.
    #[must_use]
    pub fn is_final_for_a_file(&self) -> bool {
        matches!(self, Self::Unsupported(..) | Self::Unreadable(_) | Self::Duplicate(_))
    }

    /// What went wrong, for a person.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Self::Unauthenticated(why)
            | Self::Forbidden(why)
            | Self::Unreadable(why)
            | Self::Conflict(_, why)
            | Self::Occupied(_, why, _)
            | Self::Handle(_, why)
            | Self::Link(_, why)
            | Self::TooManyStreams(why) => (*why).to_owned(),
            Self::ForeignOrigin => "Cette page n'est pas autorisée à agir sur ce serveur.".into(),
            Self::UnnamedOrigin => "Cette requête montre un cookie sans dire quelle page l'envoie.".into(),
            Self::NotFound(what) => format!("{what} n'existe pas ou n'existe plus."),
            Self::NoRoute(_) => "Cette adresse n'existe pas.".into(),
            Self::Method => "Cette adresse n'accepte pas cette méthode.".into(),
            Self::Invalid(fields) => match fields.as_slice() {
                [one] => format!("{} : {}", one.field, one.message),
                many => format!("{} champs sont à corriger.", many.len()),
            },
            Self::SlowBody => "La requête n'est pas arrivée en entier à temps.".into(),
            Self::Duplicate(_) => "Ce fichier est déjà dans la bibliothèque.".into(),
            Self::LengthRequired => "La taille de l'envoi doit être annoncée (Content-Length).".into(),
            Self::TooLarge(bytes) if *bytes < 1 << 20 => {
                format!("L'envoi dépasse la taille acceptée ({} ko).", bytes / 1_000)
            }
            Self::TooLarge(bytes) => format!("L'envoi dépasse la taille acceptée ({} Mo).", bytes.div_ceil(1 << 20)),
            Self::MediaType => "Le corps de la requête doit être en JSON (Content-Type: application/json).".into(),
            Self::HeadTooLarge => "L'adresse ou les en-têtes de la requête sont trop longs.".into(),
            Self::NotMultipart => "Un formulaire avec fichier (Content-Type: multipart/form-data) est attendu.".into(),
            Self::Unsupported(_, why) => why.clone(),
            Self::TooManyRequests(seconds) => format!("Trop de tentatives. Réessayez dans {seconds} s."),
            Self::Unavailable(_) => "Le service est momentanément indisponible. Réessayez dans un instant.".into(),
            Self::ReadOnly => "La base de données n'accepte plus d'écriture : rien ne peut être enregistré.".into(),
            Self::NotConnected => "Le boîtier de ce site n'est pas connecté.".into(),
            Self::StorageFull => "Le disque du serveur est plein : ce fichier ne peut pas être gardé.".into(),
            Self::Storage(trouble) => trouble.sentence(),
            Self::Internal(_) => "Une erreur inattendue s'est produite. Elle a été enregistrée.".into(),
        }
    }

    fn advice(&self) -> Option<&'static str> {
        match self {
            Self::Forbidden(_) => Some("Demandez cette action à une personne qui en a le droit."),
            Self::ForeignOrigin => Some("Ajoutez l'origine de cette page à ALLOWED_ORIGINS (étape 7.6 du guide)."),
            Self::UnnamedOrigin => Some("Un programme montre son jeton dans l'en-tête Authorization: Bearer."),
            Self::TooManyRequests(_) => Some("Patientez avant de réessayer."),
            Self::Unavailable(_) => Some("La base de données ne répond pas."),
            Self::ReadOnly => Some(
                "La place de son offre est sans doute prise (500 Mo chez Supabase, étape 1 du guide) : « neopro-central doctor » \
                 montre sa taille. Faites de la place, ou changez d'offre.",
            ),
            Self::NotConnected => Some("Réessayez quand le boîtier sera de retour."),
            Self::Storage(trouble) => Some(trouble.advice()),
            Self::StorageFull => Some("Supprimez des vidéos, ou agrandissez le disque du serveur."),
            _ => None,
        }
    }

    fn retry_after(&self) -> Option<u64> {
        match self {
            Self::TooManyRequests(seconds) => Some(*seconds),
            Self::Unavailable(_) | Self::ReadOnly | Self::TooManyStreams(_) => Some(RETRY),
            Self::Storage(trouble) if trouble.may_pass() => Some(RETRY),
            _ => None,
        }
    }

    fn details(&self) -> Vec<FieldProblem> {
        match self {
            Self::Invalid(fields) | Self::Occupied(_, _, fields) => fields.clone(),
            Self::Duplicate(id) => {
                vec![FieldProblem { field: "existing_id".into(), message: id.clone(), kind: Mistake::DUPLICATE }]
            }
            _ => Vec::new(),
        }
    }

    /// The answer to this failure of a request for `path`, which is logged here, once.
    #[must_use]
    pub fn answer(&self, request_id: RequestId, path: &str) -> Response {
        match self {
            Self::Internal(why) => tracing::error!(%request_id, why, "request failed"),
            Self::Unavailable(why) => tracing::warn!(%request_id, why, "request refused: a dependency is down"),
            Self::ReadOnly => tracing::error!(%request_id, "request refused: the database takes no writes"),
            Self::StorageFull => tracing::error!(%request_id, "request refused: the disk is full"),
            Self::Storage(trouble) => {
                let (code, why, advice) = (trouble.code(), trouble.why(), trouble.advice());
                tracing::warn!(%request_id, code, why, "request refused: {} {advice}", trouble.words());
            }
            _ => tracing::debug!(%request_id, code = self.code(), "request refused"),
        }
        let says_success = SAYING_SUCCESS.iter().any(|begin| path.starts_with(begin));
        let body = ErrorBody {
            success: says_success.then_some(false),
            error: self.sentence(),
            code: self.code(),
            request_id,
            message: self.advice(),
            details: self.details(),
            path: if let Self::NoRoute(path) = self { Some(path.clone()) } else { None },
            retry_after: self.retry_after(),
            valid: matches!(self, Self::Link(..)).then_some(false),
        };
        let mut response = (self.status(), axum::Json(body)).into_response();
        if let Some(seconds) = self.retry_after() {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if matches!(self, Self::Unauthenticated(_) | Self::Handle(..)) {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// Whether an answer says that what was shown opens nothing.
#[must_use]
pub fn opens_nothing(response: &Response) -> bool {
    response.status() == StatusCode::UNAUTHORIZED
}

/// Whether an answer says that who is known may not do this.
#[must_use]
pub fn is_forbidden(response: &Response) -> bool {
    response.status() == StatusCode::FORBIDDEN
}

/// A refusal of the live channel's engine, in the form that the library's clients understand: 403 for a foreign
/// page (code 4), else 400.
#[must_use]
pub fn engine_refusal(code: u8, message: &'static str) -> Response {
    let status = if code == 4 { StatusCode::FORBIDDEN } else { StatusCode::BAD_REQUEST };
    (status, axum::Json(serde_json::json!({ "code": code, "message": message }))).into_response()
}

impl From<db::Error> for Error {
    fn from(error: db::Error) -> Self {
        match error {
            db::Error::SessionGone => Self::Unauthenticated("Votre session est terminée. Reconnectez-vous."),
            db::Error::Unavailable(why) => Self::Unavailable(why),
            db::Error::ReadOnly => Self::ReadOnly,
            // The forms refuse such values before; what slips through is still the caller's to mend.
            db::Error::Value(why) => {
                tracing::warn!(why, "the database refused a value that the form had let through");
                Self::Unreadable("Une valeur de la requête n'est pas acceptée.")
            }
            db::Error::Refused => Self::Conflict("changed", "Les données ont changé entre-temps. Réessayez."),
            db::Error::Gone => Self::NotFound("Cet élément"),
            db::Error::Taken(_) => Self::Conflict("taken", "Cette valeur est déjà utilisée."),
            db::Error::Reference(_) => Self::Conflict("in_use", "Cet élément est lié à un autre."),
            db::Error::Rule(rule) if rule == "users_last_super_admin" => Self::Conflict(
                "last_super_admin",
                "Ce compte est le dernier super_admin actif : donnez d'abord ce rôle à quelqu'un d'autre.",
            ),
            other => Self::Internal(other.to_string()),
        }
    }
}

impl From<storage::Error> for Error {
    fn from(error: storage::Error) -> Self {
        match error {
            storage::Error::Full => Self::StorageFull,
            storage::Error::Io(error) => Self::Internal(format!("storage: {error}")),
            storage::Error::Outside(trouble) => Self::Storage(trouble),
        }
    }
}

/// Carries a failure from a handler to the outermost layer, which knows the request's id.
#[derive(Clone, Debug)]
pub struct Failure(pub std::sync::Arc<Error>);

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(Failure(std::sync::Arc::new(self)));
        response
    }
}

/// What a handler returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// How a download can fail, in the shape of Supabase Storage, for which clients were written: HTTP says 400 for nearly
/// everything, and the true status is a text in the body.
#[derive(Debug)]
pub enum ObjectError {
    /// No such bucket.
    NoSuchBucket,
    /// No such object.
    NoSuchKey,
    /// The range lies beyond an object of this size. This one has its true status.
    Range(u64),
    /// A mistake of ours, or of the disk. The text is for the log.
    Internal(String),
}

impl IntoResponse for ObjectError {
    fn into_response(self) -> Response {
        let (http, status, error, message, code) = match &self {
            Self::NoSuchBucket => {
                (StatusCode::BAD_REQUEST, "404", "Bucket not found", "Bucket not found", "NoSuchBucket")
            }
            Self::NoSuchKey => (StatusCode::BAD_REQUEST, "404", "not_found", "Object not found", "NoSuchKey"),
            Self::Range(_) => {
                (StatusCode::RANGE_NOT_SATISFIABLE, "416", "invalid_range", "invalid range provided", "InvalidRange")
            }
            Self::Internal(why) => {
                tracing::error!(why, "an object could not be served");
                (StatusCode::INTERNAL_SERVER_ERROR, "500", "internal", "Internal Server Error", "InternalError")
            }
        };
        let body = serde_json::json!({ "statusCode": status, "error": error, "message": message, "code": code });
        let mut response = (http, axum::Json(body)).into_response();
        if let Self::Range(size) = self
            && let Ok(place) = HeaderValue::from_str(&format!("bytes */{size}"))
        {
            response.headers_mut().insert(header::CONTENT_RANGE, place);
        }
        response
    }
}
