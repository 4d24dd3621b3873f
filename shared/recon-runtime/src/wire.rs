//! Records of the store as what clients see of them.

mod breaks;
mod dataset;
mod key;
mod reconciliation;
mod session;

pub use breaks::break_of;
pub use dataset::{dataset, dataset_to_upload};
pub use key::key_use;
pub use reconciliation::{asked_status, reconciliation};
pub use session::{session, user};
