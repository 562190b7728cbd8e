//! `prolong session …`

use axum::http::Method;
use serde_json::Value;

use super::user::all;
use crate::args::Session;
use crate::door::{Door, Reach, segment};
use crate::out::Out;

pub(super) async fn run(reach: &Reach, command: Session, out: Out) -> anyhow::Result<()> {
    let door = reach.door().await?;
    match command {
        Session::List { user } => {
            let filter = user.map_or_else(String::new, |user| format!("?user={}", segment(&user)));
            let sessions = all(
                &door,
                &format!("/v1/admin/sessions{filter}"),
                "sessions",
                "id",
            )
            .await?;
            out.table(
                &sessions,
                &[
                    "id",
                    "client_id",
                    "device_name",
                    "started_at",
                    "last_active_at",
                    "ended",
                ],
            );
        }
        Session::Show { sid } => {
            let session = door
                .call(
                    Method::GET,
                    &format!("/v1/admin/sessions/{}", segment(&sid)),
                    None,
                )
                .await?;
            out.object(&session);
        }
        Session::End { sid } => {
            door.call(
                Method::DELETE,
                &format!("/v1/admin/sessions/{}", segment(&sid)),
                None,
            )
            .await?;
            out.say(&format!("session {sid} is ended"));
        }
        Session::WhyEnded { user } => why_ended(&door, &user, out).await?,
    }
    Ok(())
}

async fn why_ended(door: &Door, user: &str, out: Out) -> anyhow::Result<()> {
    let path = format!("/v1/admin/why-ended?user={}", segment(user));
    let answer = door.call(Method::GET, &path, None).await?;
    let sessions = answer["sessions"].as_array().map(Vec::as_slice);
    let told: Vec<String> = sessions.unwrap_or_default().iter().map(in_words).collect();
    let text = if told.is_empty() {
        format!("{user} has no session, and none that ended lately")
    } else {
        told.join("\n\n")
    };
    out.facts(&answer, &text);
    Ok(())
}

/// What happened to one session, for somebody who answers the telephone.
fn in_words(session: &Value) -> String {
    let word = |member: &str| session[member].as_str();
    let device = word("device_name")
        .or_else(|| word("user_agent"))
        .unwrap_or("a device without a name");
    let mut lines = vec![format!(
        "{device}, {} (session {})",
        word("client_id").unwrap_or_default(),
        word("id").unwrap_or_default()
    )];
    if let Some(explanation) = word("explanation") {
        lines.push(format!("  {explanation}"));
    }
    let mut say = |what: &str, text: Option<&str>| {
        if let Some(text) = text {
            lines.push(format!("  {what:<13} {text}"));
        }
    };
    say("signed in", word("started_at"));
    say("last active", word("last_active_at"));
    say("over since", word("over_since"));
    say("reason", word("reason"));
    say("ended by", word("ended_by"));
    lines.join("\n")
}
