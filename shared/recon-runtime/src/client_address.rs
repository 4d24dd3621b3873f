//! Where a request comes from.

use std::net::IpAddr;

/// The address of whoever sent the request: the peer of the connection, or what the load balancer in front of a
/// function says of its own peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);
