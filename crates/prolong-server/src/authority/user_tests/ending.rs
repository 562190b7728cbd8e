//! What ends sessions, and what a user must do to go on.

use prolong_core::{EndReason, OnPasswordChange, PolicyDraft, Preset, SessionId};
use prolong_protocol::problem::Code;
use prolong_store::Store;
use serde_json::json;

use super::{PASSWORD, code, plain};
use crate::authority::users::{NewUser, UserPatch};
use crate::world::{preset, world};

#[tokio::test]
async fn signing_out_everywhere_raises_the_version_unless_this_one_stays() {
    let w = plain().await;
    let one = w.brought("u1", "web").await.unwrap().session;
    let two = w.brought("u1", "app").await.unwrap().session;
    w.authority
        .sign_out_everywhere(one.user, one.id, true)
        .await
        .unwrap();
    assert_eq!(
        (w.fate(&one).await, w.fate(&two).await),
        ("live", "signed_out_elsewhere")
    );
    assert_eq!(w.feed().await, [('S', 2)]);
    w.authority
        .sign_out_everywhere(one.user, one.id, false)
        .await
        .unwrap();
    assert_eq!(w.fate(&one).await, "signed_out");
    assert_eq!(w.feed().await, [('S', 2), ('U', 2)]);
}

#[tokio::test]
async fn one_session_ends_once_and_only_for_its_owner() {
    let w = plain().await;
    let one = w.brought("u1", "web").await.unwrap().session;
    let other = w.brought("u2", "web").await.unwrap().session;
    let end = |id: SessionId, reason| w.authority.end_session(id, Some(one.user), reason, "user");
    assert_eq!(
        code(end(other.id, EndReason::SignedOutElsewhere).await),
        Some(Code::NotFound)
    );
    end(one.id, EndReason::SignedOut).await.unwrap();
    end(one.id, EndReason::SignedOutElsewhere).await.unwrap();
    assert_eq!(
        (w.fate(&one).await, w.fate(&other).await),
        ("signed_out", "live")
    );
    assert_eq!(w.feed().await, [('S', 1)]);
    let rename = w.authority.rename_session(other.id, one.user, None).await;
    assert_eq!(code(rename), Some(Code::NotFound));
}

#[tokio::test]
async fn a_password_change_ends_what_each_policy_says_in_one_commit() {
    for (setting, this, other) in [
        (OnPasswordChange::EndOthers, "live", "password_changed"),
        (
            OnPasswordChange::EndAll,
            "password_changed",
            "password_changed",
        ),
        (OnPasswordChange::Keep, "live", "live"),
    ] {
        let w = world(PolicyDraft {
            on_password_change: Some(setting),
            ..PolicyDraft::default()
        })
        .await;
        let ann = w.user("ann", PASSWORD).await;
        let one = w.try_password("ann", PASSWORD).await.unwrap().session;
        let two = w.try_password("ann", PASSWORD).await.unwrap().session;
        let caller = w.store.session(one.id).await.unwrap().unwrap();
        let change = |current, new| w.authority.change_password(&caller, current, new, "net");
        assert_eq!(
            code(change("wrong", "new password").await),
            Some(Code::InvalidCredentials)
        );
        assert_eq!(
            code(change(PASSWORD, "short").await),
            Some(Code::InvalidRequest)
        );
        assert_eq!((w.fate(&one).await, w.fate(&two).await), ("live", "live"));
        w.later(1);
        let commits = || w.store.writer_stats().commits;
        let before = commits();
        let tokens = change(PASSWORD, "new password").await.unwrap();
        assert_eq!(commits(), before + 1, "the password and what it ends");
        assert_eq!(tokens.is_some(), this == "live");
        assert_eq!((w.fate(&one).await, w.fate(&two).await), (this, other));
        assert_eq!(w.stored(&ann).await.standing.version, 1);
        assert!(w.feed().await.iter().all(|entry| *entry == ('S', 7)));
        assert_eq!(
            code(w.try_password("ann", PASSWORD).await),
            Some(Code::InvalidCredentials)
        );
        assert!(w.try_password("ann", "new password").await.is_ok());
    }
}

#[tokio::test]
async fn an_administrators_reset_ends_all_whatever_the_policy_says() {
    let w = world(PolicyDraft {
        on_password_change: Some(OnPasswordChange::Keep),
        ..PolicyDraft::default()
    })
    .await;
    let ann = w.user("ann", PASSWORD).await;
    let one = w.try_password("ann", PASSWORD).await.unwrap().session;
    w.authority
        .reset_password(ann.key, "new password", "client:ops")
        .await
        .unwrap();
    assert_eq!(w.fate(&one).await, "password_changed");
}

#[tokio::test]
async fn disabling_ends_and_enabling_revives_nothing() {
    let w = plain().await;
    let one = w.brought("u1", "web").await.unwrap().session;
    w.authority
        .disable_user(one.user, "client:ops")
        .await
        .unwrap();
    w.authority
        .disable_user(one.user, "client:ops")
        .await
        .unwrap();
    assert_eq!(w.fate(&one).await, "user_disabled");
    assert_eq!(w.feed().await, [('U', 2)]);
    let refused = w.brought("u1", "web").await.err().unwrap();
    assert_eq!(refused.code, Code::SignInRefused);
    w.authority
        .enable_user(one.user, "client:ops")
        .await
        .unwrap();
    assert_eq!(w.fate(&one).await, "user_disabled");
    assert!(w.brought("u1", "web").await.is_ok());
}

#[tokio::test]
async fn reauthentication_is_per_session() {
    let w = plain().await;
    w.user("ann", PASSWORD).await;
    let one = w.try_password("ann", PASSWORD).await.unwrap().session;
    let two = w.try_password("ann", PASSWORD).await.unwrap().session;
    w.authority
        .require_reauth(one.user, "client:ops")
        .await
        .unwrap();
    assert_eq!(
        (w.fate(&one).await, w.fate(&two).await),
        ("reauth_required", "reauth_required")
    );
    w.later(1);
    let caller = w.store.session(one.id).await.unwrap().unwrap();
    assert_eq!(
        code(w.authority.reauthenticate(&caller, "wrong", "net").await),
        Some(Code::InvalidCredentials)
    );
    let answer = w
        .authority
        .reauthenticate(&caller, PASSWORD, "net")
        .await
        .unwrap();
    assert_eq!(answer.refresh_token, None);
    assert_eq!(
        (w.fate(&one).await, w.fate(&two).await),
        ("live", "reauth_required")
    );
    let third = w.try_password("ann", PASSWORD).await.unwrap().session;
    assert_eq!(
        (w.fate(&third).await, w.fate(&two).await),
        ("live", "reauth_required")
    );
}

#[tokio::test]
async fn a_sign_in_within_revives_after_reauthentication() {
    let w = world(preset(Preset::Gatekeeper)).await;
    w.user("ann", PASSWORD).await;
    let one = w.try_password("ann", PASSWORD).await.unwrap().session;
    w.later(71 * 3600);
    w.store
        .commit(prolong_store::Transaction::of(
            prolong_store::Change::SeenActive {
                id: one.id,
                at: crate::clock::Clock::now(&*w.clock),
            },
        ))
        .await
        .unwrap();
    w.later(3600);
    assert_eq!(w.fate(&one).await, "sign_in_too_old");
    let caller = w.store.session(one.id).await.unwrap().unwrap();
    w.authority
        .reauthenticate(&caller, PASSWORD, "net")
        .await
        .unwrap();
    assert_eq!(w.fate(&one).await, "live");
}

#[tokio::test]
async fn logins_and_ids_are_unique_and_a_deleted_user_leaves_a_tombstone() {
    let w = plain().await;
    let ann = w.user("ann", PASSWORD).await;
    let bob = w.user("bob", PASSWORD).await;
    let new = |sub: Option<&str>, login: &str| NewUser {
        sub: sub.map(ToOwned::to_owned),
        login: Some(login.to_owned()),
        password_hash: None,
        claims: "{}".to_owned(),
    };
    let taken = w
        .authority
        .create_user(new(None, "ann"), "client:ops")
        .await
        .err()
        .unwrap();
    assert!(taken.code == Code::Conflict && taken.detail.contains("`login`"));
    let taken = w
        .authority
        .create_user(new(Some(&ann.sub), "carl"), "client:ops")
        .await
        .err()
        .unwrap();
    assert!(taken.code == Code::Conflict && taken.detail.contains("`sub`"));
    let to_ann = UserPatch {
        login: Some(Some("ann".to_owned())),
        claims: Some(json!({"a": 1})),
    };
    assert_eq!(
        code(w.authority.patch_user(bob.key, &to_ann, "client:ops").await),
        Some(Code::Conflict)
    );
    assert_eq!(w.stored(&bob).await.claims, "{}");
    let one = w.try_password("ann", PASSWORD).await.unwrap().session;
    let personal = UserPatch {
        login: None,
        claims: Some(json!({"name": "Ann"})),
    };
    let patched = w.authority.patch_user(ann.key, &personal, "client:ops");
    patched.await.unwrap();
    w.authority
        .delete_user(ann.key, "client:ops")
        .await
        .unwrap();
    assert_eq!(w.fate(&one).await, "user_deleted");
    assert_eq!(
        code(w.authority.existing_user(&ann.sub).await),
        Some(Code::NotFound)
    );
    assert_eq!(
        code(w.try_password("ann", PASSWORD).await),
        Some(Code::InvalidCredentials)
    );
    assert_eq!(
        code(w.brought(&ann.sub, "web").await),
        Some(Code::SignInRefused)
    );
    let tombstone = w.stored(&ann).await;
    assert_eq!(
        (
            tombstone.login,
            tombstone.password_hash,
            tombstone.standing.version
        ),
        (None, None, 2)
    );
    assert_eq!(tombstone.claims, "{}");
    assert!(
        w.authority
            .create_user(new(None, "ann"), "client:ops")
            .await
            .is_ok()
    );
}

/// What was proved with the password of before proves nothing once it is another, also where the session went on.
#[tokio::test]
async fn whoever_knew_the_password_of_before_neither_changes_it_nor_reauthenticates() {
    let w = plain().await;
    w.user("ann", PASSWORD).await;
    let session = w.try_password("ann", PASSWORD).await.unwrap().session;
    let caller = w.store.session(session.id).await.unwrap().unwrap();
    let change = |new| w.authority.change_password(&caller, PASSWORD, new, "net");
    assert!(change("second password").await.is_ok());
    w.later(1);
    assert_eq!(code(change("third password").await), Some(Code::Conflict));
    let again = w.authority.reauthenticate(&caller, PASSWORD, "net");
    assert_eq!(code(again.await), Some(Code::Conflict));
    assert!(w.try_password("ann", "second password").await.is_ok());
}
