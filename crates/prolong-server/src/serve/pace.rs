//! Whether a connection still moves: a seat is for whoever asks and reads, not for whoever holds it.
//!
//! 1. It moves when a request arrives, and when a write of more than a control frame reaches the network.
//! 2. So one that reads no answers, or gives an HTTP/2 stream no window, or only answers pings, does not move.

use std::io::{IoSlice, Result};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, sleep};

/// When a connection moved last.
#[derive(Debug)]
pub(super) struct Pace {
    began: Instant,
    /// Milliseconds after `began`.
    moved: AtomicU64,
}

impl Pace {
    pub(super) fn start() -> Arc<Self> {
        Arc::new(Self {
            began: Instant::now(),
            moved: AtomicU64::new(0),
        })
    }

    pub(super) fn moved(&self) {
        self.moved.store(self.millis(), Ordering::Relaxed);
    }

    /// Resolves when it has not moved for so long.
    pub(super) async fn quiet(&self, patience: Duration) {
        loop {
            let quiet = self
                .millis()
                .saturating_sub(self.moved.load(Ordering::Relaxed));
            let left = patience.saturating_sub(Duration::from_millis(quiet));
            if left.is_zero() {
                return;
            }
            sleep(left).await;
        }
    }

    fn millis(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// A stream whose writes are seen.
pub(super) struct Paced<S> {
    pub(super) stream: S,
    pub(super) pace: Arc<Pace>,
}

impl<S> Paced<S> {
    fn wrote(&self, bytes: usize) {
        if bytes > CONTROL {
            self.pace.moved();
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, bytes))?;
        self.wrote(written);
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(context, parts))?;
        self.wrote(written);
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// A ping and its companions are shorter, the shortest answer is longer (RFC 9113 §6; bytes).
const CONTROL: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt as _;

    #[tokio::test(start_paused = true)]
    async fn requests_and_answers_move_it_and_pings_do_not() {
        let pace = Pace::start();
        let (here, _there) = tokio::io::duplex(4096);
        let mut stream = Paced {
            stream: here,
            pace: Arc::clone(&pace),
        };
        let quiet_after = async |act: u64| {
            let begun = Instant::now();
            pace.quiet(Duration::from_secs(10)).await;
            assert_eq!(begun.elapsed().as_secs(), act);
        };
        quiet_after(10).await;
        stream.write_all(&[0; CONTROL]).await.unwrap();
        quiet_after(0).await;
        stream.write_all(&[0; CONTROL + 1]).await.unwrap();
        quiet_after(10).await;
        pace.moved();
        quiet_after(10).await;
    }
}
