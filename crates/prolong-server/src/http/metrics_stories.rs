//! `/metrics` against what was done: each outcome of a refresh, each end and each sign-in moves its own series, by one,
//! and no other; commits and key ages are those of the store and the ring.
#![expect(
    clippy::float_cmp,
    reason = "counts and whole seconds of a clock that stands are exact"
)]

mod ends;

use std::collections::BTreeMap;

use http::StatusCode;
use prolong_core::{Generation, KeyId, PlainPredecessor, PolicyDraft, Preset, SessionId};

use crate::keys::{OpenedRefreshToken, SessionSecret};
use crate::world::{World, preset, world, world_with};

const FIRST: &str = "&attempt_id=AAECAwQFBgcICQoLDA0ODw";
const SECOND: &str = "&attempt_id=DwECAwQFBgcICQoLDA0ODw";

/// Every sample of the page.
async fn page(w: &World) -> BTreeMap<String, f64> {
    let text = w.page("/metrics").await;
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    samples
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap();
            (name.to_owned(), value.parse().unwrap())
        })
        .collect()
}

/// The counters of this family that moved since, with by how much.
fn moved(family: &str, before: &BTreeMap<String, f64>, after: &BTreeMap<String, f64>) -> String {
    let of = after.iter().filter(|(name, _)| name.starts_with(family));
    let moves = of.filter_map(|(name, now)| {
        let by = now - before.get(name).copied().unwrap_or(0.0);
        let label = name.split('"').nth(1)?;
        (by != 0.0).then(|| format!("{label} +{by}"))
    });
    moves.collect::<Vec<_>>().join(", ")
}

/// What this call moved: refreshes; ends; sign-ins; who came too late.
async fn counted<T>(w: &World, call: impl Future<Output = T>) -> ([String; 4], T) {
    let before = page(w).await;
    let answer = call.await;
    let after = page(w).await;
    let families = [
        "prolong_refreshes_total",
        "prolong_ends_total",
        "prolong_sign_ins_total",
        "prolong_over_total",
    ];
    (
        families.map(|family| moved(family, &before, &after)),
        answer,
    )
}

/// A refresh that must move this class alone, and end a session for this reason ("" for none).
async fn refresh(w: &World, token: &str, more: &str, class: &str, end: &str) -> String {
    let ([refreshes, ends, sign_ins, over], answer) = counted(w, w.refresh(token, more)).await;
    assert_eq!(refreshes, format!("{class} +1"), "{}", answer.body);
    assert_eq!(over.is_empty(), class != "R3_over", "{class}: {over}");
    let expected = if end.is_empty() {
        String::new()
    } else {
        format!("{end} +1")
    };
    assert_eq!((ends, sign_ins.as_str()), (expected, ""), "{class}");
    answer.text("refresh_token").to_owned()
}

async fn token(w: &World, client: &str) -> String {
    w.signed_in(client).await.answer.refresh_token.unwrap()
}

/// This token, with something else in it, authentic all the same.
fn forged(w: &World, token: &str, change: impl FnOnce(&mut OpenedRefreshToken)) -> String {
    let mut opened = w.authority.opened(token).unwrap();
    change(&mut opened);
    let OpenedRefreshToken {
        session,
        key,
        generation,
        secret,
    } = opened;
    w.authority
        .refresh_keys
        .seal(session, key, generation, &secret)
        .unwrap()
}

#[tokio::test]
async fn every_class_of_a_refresh_is_counted_as_itself() {
    let w = world(preset(Preset::Refresh)).await;
    // A1, A2, B1, B2, C1 with attempt ids, and then C2.
    let first = token(&w, "web").await;
    refresh(&w, &first, FIRST, "A1_coalesced", "").await;
    w.later(60);
    let second = refresh(&w, &first, FIRST, "A2_rotated", "").await;
    refresh(&w, &first, "", "B2_concurrent", "").await;
    w.later(60);
    refresh(&w, &first, FIRST, "B1_retry", "").await;
    refresh(&w, &second, SECOND, "A2_rotated", "").await;
    refresh(&w, &first, FIRST, "C1_superseded", "").await;
    refresh(&w, &first, "", "C2_reuse", "reuse_detected").await;
    refresh(&w, &second, "", "R3_over", "").await;

    // B3: forgiven once, and found at the second time.
    let first = token(&w, "web").await;
    w.later(60);
    let second = refresh(&w, &first, "", "A2_rotated", "").await;
    w.later(60);
    refresh(&w, &first, "", "B3_forgiven", "").await;
    w.later(60); // it has begun a new interval
    let _third = refresh(&w, &second, "", "A2_rotated", "").await;
    w.later(60);
    refresh(&w, &second, "", "C2_reuse", "reuse_detected").await;

    // B2, too often.
    let first = token(&w, "web").await;
    w.later(60);
    refresh(&w, &first, "", "A2_rotated", "").await;
    for _ in 0..20 {
        refresh(&w, &first, "", "B2_concurrent", "").await;
    }
    refresh(&w, &first, "", "B2_too_many", "").await;

    // D: ahead by one, and by more than a failover explains.
    let first = token(&w, "web").await;
    let ahead = |by: u64| forged(&w, &first, |token| token.generation = Generation(by));
    refresh(&w, &ahead(9), "", "D_too_far_ahead", "").await;
    refresh(&w, &ahead(1), "", "D_adopted", "").await;

    // R0: no such session, or another client's. R1: a tag that holds over a secret that does not.
    let nowhere = forged(&w, &first, |token| token.session = SessionId([7; 16]));
    refresh(&w, &nowhere, "", "R0_foreign_client", "").await;
    refresh(&w, &first, "&client_id=other", "R0_foreign_client", "").await;
    let leaked = forged(&w, &first, |token| {
        token.secret = SessionSecret::draw(&*w.authority.entropy);
    });
    refresh(&w, &leaked, "", "R1_key_leak", "").await;
    refresh(&w, &first, "&scope=delete", "invalid_scope", "").await;

    // What no key signed is not a refresh at all.
    let ([refreshes, ..], answer) = counted(&w, w.refresh("plr1_AAAA", "")).await;
    assert_eq!(
        (answer.status, refreshes.as_str()),
        (StatusCode::BAD_REQUEST, "")
    );
    assert_eq!(w.authority.refresh_keys.newest(), KeyId(1));
}

#[tokio::test]
async fn the_classes_of_other_policies_are_counted_too() {
    let w = world(PolicyDraft {
        plain_predecessor: Some(PlainPredecessor::Deny),
        ..preset(Preset::Refresh)
    })
    .await;
    let first = token(&w, "web").await;
    w.later(60);
    refresh(&w, &first, "", "A2_rotated", "").await;
    w.later(60);
    refresh(&w, &first, "", "B3_spent_token", "").await;

    let w = world(preset(Preset::Pair)).await;
    let one = w.signed_in("web").await.answer;
    let refresh_token = one.refresh_token.unwrap();
    w.later(60);
    refresh(&w, &refresh_token, "", "Q_access_token_missing", "").await;
    let other = w.signed_in("web").await.answer.access_token;
    let more = format!("&access_token={other}");
    refresh(&w, &refresh_token, &more, "Q_access_token_foreign", "").await;
    let more = format!("&access_token={}", one.access_token);
    refresh(&w, &refresh_token, &more, "A2_rotated", "").await;

    let w = world(preset(Preset::WeeklySliding)).await;
    let access = w.signed_in("web").await.answer.access_token;
    w.later(60);
    let prolonging = w.call("POST", "/v1/sessions/current/prolong", &access, "{}");
    let ([refreshes, ..], answer) = counted(&w, prolonging).await;
    assert_eq!(
        (answer.status, refreshes.as_str()),
        (StatusCode::OK, "access_token +1")
    );
}

#[tokio::test]
async fn sign_ins_are_counted_by_what_they_came_to() {
    let w = world_with(preset(Preset::Refresh), |settings| {
        settings.limits.argon2_memory_kib = 8;
        settings.limits.argon2_passes = 1;
    })
    .await;
    let admin = w.token_for("prolong:admin prolong:sign-in").await;
    let user = r#"{"login":"ann","password":"a good long one"}"#;
    assert_eq!(
        w.call("POST", "/v1/admin/users", &admin, user).await.status,
        StatusCode::CREATED
    );
    // A backend's word is a sign-in, too; a ticket is one when it is redeemed.
    let neil = "/v1/admin/users/neil/sessions";
    let by_backend = async |body: &str| {
        let ([_, _, sign_ins, _], answer) = counted(&w, w.call("POST", neil, &admin, body)).await;
        (answer.status.as_u16(), sign_ins, answer)
    };
    let (status, counted_as, _) = by_backend(r#"{"client_id":"web"}"#).await;
    assert_eq!((status, counted_as.as_str()), (201, "ok +1"));
    let disable = "/v1/admin/users/neil/disable";
    w.call("POST", disable, &admin, "").await;
    let (status, counted_as, _) = by_backend(r#"{"client_id":"web"}"#).await;
    assert_eq!((status, counted_as.as_str()), (403, "SIGN_IN_REFUSED +1"));
    w.call("POST", &disable.replace("dis", "en"), &admin, "")
        .await;
    let (_, counted_as, ticket) = by_backend(r#"{"client_id":"web","deliver":"ticket"}"#).await;
    assert_eq!(counted_as, "");
    let ticket = format!(
        r#"{{"client_id":"web","ticket":"{}"}}"#,
        ticket.text("ticket")
    );
    for (body, expected) in [
        (
            r#"{"client_id":"web","username":"ann","password":"a good long one"}"#,
            "ok +1",
        ),
        (
            r#"{"client_id":"web","username":"ann","password":"another"}"#,
            "INVALID_CREDENTIALS +1",
        ),
        (
            r#"{"client_id":"web","username":"nobody","password":"another"}"#,
            "INVALID_CREDENTIALS +1",
        ),
        (
            r#"{"client_id":"web","username":"ann"}"#,
            "INVALID_REQUEST +1",
        ),
        (
            r#"{"client_id":"none","username":"ann","password":"x"}"#,
            "INVALID_CLIENT +1",
        ),
        (
            r#"{"client_id":"server","username":"ann","password":"x"}"#,
            "UNAUTHORIZED_CLIENT +1",
        ),
        (
            r#"{"client_id":"spa","username":"ann","password":"x"}"#,
            "CSRF_REFUSED +1",
        ),
        (ticket.as_str(), "ok +1"),
        (ticket.as_str(), "INVALID_TOKEN +1"),
        ("[]", "MALFORMED_BODY +1"),
    ] {
        let headers = [("content-type", "application/json")];
        let ([refreshes, _, sign_ins, _], answer) =
            counted(&w, w.send("POST", "/v1/sessions", &headers, body)).await;
        assert_eq!(
            (sign_ins.as_str(), refreshes.as_str()),
            (expected, ""),
            "{body}: {}",
            answer.body
        );
    }
}

#[tokio::test]
async fn commits_rows_and_key_ages_are_those_of_the_store_and_the_ring() {
    const SIZES: &str = "prolong_store_commit_transactions";
    let w = world(preset(Preset::Refresh)).await;
    let first = token(&w, "web").await;
    w.later(60);
    let before = page(&w).await;
    refresh(&w, &first, "", "A2_rotated", "").await;
    let after = page(&w).await;
    let by = |name: &str| after[name] - before[name];
    assert_eq!(by(&format!("{SIZES}_count")), 1.0, "one durable commit");
    assert_eq!(by(&format!("{SIZES}_sum")), 1.0, "of one transaction");
    assert_eq!(by(&format!("{SIZES}_bucket{{le=\"1.0\"}}")), 1.0);
    assert_eq!(by("prolong_store_transactions_total"), 1.0);
    assert_eq!(by("prolong_store_commit_seconds_count"), 1.0);
    assert_eq!(by("prolong_store_commit_seconds_bucket{le=\"+Inf\"}"), 1.0);
    assert!(by("prolong_store_commit_seconds_sum") >= 0.0);
    assert_eq!(by("prolong_store_conflicts_total"), 0.0);
    // What writes nothing commits nothing.
    let before = page(&w).await;
    w.later(1);
    w.refresh("plr1_AAAA", "").await;
    assert_eq!(
        page(&w).await[&format!("{SIZES}_count")],
        before[&format!("{SIZES}_count")]
    );

    assert_eq!(after["prolong_stored{kind=\"users\"}"], 1.0);
    assert_eq!(after["prolong_stored{kind=\"sessions\"}"], 1.0);
    assert_eq!(after["prolong_stored{kind=\"sessions_not_ended\"}"], 1.0);

    // The age of the newest key in each state, from the very first second.
    let age = |page: &BTreeMap<String, f64>, state: &str| {
        page.get(&format!(
            "prolong_signing_key_age_seconds{{state=\"{state}\"}}"
        ))
        .copied()
    };
    let since = age(&page(&w).await, "active").unwrap();
    assert_eq!(since, 61.0);
    w.later(100);
    let admin = w.token_for("prolong:admin").await;
    w.call("POST", "/v1/admin/keys/rotate", &admin, "").await;
    let now = page(&w).await;
    assert_eq!(
        (age(&now, "active"), age(&now, "retiring")),
        (Some(0.0), Some(161.0))
    );
    w.later(10);
    w.call("POST", "/v1/admin/keys/rotate", &admin, "").await;
    w.later(5);
    let now = page(&w).await;
    assert_eq!(
        (age(&now, "active"), age(&now, "retiring")),
        (Some(5.0), Some(15.0))
    );
    let newest = w.authority.signing.list().pop().unwrap().kid;
    let admin = w.token_for("prolong:admin").await;
    let path = format!("/v1/admin/keys/{newest}/distrust");
    assert_eq!(
        w.call("POST", &path, &admin, "").await.status,
        StatusCode::NO_CONTENT
    );
    let now = page(&w).await;
    assert_eq!(
        (age(&now, "active"), age(&now, "dead")),
        (Some(0.0), Some(5.0))
    );
}
