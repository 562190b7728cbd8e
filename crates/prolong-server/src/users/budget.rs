//! How many sign-ins may fail from one network, whatever the accounts.
//!
//! 1. A network has [`Limits::network_failures`] to spend. It gets one back every [`BACK_EVERY`].
//! 2. With none left, everybody there waits for the next one: with the right password too, or the answer would tell.
//! 3. Successes cost nothing and give nothing back: an account of one's own is easily had.
//! 4. Memory is bounded: a table of fixed size; where a row of it is full, the network that has spent the least goes.
//!
//! Deployment: as for the delays of accounts. Behind a reverse proxy that is not named in `trusted_proxies` all the world
//! shares one budget. Decision 0037 says why it is so large.

use core::time::Duration;

use parking_lot::Mutex;
use prolong_core::Timestamp;

use super::throttle::{WAYS, row_of};
use crate::settings::Limits;

pub(super) struct NetworkBudgets {
    most: u32,
    rows: Mutex<Vec<[Spent; WAYS]>>,
}

impl NetworkBudgets {
    pub(super) fn new(limits: &Limits) -> Self {
        let rows = (limits.throttle_entries / PAIRS_PER_NETWORK)
            .div_ceil(WAYS)
            .max(1);
        Self {
            most: limits.network_failures.max(1),
            rows: Mutex::new(vec![[Spent::NOTHING; WAYS]; rows]),
        }
    }

    /// How long until one more may fail.
    pub(super) fn wait(&self, network: u128, now: Timestamp) -> Duration {
        let rows = self.rows.lock();
        let row = rows.get(row_of(network, rows.len())).into_iter().flatten();
        let spent = row
            .filter(|spent| spent.network == network)
            .map(|spent| spent.at(now));
        match spent.max_by_key(|spent| spent.failures) {
            Some(spent) if spent.failures >= self.most => {
                spent.since.plus(BACK_EVERY).since(now).min(BACK_EVERY)
            }
            _ => Duration::ZERO,
        }
    }

    pub(super) fn spend(&self, network: u128, now: Timestamp) {
        let mut rows = self.rows.lock();
        let at = row_of(network, rows.len());
        let Some(row) = rows.get_mut(at) else { return };
        let known = row.iter_mut().find(|spent| spent.network == network);
        if let Some(spent) = known {
            *spent = spent.at(now);
            // Guesses that were under way together may overspend, and pay it back in time.
            spent.failures = spent.failures.saturating_add(1).min(2 * self.most);
            return;
        }
        let least = row.iter_mut().min_by_key(|spent| spent.at(now).failures);
        if let Some(spent) = least {
            *spent = Spent {
                network,
                failures: 1,
                since: now,
            };
        }
    }
}

#[derive(Clone, Copy)]
struct Spent {
    network: u128,
    failures: u32,
    /// From when on the next one that it gets back is counted.
    since: Timestamp,
}

impl Spent {
    const NOTHING: Self = Self {
        network: 0,
        failures: 0,
        since: Timestamp::EPOCH,
    };

    /// With what it got back until now.
    fn at(self, now: Timestamp) -> Self {
        let back = now.since(self.since).as_secs() / BACK_EVERY.as_secs();
        let failures = self
            .failures
            .saturating_sub(u32::try_from(back).unwrap_or(u32::MAX));
        let since = if failures == 0 {
            now
        } else {
            self.since
                .plus(BACK_EVERY.saturating_mul(u32::try_from(back).unwrap_or(u32::MAX)))
        };
        Self {
            failures,
            since,
            ..self
        }
    }
}

/// A network gets one failure back so often.
const BACK_EVERY: Duration = Duration::from_secs(10);
/// There are fewer networks than pairs of an account and a network.
const PAIRS_PER_NETWORK: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn budgets(most: u32) -> NetworkBudgets {
        NetworkBudgets::new(&Limits {
            network_failures: most,
            throttle_entries: 1,
            ..Limits::default()
        })
    }

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_secs(1_000_000 + secs)
    }

    fn waits(budgets: &NetworkBudgets, network: u128, secs: i64) -> u64 {
        budgets.wait(network, at(secs)).as_secs()
    }

    #[test]
    fn what_is_spent_comes_back_one_by_one() {
        let budgets = budgets(3);
        (0..3).for_each(|_| budgets.spend(7, at(0)));
        assert_eq!(waits(&budgets, 7, 0), 10);
        assert_eq!(waits(&budgets, 7, 9), 1);
        assert_eq!(waits(&budgets, 7, 10), 0);
        budgets.spend(7, at(14));
        assert_eq!(
            waits(&budgets, 7, 14),
            6,
            "what was waited for already counts"
        );
        assert_eq!(waits(&budgets, 7, 10_000), 0);
        (0..2).for_each(|_| budgets.spend(7, at(10_000)));
        assert_eq!(waits(&budgets, 7, 10_000), 0, "all came back, and no more");
        budgets.spend(7, at(10_000));
        assert_eq!(waits(&budgets, 7, 10_000), 10);
    }

    #[test]
    fn what_was_overspent_is_paid_back_within_bounds() {
        let budgets = budgets(3);
        (0..1000).for_each(|_| budgets.spend(7, at(0)));
        assert_eq!(waits(&budgets, 7, 39), 1);
        assert_eq!(waits(&budgets, 7, 40), 0);
    }

    #[test]
    fn a_full_row_gives_up_the_network_that_spent_the_least() {
        let budgets = budgets(3);
        (0..3).for_each(|_| budgets.spend(7, at(0)));
        (8..1000).for_each(|network| budgets.spend(network, at(0)));
        assert_eq!(waits(&budgets, 7, 0), 10);
        assert_eq!(budgets.rows.lock().len(), 1);
    }

    #[test]
    fn a_clock_that_steps_back_does_not_lengthen_the_wait() {
        let budgets = budgets(1);
        budgets.spend(7, at(1000));
        assert_eq!(waits(&budgets, 7, 0), 10);
    }
}
