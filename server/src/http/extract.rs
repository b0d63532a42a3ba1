//! Our own extractors: JSON, paths and parameters whose errors are for a person, the actor, and the caller.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequest, FromRequestParts, Request};
use http::request::Parts;
use http::{StatusCode, header};
use serde::de::DeserializeOwned;

use crate::auth::actor::Actor;
use crate::auth::session::Caller;
use crate::error::{ApiError, Kind, bad_request, unauthenticated};
use crate::http::guard;
use crate::places::Place;
use axum_extra::extract::cookie::CookieJar;

/// The largest JSON body, in bytes. Uploads have a limit of their own, and those without an account a smaller one.
pub const MAX_JSON_BYTES: usize = 64 * 1024;

/// A JSON body.
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        match axum::Json::from_request(request, state).await {
            Ok(axum::Json(value)) => Ok(Self(value)),
            Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                Err(too_long(MAX_JSON_BYTES))
            }
            Err(rejection) => Err(bad_request(
                "json",
                format!(
                    "The request's JSON was not understood: {}.",
                    rejection.body_text()
                ),
            )),
        }
    }
}

/// A body is longer than this many bytes.
pub(super) fn too_long(most: usize) -> ApiError {
    ApiError::new(
        Kind::TooLarge,
        "body.too-large",
        format!("The request's body is longer than {most} bytes. Nothing was done."),
    )
}

/// Parts of the path.
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let path = axum::extract::Path::from_request_parts(parts, state).await;
        path.map(|axum::extract::Path(value)| Self(value))
            .map_err(|_| {
                bad_request(
                    "path",
                    "The address was not understood: it is not text once its %-signs are taken out.",
                )
            })
    }
}

/// Parameters of the address.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let query = axum::extract::Query::from_request_parts(parts, state).await;
        query
            .map(|axum::extract::Query(value)| Self(value))
            .map_err(|rejection| {
                bad_request(
                    "query",
                    format!(
                        "The parameters of the address were not understood: {}.",
                        rejection.body_text()
                    ),
                )
            })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Actor {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or_else(unauthenticated)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let address = parts
            .extensions
            .get::<ConnectInfo<SocketAddr>>()
            .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |info| info.0.ip());
        let agent = parts
            .headers
            .get(header::USER_AGENT)
            .map(|agent| String::from_utf8_lossy(agent.as_bytes()).into_owned())
            .unwrap_or_default();
        let device = guard::device(&CookieJar::from_headers(&parts.headers));
        Ok(Self {
            address,
            agent,
            device,
        })
    }
}

/// The place of the connection that a request came by, where it has one.
pub struct AtPlace(Option<Place>);

impl AtPlace {
    /// Whoever came by it has signed in.
    pub fn is_known(&self) {
        if let Some(place) = &self.0 {
            place.is_known();
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for AtPlace {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.extensions.get().cloned()))
    }
}
