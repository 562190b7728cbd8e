//! Everything at once: sessions are prolonged by every way there is while they, their user or their key come to an end.
//! Nothing may be minted for a session once its end has been acknowledged, and nothing minted before is good after it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::StatusCode;
use prolong_core::{PolicyDraft, Preset};
use serde_json::json;
use tokio::task::JoinHandle;

use crate::world::{World, preset, world_with};

/// What brings sessions to an end.
#[derive(Clone, Copy, Debug)]
enum End {
    SignOut,
    Everywhere,
    AllButThis,
    Revoke,
    ByAdmin,
    ByAdminEverywhere,
    Disable,
    Delete,
    Reset,
    PasswordChange,
    RequireReauth,
    NewSignIn,
    SpentToken,
    Distrust,
}

impl End {
    const ALL: [Self; 14] = [
        Self::SignOut,
        Self::Everywhere,
        Self::AllButThis,
        Self::Revoke,
        Self::ByAdmin,
        Self::ByAdminEverywhere,
        Self::Disable,
        Self::Delete,
        Self::Reset,
        Self::PasswordChange,
        Self::RequireReauth,
        Self::NewSignIn,
        Self::SpentToken,
        Self::Distrust,
    ];

    /// Which of the three sessions are over afterwards.
    fn over(self) -> &'static [usize] {
        match self {
            Self::SignOut | Self::Revoke | Self::ByAdmin | Self::SpentToken => &[0],
            Self::AllButThis | Self::PasswordChange => &[1, 2],
            _ => &[0, 1, 2],
        }
    }
}

/// One session, as its client has it.
#[derive(Clone)]
struct Held {
    id: String,
    access: String,
    refresh: String,
}

const PASSWORD: &str = "correct horse";

async fn start(w: &World, admin: &str, sub: &str) -> Held {
    let path = format!("/v1/admin/users/{sub}/sessions");
    let answer = w.call("POST", &path, admin, r#"{"client_id":"web"}"#).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    Held {
        id: answer.body["session"]["id"].as_str().unwrap().to_owned(),
        access: answer.text("access_token").to_owned(),
        refresh: answer.text("refresh_token").to_owned(),
    }
}

/// Prolongs, again and again, until three tries after the end was acknowledged. Gives what was minted last.
fn prolonging(
    w: &Arc<World>,
    held: Held,
    acknowledged: &Arc<AtomicBool>,
    of_end: (End, usize),
) -> JoinHandle<Vec<String>> {
    let (w, acknowledged) = (Arc::clone(w), Arc::clone(acknowledged));
    tokio::spawn(async move {
        let (mut refresh, mut minted, mut late) = (held.refresh, vec![held.access], 0);
        while late < 3 {
            let after = acknowledged.load(Ordering::SeqCst);
            let answer = w.refresh(&refresh, "").await;
            let good = answer.status == StatusCode::OK;
            if after {
                late += 1;
                let over = of_end.0.over().contains(&of_end.1);
                assert!(
                    !(good && over),
                    "minted after an acknowledged end: {of_end:?}"
                );
            }
            if good {
                refresh = answer.text("refresh_token").to_owned();
                minted.push(answer.text("access_token").to_owned());
            } else {
                let judged = answer.status == StatusCode::BAD_REQUEST;
                let met_others = answer.status == StatusCode::SERVICE_UNAVAILABLE;
                assert!(judged || met_others, "{}", answer.body);
                tokio::task::yield_now().await;
            }
        }
        minted.split_off(minted.len().saturating_sub(4))
    })
}

async fn bring_about(w: &World, end: End, admin: &str, sub: &str, held: &[Held]) {
    let own = &held[0];
    let user = async |verb: &str, body: &str| {
        let path = format!("/v1/admin/users/{sub}/{verb}");
        w.call("POST", &path, admin, body).await
    };
    let answer = match end {
        End::SignOut => {
            w.call("DELETE", "/v1/sessions/current", &own.access, "")
                .await
        }
        End::Everywhere => w.call("DELETE", "/v1/sessions", &own.access, "").await,
        End::AllButThis => {
            let path = "/v1/sessions?except=current";
            w.call("DELETE", path, &own.access, "").await
        }
        End::Revoke => {
            let form = format!("client_id=web&token={}", own.refresh);
            w.form("/oauth/revoke", &form).await
        }
        End::ByAdmin => {
            let path = format!("/v1/admin/sessions/{}", own.id);
            w.call("DELETE", &path, admin, "").await
        }
        End::ByAdminEverywhere => user("sign-out", "").await,
        End::Disable => user("disable", "").await,
        End::Delete => {
            let path = format!("/v1/admin/users/{sub}");
            w.call("DELETE", &path, admin, "").await
        }
        End::Reset => user("password", r#"{"password":"another one"}"#).await,
        End::PasswordChange => {
            let body = json!({ "current_password": PASSWORD, "new_password": "another one" });
            w.call("POST", "/v1/password", &own.access, &body.to_string())
                .await
        }
        End::RequireReauth => user("require-reauth", "").await,
        End::NewSignIn => user("sessions", r#"{"client_id":"other"}"#).await,
        // The first of many generations: whoever held it was robbed, or is the thief.
        End::SpentToken => loop {
            let answer = w.refresh(&own.refresh, "").await;
            // 503 where others came between three times: nothing has been said about the session.
            if answer.status == StatusCode::BAD_REQUEST {
                return;
            }
            tokio::task::yield_now().await;
        },
        End::Distrust => {
            let path = "/v1/admin/keys/refresh/1/distrust";
            w.call("POST", path, admin, "").await
        }
    };
    assert!(answer.status.is_success(), "{end:?}: {}", answer.body);
}

/// Each refresh rotates, so each is a write that an end may meet; or none does, and each is answered from what was read.
async fn everything_at_once(draft: PolicyDraft, ends: &[End], rounds: usize) {
    let replacing = PolicyDraft {
        replace_others: Some(true),
        ..preset(Preset::Refresh)
    };
    let w = world_with(draft, |settings| {
        settings.limits.argon2_memory_kib = 8;
        settings.limits.argon2_passes = 1;
        let other = settings.clients.get_mut("other").unwrap();
        Arc::make_mut(other).policy = Arc::new(replacing.build().unwrap());
    });
    let w = Arc::new(w.await);
    for round in 0..rounds {
        for &end in ends {
            let sub = format!("{end:?}-{round}").to_lowercase();
            let admin = w.token_for("prolong:admin").await;
            let user = json!({ "sub": sub, "login": sub, "password": PASSWORD }).to_string();
            let made = w.call("POST", "/v1/admin/users", &admin, &user).await;
            assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
            let mut held = Vec::new();
            for _ in 0..3 {
                held.push(start(&w, &admin, &sub).await);
            }
            // A session that was authenticated in the very millisecond of the demand is meant too; one after it is not.
            let acknowledged = Arc::new(AtomicBool::new(false));
            let busy: Vec<_> = held
                .iter()
                .enumerate()
                .map(|(n, one)| prolonging(&w, one.clone(), &acknowledged, (end, n)))
                .collect();
            // Another moment each round.
            for _ in 0..(round * 7) % 40 {
                tokio::task::yield_now().await;
            }
            bring_about(&w, end, &admin, &sub, &held).await;
            acknowledged.store(true, Ordering::SeqCst);
            for (n, one) in busy.into_iter().enumerate() {
                let minted = tokio::time::timeout(Duration::from_mins(1), one);
                let minted = minted.await.unwrap().unwrap();
                let over = end.over().contains(&n);
                // Of a session that goes on, the newest is good in any case.
                let looked_at = if over { 0 } else { minted.len() - 1 };
                for token in &minted[looked_at..] {
                    let own = w.call("GET", "/v1/sessions", token, "").await;
                    assert_eq!(own.status != StatusCode::OK, over, "{end:?} {n}");
                    // What asks for a reauthentication ends nothing: APIs take a token until it must be renewed.
                    if !matches!(end, End::RequireReauth) {
                        let verified = w.verify(token, "").await;
                        assert_eq!(verified.status != StatusCode::OK, over, "{end:?} {n}");
                    }
                }
            }
        }
    }
}

fn at_every_refresh() -> PolicyDraft {
    PolicyDraft {
        grace: Some(Duration::ZERO),
        min_rotation_interval: Some(Duration::ZERO),
        ..preset(Preset::Refresh)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_minted_after_an_acknowledged_end_where_every_refresh_rotates() {
    everything_at_once(at_every_refresh(), &End::ALL, 12).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_minted_after_an_acknowledged_end_where_the_long_way_is_gone() {
    let draft = PolicyDraft {
        supersede: Some(true),
        ..at_every_refresh()
    };
    // The others need an access token that is still the newest.
    let ends = [
        End::Revoke,
        End::ByAdmin,
        End::ByAdminEverywhere,
        End::Disable,
        End::Delete,
        End::Reset,
        End::RequireReauth,
        End::NewSignIn,
        End::SpentToken,
        End::Distrust,
    ];
    everything_at_once(draft, &ends, 6).await;
}

/// Of password changes at one moment one counts, and only its password opens the door.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_password_changes_at_once_one_counts() {
    let w = world_with(preset(Preset::Refresh), |settings| {
        settings.limits.argon2_memory_kib = 8;
        settings.limits.argon2_passes = 1;
    });
    let w = Arc::new(w.await);
    let admin = w.token_for("prolong:admin").await;
    for round in 0..20 {
        let name = format!("u{round}");
        let user = json!({ "sub": name, "login": name, "password": PASSWORD }).to_string();
        w.call("POST", "/v1/admin/users", &admin, &user).await;
        let mut tries = Vec::new();
        for n in 0..4 {
            let held = start(&w, &admin, &name).await;
            let (w, new) = (Arc::clone(&w), format!("new password {n}"));
            tries.push(tokio::spawn(async move {
                let body = json!({ "current_password": PASSWORD, "new_password": new });
                let answer = w
                    .call("POST", "/v1/password", &held.access, &body.to_string())
                    .await;
                (new, answer.status)
            }));
        }
        let mut good = Vec::new();
        for one in tries {
            let (new, status) = one.await.unwrap();
            if status.is_success() {
                good.push(new);
            } else {
                assert!(matches!(status.as_u16(), 401 | 409), "{status}");
            }
        }
        assert_eq!(good.len(), 1, "{good:?}");
        for n in 0..4 {
            let new = format!("new password {n}");
            let body = json!({ "client_id": "web", "username": name, "password": new }).to_string();
            let json = ("content-type", "application/json");
            let answer = w.send("POST", "/v1/sessions", &[json], &body).await;
            let opens = answer.status == StatusCode::CREATED;
            assert_eq!(opens, good[0] == new, "{}", answer.body);
        }
    }
}
