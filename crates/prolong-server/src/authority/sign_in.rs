//! Starting a session.

use std::sync::Arc;

use prolong_core::{
    CapVerdict, EndReason, Life, Session, SessionId, Standing, Start, Timestamp, make_room, over,
};
use prolong_protocol::problem::Code;
use prolong_protocol::token::TokenAnswer;
use prolong_store::{Change, Transaction, User};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Authority;
use super::change_user::{ROUNDS, audit_line, ended_line, too_much_contention};
use crate::entropy::draw;
use crate::http::problem::Failure;
use crate::keys::SessionSecret;
use crate::settings::Client;

/// What a sign-in says, beside who signs in.
pub(crate) struct SignIn {
    /// Through which client.
    pub(crate) client: Arc<Client>,
    /// The user asked to stay signed in.
    pub(crate) remember: bool,
    /// On what.
    pub(crate) device: Device,
    /// When the user proved who they are; `None`: now.
    pub(crate) authenticated_at: Option<Timestamp>,
    /// How well they proved it.
    pub(crate) acr: Option<String>,
    /// The user's public claims from now on (a JSON object); `None`: as they are.
    pub(crate) claims: Option<String>,
    /// Who says so, for the audit log.
    pub(crate) actor: String,
    /// "password", "ticket" or "backend", for the audit log.
    pub(crate) how: &'static str,
}

/// The device of a sign-in, for the user's list of sessions.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Device {
    /// What the user calls it.
    #[expect(
        clippy::struct_field_names,
        reason = "its name on the wire and in the store"
    )]
    pub(crate) device_name: Option<String>,
    /// What it says of itself, shortened.
    pub(crate) user_agent: Option<String>,
    /// Where it is, coarsely.
    pub(crate) ip: Option<String>,
}

/// Who signs in.
pub(crate) enum Who {
    /// A user whose password was verified against the hash in this row.
    Verified {
        /// The row.
        user: User,
        /// A better hash of the same password, to store.
        rehashed: Option<String>,
    },
    /// A user whom the caller's backend has authenticated; made if absent.
    Brought {
        /// Their id.
        sub: String,
        /// What the browser shows for it; `None`: the backend itself asks.
        ticket: Option<Shown>,
    },
}

/// A ticket that somebody shows.
pub(crate) struct Shown {
    /// Its hash.
    pub(super) hash: [u8; 32],
    /// The version the user had when it was made; `None` in tickets of older releases.
    pub(super) version: Option<u64>,
}

/// A session that has started.
pub(crate) struct SignedIn {
    /// The session.
    pub(crate) session: Session,
    /// Its client.
    pub(crate) client: Arc<Client>,
    /// The tokens.
    pub(crate) answer: TokenAnswer,
}

impl Authority {
    /// Starts a session for somebody who proved who they are.
    ///
    /// # Errors
    /// `SIGN_IN_REFUSED` (disabled, deleted, the operator's own user table), `TOO_MANY_SESSIONS`, `UNAVAILABLE`.
    pub(crate) async fn start_session(
        &self,
        who: &Who,
        sign_in: &SignIn,
    ) -> Result<SignedIn, Failure> {
        self.start(who, sign_in)
            .await?
            .ok_or_else(too_much_contention)
    }

    /// `None` where the verified password hash is no longer the stored one.
    pub(super) async fn start(
        &self,
        who: &Who,
        sign_in: &SignIn,
    ) -> Result<Option<SignedIn>, Failure> {
        let sub = match who {
            Who::Verified { user, .. } => &user.sub,
            Who::Brought { sub, .. } => sub,
        };
        let key = crate::keys::user_key(sub);
        let id = SessionId::from_random(draw(&*self.entropy), crate::keys::shard(sub));
        let told = self
            .ask_user_table(sub, &sign_in.client, id, sign_in.remember)
            .await?;
        for round in 0..ROUNDS {
            let now = self.decisive_now()?;
            let stored = self.store.user(key).await.map_err(Failure::unavailable)?;
            let exists = stored.is_some();
            if let Who::Brought {
                ticket: Some(shown),
                ..
            } = who
            {
                self.good_ticket(shown.hash, now).await?;
            }
            let mut user = match (stored, who) {
                (
                    Some(user),
                    Who::Verified {
                        user: verified,
                        rehashed,
                    },
                ) => {
                    if user.password_hash != verified.password_hash {
                        return Ok(None);
                    }
                    User {
                        password_hash: rehashed.clone().or(user.password_hash),
                        ..user
                    }
                }
                (Some(user), Who::Brought { .. }) => user,
                (None, Who::Verified { .. }) => return Ok(None),
                (None, Who::Brought { sub, .. }) => new_user(sub, now),
            };
            refuse_by_standing(&user.standing, who)?;
            refuse_if_signed_out_since(&user.standing, who, sign_in.policy())?;
            if let Some(claims) = told.as_ref().or(sign_in.claims.as_ref()) {
                user.claims.clone_from(claims);
            }
            let sessions = if exists {
                self.store
                    .sessions_of(key)
                    .await
                    .map_err(Failure::unavailable)?
            } else {
                Vec::new()
            };
            let plan = self.plan_start(id, user, exists, &sessions, sign_in, now)?;
            let transaction = with_ticket(plan.transaction, who);
            if self.committed(transaction, round).await? {
                let renewal = plan
                    .session
                    .first_tokens(&plan.user.standing, now, sign_in.policy());
                let answer = self.token_answer(
                    &plan.session,
                    &plan.user,
                    &sign_in.client,
                    &renewal,
                    Some(&plan.secret),
                    now,
                )?;
                return Ok(Some(SignedIn {
                    session: plan.session,
                    client: Arc::clone(&sign_in.client),
                    answer,
                }));
            }
        }
        Err(too_much_contention())
    }

    fn plan_start(
        &self,
        id: SessionId,
        mut user: User,
        exists: bool,
        sessions: &[Session],
        sign_in: &SignIn,
        now: Timestamp,
    ) -> Result<Plan, Failure> {
        let policy = sign_in.policy();
        let mut ends = Vec::new();
        if policy.replace_others && !sessions.is_empty() {
            user.standing.version = user.standing.version.saturating_add(1);
            let version = user.standing.version;
            for session in sessions.iter().filter(|session| session.life == Life::Live) {
                ends.extend(end_row(
                    session,
                    EndReason::VersionRaised,
                    &sign_in.actor,
                    now,
                ));
            }
            ends.push(Change::AppendFeed(self.version_raised(&user.sub, version)));
            let detail = json!({ "jwt_version": version });
            ends.push(audit_line(
                now,
                "user.version_raised",
                &sign_in.actor,
                user.key,
                None,
                &detail,
            ));
        }
        let policy_of =
            |session: &Session| self.policy_of(session).map_or(policy, |policy| &**policy);
        match make_room(sessions, &user.standing, now, policy, policy_of) {
            CapVerdict::Refused => {
                let detail = "this user has as many sessions as the policy allows; end one first";
                return Err(Failure::new(Code::TooManySessions, detail));
            }
            CapVerdict::StartAfterEnding(displaced) => {
                for session in sessions
                    .iter()
                    .filter(|session| displaced.contains(&session.id))
                {
                    ends.extend(end_row(session, EndReason::Displaced, &sign_in.actor, now));
                    ends.push(Change::AppendFeed(
                        self.session_ended(session.id, EndReason::Displaced),
                    ));
                }
            }
        }
        let authenticated_at = sign_in.authenticated_at.unwrap_or(now).min(now);
        user.standing.last_sign_in = user.standing.last_sign_in.max(Some(authenticated_at));
        let (secret, secret_hash) = self.new_session_secret(id);
        let start = Start {
            id,
            user: user.key,
            client: sign_in.client.id.as_str().into(),
            key: self.refresh_keys.newest(),
            secret: secret_hash,
            authenticated_at,
            remember: sign_in.remember,
            scope: None,
            acr: sign_in.acr.as_deref().map(Into::into),
            device_name: sign_in.device.device_name.as_deref().map(Into::into),
            user_agent: sign_in.device.user_agent.as_deref().map(Into::into),
            ip: sign_in.device.ip.as_deref().map(Into::into),
        };
        let session = Session::start(start, &user.standing, now, policy);
        if let Some(over) = over(&session, &user.standing, now, policy) {
            let detail = "`auth_time` is too old: this session would be over at once";
            return Err(Failure::new(Code::InvalidRequest, detail).because(over.reason));
        }
        let mut changes = vec![if exists {
            Change::ReplaceUser(user.clone())
        } else {
            Change::InsertUser(user.clone())
        }];
        if !exists {
            changes.extend(self.outside_ids.one_more());
        }
        changes.append(&mut ends);
        changes.push(Change::StartSession(session.clone()));
        let detail = json!({
            "client_id": sign_in.client.id,
            "device_name": sign_in.device.device_name,
            "how": sign_in.how,
            "remember": sign_in.remember,
        });
        changes.push(audit_line(
            now,
            "session.started",
            &sign_in.actor,
            user.key,
            Some(id),
            &detail,
        ));
        Ok(Plan {
            user,
            session,
            secret,
            transaction: Transaction { changes },
        })
    }
}

impl SignIn {
    fn policy(&self) -> &prolong_core::Policy {
        self.client.policy_for(self.remember)
    }
}

/// A ticket is used up by the session that it starts, and by nothing else.
fn with_ticket(started: Transaction, who: &Who) -> Transaction {
    match who {
        Who::Brought {
            ticket: Some(Shown { hash, .. }),
            ..
        } => started.and(Change::TakeTicket { hash: *hash }),
        _ => started,
    }
}

struct Plan {
    user: User,
    session: Session,
    secret: SessionSecret,
    transaction: Transaction,
}

/// A user whom a backend brings, as first seen.
pub(crate) fn new_user(sub: &str, now: Timestamp) -> User {
    User {
        key: crate::keys::user_key(sub),
        sub: sub.to_owned(),
        login: None,
        password_hash: None,
        claims: "{}".to_owned(),
        standing: Standing::new(),
        created_at: now,
        deleted_at: None,
        revision: 0,
    }
}

/// Refuses a disabled or deleted user; whoever tried with a password learns no more than that it did not work.
pub(crate) fn refuse_by_standing(standing: &Standing, who: &Who) -> Result<(), Failure> {
    let reason = if standing.deleted {
        EndReason::UserDeleted
    } else if standing.disabled {
        EndReason::UserDisabled
    } else {
        return Ok(());
    };
    Err(match who {
        Who::Verified { .. } => Failure::new(
            Code::InvalidCredentials,
            "the user name or the password is wrong",
        ),
        Who::Brought { .. } => {
            let mut failure =
                Failure::new(Code::SignInRefused, "this user may not sign in").because(reason);
            failure.action = None;
            failure
        }
    })
}

/// Whoever was signed out everywhere is not signed in again by a word that was given before. Where each new sign-in raises
/// the version, that alone says nothing: of two, the later one counts.
fn refuse_if_signed_out_since(
    standing: &Standing,
    who: &Who,
    policy: &prolong_core::Policy,
) -> Result<(), Failure> {
    match who {
        Who::Brought {
            ticket:
                Some(Shown {
                    version: Some(version),
                    ..
                }),
            ..
        } if standing.version > *version && !policy.replace_others => {
            let detail = "the user was signed out everywhere after the ticket was made";
            Err(Failure::new(Code::InvalidToken, detail).because(EndReason::VersionRaised))
        }
        _ => Ok(()),
    }
}

fn end_row(session: &Session, reason: EndReason, actor: &str, now: Timestamp) -> [Change; 2] {
    [
        Change::EndSession {
            id: session.id,
            reason,
            at: now,
            at_generation: None,
        },
        ended_line(now, actor, session, reason),
    ]
}
