//! Tickets: a backend starts a session, a browser picks it up. One use, 60 seconds, one client.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use prolong_core::{Standing, Timestamp};
use prolong_protocol::problem::Code;
use prolong_store::{Change, Ticket, Transaction};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Authority;
use super::change_user::{ROUNDS, audit_line, too_much_contention};
use super::sign_in::{Device, Shown, SignIn, SignedIn, Who, new_user, refuse_by_standing};
use crate::entropy::draw;
use crate::http::problem::Failure;
use crate::settings::Client;

/// How long a ticket is good, in seconds.
pub(crate) const TICKET_SECONDS: u64 = 60;

impl Authority {
    /// Makes a ticket for a user whom the caller's backend has authenticated; makes the user if absent.
    ///
    /// # Errors
    /// `SIGN_IN_REFUSED` for a disabled or deleted user; `UNAVAILABLE`.
    pub(crate) async fn issue_ticket(
        &self,
        sub: &str,
        sign_in: &SignIn,
    ) -> Result<String, Failure> {
        let ticket = format!(
            "plt1_{}",
            URL_SAFE_NO_PAD.encode(draw::<32>(&*self.entropy))
        );
        let key = crate::keys::user_key(sub);
        for round in 0..ROUNDS {
            let now = self.decisive_now()?;
            let known = self.store.user(key).await.map_err(Failure::unavailable)?;
            let standing = known
                .as_ref()
                .map_or_else(Standing::new, |user| user.standing);
            let written = Written {
                version: Some(standing.version),
                sub: sub.to_owned(),
                device: sign_in.device.clone(),
                remember: sign_in.remember,
                authenticated_at: sign_in.authenticated_at.unwrap_or(now).min(now).as_millis(),
                acr: sign_in.acr.clone(),
                claims: sign_in.claims.clone(),
            };
            let text = serde_json::to_string(&written).map_err(Failure::unavailable)?;
            let mut changes = vec![Change::PutTicket(Ticket {
                hash: hash_of(&ticket, &sign_in.client.id),
                client: sign_in.client.id.clone(),
                sign_in: text,
                expires_at: now.plus(Duration::from_secs(TICKET_SECONDS)),
            })];
            if known.is_some() {
                refuse_by_standing(
                    &standing,
                    &Who::Brought {
                        sub: sub.to_owned(),
                        ticket: None,
                    },
                )?;
            } else {
                changes.push(Change::InsertUser(new_user(sub, now)));
                changes.extend(self.outside_ids.one_more());
                changes.push(audit_line(
                    now,
                    "user.created",
                    &sign_in.actor,
                    key,
                    None,
                    &json!({}),
                ));
            }
            let detail = json!({ "client_id": sign_in.client.id });
            changes.push(audit_line(
                now,
                "ticket.issued",
                &sign_in.actor,
                key,
                None,
                &detail,
            ));
            if self.committed(Transaction { changes }, round).await? {
                return Ok(ticket);
            }
        }
        Err(too_much_contention())
    }

    /// Redeems a ticket. What the browser says of its device counts where the backend said nothing.
    ///
    /// # Errors
    /// `INVALID_TOKEN` for a used, late, foreign or invented ticket; what starting a session refuses.
    pub(crate) async fn redeem_ticket(
        &self,
        client: &Arc<Client>,
        ticket: &str,
        remember: Option<bool>,
        device: Device,
    ) -> Result<SignedIn, Failure> {
        // The client is part of the hash, so another client's attempt finds nothing and uses nothing up.
        let hash = hash_of(ticket, &client.id);
        let stored = self.good_ticket(hash, self.decisive_now()?).await?;
        let written: Written =
            serde_json::from_str(&stored.sign_in).map_err(|error| no_good().cause(error))?;
        let sign_in = SignIn {
            client: Arc::clone(client),
            remember: remember.unwrap_or(written.remember),
            device: Device {
                device_name: written.device.device_name.or(device.device_name),
                user_agent: written.device.user_agent.or(device.user_agent),
                ip: written.device.ip.or(device.ip),
            },
            authenticated_at: Some(Timestamp::from_millis(written.authenticated_at)),
            acr: written.acr,
            claims: written.claims,
            actor: "user".to_owned(),
            how: "ticket",
        };
        let who = Who::Brought {
            sub: written.sub,
            ticket: Some(Shown {
                hash,
                version: written.version,
            }),
        };
        self.start_session(&who, &sign_in).await
    }

    /// A ticket that can still be used. Whoever starts a session with it takes it in that commit.
    ///
    /// # Errors
    /// `INVALID_TOKEN`; `UNAVAILABLE`.
    pub(super) async fn good_ticket(
        &self,
        hash: [u8; 32],
        now: Timestamp,
    ) -> Result<Ticket, Failure> {
        let stored = self.store.ticket(hash).await;
        let stored = stored.map_err(Failure::unavailable)?;
        stored
            .filter(|ticket| now < ticket.expires_at)
            .ok_or_else(no_good)
    }
}

/// What a ticket says.
#[derive(Serialize, Deserialize)]
struct Written {
    sub: String,
    /// The user's version when the ticket was made; absent in tickets of older releases.
    version: Option<u64>,
    device: Device,
    remember: bool,
    authenticated_at: i64,
    acr: Option<String>,
    claims: Option<String>,
}

fn hash_of(ticket: &str, client: &str) -> [u8; 32] {
    let mut hash = Context::new(&SHA256);
    hash.update(b"prolong/ticket/v1");
    hash.update(client.as_bytes());
    hash.update(&[0]);
    hash.update(ticket.as_bytes());
    let mut bytes = [0; 32];
    bytes.copy_from_slice(hash.finish().as_ref());
    bytes
}

fn no_good() -> Failure {
    Failure::new(
        Code::InvalidToken,
        "the ticket was used, is too old, or is not one for this client",
    )
}
