//! What objects may take of this process and its host at once, however many ask.

use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use super::{ObjectError, Trouble};

/// How many objects are written at once. Each holds up to three parts of 5 MiB in memory: one that is gathered, and two on
/// their way.
const WRITINGS_MAX: usize = 24;
/// How many MiB of copies are in the temporary folder at once. A host has 2 GiB there or more.
#[cfg(feature = "cluster")]
const COPIES_MIB_MAX: u32 = 1024;
/// How many requests for a part of an object are under way at once, each with up to 8 MiB in memory.
#[cfg(feature = "cluster")]
const RANGES_MAX: usize = 24;
/// How long room is waited for. Who waits longer is better sent away, to come again.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// The room of this process.
pub(super) static ROOM: Room = Room {
    writings: Semaphore::const_new(WRITINGS_MAX),
    #[cfg(feature = "cluster")]
    copies: Semaphore::const_new(COPIES_MIB_MAX as usize),
    #[cfg(feature = "cluster")]
    copies_mib_max: COPIES_MIB_MAX,
    wait_max: WAIT_MAX,
};

#[cfg(feature = "cluster")]
static RANGES: Semaphore = Semaphore::const_new(RANGES_MAX);

/// A turn to ask for a part of an object. Each is over soon, so it is waited for.
#[cfg(feature = "cluster")]
pub(super) async fn turn() -> Option<SemaphorePermit<'static>> {
    RANGES.acquire().await.ok()
}

/// Room that is given and comes back.
pub(super) struct Room {
    writings: Semaphore,
    #[cfg(feature = "cluster")]
    copies: Semaphore,
    #[cfg(feature = "cluster")]
    copies_mib_max: u32,
    wait_max: Duration,
}

impl Room {
    /// Room for the parts of one object that is written, until the permit is dropped.
    pub(super) async fn to_write(&self, name: &str) -> Result<SemaphorePermit<'_>, ObjectError> {
        self.of(&self.writings, 1, "put", name).await
    }

    /// Room for a copy of so many bytes, until the permit is dropped. One that is larger than all there is takes all of it.
    #[cfg(feature = "cluster")]
    pub(super) async fn to_copy(&self, bytes: u64, name: &str) -> Result<SemaphorePermit<'_>, ObjectError> {
        let mib = bytes.div_ceil(1024 * 1024).min(self.copies_mib_max.into());
        self.of(&self.copies, u32::try_from(mib).unwrap_or(self.copies_mib_max), "open", name).await
    }

    async fn of<'r>(
        &'r self,
        all: &'r Semaphore,
        some: u32,
        doing: &'static str,
        name: &str,
    ) -> Result<SemaphorePermit<'r>, ObjectError> {
        let busy = |source: Box<dyn std::error::Error + Send + Sync>| ObjectError::Unavailable {
            doing,
            name: name.to_owned(),
            trouble: Trouble::Busy,
            source,
        };
        match tokio::time::timeout(self.wait_max, all.acquire_many(some)).await {
            Ok(permit) => permit.map_err(|closed| busy(closed.into())),
            Err(_) => Err(busy(format!("no room within {} s", self.wait_max.as_secs()).into())),
        }
    }

    /// Room for so many objects that are written, and so many MiB that are copied.
    #[cfg(test)]
    pub(super) fn for_tests(writings: usize, copies_mib_max: u32) -> &'static Self {
        _ = copies_mib_max;
        Box::leak(Box::new(Self {
            writings: Semaphore::new(writings),
            #[cfg(feature = "cluster")]
            copies: Semaphore::new(usize::try_from(copies_mib_max).unwrap()),
            #[cfg(feature = "cluster")]
            copies_mib_max,
            wait_max: Duration::from_millis(300),
        }))
    }
}

#[cfg(test)]
mod tests;
