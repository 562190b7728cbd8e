//! Slows down guessing, without a lock that a stranger could put on somebody's account.
//!
//! 1. Only failed sign-ins count, per (account, network): a /24 of IPv4, a /64 of IPv6.
//! 2. The first [`FREE`] failures cost nothing. From the next on, the pair waits 1 s, 2 s, 4 s … at most [`LONGEST`].
//! 3. During the wait every answer is "later", for the right password too, also to guesses that were under way when
//!    it began: it is asked before and after the password is verified.
//! 4. A success forgets the pair, and so does an hour without a failure.
//! 5. Memory is bounded: a table of fixed size; where a row of it is full, the pair with the fewest failures goes.
//! 6. One password for many accounts touches no pair often enough. So a network has failures to spend too, whatever the
//!    accounts: see [`NetworkBudgets`].
//!
//! Deployment: behind a reverse proxy, name it in `trusted_proxies`, or all the world is one network. The table is this
//! node's own: n nodes give a guesser n times the free tries.

use core::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use parking_lot::Mutex;
use prolong_core::Timestamp;

use super::budget::NetworkBudgets;
use crate::entropy::{Entropy, draw};
use crate::settings::Limits;

/// Counts failed sign-ins and says who has to wait.
pub struct SignInThrottle {
    salt: [u8; 16],
    rows: Mutex<Vec<Row>>,
    networks: NetworkBudgets,
}

/// Too many failures: come back after so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TryLater {
    /// Whole seconds, at least 1.
    pub seconds: u64,
}

impl SignInThrottle {
    /// An empty throttle that remembers about `limits.throttle_entries` pairs.
    #[must_use]
    pub fn new(limits: &Limits, entropy: &dyn Entropy) -> Self {
        let rows = limits.throttle_entries.div_ceil(WAYS).max(1);
        Self {
            salt: draw(entropy),
            rows: Mutex::new(vec![[Pair::EMPTY; WAYS]; rows]),
            networks: NetworkBudgets::new(limits),
        }
    }

    /// Whether this account (never empty) may be tried from this network now.
    ///
    /// # Errors
    /// How long to wait.
    pub fn check(&self, account: &str, network: &str, now: Timestamp) -> Result<(), TryLater> {
        let name = self.name(account, network);
        let rows = self.rows.lock();
        let row = rows.get(row_of(name, rows.len())).into_iter().flatten();
        let wait = row
            .filter(|pair| pair.is(name, now))
            .map(|pair| pair.wait(now))
            .max()
            .unwrap_or_default()
            .max(self.networks.wait(self.name("", network), now));
        if wait.is_zero() {
            return Ok(());
        }
        Err(TryLater {
            seconds: wait
                .as_millis()
                .div_ceil(1000)
                .try_into()
                .unwrap_or(u64::MAX),
        })
    }

    /// A sign-in failed.
    pub fn failed(&self, account: &str, network: &str, now: Timestamp) {
        self.networks.spend(self.name("", network), now);
        let name = self.name(account, network);
        let mut rows = self.rows.lock();
        let at = row_of(name, rows.len());
        let Some(row) = rows.get_mut(at) else { return };
        let place = row
            .iter()
            .position(|pair| pair.is(name, now))
            .unwrap_or_else(|| cheapest(row, now));
        if let Some(pair) = row.get_mut(place) {
            let failures = if pair.is(name, now) {
                pair.failures.saturating_add(1)
            } else {
                1
            };
            *pair = Pair {
                name,
                failures,
                last: now,
            };
        }
    }

    /// A sign-in succeeded.
    pub fn succeeded(&self, account: &str, network: &str) {
        let name = self.name(account, network);
        let mut rows = self.rows.lock();
        let at = row_of(name, rows.len());
        for pair in rows
            .get_mut(at)
            .into_iter()
            .flatten()
            .filter(|pair| pair.name == name)
        {
            *pair = Pair::EMPTY;
        }
    }

    /// Salted, so that nobody outside can aim at a row.
    fn name(&self, account: &str, network: &str) -> u128 {
        let mut text = self.salt.to_vec();
        text.extend_from_slice(&(account.len() as u64).to_be_bytes());
        text.extend_from_slice(account.as_bytes());
        text.extend_from_slice(network.as_bytes());
        let hash = digest(&SHA256, &text);
        hash.as_ref()
            .iter()
            .take(16)
            .fold(0, |name, byte| (name << 8) | u128::from(*byte))
    }
}

impl core::fmt::Debug for SignInThrottle {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("SignInThrottle(…)")
    }
}

#[derive(Clone, Copy)]
struct Pair {
    name: u128,
    failures: u32,
    last: Timestamp,
}

impl Pair {
    const EMPTY: Self = Self {
        name: 0,
        failures: 0,
        last: Timestamp::EPOCH,
    };

    fn is(&self, name: u128, now: Timestamp) -> bool {
        self.name == name && self.weight(now) > 0
    }

    fn weight(&self, now: Timestamp) -> u32 {
        if now.since(self.last) < FORGOTTEN_AFTER {
            self.failures
        } else {
            0
        }
    }

    fn wait(&self, now: Timestamp) -> Duration {
        let Some(doublings) = self.failures.checked_sub(FREE + 1) else {
            return Duration::ZERO;
        };
        let delay = Duration::from_secs(1_u64.checked_shl(doublings.min(32)).unwrap_or(u64::MAX))
            .min(LONGEST);
        self.last.plus(delay).since(now).min(delay)
    }
}

fn cheapest(row: &Row, now: Timestamp) -> usize {
    let costs = row
        .iter()
        .enumerate()
        .min_by_key(|(_, pair)| (pair.weight(now), pair.last));
    costs.map_or(0, |(at, _)| at)
}

pub(super) fn row_of(name: u128, rows: usize) -> usize {
    let rows = u128::try_from(rows.max(1)).unwrap_or(1);
    usize::try_from(name % rows).unwrap_or(0)
}

type Row = [Pair; WAYS];

/// Pairs that share a row of the table.
pub(super) const WAYS: usize = 8;
/// Failures that cost nothing.
const FREE: u32 = 3;
/// The longest wait.
const LONGEST: Duration = Duration::from_mins(5);
/// A pair without a failure for so long starts afresh.
const FORGOTTEN_AFTER: Duration = Duration::from_hours(1);

#[cfg(test)]
mod tests {
    use super::*;

    struct Zero;
    impl Entropy for Zero {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0);
        }
    }

    fn throttle(entries: usize) -> SignInThrottle {
        SignInThrottle::new(
            &Limits {
                throttle_entries: entries,
                ..Limits::default()
            },
            &Zero,
        )
    }

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_secs(1_000_000 + secs)
    }

    #[test]
    fn three_failures_are_free_then_waits_double_up_to_five_minutes() {
        let throttle = throttle(64);
        let mut now = at(0);
        for _ in 0..3 {
            assert_eq!(throttle.check("ann", "net", now), Ok(()));
            throttle.failed("ann", "net", now);
        }
        let mut waits = Vec::new();
        for _ in 0..11 {
            assert_eq!(throttle.check("ann", "net", now), Ok(()));
            throttle.failed("ann", "net", now);
            let wait = throttle.check("ann", "net", now).unwrap_err().seconds;
            waits.push(wait);
            now = now.plus(Duration::from_secs(wait));
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
    }

    #[test]
    fn another_account_and_another_network_are_not_touched() {
        let throttle = throttle(64);
        (0..10).for_each(|_| throttle.failed("ann", "net", at(0)));
        assert!(throttle.check("ann", "net", at(0)).is_err());
        assert_eq!(throttle.check("bob", "net", at(0)), Ok(()));
        assert_eq!(throttle.check("ann", "elsewhere", at(0)), Ok(()));
    }

    #[test]
    fn a_success_and_an_hour_forget() {
        let throttle = throttle(64);
        (0..10).for_each(|_| throttle.failed("ann", "net", at(0)));
        throttle.succeeded("ann", "net");
        assert_eq!(throttle.check("ann", "net", at(0)), Ok(()));
        (0..10).for_each(|_| throttle.failed("ann", "net", at(0)));
        throttle.failed("ann", "net", at(3600));
        assert_eq!(throttle.check("ann", "net", at(3600)), Ok(()));
    }

    #[test]
    fn a_full_row_gives_up_the_pair_with_the_fewest_failures() {
        let throttle = throttle(8);
        (0..10).for_each(|_| throttle.failed("ann", "net", at(0)));
        (0..1000).for_each(|other| throttle.failed(&format!("user{other}"), "net", at(1)));
        assert!(throttle.check("ann", "net", at(1)).is_err());
        assert_eq!(throttle.rows.lock().len(), 1);
    }

    #[test]
    fn one_guess_for_each_of_many_accounts_is_slowed_down_too() {
        let throttle = throttle(64);
        let free = Limits::default().network_failures;
        for n in 0..free {
            let account = format!("user{n}");
            assert_eq!(throttle.check(&account, "net", at(0)), Ok(()), "{n}");
            throttle.failed(&account, "net", at(0));
        }
        let later = Err(TryLater { seconds: 10 });
        assert_eq!(throttle.check("nobody yet", "net", at(0)), later);
        assert_eq!(throttle.check("nobody yet", "elsewhere", at(0)), Ok(()));
        assert_eq!(throttle.check("nobody yet", "net", at(10)), Ok(()));
        // What succeeds costs nothing, and gives nothing back to whoever has an account of their own.
        throttle.succeeded("own", "net");
        throttle.failed("nobody yet", "net", at(10));
        assert_eq!(throttle.check("another", "net", at(10)), later);
    }

    #[test]
    fn a_clock_that_steps_back_does_not_lengthen_the_wait() {
        let throttle = throttle(8);
        (0..4).for_each(|_| throttle.failed("ann", "net", at(1000)));
        assert_eq!(
            throttle.check("ann", "net", at(0)),
            Err(TryLater { seconds: 1 })
        );
    }
}
