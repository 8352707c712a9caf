//! Clients that leave in the middle: their guards are told, and what was taken is given back.

use std::{convert::Infallible, sync::Arc};

use bytes::Bytes;
use futures_util::FutureExt;
use http::{Request, Response};
use http_body_util::Full;
use seawall_core::{Mode, settings::Raw};
use seawall_guards::{
    Guard, GuardEntry, GuardLayer, Shared, deadline,
    idempotency::{self, IdempotencyGuard},
    load_shed,
};
use tower::ServiceExt;
use tower_layer::Layer;

use crate::harness::StoppedClock;

/// Two requests one after the other; the first goes to an application that never answers, and its client leaves.
async fn second<G: Guard + 'static>(entry: &'static GuardEntry, guard: G) -> u16 {
    let layer = GuardLayer::new(entry, guard).clock(Arc::new(StoppedClock));
    let sent = || {
        let request = Request::post("/").header("idempotency-key", "\"k\"");
        request.body(Full::new(Bytes::from_static(b"x"))).unwrap()
    };
    // One guard for both: the layer is cloned into each service.
    let service = layer.layer(tower::service_fn(|request: Request<_>| {
        let _: &seawall_guards::Reread<Full<Bytes>> = request.body();
        std::future::pending::<Result<Response<Full<Bytes>>, Infallible>>()
    }));
    assert!(service.oneshot(sent()).now_or_never().is_none(), "the application has it");
    let service = layer.layer(tower::service_fn(|_: Request<seawall_guards::Reread<Full<Bytes>>>| async {
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"done"))))
    }));
    service.oneshot(sent()).await.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_place_is_free_again_when_its_client_leaves() {
    let values = load_shed::values().with("max_in_flight", Raw::Integer(1));
    let guard = load_shed::LoadShedGuard::read(&values, load_shed::Permits::default().places("*")).unwrap();
    assert_eq!(second(&load_shed::ENTRY, guard).await, 200);
}

#[tokio::test]
async fn an_attempt_whose_client_left_is_told_as_unknown_and_not_as_in_flight() {
    let shared = Shared::in_memory();
    let deadlines = deadline::Deadlines::default();
    for (unknown, status) in [("conflict", 409), ("retry", 200)] {
        let values = idempotency::values().with("unknown", Raw::Text(unknown.to_owned()));
        let guard = IdempotencyGuard::read(&values, unknown, Mode::Enforce, &deadlines, &shared).unwrap();
        assert_eq!(second(&idempotency::ENTRY, guard).await, status, "{unknown}");
    }
}
