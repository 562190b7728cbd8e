//! What is verified for a name that nobody has, so that the time of the answer does not tell that nobody has it.
//!
//! 1. Where hashes were imported, their owners' sign-ins take the time of *their* notation and cost. For a name that nobody
//!    has, a hash is verified at a cost of somebody's, always the same for one name.
//! 2. Of such names, as many get a cost as of the users have it, by a sample that is drawn again and again.
//! 3. A cost that the sample missed and that a sign-in has met gets one place among the others.
//!
//! What remains: a name that is tried over months changes its time rarely if nobody has it, and once if its owner signs in.

use std::collections::BTreeSet;

use aws_lc_rs::digest::{SHA256, digest};
use parking_lot::RwLock;

use super::hash::{PasswordHash, Work};

#[derive(Debug)]
pub(super) struct Strangers {
    salt: [u8; 16],
    known: RwLock<Known>,
}

#[derive(Debug)]
struct Known {
    /// In order, so that a name keeps its place while the shares change a little.
    places: Vec<Work>,
    met: BTreeSet<Work>,
}

impl Strangers {
    /// Nothing is known but what is made here.
    pub(super) fn new(own: Work, salt: [u8; 16]) -> Self {
        Self {
            salt,
            known: RwLock::new(Known {
                places: vec![own],
                met: BTreeSet::from([own]),
            }),
        }
    }

    /// What is stored, by a sample.
    pub(super) fn learn(&self, sample: Vec<Work>) {
        let mut known = self.known.write();
        if sample.is_empty() {
            return;
        }
        known.places = sample;
        let missed: Vec<Work> = known
            .met
            .iter()
            .copied()
            .filter(|met| !known.places.contains(met))
            .collect();
        known.places.extend(missed);
        known.places.sort_unstable();
    }

    /// A user has a hash at this cost.
    pub(super) fn met(&self, work: Work) {
        if self.known.read().met.contains(&work) {
            return;
        }
        let mut known = self.known.write();
        if known.met.len() < MOST_MET && known.met.insert(work) && !known.places.contains(&work) {
            known.places.push(work);
            known.places.sort_unstable();
        }
    }

    /// The hash that this name has as long as nobody has the name.
    pub(super) fn hash_of(&self, account: &str) -> Option<PasswordHash> {
        self.work_of(account).and_then(Work::nobodys)
    }

    fn work_of(&self, account: &str) -> Option<Work> {
        let hash = digest(&SHA256, &[&self.salt, account.as_bytes()].concat());
        let drawn = hash
            .as_ref()
            .iter()
            .take(8)
            .fold(0_u128, |drawn, byte| (drawn << 8) | u128::from(*byte));
        let known = self.known.read();
        let places = known.places.len() as u128;
        let at = usize::try_from((drawn * places) >> 64).ok()?;
        known.places.get(at).copied()
    }
}

/// Costs that are remembered beside the sample.
const MOST_MET: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: Work = Work::Argon2 {
        kib: 19_456,
        passes: 2,
        lanes: 1,
    };

    fn share(strangers: &Strangers, work: Work) -> usize {
        let names = (0..1000).map(|n| format!("user{n}"));
        names
            .filter(|name| strangers.work_of(name) == Some(work))
            .count()
    }

    #[test]
    fn nothing_but_our_own_at_first_and_in_an_empty_house() {
        let strangers = Strangers::new(OWN, [7; 16]);
        assert_eq!(share(&strangers, OWN), 1000);
        strangers.learn(Vec::new());
        assert_eq!(share(&strangers, OWN), 1000);
    }

    #[test]
    fn as_many_names_have_a_cost_as_users_have_it() {
        let strangers = Strangers::new(OWN, [7; 16]);
        let of = |own, other| [vec![OWN; own], vec![Work::Bcrypt(12); other]].concat();
        strangers.learn(of(25, 75));
        let before = share(&strangers, Work::Bcrypt(12));
        assert!((700..800).contains(&before), "{before}");
        let name = |n: &usize| format!("user{n}");
        let bcrypt = |n: &usize| strangers.work_of(&name(n)) == Some(Work::Bcrypt(12));
        let had: Vec<usize> = (0..1000).filter(bcrypt).collect();
        strangers.learn(of(50, 50));
        assert!(
            (0..1000).filter(bcrypt).all(|n| had.contains(&n)),
            "names change in one direction, as users do"
        );
        assert!((430..570).contains(&share(&strangers, Work::Bcrypt(12))));
    }

    #[test]
    fn what_the_sample_missed_and_a_sign_in_met_has_a_place() {
        let strangers = Strangers::new(OWN, [7; 16]);
        strangers.learn(vec![OWN; 99]);
        strangers.met(Work::Bcrypt(10));
        let met = share(&strangers, Work::Bcrypt(10));
        assert!((2..30).contains(&met), "{met}");
        strangers.learn(vec![OWN; 99]);
        assert_eq!(share(&strangers, Work::Bcrypt(10)), met);
        for cost in 4..31 {
            strangers.met(Work::Bcrypt(cost));
        }
        let known = strangers.known.read();
        assert!(known.met.len() <= MOST_MET && known.places.len() <= 99 + MOST_MET);
    }
}
