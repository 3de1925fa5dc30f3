//! The description of the API: made from the routes, served with its reader at `/api-docs`.

use axum::Router;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::IntoResponse as _;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{OpenApi, RefOr, ResponseBuilder};
use utoipa::{IntoResponses, Modify, ToSchema};
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::alerts;
use crate::error::{Error, ErrorBody};
use crate::events::{Beat, Changed};

/// Title and security schemes; paths and schemas come from the routes.
#[derive(Debug, utoipa::OpenApi)]
#[openapi(
    info(title = "NeoPro", description = "API of NeoPro's central server.\n\nEvery failure is an object `{error, code, request_id}`: `error` is a sentence for a person (French), `code` a stable word for a program. Any address may answer 404 `no_route` and 405 `method_not_allowed` as well.\n\nWhat is optional in a query or a body may also be an empty text or `null`: unless it is said otherwise, it counts as absent then."),
    modifiers(&Security),
    components(schemas(ErrorBody, Beat, Changed, alerts::Severity, alerts::Status)),
    tags(
        (name = "Service", description = "How the service is, without a session"),
        (name = "Agencies", description = "Those who look after several clubs"),
        (name = "Alerts", description = "What is wrong, and what people are told of it"),
        (name = "Audit", description = "Who did what, and how far that is sealed"),
        (name = "Authentication", description = "Login, logout, one's own account"),
        (name = "Commands", description = "What single boxes are told to do, and what they answered"),
        (name = "Deployments", description = "Orders that sites are to have a video, and what became of them"),
        (name = "Diagnosis", description = "What is wrong with the installation, and what mends it"),
        (name = "Groups", description = "Sites that get the same things"),
        (name = "Live", description = "What changes, as it happens"),
        (name = "Settings", description = "What is decided for the whole installation"),
        (name = "Sites", description = "The clubs with a box, and the keys of their boxes"),
        (name = "Users", description = "People with accounts, and what they may do"),
        (name = "Videos", description = "The library: videos and pictures that the boxes show"),
    )
)]
pub struct ApiDoc;

struct Security;

impl Modify for Security {
    fn modify(&self, openapi: &mut OpenApi) {
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme(
            "bearer",
            SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build()),
        );
        components
            .add_security_scheme("cookie", SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new("neopro_token"))));
    }
}

/// Failures of a public route that reads: bad query, deadline, dependency, mistake.
#[derive(Debug)]
pub struct PublicRead;
/// Failures of a public route that takes a body.
#[derive(Debug)]
pub struct PublicWrite;
/// Failures of a route for people that reads.
#[derive(Debug)]
pub struct Read;
/// Failures of a route for people that acts, with or without a body.
#[derive(Debug)]
pub struct Write;
/// Failures of a route for people that takes files.
#[derive(Debug)]
pub struct Upload;
/// Failures of a route for people that takes over a file that was sent elsewhere.
#[derive(Debug)]
pub struct UploadDone;
/// Failures of a route for people that takes a picture of something that is there.
#[derive(Debug)]
pub struct Picture;

macro_rules! failures {
    ($($name:ident: $($status:literal)*;)*) => {$(
        impl IntoResponses for $name {
            fn responses() -> std::collections::BTreeMap<String, RefOr<utoipa::openapi::Response>> {
                [$($status),*].into_iter().map(|status| (status.to_string(), failure(status))).collect()
            }
        }
    )*};
}

failures! {
    PublicRead: 400 429 431 500 503;
    PublicWrite: 400 401 403 408 413 415 429 431 500 503;
    Read: 400 401 403 404 429 431 500 503;
    Write: 400 401 403 404 408 409 413 415 429 431 500 503;
    Upload: 400 401 403 408 409 411 413 415 429 431 500 503 507;
    UploadDone: 400 401 403 404 408 409 413 415 429 431 500 503 507;
    Picture: 400 401 403 404 408 413 415 429 431 500 503 507;
}

fn failure(status: u16) -> RefOr<utoipa::openapi::Response> {
    let meaning = match status {
        400 => "The request is malformed; `details` names every field to mend.",
        401 => "No session, or one that is over.",
        403 => "This session has not the right, or the page is not allowed to act.",
        404 => "There is no such thing, or this session cannot see it.",
        408 => "The body did not arrive in time.",
        409 => "A state or a value is in the way; `code` says which.",
        411 => "The body's length is not announced.",
        413 => "The body is too large.",
        415 => "The body, or a file in it, is of a kind that is not accepted here.",
        429 => "Too much at once; see `Retry-After`.",
        431 => "The address or the headers are too long.",
        503 => "A dependency does not answer; see `Retry-After`.",
        507 => "The server's disk or the storage's plan is full.",
        _ => "A mistake of the server, logged under `request_id`.",
    };
    let schema = RefOr::Ref(utoipa::openapi::Ref::from_schema_name(ErrorBody::name()));
    let content = utoipa::openapi::ContentBuilder::new().schema(Some(schema)).build();
    RefOr::T(ResponseBuilder::new().description(meaning).content("application/json", content).build())
}

/// The reader at `/api-docs` and the document at `/api-docs/openapi.json`, all from this binary.
pub fn reader(document: OpenApi) -> Router {
    let config = Config::default().use_base_layout().try_it_out_enabled(true).doc_expansion("list");
    Router::from(SwaggerUi::new("/api-docs").url("/api-docs/openapi.json", document).config(config)).layer(
        middleware::from_fn(async |request: axum::extract::Request, next: Next| {
            let path = request.uri().path().to_owned();
            let mut response = next.run(request).await;
            if response.status() == StatusCode::NOT_FOUND {
                response = Error::NoRoute(path).into_response();
            }
            // The reader styles itself inline; nothing else may, and nothing comes from elsewhere.
            response.headers_mut().insert(
                header::CONTENT_SECURITY_POLICY,
                HeaderValue::from_static(
                    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                     base-uri 'none'; form-action 'self'; frame-ancestors 'self'",
                ),
            );
            response
        }),
    )
}
