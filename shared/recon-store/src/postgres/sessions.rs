//! Sessions in the records' database.

use std::sync::Arc;

use recon_session::backend::Backend;
use recon_session::postgres::PostgresSessions;

use super::Server;
use super::pooled::BEGIN;

/// Sessions on connections of this server.
pub(crate) fn sessions(server: &Server) -> Arc<dyn Backend> {
    let pool = server.pool().clone();
    Arc::new(match server.is_pooled() {
        false => PostgresSessions::new(pool.clone(), pool),
        true => PostgresSessions::pooled(pool, BEGIN, server.answer_max),
    })
}
