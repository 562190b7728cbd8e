//! Every way in which something ends, and that the feed hears of it in the same commit: a store that loses its last
//! commit has lost both, and a verifier that follows refuses the token.

use prolong_core::{EndReason, OnPasswordChange, OnReuse, PolicyDraft, WhenFull};
use prolong_protocol::feed::Snapshot;
use prolong_protocol::problem::{Action, Reason};
use prolong_store::{Store as _, User};
use prolong_verify::{Expected, Follower, Keys, Rejection, verify};

use crate::authority::ClientProof;
use crate::authority::sign_in::SignedIn;
use crate::world::{World, world};

const NOW: i64 = 1_800_000_000;

impl World {
    async fn maryo(&self) -> User {
        let key = crate::keys::user_key("maryo");
        self.store.user(key).await.unwrap().unwrap()
    }

    fn keys(&self) -> Keys {
        Keys::from_jwks(&*self.authority.signing.jwks()).unwrap()
    }

    /// What a verifier elsewhere says that holds these keys and has just taken a snapshot.
    async fn says(&self, keys: &Keys, token: &str, now: i64) -> Result<(), Rejection> {
        let (_, json) = self
            .authority
            .feed
            .snapshot(self.authority.clock.now())
            .await;
        let snapshot: Snapshot = serde_json::from_slice(&json).unwrap();
        let mut follower = Follower::default();
        follower.snapshot(&snapshot);
        let expected = Expected::new("https://auth.example.com", "api");
        verify(token, keys, &expected, follower.revoked(), now).map(drop)
    }

    async fn is_live(&self, signed_in: &SignedIn) -> bool {
        let found = self.store.session(signed_in.session.id).await.unwrap();
        found.is_some_and(|found| found.session.life == prolong_core::Life::Live)
    }
}

/// Does it, and looks: the feed then, what a verifier says of the token, and that the end and its entries were one commit.
macro_rules! ends {
    ($draft:expr, |$w:ident, $session:ident| $done:expr, $feed:expr, $says:expr) => {{
        let $w = world($draft).await;
        let $session = $w.signed_in("web").await;
        let (keys, token) = ($w.keys(), $session.answer.access_token.clone());
        assert!($w.says(&keys, &token, NOW).await.is_ok());
        $done;
        assert_eq!($w.feed().await, $feed);
        assert_eq!($w.says(&keys, &token, NOW).await, Err($says));
        assert!(!$w.is_live(&$session).await);
        assert_eq!($w.store.lose_last(1), 1);
        assert!($w.is_live(&$session).await, "the end was in another commit");
        assert_eq!($w.feed().await, [], "the entry was in another commit");
    }};
}

fn ended(reason: Reason) -> Rejection {
    Rejection::SessionEnded(Some(reason))
}

#[tokio::test]
async fn one_session_ends() {
    let plain = PolicyDraft::default;
    ends!(
        plain(),
        |w, it| {
            let path = format!("/v1/sessions/{}", it.session.id);
            let token = format!("Bearer {}", it.answer.access_token);
            let answer = w
                .send("DELETE", &path, &[("authorization", &token)], "")
                .await;
            assert_eq!(answer.status.as_u16(), 204);
        },
        [('S', 1)],
        ended(Reason::SignedOut)
    );
    ends!(
        plain(),
        |w, it| {
            let id = it.session.id;
            let end = w
                .authority
                .end_session(id, None, EndReason::EndedByAdmin, "client:ops");
            end.await.unwrap();
        },
        [('S', 9)],
        ended(Reason::EndedByAdmin)
    );
    ends!(
        plain(),
        |w, it| {
            let token = it.answer.refresh_token.clone().unwrap();
            w.authority
                .revoke(&token, &ClientProof::Unnamed)
                .await
                .unwrap();
        },
        [('S', 1)],
        ended(Reason::SignedOut)
    );
}

#[tokio::test]
async fn all_sessions_of_a_user_end() {
    let plain = PolicyDraft::default;
    let raised = Rejection::VersionRaised;
    ends!(
        plain(),
        |w, it| {
            let (user, own) = (it.session.user, it.session.id);
            w.authority
                .sign_out_everywhere(user, own, false)
                .await
                .unwrap();
        },
        [('U', 2)],
        raised
    );
    ends!(
        plain(),
        |w, it| w
            .authority
            .disable_user(it.session.user, "client:ops")
            .await
            .unwrap(),
        [('U', 2)],
        raised
    );
    ends!(
        plain(),
        |w, it| w
            .authority
            .sign_user_out(it.session.user, "client:ops")
            .await
            .unwrap(),
        [('U', 2)],
        raised
    );
    ends!(
        plain(),
        |w, it| w
            .authority
            .delete_user(it.session.user, "client:ops")
            .await
            .unwrap(),
        [('U', 2)],
        raised
    );
    ends!(
        plain(),
        |w, it| {
            let user = it.session.user;
            w.authority
                .reset_password(user, "a new password", "client:ops")
                .await
                .unwrap();
        },
        [('S', 7)],
        ended(Reason::PasswordChanged)
    );
}

#[tokio::test]
async fn the_others_end() {
    let w = world(PolicyDraft::default()).await;
    let first = w.signed_in("web").await;
    let second = w.signed_in("web").await;
    let (user, own) = (second.session.user, second.session.id);
    w.authority
        .sign_out_everywhere(user, own, true)
        .await
        .unwrap();
    assert_eq!(w.feed().await, [('S', 2)]);
    let says = w.says(&w.keys(), &first.answer.access_token, NOW).await;
    assert_eq!(says, Err(ended(Reason::SignedOutElsewhere)));
    assert!(
        w.says(&w.keys(), &second.answer.access_token, NOW)
            .await
            .is_ok()
    );
    w.store.lose_last(1);
    assert!(w.is_live(&first).await && w.feed().await.is_empty());
}

#[tokio::test]
async fn a_password_change_ends_what_the_policy_says() {
    for (policy, feed) in [
        (OnPasswordChange::EndOthers, vec![('S', 7)]),
        (OnPasswordChange::EndAll, vec![('S', 7), ('S', 7)]),
        (OnPasswordChange::Keep, vec![]),
    ] {
        let w = world(PolicyDraft {
            on_password_change: Some(policy),
            ..PolicyDraft::default()
        })
        .await;
        let first = w.signed_in("web").await;
        let hash = w.authority.hash_password("correct horse").await.unwrap();
        w.authority
            .store_password(first.session.user, hash, "x")
            .await
            .unwrap();
        let before = w.feed().await.len();
        let other = w.signed_in("web").await;
        let own = w.signed_in("web").await;
        let caller = w.store.session(own.session.id).await.unwrap().unwrap();
        let change = w
            .authority
            .change_password(&caller, "correct horse", "another horse", "net");
        change.await.unwrap();
        assert_eq!(w.feed().await[before..], feed);
        let says = w.says(&w.keys(), &other.answer.access_token, NOW).await;
        assert_eq!(says.is_ok(), feed.is_empty(), "{policy:?}");
        w.store.lose_last(1);
        assert!(w.is_live(&other).await);
        assert_eq!(w.feed().await.len(), before);
    }
}

#[tokio::test]
async fn a_sign_in_ends_others() {
    ends!(
        PolicyDraft {
            sessions_per_user: Some(1),
            when_full: Some(WhenFull::EndOldest),
            ..PolicyDraft::default()
        },
        |w, it| w.signed_in("web").await,
        [('S', 11)],
        ended(Reason::Displaced)
    );
    ends!(
        PolicyDraft {
            replace_others: Some(true),
            ..PolicyDraft::default()
        },
        |w, it| w.signed_in("web").await,
        [('U', 2)],
        Rejection::VersionRaised
    );
}

/// A spent token: rotated twice, then the first again.
async fn reuse(w: &World, first: &str) {
    let mut token = first.to_owned();
    for _ in 0..2 {
        w.later(31);
        let answer = w.refresh(&token, "").await;
        token = answer.text("refresh_token").to_owned();
    }
    let reused = w.refresh(first, "").await;
    assert_eq!(reused.text("reason"), "reuse_detected");
}

#[tokio::test]
async fn a_found_reuse_ends_the_session_or_the_user() {
    for (on_reuse, feed) in [
        (OnReuse::Session, vec![('S', 10)]),
        (OnReuse::User, vec![('S', 10), ('U', 2)]),
    ] {
        let w = world(PolicyDraft {
            on_reuse: Some(on_reuse),
            ..PolicyDraft::default()
        })
        .await;
        let it = w.signed_in("web").await;
        let other = w.signed_in("web").await;
        reuse(&w, it.answer.refresh_token.as_deref().unwrap()).await;
        assert_eq!(w.feed().await, feed);
        let says = w.says(&w.keys(), &other.answer.access_token, NOW).await;
        assert_eq!(says.is_err(), on_reuse == OnReuse::User);
        w.store.lose_last(1);
        assert!(w.is_live(&it).await && w.is_live(&other).await);
        assert!(w.feed().await.is_empty());
        assert_eq!(w.maryo().await.standing.version, 1);
    }
}

#[tokio::test]
async fn a_rotation_supersedes_the_older_access_token() {
    let w = world(PolicyDraft {
        supersede: Some(true),
        ..PolicyDraft::default()
    })
    .await;
    let it = w.signed_in("web").await;
    let old = it.answer.access_token.clone();
    w.later(31);
    let answer = w
        .refresh(it.answer.refresh_token.as_deref().unwrap(), "")
        .await;
    assert_eq!(w.feed().await, [('T', 1)]);
    let keys = w.keys();
    let says = w.says(&keys, &old, NOW + 31).await.unwrap_err();
    assert_eq!(
        (says, says.action()),
        (Rejection::Superseded, Action::Renew)
    );
    assert!(
        w.says(&keys, answer.text("access_token"), NOW + 31)
            .await
            .is_ok()
    );
    w.store.lose_last(1);
    assert!(w.feed().await.is_empty());
    let found = w.store.session(it.session.id).await.unwrap().unwrap();
    assert_eq!(found.session.generation, it.session.generation);
}

#[tokio::test]
async fn a_key_dies_with_its_entry_and_for_longer_than_tokens_live() {
    let w = world(PolicyDraft::default()).await;
    let it = w.signed_in("web").await;
    let keys = w.keys();
    let kid = w.authority.signing.list()[0].kid.clone();
    w.authority
        .distrust_signing_key(&kid, "client:ops")
        .await
        .unwrap();
    assert_eq!(w.feed().await, [('K', 0)]);
    let old = it.answer.access_token.as_str();
    assert_eq!(w.says(&keys, old, NOW).await, Err(Rejection::KeyDistrusted));
    let fresh = w.signed_in("web").await;
    assert!(
        w.says(&w.keys(), &fresh.answer.access_token, NOW)
            .await
            .is_ok()
    );

    // Everywhere the answer is to renew, also where the key is known no more; only to renew with it is too late.
    let bearer = format!("Bearer {old}");
    let own = w
        .send("GET", "/v1/sessions", &[("authorization", &bearer)], "")
        .await;
    for answer in [own, w.verify(old, "").await] {
        assert_eq!(
            (answer.text("action"), answer.text("reason")),
            ("renew", "key_distrusted")
        );
    }
    assert_eq!(
        w.says(&w.keys(), old, NOW).await,
        Err(Rejection::KeyDistrusted)
    );
    let path = "/v1/sessions/current/prolong";
    let late = w
        .send("POST", path, &[("authorization", &bearer)], "")
        .await;
    assert_eq!(late.text("action"), "sign_in");

    // A thief dates a token as far ahead as they like.
    w.later(90 * 86_400);
    w.authority.feed.prune(w.authority.clock.now());
    assert_eq!(w.says(&keys, old, NOW).await, Err(Rejection::KeyDistrusted));

    // The sign-in, then the key.
    w.store.lose_last(1);
    w.store.lose_last(1);
    assert!(w.feed().await.is_empty());
    let stored = w.store.signing_keys().await.unwrap();
    assert_eq!(stored.len(), 1, "the key and its entry are one commit");
    assert_eq!(stored[0].state, prolong_store::KeyState::Active);
}

#[tokio::test]
async fn a_restore_that_ends_everything_is_told_in_one_entry() {
    let w = world(PolicyDraft::default()).await;
    let lost = w.signed_in("web").await; // the backup may not know it
    let told = crate::feed::everything_ended(w.authority.clock.now());
    let transaction = prolong_store::Transaction::of(prolong_store::Change::AppendFeed(told));
    w.authority.commit_and_tell(transaction).await.unwrap();
    let token = lost.answer.access_token.as_str();
    assert_eq!(
        w.says(&w.keys(), token, NOW).await,
        Err(Rejection::IssuedBeforeCut)
    );
    assert_eq!(w.verify(token, "").await.text("action"), "sign_in");
    w.later(1);
    let fresh = w.signed_in("web").await;
    assert!(
        w.says(&w.keys(), &fresh.answer.access_token, NOW + 1)
            .await
            .is_ok()
    );
}
