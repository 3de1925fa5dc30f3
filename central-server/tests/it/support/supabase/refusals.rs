//! What it says when it refuses: HTTP 400 for nearly everything, and the truth as a text in the body.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// A refusal of the storage or of the gateway before it.
#[derive(Debug, Clone, Copy)]
pub enum Refusal {
    NoSuchKey,
    NoSuchBucket,
    Taken,
    TooLarge,
    InvalidKey,
    Policy,
    BadJwt,
    BadToken,
    Range,
    Malformed,
    NotEmpty,
    /// The gateway knows no such key, or finds it in a browser.
    ApiKey,
    /// The plan is used up.
    Quota,
    Paused,
    Down,
    NoRoute,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, code, error, message) = match self {
            Self::NoSuchKey => ("404", "NoSuchKey", "not_found", "Object not found"),
            Self::NoSuchBucket => ("404", "NoSuchBucket", "Bucket not found", "Bucket not found"),
            Self::Taken => ("409", "KeyAlreadyExists", "Duplicate", "The resource already exists"),
            Self::TooLarge => {
                ("413", "EntityTooLarge", "Payload too large", "The object exceeded the maximum allowed size")
            }
            Self::InvalidKey => ("400", "InvalidKey", "InvalidKey", "Invalid key"),
            Self::Policy => (
                "403",
                "AccessDenied",
                "Unauthorized",
                "new row violates row-level security policy for table \"objects\"",
            ),
            Self::BadJwt => ("403", "AccessDenied", "Unauthorized", "Invalid Compact JWS"),
            Self::BadToken => ("400", "InvalidUploadSignature", "InvalidUploadSignature", "Invalid upload signature"),
            Self::Range => ("416", "InvalidRange", "invalid_range", "invalid range provided"),
            Self::Malformed => ("400", "InvalidRequest", "InvalidRequest", "body must have required property"),
            Self::NotEmpty => ("409", "ResourceNotEmpty", "ResourceNotEmpty", "The bucket is not empty"),
            Self::ApiKey => {
                let body = json!({ "message": "Invalid API key", "hint": "Double check the API key." });
                return (StatusCode::UNAUTHORIZED, axum::Json(body)).into_response();
            }
            Self::Quota => {
                let body = json!({ "message": "Service for this project is restricted due to: exceed_egress_quota." });
                return (StatusCode::PAYMENT_REQUIRED, axum::Json(body)).into_response();
            }
            Self::Paused => return page(540, "Project paused"),
            Self::Down => return page(522, "Connection timed out"),
            Self::NoRoute => {
                let body = json!({ "message": "Route not found", "error": "Not Found", "statusCode": "404" });
                return (StatusCode::NOT_FOUND, axum::Json(body)).into_response();
            }
        };
        let body = json!({ "statusCode": status, "error": error, "message": message, "code": code });
        (StatusCode::BAD_REQUEST, axum::Json(body)).into_response()
    }
}

/// What an edge says is for browsers.
fn page(status: u16, title: &str) -> Response {
    let status = StatusCode::from_u16(status).expect("a status");
    (status, [("content-type", "text/html")], format!("<!doctype html><title>{title}</title>")).into_response()
}
