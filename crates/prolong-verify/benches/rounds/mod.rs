//! Contestants in turns, in batches that are short against the scheduler's slices.
//!
//! What counts of each is the quietest twentieth of its batches: what else the machine does only ever adds to a batch, and
//! falls on all contestants alike.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

const BATCH: Duration = Duration::from_micros(100);

pub(crate) struct Rounds<'a>(Vec<Contestant<'a>>);

struct Contestant<'a> {
    name: String,
    /// Calls it so often, and says how long that took.
    run: Box<dyn FnMut(u64) -> Duration + 'a>,
    batch: u64,
    /// Nanoseconds a call, by round.
    took: Vec<f64>,
}

impl<'a> Rounds<'a> {
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn add<T>(&mut self, name: impl Into<String>, mut call: impl FnMut() -> T + 'a) {
        self.contestant(name.into(), move |times| {
            let begun = Instant::now();
            for _ in 0..times {
                black_box(call());
            }
            begun.elapsed()
        });
    }

    /// Before each `every` calls something is made ready for them, which is not counted. A call is told its number among them.
    pub(crate) fn add_prepared<T>(
        &mut self,
        name: impl Into<String>,
        every: usize,
        mut prepare: impl FnMut() + 'a,
        mut call: impl FnMut(usize) -> T + 'a,
    ) {
        self.contestant(name.into(), move |times| {
            let groups = times.div_ceil(every as u64);
            let mut took = Duration::ZERO;
            for _ in 0..groups {
                prepare();
                let begun = Instant::now();
                for at in 0..every {
                    black_box(call(at));
                }
                took += begun.elapsed();
            }
            #[expect(clippy::cast_precision_loss, reason = "a batch is small")]
            let share = times as f64 / (groups * every as u64) as f64;
            took.mul_f64(share)
        });
    }

    fn contestant(&mut self, name: String, run: impl FnMut(u64) -> Duration + 'a) {
        self.0.push(Contestant {
            name,
            run: Box::new(run),
            batch: 1,
            took: Vec::new(),
        });
    }

    pub(crate) fn run(&mut self, rounds: usize) {
        for one in &mut self.0 {
            // Disturbed, a batch seems long enough before it is.
            while (0..5).all(|_| one.time() < BATCH) {
                one.batch *= 2;
            }
        }
        for _ in 0..rounds {
            for one in &mut self.0 {
                let took = one.time().as_secs_f64() * 1e9;
                #[expect(clippy::cast_precision_loss, reason = "a batch is small")]
                one.took.push(took / one.batch as f64);
            }
        }
    }

    /// Nanoseconds a call.
    pub(crate) fn of(&self, name: &str) -> f64 {
        let found = self.0.iter().find(|one| one.name == name);
        let one = found.unwrap_or_else(|| panic!("no contestant {name}"));
        quietest(one.took.clone())
    }

    /// Nanoseconds a call beyond those of another.
    pub(crate) fn above(&self, name: &str, yardstick: &str) -> f64 {
        self.of(name) - self.of(yardstick)
    }

    pub(crate) fn ratio(&self, name: &str, yardstick: &str) -> f64 {
        self.of(name) / self.of(yardstick)
    }
}

impl Contestant<'_> {
    fn time(&mut self) -> Duration {
        (self.run)(self.batch)
    }
}

/// The end of the lowest twentieth.
fn quietest(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 20]
}

pub(crate) fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}
