//! "Why was she signed out?": every way to end a session, and every deadline, as support, the user and the log are told.

use std::collections::BTreeSet;

use http::StatusCode;
use prolong_core::{EndReason, Limit, PolicyDraft, Preset};
use serde_json::{Value, json};

use crate::authority::sign_in::SignedIn;
use crate::world::{World, preset, world};

const DAY: i64 = 86_400;

/// A user's session on an iPad, and another one of theirs.
async fn two_sessions(draft: PolicyDraft) -> (World, SignedIn, SignedIn) {
    let w = world(draft).await;
    let maryo = "/v1/admin/users/maryo/sessions";
    let by = w.token_for("prolong:sign-in").await;
    let wish = json!({ "client_id": "web", "device_name": "maryo's iPad" });
    let started = w.call("POST", maryo, &by, &wish).await;
    let first: prolong_protocol::token::TokenAnswer = serde_json::from_value(started.body).unwrap();
    let found = w
        .authority
        .store
        .sessions_of(crate::keys::user_key("maryo"));
    let session = found.await.unwrap().remove(0);
    let first = SignedIn {
        session,
        client: w.authority.client("web").unwrap().clone(),
        answer: first,
    };
    w.later(1);
    let other = w.signed_in("web").await;
    (w, first, other)
}

/// Does to the first of the two what is named.
async fn done(w: &World, what: &str, first: &SignedIn, other: &SignedIn) {
    let (own, others) = (&first.answer.access_token, &other.answer.access_token);
    let spent = first.answer.refresh_token.clone().unwrap_or_default();
    let sid = first.session.id.to_string();
    let admin = w.token_for("prolong:admin").await;
    let as_admin = async |method, path: &str, body| w.call(method, path, &admin, body).await;
    let answer = match what {
        "signs out" => w.call("DELETE", "/v1/sessions/current", own, "").await,
        "signs it out elsewhere" => {
            let path = format!("/v1/sessions/{sid}");
            w.call("DELETE", &path, others, "").await
        }
        "signs in again" => {
            w.signed_in("web").await;
            return;
        }
        "is robbed" => {
            let mut newest = spent.clone();
            for _ in 0..2 {
                w.later(60);
                let next = w.refresh(&newest, "").await;
                next.text("refresh_token").clone_into(&mut newest);
            }
            w.refresh(&spent, "").await;
            return;
        }
        "waits" => return w.later(8 * DAY),
        "stays" => return w.later(31 * DAY),
        "stays for three days" => {
            w.later(2 * DAY);
            w.call("POST", "/v1/sessions/current/prolong", own, "")
                .await;
            return w.later(DAY);
        }
        "end" => as_admin("DELETE", &format!("/v1/admin/sessions/{sid}"), "").await,
        "distrust" => as_admin("POST", "/v1/admin/keys/refresh/1/distrust", "").await,
        "delete" => as_admin("DELETE", "/v1/admin/users/maryo", "").await,
        "password" => {
            let body = r#"{"password":"a good long one"}"#;
            as_admin("POST", "/v1/admin/users/maryo/password", body).await
        }
        verb => as_admin("POST", &format!("/v1/admin/users/maryo/{verb}"), "").await,
    };
    assert!(answer.status.is_success(), "{what}: {}", answer.body);
}

#[tokio::test]
async fn every_reason_is_told_with_who_and_when_and_what_device() {
    let usual = || PolicyDraft {
        sessions_per_user: Some(2),
        ..preset(Preset::Refresh)
    };
    let for_ever = PolicyDraft {
        idle: Some(Limit::Never),
        ..preset(Preset::Refresh)
    };
    let alone = PolicyDraft {
        replace_others: Some(true),
        ..preset(Preset::Refresh)
    };
    let (nobody, ops) = ("", "client:ops");
    let cases = [
        ("signs out", usual(), "signed_out", "user"),
        (
            "signs it out elsewhere",
            usual(),
            "signed_out_elsewhere",
            "user",
        ),
        ("signs in again", usual(), "displaced", "user"),
        ("signs in again", alone, "version_raised", "user"),
        ("is robbed", usual(), "reuse_detected", "authority"),
        ("end", usual(), "ended_by_admin", ops),
        ("distrust", usual(), "key_distrusted", ops),
        ("delete", usual(), "user_deleted", ops),
        ("disable", usual(), "user_disabled", ops),
        ("sign-out", usual(), "version_raised", ops),
        ("password", usual(), "password_changed", ops),
        ("waits", usual(), "idle_timeout", nobody),
        ("stays", for_ever, "lifetime_reached", nobody),
        (
            "require-reauth",
            preset(Preset::Refresh),
            "reauth_required",
            nobody,
        ),
        (
            "stays for three days",
            preset(Preset::Gatekeeper),
            "sign_in_too_old",
            nobody,
        ),
    ];
    let told: BTreeSet<&str> = cases.iter().map(|(_, _, reason, _)| *reason).collect();
    let all = EndReason::ALL.map(EndReason::as_str);
    assert_eq!(told, BTreeSet::from(all), "each reason has a line above");
    for (what, draft, reason, by) in cases {
        let (w, first, other) = two_sessions(draft).await;
        w.later(1);
        done(&w, what, &first, &other).await;
        w.later(1);
        let sid = json!(first.session.id.to_string());
        let support = w.token_of("helpdesk", "prolong:support").await;
        let told = |list: &Value| {
            let mut list = list.as_array().unwrap().iter();
            list.find(|one| one["id"] == sid)
                .cloned()
                .unwrap_or_default()
        };
        let path = "/v1/admin/why-ended?user=maryo";
        let why = told(&w.call("GET", path, &support, "").await.body["sessions"]);
        assert_eq!(why["reason"], reason, "{what}");
        assert_eq!(why["ended_by"].as_str().unwrap_or_default(), by, "{what}");
        assert_eq!(why["device_name"], "maryo's iPad", "{what}");
        assert!(why["over_since"].is_string(), "{what}: {why}");
        let words = why["explanation"].as_str().unwrap();
        assert!(words.ends_with('.') && words != "It goes on.", "{words}");

        // Whose end was stored is in the log, too: once, by whom, for what, on what.
        let path = format!(
            "/v1/admin/audit?session={}&what=session.ended",
            first.session.id
        );
        let log = w.call("GET", &path, &support, "").await.body["lines"].clone();
        let lines = log.as_array().unwrap();
        assert_eq!(lines.len(), usize::from(by != nobody), "{what}: {log}");
        for line in lines {
            assert_eq!(
                (&line["actor"], &line["detail"]["reason"]),
                (&json!(by), &json!(reason))
            );
            assert_eq!(line["detail"]["device_name"], "maryo's iPad", "{what}");
        }

        // And the user reads it, from a session that goes on, where they may have one.
        if !matches!(reason, "user_deleted" | "user_disabled") {
            the_user_reads(&w, &sid, reason, by).await;
        }
    }
}

async fn the_user_reads(w: &World, sid: &Value, reason: &str, by: &str) {
    let mine = w.signed_in("other").await.answer.access_token;
    let all = w.call("GET", "/v1/sessions?ended=true", &mine, "").await;
    assert_eq!(all.status, StatusCode::OK, "{reason}: {}", all.body);
    let mut list = all.body["sessions"].as_array().unwrap().iter();
    let item = list.find(|one| one["id"] == *sid).unwrap();
    if matches!(reason, "reauth_required" | "sign_in_too_old") {
        // It goes on after a reauthentication: no end.
        assert_eq!(item.get("over"), None, "{reason}");
    } else {
        let over = &item["over"];
        assert_eq!(over["reason"], reason, "{item}");
        assert_eq!(over["by"].as_str().unwrap_or_default(), by, "{reason}");
    }
}
