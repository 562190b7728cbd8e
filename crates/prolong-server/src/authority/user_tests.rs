//! What signing in, ending and changing users come to.

use prolong_core::{EndReason, OnPasswordChange, PolicyDraft, Preset, SessionId, WhenFull};
use prolong_protocol::problem::Code;
use prolong_store::Store;
use serde_json::json;

use super::sign_in::{Device, SignIn};
use super::user_world::{World, world};
use super::users::{NewUser, UserPatch};

const PASSWORD: &str = "correct horse";

async fn plain() -> World {
    world(PolicyDraft::default()).await
}

fn preset(preset: Preset) -> PolicyDraft {
    PolicyDraft {
        preset: Some(preset),
        ..PolicyDraft::default()
    }
}

fn code<T>(result: Result<T, crate::http::problem::Failure>) -> Option<Code> {
    result.err().map(|failure| failure.code)
}

#[tokio::test]
async fn a_password_starts_a_session_and_is_remembered_as_the_last_sign_in() {
    let w = plain().await;
    let ann = w.user("ann", PASSWORD).await;
    let signed_in = w.try_password(" Ann ", PASSWORD).await.unwrap();
    assert_eq!(signed_in.session.user, ann.key);
    assert_eq!(w.fate(&signed_in.session).await, "live");
    assert!(w.stored(&ann).await.standing.last_sign_in.is_some());
    assert_eq!(w.audit().await, ["user.created", "session.started"]);
    assert!(w.feed().await.is_empty());
}

#[tokio::test]
async fn unknown_users_wrong_passwords_and_disabled_users_look_alike() {
    let w = plain().await;
    let ann = w.user("ann", PASSWORD).await;
    let wrong = w.try_password("ann", "wrong").await.err().unwrap();
    let unknown = w.try_password("nobody", PASSWORD).await.err().unwrap();
    w.authority
        .disable_user(ann.key, "client:ops")
        .await
        .unwrap();
    let disabled = w.try_password("ann", PASSWORD).await.err().unwrap();
    for failure in [&wrong, &unknown, &disabled] {
        assert_eq!(failure.code, Code::InvalidCredentials);
        assert_eq!((&failure.detail, failure.reason), (&wrong.detail, None));
    }
}

#[tokio::test]
async fn three_failures_are_free_and_a_delay_is_no_lock() {
    let w = plain().await;
    w.user("ann", PASSWORD).await;
    for _ in 0..4 {
        assert_eq!(
            code(w.try_password("ann", "wrong").await),
            Some(Code::InvalidCredentials)
        );
    }
    let later = w.try_password("ann", PASSWORD).await.err().unwrap();
    assert_eq!(
        (later.code, later.retry_after),
        (Code::TooManyRequests, Some(1))
    );
    let elsewhere = w
        .authority
        .sign_in_with_password("ann", PASSWORD, "another net", &w.sign_in("web"))
        .await;
    assert!(elsewhere.is_ok());
    w.later(1);
    assert!(w.try_password("ann", PASSWORD).await.is_ok());
}

#[tokio::test]
async fn an_imported_hash_is_replaced_at_the_first_sign_in() {
    let w = plain().await;
    let bcrypt = bcrypt::hash(PASSWORD, 4).unwrap();
    let ann = w.user_with_hash("ann", Some(bcrypt)).await;
    assert_eq!(
        code(w.try_password("ann", "wrong").await),
        Some(Code::InvalidCredentials)
    );
    w.try_password("ann", PASSWORD).await.unwrap();
    assert!(
        w.stored(&ann)
            .await
            .password_hash
            .unwrap()
            .starts_with("$argon2id$")
    );
    w.try_password("ann", PASSWORD).await.unwrap();
}

#[tokio::test]
async fn sign_ins_at_the_same_moment_all_succeed_and_the_cap_holds() {
    let draft = PolicyDraft {
        sessions_per_user: Some(3),
        ..PolicyDraft::default()
    };
    let w = world(draft).await;
    let ann = w.user("ann", PASSWORD).await;
    let tries = (0..10).map(|_| w.brought(&ann.sub, "web"));
    let results = futures_util::future::join_all(tries).await;
    assert!(results.iter().all(Result::is_ok));
    let mut live = 0;
    for signed_in in results.into_iter().flatten() {
        live += usize::from(w.fate(&signed_in.session).await == "live");
    }
    assert_eq!(live, 3);
    assert_eq!(
        w.feed().await,
        vec![('S', u64::from(EndReason::Displaced.number())); 7]
    );
}

#[tokio::test]
async fn a_full_cap_refuses_where_the_policy_says_so() {
    let draft = PolicyDraft {
        sessions_per_user: Some(1),
        when_full: Some(WhenFull::Refuse),
        ..PolicyDraft::default()
    };
    let w = world(draft).await;
    let first = w.brought("u1", "web").await.unwrap();
    assert_eq!(
        code(w.brought("u1", "web").await),
        Some(Code::TooManySessions)
    );
    assert_eq!(w.fate(&first.session).await, "live");
}

#[tokio::test]
async fn one_session_replaces_all_others() {
    let w = world(PolicyDraft {
        replace_others: Some(true),
        ..preset(Preset::Versioned)
    })
    .await;
    let first = w.brought("u1", "web").await.unwrap();
    let second = w.brought("u1", "web").await.unwrap();
    assert_eq!(w.fate(&first.session).await, "version_raised");
    assert_eq!(w.fate(&second.session).await, "live");
    assert_eq!((first.session.version, second.session.version), (1, 2));
    assert_eq!(w.feed().await, [('U', 2)]);
}

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
        let tokens = change(PASSWORD, "new password").await.unwrap();
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
async fn a_ticket_works_once_for_its_client_for_a_minute() {
    let w = plain().await;
    let sign_in = SignIn {
        device: Device {
            device_name: Some("maryo's iPad".to_owned()),
            ..Device::default()
        },
        claims: Some(r#"{"role":"admin"}"#.to_owned()),
        ..w.sign_in("web")
    };
    let web = w.authority.client("web").unwrap();
    let app = w.authority.client("app").unwrap();
    let ticket = w.authority.issue_ticket("u1", &sign_in).await.unwrap();
    assert_eq!(
        code(
            w.authority
                .redeem_ticket(app, &ticket, None, Device::default())
                .await
        ),
        Some(Code::InvalidToken)
    );
    let signed_in = w
        .authority
        .redeem_ticket(web, &ticket, None, Device::default())
        .await
        .unwrap();
    assert_eq!(
        signed_in.session.device_name.as_deref(),
        Some("maryo's iPad")
    );
    let user = w.store.user(signed_in.session.user).await.unwrap().unwrap();
    assert_eq!(
        (user.sub.as_str(), user.claims.as_str()),
        ("u1", r#"{"role":"admin"}"#)
    );
    assert_eq!(
        code(
            w.authority
                .redeem_ticket(web, &ticket, None, Device::default())
                .await
        ),
        Some(Code::InvalidToken)
    );
    let late = w.authority.issue_ticket("u1", &sign_in).await.unwrap();
    w.later(60);
    assert_eq!(
        code(
            w.authority
                .redeem_ticket(web, &late, None, Device::default())
                .await
        ),
        Some(Code::InvalidToken)
    );
}

#[tokio::test]
async fn an_old_proof_starts_no_session_that_would_be_over() {
    let w = world(preset(Preset::Gatekeeper)).await;
    let hours_ago = |hours: u64| SignIn {
        authenticated_at: Some(
            crate::clock::Clock::now(&*w.clock).minus(core::time::Duration::from_hours(hours)),
        ),
        ..w.sign_in("web")
    };
    let who = super::sign_in::Who::Brought {
        sub: "u1".to_owned(),
        as_of: None,
    };
    assert_eq!(
        code(w.authority.start_session(&who, &hours_ago(72)).await),
        Some(Code::InvalidRequest)
    );
    assert!(
        w.store
            .user(crate::keys::user_key("u1"))
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        w.authority
            .start_session(&who, &hours_ago(71))
            .await
            .is_ok()
    );
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
    assert!(
        w.authority
            .create_user(new(None, "ann"), "client:ops")
            .await
            .is_ok()
    );
}
