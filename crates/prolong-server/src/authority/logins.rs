//! Logins as they are stored: today's spelling, and those of before decision 0039.

use std::time::Duration;

use prolong_store::{Change, Page, Transaction, User, UserFilter};
use serde_json::json;

use super::Authority;
use crate::http::problem::Failure;
use crate::users::valid_login;

impl Authority {
    /// The user who has the first of these spellings that anybody has.
    pub(super) async fn user_of_login(
        &self,
        spellings: &[String],
    ) -> Result<Option<User>, Failure> {
        for login in spellings {
            let user = self.store.user_by_login(login).await;
            if let Some(user) = user.map_err(Failure::unavailable)? {
                return Ok(Some(user));
            }
        }
        Ok(None)
    }

    /// Gives logins that an earlier release stored today's spelling, once in the life of a database. A spelling that
    /// another user has stays theirs, and what RFC 8265 does not allow stays as it is: both are still found as they were.
    ///
    /// # Errors
    /// `UNAVAILABLE`. What was done until then stays done.
    pub(crate) async fn respell_logins(&self) -> Result<(), Failure> {
        let done = self.store.fact(SPELLING).await;
        if done.map_err(Failure::unavailable)?.as_deref() == Some(RFC_8265) {
            return Ok(());
        }
        let mut after = None;
        loop {
            let page = Page { after, limit: PAGE };
            let users = self.store.users(&UserFilter::default(), &page).await;
            let users = users.map_err(Failure::unavailable)?;
            for user in &users {
                self.respell(user).await?;
            }
            after = users.last().map(|user| user.sub.clone());
            if users.len() < PAGE {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
        let done = Change::SetFact {
            name: SPELLING,
            value: RFC_8265.to_owned(),
        };
        let committed = self.store.commit(Transaction::of(done)).await;
        committed.map(drop).map_err(Failure::unavailable)
    }

    async fn respell(&self, user: &User) -> Result<(), Failure> {
        let Some(stored) = &user.login else {
            return Ok(());
        };
        let Some(spelled) = valid_login(stored).ok().filter(|login| login != stored) else {
            return Ok(());
        };
        let holder = self.store.user_by_login(&spelled).await;
        if holder.map_err(Failure::unavailable)?.is_some() {
            tracing::warn!(
                sub = user.sub,
                "the login of this user is spelled in two ways, and the usual one is another user's: give one of them a new login"
            );
            return Ok(());
        }
        self.change_user(user.key, "prolong", |change| {
            if change.user.login.as_ref() == Some(stored) {
                change.user.login = Some(spelled.clone());
                change.audit("user.changed", &json!({ "login": true, "claims": false }));
            }
            Ok(())
        })
        .await
        .map(drop)
    }
}

/// The fact that says by which rule all logins are spelled.
const SPELLING: &str = "logins";
const RFC_8265: &str = "rfc8265";
const PAGE: usize = 500;
/// Between two pages, so that requests go first.
const PAUSE: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use prolong_core::PolicyDraft;
    use prolong_protocol::problem::Code;
    use prolong_store::{Change, Store as _, Transaction, User};

    use crate::authority::sign_in::new_user;
    use crate::clock::Clock as _;
    use crate::http::problem::Failure;
    use crate::world::{World, world};

    const PASSWORD: &str = "correct horse battery";
    /// é as one character, and as a letter and an accent.
    const COMPOSED: &str = "ren\u{e9}";
    const DECOMPOSED: &str = "rene\u{301}";

    async fn plain() -> World {
        world(PolicyDraft::default()).await
    }

    async fn signs_in_as(w: &World, typed: &str) -> Option<String> {
        let signed_in = w.try_password(typed, PASSWORD).await;
        let user = signed_in.ok()?.session.user;
        Some(w.store.user(user).await.unwrap().unwrap().sub)
    }

    async fn stored(w: &World, user: &User) -> String {
        let user = w.store.user(user.key).await.unwrap().unwrap();
        user.login.unwrap()
    }

    /// As a release before decision 0039 stored it: whatever was typed, in lower case.
    async fn stored_before(w: &World, login: &str) -> User {
        w.user(login, PASSWORD).await
    }

    #[tokio::test]
    async fn an_account_is_found_however_its_name_is_typed() {
        let w = plain().await;
        let rene = w.user(COMPOSED, PASSWORD).await;
        for typed in [COMPOSED, DECOMPOSED, " RENE\u{301}", "\u{ff52}en\u{e9}"] {
            assert_eq!(
                signs_in_as(&w, typed).await.as_ref(),
                Some(&rene.sub),
                "{typed}"
            );
            let found: Result<User, Failure> = w.authority.user_by_name(typed).await;
            assert_eq!(found.unwrap().sub, rene.sub, "{typed}");
        }
    }

    /// Otherwise each spelling would have guesses of its own.
    #[tokio::test]
    async fn failures_count_for_the_account_however_its_name_is_typed() {
        let w = plain().await;
        w.user(COMPOSED, PASSWORD).await;
        for typed in [DECOMPOSED, COMPOSED, "REN\u{c9}", "\u{ff52}en\u{e9}"] {
            let wrong = w.try_password(typed, "something else").await;
            assert_eq!(
                wrong.err().map(|failure| failure.code),
                Some(Code::InvalidCredentials)
            );
        }
        let later = w.try_password(DECOMPOSED, PASSWORD).await;
        assert_eq!(
            later.err().map(|failure| failure.code),
            Some(Code::TooManyRequests)
        );
    }

    #[tokio::test]
    async fn a_login_of_an_earlier_release_goes_on_and_gets_todays_spelling() {
        let w = plain().await;
        let rene = stored_before(&w, DECOMPOSED).await;
        let crab = stored_before(&w, "\u{1f980}").await;
        assert_eq!(signs_in_as(&w, DECOMPOSED).await.as_ref(), Some(&rene.sub));
        assert_eq!(signs_in_as(&w, COMPOSED).await, None, "as before");
        w.authority.respell_logins().await.unwrap();
        for typed in [COMPOSED, DECOMPOSED] {
            assert_eq!(
                signs_in_as(&w, typed).await.as_ref(),
                Some(&rene.sub),
                "{typed}"
            );
        }
        assert_eq!(stored(&w, &rene).await, COMPOSED);
        let kept = signs_in_as(&w, "\u{1f980}").await;
        assert_eq!(
            kept.as_ref(),
            Some(&crab.sub),
            "it may have no other spelling"
        );
        // Once: from then on nothing else is stored.
        let other = stored_before(&w, "a\u{30a}sa").await;
        w.authority.respell_logins().await.unwrap();
        assert_eq!(stored(&w, &other).await, "a\u{30a}sa");
    }

    #[tokio::test]
    async fn of_two_spellings_that_two_users_have_each_keeps_theirs() {
        let w = plain().await;
        let early = stored_before(&w, DECOMPOSED).await;
        let late = stored_before(&w, COMPOSED).await;
        w.authority.respell_logins().await.unwrap();
        assert_eq!(signs_in_as(&w, DECOMPOSED).await.as_ref(), Some(&early.sub));
        assert_eq!(signs_in_as(&w, COMPOSED).await.as_ref(), Some(&late.sub));
    }

    #[tokio::test]
    async fn every_page_of_users_is_looked_at() {
        let w = plain().await;
        let mut users = Vec::new();
        for n in 0..1_100 {
            let user = User {
                login: Some(format!("{DECOMPOSED}{n}")),
                ..new_user(&format!("sub-{n}"), w.clock.now())
            };
            let insert = Transaction::of(Change::InsertUser(user.clone()));
            w.store.commit(insert).await.unwrap();
            users.push(user);
        }
        w.authority.respell_logins().await.unwrap();
        for (n, user) in users.iter().enumerate() {
            assert_eq!(stored(&w, user).await, format!("{COMPOSED}{n}"));
        }
    }

    #[tokio::test]
    async fn a_listing_finds_the_one_of_a_login_or_an_id() {
        let w = plain().await;
        let rene = w.user(COMPOSED, PASSWORD).await;
        w.user("rene", PASSWORD).await;
        let admin = w.token_for("prolong:admin").await;
        let found = async |query: &str| {
            let path = format!("/v1/admin/users?{query}");
            let answer = w.call("GET", &path, &admin, "").await;
            let users = answer.body["users"].as_array().unwrap().clone();
            let subs = users
                .iter()
                .map(|user| user["sub"].as_str().unwrap().to_owned());
            subs.collect::<Vec<_>>()
        };
        let by_id = format!("user={}", rene.sub);
        for query in ["user=REN%C3%89", "user=rene%CC%81", by_id.as_str()] {
            assert_eq!(found(query).await, [rene.sub.as_str()], "{query}");
        }
        assert!(found("user=ren").await.is_empty());
        w.authority
            .delete_user(rene.key, "client:ops")
            .await
            .unwrap();
        assert!(found(&by_id).await.is_empty());
        assert_eq!(
            found(&format!("{by_id}&deleted=true")).await,
            [rene.sub.as_str()]
        );
    }
}
