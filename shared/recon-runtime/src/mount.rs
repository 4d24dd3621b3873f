//! Routes of the contract's table, mounted on axum.

use axum::Router;
use axum::handler::Handler;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodFilter, on};
use recon_contract::route::{Method, Route};

use crate::gate;

/// Mounts a handler by the route table, which decides its method and path, who may call it and within which limits.
pub trait Mount {
    /// A router with this one route.
    fn mount<H, T, S>(self, handler: H) -> Router<S>
    where
        H: Handler<T, S>,
        T: 'static,
        S: Clone + Send + Sync + 'static;
}

impl Mount for Route {
    fn mount<H, T, S>(self, handler: H) -> Router<S>
    where
        H: Handler<T, S>,
        T: 'static,
        S: Clone + Send + Sync + 'static,
    {
        let guarded = on(filter(self.method), handler).route_layer(from_fn_with_state(self, gate::enter));
        Router::new().route(self.path, guarded)
    }
}

const fn filter(method: Method) -> MethodFilter {
    match method {
        Method::Get => MethodFilter::GET,
        Method::Post => MethodFilter::POST,
        Method::Put => MethodFilter::PUT,
        Method::Patch => MethodFilter::PATCH,
        Method::Delete => MethodFilter::DELETE,
    }
}
