//! The typed API: native gRPC and gRPC-Web on the same routes, with reflection. All of it is behind the guard.

mod approvals;
mod console;
mod credentials;
mod files;
mod jobs;
mod ledger;
mod messages;
mod people;
mod plans;
mod policies;
mod refused;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use requorum_shared::approval::AcceptedWarning;
use tonic::service::Routes;
use tonic_web::GrpcWebLayer;

use self::messages::{MAX_MESSAGE_BYTES, MAX_RESTORE_BYTES};
use crate::app::App;
use crate::auth::actor::Actor;
use crate::error::unauthenticated;

/// The services, generated from `shared/proto`; their messages live in `requorum_shared::api::v1`.
#[allow(missing_docs, clippy::all, unreachable_pub, unused_qualifications)]
pub mod v1 {
    tonic::include_proto!("requorum.v1");

    /// What reflection shows.
    pub const DESCRIPTORS: &[u8] =
        include_bytes!(concat!(env!("OUT_DIR"), "/requorum.v1.descriptors"));
}

/// The warnings that a request accepts.
fn accepted(warnings: Vec<requorum_shared::api::v1::AcceptedWarning>) -> Vec<AcceptedWarning> {
    warnings.into_iter().map(Into::into).collect()
}

/// All services.
pub(crate) fn routes(app: &App) -> Router {
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(v1::DESCRIPTORS)
        .build_v1()
        .expect("the descriptors were encoded by our own build")
        .max_decoding_message_size(MAX_MESSAGE_BYTES);
    Routes::new(
        v1::console_service_server::ConsoleServiceServer::new(console::Console(app.clone()))
            .max_decoding_message_size(MAX_MESSAGE_BYTES),
    )
    .add_service(
        v1::file_service_server::FileServiceServer::new(files::Files(app.clone()))
            .max_decoding_message_size(MAX_MESSAGE_BYTES),
    )
    .add_service(
        v1::approval_service_server::ApprovalServiceServer::new(approvals::Approvals(app.clone()))
            .max_decoding_message_size(MAX_MESSAGE_BYTES),
    )
    .add_service(
        v1::policy_service_server::PolicyServiceServer::new(policies::Policies(app.clone()))
            .max_decoding_message_size(MAX_MESSAGE_BYTES),
    )
    .add_service(
        v1::credential_service_server::CredentialServiceServer::new(credentials::Credentials(
            app.clone(),
        ))
        .max_decoding_message_size(MAX_MESSAGE_BYTES),
    )
    .add_service(
        v1::people_service_server::PeopleServiceServer::new(people::People(app.clone()))
            .max_decoding_message_size(MAX_MESSAGE_BYTES),
    )
    .add_service(
        v1::plan_service_server::PlanServiceServer::new(plans::Plans(app.clone()))
            .max_decoding_message_size(MAX_RESTORE_BYTES),
    )
    .add_service(
        v1::job_service_server::JobServiceServer::new(jobs::Jobs(app.clone()))
            .max_decoding_message_size(MAX_MESSAGE_BYTES),
    )
    .add_service(
        v1::ledger_service_server::LedgerServiceServer::new(ledger::Ledger(app.clone()))
            .max_decoding_message_size(MAX_MESSAGE_BYTES),
    )
    .add_service(reflection)
    .into_axum_router()
    .reset_fallback()
    .layer(from_fn(refused::reworded))
    .layer(from_fn_with_state(messages::places(), messages::in_turn))
    .layer(GrpcWebLayer::new())
}

/// Who asks. The guard put them there; without it nothing is answered.
fn actor<T>(request: &tonic::Request<T>) -> Result<Actor, tonic::Status> {
    request
        .extensions()
        .get::<Actor>()
        .cloned()
        .ok_or_else(|| unauthenticated().into())
}
