//! What a disk says when the fault is its own, and not that of what was read or written.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::iter;

/// `EIO`, for which the standard library has no kind: the device fails.
const DEVICE_FAILS: i32 = 5;

/// Whether a disk's fault is among the causes, however deep: formats hand on what their files say.
pub(crate) fn is_at_fault(error: &(dyn Error + 'static)) -> bool {
    let mut causes = iter::successors(Some(error), |error| (**error).source());
    causes.any(|cause| cause.downcast_ref::<io::Error>().is_some_and(is_its_own))
}

/// A file that is damaged or shorter than it says is no fault of the disk: another attempt finds the same.
fn is_its_own(error: &io::Error) -> bool {
    match error.kind() {
        ErrorKind::StorageFull
        | ErrorKind::QuotaExceeded
        | ErrorKind::ReadOnlyFilesystem
        | ErrorKind::StaleNetworkFileHandle => true,
        _ => error.raw_os_error() == Some(DEVICE_FAILS),
    }
}
