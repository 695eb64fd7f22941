//! `GET /v1/analytics/summary`: what is delivered, counted from what the watches have brought. Only the replica that
//! leads has watches: the others ask it, as the caller.

pub(super) mod access;
pub(super) mod leader;
mod summary;
mod tally;

pub(super) use summary::Summary;

use super::caller::Caller;
use super::problem::Refusal;
use super::query::Query;
use super::serving::Serving;
use crate::http::Phase;
use crate::leader::RELEASED;
use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use leader::Leader;
use std::sync::Arc;

/// `GET /v1/analytics/summary`
pub(super) async fn summary(
    State(serving): State<Arc<Serving>>,
    caller: Caller,
    RawQuery(query): RawQuery,
    head: HeaderMap,
) -> Result<Response, Refusal> {
    Query::read(query.as_deref(), &[])?;
    let world = serving.worlds.borrow().clone();
    if let Some(world) = world {
        let scope = serving.access.of(&serving.api_server, &caller, &world).await?;
        let summary = Summary::of(&world, &scope, Timestamp::now());
        return Ok(Json(summary).into_response());
    }
    let phase = serving.phases.borrow().clone();
    match phase {
        Phase::StandingBy { leader } if leader == RELEASED => Err(Refusal::not_now(
            "kubeOP is released: nothing is delivered, and nothing counted. Install it again.",
        )),
        // It was asked by another replica that took it for the leader: it must not ask a third one.
        Phase::StandingBy { .. } if Leader::is_asked_by_another(&head) => Err(Refusal::not_now(
            "this replica does not lead any more. Try again in a second.",
        )),
        Phase::StandingBy { leader } => serving.leader.ask(&leader, &caller).await,
        Phase::Starting | Phase::Filling | Phase::Working => Err(Refusal::not_now(
            "the caches are not filled yet. Try again in a second.",
        )),
    }
}
