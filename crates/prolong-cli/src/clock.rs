//! The system's clock, and when not to trust it.
//!
//! The wall clock may be slewed, but not jump: where it departs from the machine's uptime by more than a minute within
//! one span, nothing is decided until it is back or the process is restarted. At start any time is believed that is
//! not behind what the data folder has seen ([`SystemClock::agree_with`]).

use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime};

use prolong_core::Timestamp;
use prolong_server::clock::Clock;

/// The system's clock.
#[derive(Debug)]
pub(crate) struct SystemClock {
    anchor: Mutex<Anchor>,
}

#[derive(Clone, Copy, Debug)]
struct Anchor {
    wall: Timestamp,
    steady: Instant,
    uptime: Option<Duration>,
}

impl Anchor {
    fn drop() -> Self {
        Self {
            wall: wall(),
            steady: Instant::now(),
            uptime: uptime(),
        }
    }
}

impl SystemClock {
    pub(crate) fn new() -> Self {
        Self {
            anchor: Mutex::new(Anchor::drop()),
        }
    }

    /// Refuses to start behind the latest time that the data folder has seen.
    pub(crate) fn agree_with(&self, high_water: Option<Timestamp>) -> anyhow::Result<()> {
        let now = self.now();
        match high_water {
            Some(seen) if now < seen.minus(TOLERANCE) => anyhow::bail!(
                "the system clock shows {}, but this data folder has already seen {}: set the clock right and start \
                 again. With an older time, sessions that are over would live again",
                shown(now),
                shown(seen)
            ),
            _ => Ok(()),
        }
    }
}

const TOLERANCE: Duration = Duration::from_secs(5);
const LARGEST_JUMP: i64 = 60_000;
const SPAN: Duration = Duration::from_secs(30);

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        wall()
    }

    fn trusted_now(&self) -> Result<Timestamp, String> {
        let now = wall();
        let mut anchor = self
            .anchor
            .lock()
            .map_err(|_| "the clock broke".to_owned())?;
        let steady = anchor.steady.elapsed();
        if jump(anchor.wall, steady, now).abs() <= LARGEST_JUMP {
            if steady >= SPAN {
                *anchor = Anchor::drop();
            }
            return Ok(now);
        }
        // A machine that slept did not jump: its uptime went on.
        let slept = anchor
            .uptime
            .zip(uptime())
            .map(|(then, now)| now.saturating_sub(then));
        match slept {
            Some(slept) if jump(anchor.wall, slept, now).abs() <= LARGEST_JUMP => {
                *anchor = Anchor::drop();
                Ok(now)
            }
            _ => Err(format!(
                "the system clock jumped by {} s; set it right, or restart prolong to believe it",
                jump(anchor.wall, steady, now) / 1000
            )),
        }
    }
}

/// Milliseconds by which the wall clock is ahead of where it should be.
fn jump(from: Timestamp, passed: Duration, now: Timestamp) -> i64 {
    now.as_millis()
        .saturating_sub(from.plus(passed).as_millis())
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the clock that everybody else is given"
)]
fn wall() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::EPOCH.plus(since)
}

/// Time since boot, sleep included; only Linux says.
fn uptime() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/uptime").ok()?;
    Duration::try_from_secs_f64(text.split_whitespace().next()?.parse().ok()?).ok()
}

/// As RFC 3339.
pub(crate) fn shown(at: Timestamp) -> String {
    jiff::Timestamp::from_second(at.as_secs())
        .map_or_else(|_| format!("{} s", at.as_secs()), |at| at.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_behind_the_high_water_mark_is_refused() {
        let clock = SystemClock::new();
        assert!(clock.agree_with(None).is_ok());
        assert!(clock.agree_with(Some(clock.now())).is_ok());
        let error = clock
            .agree_with(Some(clock.now().plus(Duration::from_mins(1))))
            .unwrap_err();
        assert!(error.to_string().contains("set the clock right"), "{error}");
    }

    #[test]
    fn a_jump_is_not_trusted_and_a_steady_clock_is() {
        let clock = SystemClock::new();
        assert!(clock.trusted_now().is_ok());
        let mut anchor = clock.anchor.lock().unwrap();
        anchor.wall = anchor.wall.minus(Duration::from_secs(61));
        drop(anchor);
        assert!(clock.trusted_now().unwrap_err().contains("jumped by 61 s"));
    }
}
