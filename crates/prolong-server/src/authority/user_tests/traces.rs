//! What is left of an end in the audit log.

use prolong_core::{EndReason, KeyId, PolicyDraft, Session};
use prolong_store::{AuditFilter, Page, Store as _};
use serde_json::Value;

use crate::authority::ClientProof;
use crate::world::{World, world};

/// Who ended a session, and why, as often as it was ended.
async fn ends(w: &World, session: &Session) -> Vec<(String, String)> {
    let filter = AuditFilter {
        session: Some(session.id),
        what: Some("session.ended".to_owned()),
        ..AuditFilter::default()
    };
    let page = Page {
        after: None,
        limit: 10,
    };
    let lines = w.store.audit(&filter, &page).await.unwrap();
    let told = lines.into_iter().map(|line| {
        let detail: Value = serde_json::from_str(&line.detail).unwrap();
        (line.actor, detail["reason"].as_str().unwrap().to_owned())
    });
    told.collect()
}

/// Does to a session, the first of two, what is named.
async fn done(w: &World, what: &str, session: &Session, other: &Session, token: &str) {
    let (authority, user, ops) = (&w.authority, session.user, "client:ops");
    match what {
        "signed out" => {
            let end = authority.end_session(session.id, Some(user), EndReason::SignedOut, "user");
            end.await.unwrap();
        }
        "revoked" => authority
            .revoke(token, &ClientProof::Unnamed)
            .await
            .unwrap(),
        "everywhere" => {
            let end = authority.sign_out_everywhere(user, session.id, false);
            end.await.unwrap();
        }
        "all but another" => {
            let end = authority.sign_out_everywhere(user, other.id, true);
            end.await.unwrap();
        }
        "disabled" => drop(authority.disable_user(user, ops).await.unwrap()),
        "signed out by ops" => drop(authority.sign_user_out(user, ops).await.unwrap()),
        "deleted" => authority.delete_user(user, ops).await.unwrap(),
        "password" => {
            let reset = authority.reset_password(user, "a new password", ops);
            reset.await.unwrap();
        }
        "key" => {
            let key = authority.distrust_refresh_key(KeyId(1), ops);
            key.await.map(drop).unwrap();
        }
        "reuse" => {
            let mut newest = token.to_owned();
            for _ in 0..2 {
                w.later(60);
                let next = w.refresh(&newest, "").await;
                next.text("refresh_token").clone_into(&mut newest);
            }
            let spent = w.refresh(token, "").await;
            assert_eq!(spent.text("reason"), "reuse_detected", "{}", spent.body);
        }
        _ => drop(w.brought("maryo", "web").await.unwrap()),
    }
}

#[tokio::test]
async fn every_end_leaves_a_line_that_says_who_and_why() {
    for (what, who, why) in [
        ("signed out", "user", "signed_out"),
        ("revoked", "user", "signed_out"),
        ("everywhere", "user", "signed_out"),
        ("all but another", "user", "signed_out_elsewhere"),
        ("disabled", "client:ops", "user_disabled"),
        ("signed out by ops", "client:ops", "version_raised"),
        ("deleted", "client:ops", "user_deleted"),
        ("password", "client:ops", "password_changed"),
        ("key", "client:ops", "key_distrusted"),
        ("reuse", "authority", "reuse_detected"),
        ("displaced", "user", "displaced"),
    ] {
        let w = world(PolicyDraft {
            sessions_per_user: Some(2),
            ..PolicyDraft::default()
        })
        .await;
        let one = w.signed_in("web").await;
        w.later(1);
        let other = w.signed_in("web").await.session;
        let token = one.answer.refresh_token.unwrap();
        done(&w, what, &one.session, &other, &token).await;
        let told = [(who.to_owned(), why.to_owned())];
        assert_eq!(ends(&w, &one.session).await, told, "{what}");
    }
}
