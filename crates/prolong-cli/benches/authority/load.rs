//! The load: closed loop, one request under way per connection, all connections on one thread.

use std::future::Future;
use std::time::{Duration, Instant};

/// What came of a run.
pub(crate) struct Outcome {
    pub(crate) requests: usize,
    /// Requests a second.
    pub(crate) rate: f64,
    /// Milliseconds.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) worst: f64,
}

/// What one client measured.
#[derive(Default)]
pub(crate) struct Times(Vec<u32>);

impl Times {
    pub(crate) fn note(&mut self, took: Duration) {
        self.0.push(u32::try_from(took.as_micros()).unwrap());
    }

    fn outcome(parts: Vec<Self>, time: Duration) -> Outcome {
        let mut all: Vec<u32> = parts.into_iter().flat_map(|times| times.0).collect();
        all.sort_unstable();
        let at = |part: f64| {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "an index within the list"
            )]
            let place = ((all.len() - 1) as f64 * part) as usize;
            f64::from(all[place]) / 1000.0
        };
        Outcome {
            requests: all.len(),
            rate: all.len() as f64 / time.as_secs_f64(),
            p50: at(0.5),
            p99: at(0.99),
            worst: at(1.0),
        }
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{:>8.0}/s; p50 {:>6.3} ms, p99 {:>6.3} ms, worst {:>5.1} ms",
            self.rate, self.p50, self.p99, self.worst
        )
    }
}

/// Runs `clients` copies of `client` on this thread, each told when to stop; gives what they measured and what each came
/// back with.
pub(crate) fn run<T: 'static, F>(
    clients: usize,
    time: Duration,
    client: impl Fn(usize, Instant) -> F,
) -> (Outcome, Vec<T>)
where
    F: Future<Output = (Times, T)> + 'static,
{
    let local = tokio::task::LocalSet::new();
    let begun = Instant::now();
    let end = begun + time;
    let parts = local.block_on(&crate::house::runtime(), async {
        let tasks: Vec<_> = (0..clients)
            .map(|n| tokio::task::spawn_local(client(n, end)))
            .collect();
        let mut parts = Vec::with_capacity(clients);
        for task in tasks {
            parts.push(task.await.unwrap());
        }
        parts
    });
    let took = begun.elapsed();
    let (times, results) = parts.into_iter().unzip();
    (Times::outcome(times, took), results)
}
