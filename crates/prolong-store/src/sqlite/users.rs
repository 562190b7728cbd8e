//! The users of the sessions that were prolonged last, kept by the writer: their rows are read for every turn and change
//! rarely.
//!
//! 1. The writer alone changes users, so it knows when a row is another: before it writes one, it forgets it.
//! 2. After a batch that failed it forgets everything, since what it read may have been taken back.
//! 3. Bounded: two halves, and when the younger is full, the older goes.

use std::collections::HashMap;

use prolong_core::UserKey;

use crate::{Change, User};

/// Rows in each half. A row takes about 400 bytes.
const HALF: usize = 16_384;

#[derive(Default)]
pub(super) struct Users {
    young: HashMap<UserKey, User>,
    old: HashMap<UserKey, User>,
}

impl Users {
    /// The row, if it is known.
    pub(super) fn get(&mut self, key: UserKey) -> Option<User> {
        if let Some(user) = self.young.get(&key) {
            return Some(user.clone());
        }
        let user = self.old.remove(&key)?;
        self.keep(user.clone());
        Some(user)
    }

    pub(super) fn keep(&mut self, user: User) {
        if self.young.len() >= HALF {
            self.old = core::mem::take(&mut self.young);
        }
        self.young.insert(user.key, user);
    }

    /// Before a change is written.
    pub(super) fn forget_what_changes(&mut self, change: &Change) {
        let key = match change {
            Change::InsertUser(user) | Change::ReplaceUser(user) => user.key,
            Change::RemoveUser(key) => *key,
            _ => return,
        };
        self.young.remove(&key);
        self.old.remove(&key);
    }

    pub(super) fn forget_all(&mut self) {
        self.young.clear();
        self.old.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prolong_core::{Standing, Timestamp};

    fn user(n: usize) -> User {
        let mut key = [0; 16];
        key[..8].copy_from_slice(&n.to_be_bytes());
        User {
            key: UserKey(key),
            sub: n.to_string(),
            login: None,
            password_hash: None,
            claims: "{}".to_owned(),
            standing: Standing::new(),
            created_at: Timestamp::EPOCH,
            deleted_at: None,
            revision: 0,
        }
    }

    #[test]
    fn it_is_bounded_and_keeps_who_is_asked_for() {
        let mut users = Users::default();
        users.keep(user(0));
        for n in 1..5 * HALF {
            users.keep(user(n));
            assert!(users.young.len() + users.old.len() <= 2 * HALF);
            assert_eq!(users.get(user(0).key).unwrap().sub, "0", "after {n}");
        }
        assert!(users.get(user(1).key).is_none());
    }

    #[test]
    fn what_changes_is_forgotten_wherever_it_is() {
        let mut users = Users::default();
        for change in [
            Change::InsertUser(user(0)),
            Change::ReplaceUser(user(0)),
            Change::RemoveUser(user(0).key),
        ] {
            for others in [0, HALF] {
                users.keep(user(0));
                (1..=others).for_each(|n| users.keep(user(n)));
                users.forget_what_changes(&change);
                assert!(users.get(user(0).key).is_none());
            }
        }
        users.keep(user(0));
        users.forget_all();
        assert!(users.get(user(0).key).is_none());
    }
}
