//! A look that whoever asks at the same time shares.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::task::JoinError;
use tokio::time::Instant;

/// How long what was seen is said again: however many ask, the database and the object store are asked once in this time.
const SEEN_FOR: Duration = Duration::from_secs(1);

/// What was seen last, and when. Clones share it.
#[derive(Clone)]
pub(super) struct Look<T>(Arc<Mutex<Option<(Instant, T)>>>);

impl<T> Default for Look<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T: Clone + Send + 'static> Look<T> {
    /// What is seen now, or was a moment ago. It is looked in a task of its own: an asker that goes away leaves those who
    /// wait with it no longer without an answer.
    ///
    /// # Errors
    /// When the look panics, or the runtime ends.
    pub(super) async fn take<F>(&self, looking: impl FnOnce() -> F + Send + 'static) -> Result<T, JoinError>
    where
        F: Future<Output = T> + Send,
    {
        let last = self.0.clone();
        let looked = tokio::spawn(async move {
            let mut last = last.lock().await;
            if let Some((at, seen)) = &*last
                && at.elapsed() < SEEN_FOR
            {
                return seen.clone();
            }
            let seen = looking().await;
            *last = Some((Instant::now(), seen.clone()));
            seen
        });
        looked.await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    /// Looks for half a second, and sees the number of the look.
    async fn number(look: Look<u32>, looks: Arc<AtomicU32>) -> u32 {
        let looking = || async move {
            tokio::time::sleep(Duration::from_millis(500)).await;
            looks.fetch_add(1, Ordering::Relaxed) + 1
        };
        look.take(looking).await.unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_ask_at_once_share_a_look_that_is_kept_for_a_second() {
        let (look, looks) = (Look::default(), Arc::default());
        let ask = || number(Look::clone(&look), Arc::clone(&looks));
        let first = tokio::spawn(ask());
        tokio::time::sleep(Duration::from_millis(400)).await;
        let begun = Instant::now();
        let second = tokio::spawn(ask());
        // Who asked first goes away.
        first.abort();
        assert_eq!((second.await.unwrap(), begun.elapsed().as_millis()), (1, 100));
        tokio::time::sleep(Duration::from_millis(900)).await;
        assert_eq!(ask().await, 1);
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(ask().await, 2);
    }
}
