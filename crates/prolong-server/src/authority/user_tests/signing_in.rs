//! Passwords, the cap, and proofs.

use prolong_core::{EndReason, PolicyDraft, Preset, WhenFull};
use prolong_protocol::problem::Code;
use prolong_store::Store;

use super::{PASSWORD, code, plain};
use crate::authority::sign_in::{Device, SignIn, Who};
use crate::world::{preset, world};

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

/// Made of "password" by others: libxcrypt, Python's hashlib as Django writes it, the test of Argon2's authors. What is as
/// dear as one of ours stays.
#[tokio::test]
async fn an_imported_hash_is_replaced_at_the_first_sign_in() {
    const ARGON2: &str = "$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$";
    let argon2 = |kind: &str, hash: &str| format!("$argon2{kind}{ARGON2}{hash}");
    let dear = argon2("id", "CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc");
    let w = plain().await;
    for (login, hash) in [
        (
            "bcrypt",
            "$2b$04$abcdefghijklmnopqrstuughE8Ev8uGFaUgY2cNEySvxngrb/Jzdm".to_owned(),
        ),
        (
            "django",
            "pbkdf2_sha256$1000$seasalt$YIWkt6M1JFXrHg5s0jZjBSc7C2Cz6QvchSJ0h8Y+i7c=".to_owned(),
        ),
        (
            "argon2i",
            argon2("i", "wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA"),
        ),
        ("argon2id", dear.clone()),
    ] {
        let user = w.user_with_hash(login, Some(hash)).await;
        assert_eq!(
            code(w.try_password(login, "wrong").await),
            Some(Code::InvalidCredentials),
            "{login}"
        );
        assert!(w.try_password(login, "password").await.is_ok(), "{login}");
        let stored = w.stored(&user).await.password_hash.unwrap();
        assert!(stored.starts_with("$argon2id$"), "{login}: {stored}");
        assert_eq!(stored == dear, login == "argon2id", "{login}: {stored}");
        assert!(w.try_password(login, "password").await.is_ok(), "{login}");
    }
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

/// Taking it and starting the session are one commit: whatever undoes the one, or hinders it, leaves the other undone too.
#[tokio::test]
async fn a_ticket_is_used_up_by_the_session_that_it_starts_and_by_nothing_else() {
    let draft = PolicyDraft {
        sessions_per_user: Some(1),
        when_full: Some(WhenFull::Refuse),
        ..PolicyDraft::default()
    };
    let w = world(draft).await;
    let web = w.authority.client("web").unwrap();
    let first = w.brought("u1", "web").await.unwrap().session;
    let sign_in = w.sign_in("web");
    let ticket = w.authority.issue_ticket("u1", &sign_in).await.unwrap();
    let redeem = || {
        w.authority
            .redeem_ticket(web, &ticket, None, Device::default())
    };
    assert_eq!(code(redeem().await), Some(Code::TooManySessions));
    w.authority
        .end_session(first.id, None, EndReason::SignedOut, "user")
        .await
        .unwrap();
    let lost = redeem().await.unwrap().session;
    assert_eq!(w.store.lose_last(1), 1);
    assert!(w.store.session(lost.id).await.unwrap().is_none());
    let kept = redeem().await.unwrap().session;
    assert_eq!(w.fate(&kept).await, "live");
    assert_eq!(code(redeem().await), Some(Code::InvalidToken));
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
    let who = Who::Brought {
        sub: "u1".to_owned(),
        ticket: None,
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

/// The password was verified against a hash that is no longer the user's when the session would start.
#[tokio::test]
async fn a_password_that_was_changed_meanwhile_signs_nobody_in() {
    let w = plain().await;
    let verified = w.user("ann", PASSWORD).await;
    let reset = w
        .authority
        .reset_password(verified.key, "another password", "client:ops");
    reset.await.unwrap();
    let sessions = async || w.store.sessions_of(verified.key).await.unwrap().len();
    let who = Who::Verified {
        user: verified.clone(),
        rehashed: None,
    };
    let started = w.authority.start(&who, &w.sign_in("web")).await.unwrap();
    assert!(started.is_none() && sessions().await == 0);
    w.authority
        .delete_user(verified.key, "client:ops")
        .await
        .unwrap();
    let started = w.authority.start(&who, &w.sign_in("web")).await;
    assert!(!matches!(started, Ok(Some(_))) && sessions().await == 0);
}
