//! Large bodies, as they arrive.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use recon_contract::Code;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::Refusal;
use crate::gate::{Gate, too_large};

/// A body that is passed on while it arrives.
///
/// It may take any time in total, but not trickle: a span of [`PACE_SPAN`] that brings fewer than
/// [`PACE_BYTES_MIN`] ends it with 408. It ends with 413 where it grows beyond the limit for uploads.
#[derive(Debug)]
pub struct Content {
    stream: BodyDataStream,
    bytes: u64,
    bytes_max: u64,
    span_bytes: u64,
    span_end: Pin<Box<Sleep>>,
    /// Since when the last chunk is being worked on: that time is not the sender's.
    given_at: Option<Instant>,
}

/// How often the pace is judged.
const PACE_SPAN: Duration = Duration::from_secs(30);
/// The fewest bytes of a span: 1 KiB a second.
const PACE_BYTES_MIN: u64 = 30 * 1024;

impl<S: Send + Sync> FromRequest<S> for Content {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refusal> {
        let bytes_max = Gate::of_request(request.extensions())?.upload_bytes_max();
        Ok(Self::new(request.into_body(), bytes_max))
    }
}

impl Content {
    fn new(body: Body, bytes_max: u64) -> Self {
        let span_end = Box::pin(sleep_until(Instant::now() + PACE_SPAN));
        Self { stream: body.into_data_stream(), bytes: 0, bytes_max, span_bytes: 0, span_end, given_at: None }
    }

    fn counted(&mut self, chunk: Bytes) -> Result<Bytes, Refusal> {
        let length = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        self.bytes = self.bytes.saturating_add(length);
        self.span_bytes = self.span_bytes.saturating_add(length);
        if self.bytes > self.bytes_max { Err(too_large(self.bytes_max)) } else { Ok(chunk) }
    }

    /// Whether the span that just ended brought enough; begins the next one.
    fn keeps_pace(&mut self) -> bool {
        let enough = self.span_bytes >= PACE_BYTES_MIN;
        self.span_bytes = 0;
        self.span_end.as_mut().reset(Instant::now() + PACE_SPAN);
        enough
    }
}

impl Stream for Content {
    type Item = Result<Bytes, Refusal>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(given_at) = self.given_at.take() {
            let span_end = self.span_end.deadline() + given_at.elapsed();
            self.span_end.as_mut().reset(span_end);
        }
        match self.stream.poll_next_unpin(context) {
            Poll::Ready(Some(Ok(chunk))) => {
                self.given_at = Some(Instant::now());
                Poll::Ready(Some(self.counted(chunk)))
            }
            Poll::Ready(Some(Err(_))) => {
                Poll::Ready(Some(Err(Refusal::new(Code::MalformedBody, "the body ended before its end"))))
            }
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => match self.span_end.as_mut().poll(context) {
                Poll::Pending => Poll::Pending,
                Poll::Ready(()) if self.keeps_pace() => {
                    // The next span's end has to wake this task, too.
                    context.waker().wake_by_ref();
                    Poll::Pending
                }
                Poll::Ready(()) => {
                    let detail = format!(
                        "the content arrives too slowly, at under {PACE_BYTES_MIN} bytes in {} s",
                        PACE_SPAN.as_secs()
                    );
                    Poll::Ready(Some(Err(Refusal::new(Code::RequestTimeout, detail))))
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;

    /// A body whose chunks come one every ten seconds, forever.
    fn dripping(chunk_bytes: usize) -> Content {
        let chunk = Bytes::from(vec![0; chunk_bytes]);
        let chunks = stream::unfold(chunk, |chunk| async move {
            tokio::time::sleep(Duration::from_secs(10)).await;
            Some((Ok::<_, std::io::Error>(chunk.clone()), chunk))
        });
        Content::new(Body::from_stream(chunks), u64::MAX)
    }

    #[tokio::test(start_paused = true)]
    async fn content_may_take_long_but_not_trickle() {
        let mut steady = dripping(16 * 1024);
        for _ in 0..100 {
            steady.next().await.unwrap().unwrap();
        }
        let mut trickle = dripping(1024);
        let started = Instant::now();
        let refused = loop {
            if let Err(refusal) = trickle.next().await.unwrap() {
                break refusal;
            }
        };
        assert_eq!(refused.problem().code, Code::RequestTimeout);
        assert_eq!(started.elapsed(), PACE_SPAN);
    }

    #[tokio::test(start_paused = true)]
    async fn a_sender_is_not_held_to_the_time_that_its_bytes_are_worked_on() {
        let mut steady = dripping(32 * 1024);
        for _ in 0..10 {
            steady.next().await.unwrap().unwrap();
            // As by a store that is slow to take them.
            tokio::time::sleep(PACE_SPAN * 2).await;
        }
        let mut trickle = dripping(1024);
        trickle.next().await.unwrap().unwrap();
        tokio::time::sleep(PACE_SPAN * 2).await;
        while let Some(next) = trickle.next().await {
            if next.is_err() {
                return;
            }
        }
        panic!("a sender that trickles is never cut off");
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_sender_is_cut_off() {
        let mut silent =
            Content::new(Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>()), u64::MAX);
        let refused = silent.next().await.unwrap().unwrap_err();
        assert_eq!(refused.problem().code, Code::RequestTimeout);
    }
}
