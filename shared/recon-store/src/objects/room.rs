//! What objects may take of this process and its host at once, however many ask.

use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

#[cfg(feature = "cluster")]
use super::Stay;
use super::{ObjectError, Trouble};

/// How many objects are written at once. Each holds up to three parts of 5 MiB in memory: one that is gathered, and two on
/// their way.
const WRITINGS_MAX: usize = 24;
/// How many MiB are copied into the temporary folder at once, and how many may stay there for as long as clients like. A host has
/// 2 GiB there or more.
#[cfg(feature = "cluster")]
const COPIES_MIB_MAX: u32 = 1024;
#[cfg(feature = "cluster")]
const LONG_COPIES_MIB_MAX: u32 = 512;
/// How many requests for a part of an object are under way at once, each with up to 8 MiB in memory until the disk has them.
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
    #[cfg(feature = "cluster")]
    long_copies: Semaphore::const_new(LONG_COPIES_MIB_MAX as usize),
    #[cfg(feature = "cluster")]
    long_copies_mib_max: LONG_COPIES_MIB_MAX,
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
    #[cfg(feature = "cluster")]
    long_copies: Semaphore,
    #[cfg(feature = "cluster")]
    long_copies_mib_max: u32,
    wait_max: Duration,
}

impl Room {
    /// Room for the parts of one object that is written, until the permit is dropped.
    pub(super) async fn to_write(&self, name: &str) -> Result<SemaphorePermit<'_>, ObjectError> {
        self.of(&self.writings, 1, "put", name).await
    }

    /// Room for a copy of so many bytes, until the permits are dropped. One that is larger than all there is takes all of it.
    /// Those that stay for long share a part of it, so that they never leave none.
    #[cfg(feature = "cluster")]
    pub(super) async fn to_copy(
        &self,
        bytes: u64,
        stay: Stay,
        name: &str,
    ) -> Result<Vec<SemaphorePermit<'_>>, ObjectError> {
        let mib = u32::try_from(bytes.div_ceil(1024 * 1024)).unwrap_or(u32::MAX);
        if stay == Stay::Short {
            return Ok(vec![self.of(&self.copies, mib.min(self.copies_mib_max), "open", name).await?]);
        }
        let mib = mib.min(self.long_copies_mib_max);
        let long = self.of(&self.long_copies, mib, "open", name).await?;
        Ok(vec![long, self.of(&self.copies, mib, "open", name).await?])
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
            #[cfg(feature = "cluster")]
            long_copies: Semaphore::new(usize::try_from(copies_mib_max / 2).unwrap()),
            #[cfg(feature = "cluster")]
            long_copies_mib_max: copies_mib_max / 2,
            wait_max: Duration::from_millis(300),
        }))
    }
}

#[cfg(test)]
mod tests;
