//! The binary `recon`.
fn main() {}
