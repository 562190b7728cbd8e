//! `prolong session …`

use axum::http::Method;

use super::user::all;
use crate::args::Session;
use crate::config::Config;
use crate::door::{Door, segment};
use crate::out::Out;

pub(super) async fn run(config: &Config, command: Session, out: &Out) -> anyhow::Result<()> {
    let door = Door::open(config).await?;
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
    }
    Ok(())
}
