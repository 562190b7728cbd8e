//! Which sessions were used since somebody last told the authority (policies with `activity = "request"`).
//!
//! Off until [`crate::State::keep_activity`]. Bounded: what does not fit is not counted, so a flood of sessions costs idle
//! time, never memory.

use std::collections::HashMap;

use std::sync::{Mutex, PoisonError};

/// So many sessions are kept between two reports.
const AT_MOST: usize = 100_000;

/// A session that was used.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SessionUsed {
    /// `sid`.
    pub session: String,
    /// When, in seconds since the epoch.
    pub at: i64,
}

#[derive(Default)]
pub(crate) struct Activity(Mutex<HashMap<Box<str>, i64>>);

impl Activity {
    pub(crate) fn note(&self, session: &str, at: i64) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = seen.get_mut(session) {
            *known = at.max(*known);
        } else if seen.len() < AT_MOST {
            seen.insert(session.into(), at);
        }
    }

    pub(crate) fn take(&self, at_most: usize) -> Vec<SessionUsed> {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() <= at_most {
            let all = std::mem::take(&mut *seen);
            return all.into_iter().map(used).collect();
        }
        let names: Vec<Box<str>> = seen.keys().take(at_most).cloned().collect();
        let entries = names.iter().filter_map(|name| seen.remove_entry(name));
        entries.map(used).collect()
    }
}

fn used((session, at): (Box<str>, i64)) -> SessionUsed {
    SessionUsed {
        session: session.into(),
        at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_keeps_the_latest_of_each_in_bounds() {
        let activity = Activity::default();
        for (session, at) in [("a", 5), ("b", 7), ("a", 9), ("a", 8)] {
            activity.note(session, at);
        }
        let first = activity.take(1);
        let rest = activity.take(10);
        assert_eq!((first.len(), rest.len()), (1, 1));
        for one in first.iter().chain(&rest) {
            assert_eq!(one.at, if one.session == "a" { 9 } else { 7 });
        }
        assert!(activity.take(10).is_empty());
        for number in 0..=AT_MOST {
            activity.note(&number.to_string(), 1);
        }
        activity.note("0", 3);
        let all = activity.take(usize::MAX);
        assert_eq!(all.len(), AT_MOST);
        assert!(all.iter().any(|one| one.session == "0" && one.at == 3));
    }
}
