//! Prolonging with a refresh token: read, decide in the core, commit one transaction, mint.
//!
//! The usual case is one turn of the store's writer: it reads the session, asks the core, and swaps the row, together
//! with every other refresh that has queued up. What needs more than the one row (the operator's user table, an entry for
//! the feed, an end, an alarm) is left alone there and goes the long way: read, decide, commit with everything that was
//! read as guard, and again where it has changed meanwhile.

use std::sync::Arc;

use prolong_core::{
    Class, Decision, Event, Policy, PresentedAccessToken, Refresh, Refusal, Renewal, Session,
    Standing, Timestamp, Verdict, decide,
};
use prolong_store::{Change, Found, NotCommitted, Transaction, User};
use tokio::sync::oneshot;

use super::Authority;
use super::presented::{Asked, ClientProof, NotProlonged, Presented, Prolonged};
use super::user_table::TableSays;
use crate::http::problem::Failure;
use crate::settings::Client;
use crate::token::granted_scopes;

/// What came of a refresh: tokens.
struct Decided {
    /// What it was decided on.
    found: Found,
    /// The session afterwards.
    next: Session,
    client: Arc<Client>,
    renewal: Renewal,
    /// When it was read.
    now: Timestamp,
}

impl Authority {
    /// Prolongs a session with its refresh token.
    ///
    /// # Errors
    /// [`NotProlonged`]. Only [`Refusal::Reuse`] had a consequence, and that was committed before this returns.
    pub(crate) async fn prolong(
        self: &Arc<Self>,
        presented: &Presented<'_>,
    ) -> Result<Prolonged, NotProlonged> {
        let outcome = match self.prolong_in_turn(presented).await {
            Some(outcome) => outcome,
            None => self.prolong_in_rounds(presented).await,
        };
        self.metrics.refresh(match &outcome {
            Ok(prolonged) => prolonged.renewal.class.as_str(),
            Err(NotProlonged::Refused(refusal)) => refusal.as_str(),
            Err(NotProlonged::UserTable(_)) => "user_table_refused",
            Err(NotProlonged::InvalidScope) => "invalid_scope",
            Err(NotProlonged::Failed(_)) => "unavailable",
        });
        if let Err(NotProlonged::Refused(Refusal::Over { reason, .. })) = outcome {
            self.metrics.over(reason);
        }
        outcome
    }

    /// The usual case. `None`: nothing was written, or nobody knows; go the long way, which reads again.
    async fn prolong_in_turn(
        self: &Arc<Self>,
        presented: &Presented<'_>,
    ) -> Option<Result<Prolonged, NotProlonged>> {
        // Whether fewer scopes are too many is judged before anything is written.
        if presented.scope.is_some() {
            return None;
        }
        let authority = Arc::clone(self);
        let (client, asked) = (presented.client.clone(), Asked::from(presented));
        let (tell, told) = oneshot::channel();
        let decide = move |found: Option<Found>| {
            let Some(decided) =
                found.and_then(|found| authority.decide_usual(&client, asked, found))
            else {
                return Transaction::default();
            };
            let Found { session, user } = &decided.found;
            let changes = swapped(session, &decided.next, user.standing);
            let transaction = Transaction {
                changes: changes.into_iter().collect(),
            };
            // Whoever asked may have gone; then the session goes on without them.
            let _ = tell.send(decided);
            transaction
        };
        let turn = self.store.turn(presented.token.session, Box::new(decide));
        // Signed while the commit runs; told to nobody before it is done.
        let minted = async {
            let decided = told.await.ok()?;
            Some(self.minted(decided, presented, None))
        };
        let (turn, minted) = futures_util::future::join(turn, minted).await;
        if let Err(error) = turn {
            tracing::warn!(%error, "the outcome of a turn is unknown; reading again");
            return None;
        }
        minted
    }

    /// What the core makes of a refresh, where that is tokens and the row is all there is to write.
    fn decide_usual(&self, by: &ClientProof, asked: Asked, found: Found) -> Option<Decided> {
        // The token's times count from the read, so that a node that paused cannot outlive a revocation.
        let now = self.decisive_now().ok()?;
        let client = self.client(&found.session.client)?;
        let policy = client.policy_for(found.session.flags.remember);
        if !by.speaks_for(client) || policy.check_url.is_some() || policy.supersede {
            return None;
        }
        // One that the policy wants is verified the long way: here that would hold up everybody.
        let absent = PresentedAccessToken::Absent;
        let decision = self.decide_refresh(by, asked, absent, &found, now, policy);
        match decision.verdict {
            Verdict::Renewed(renewal) if renewal.class != Class::Adopted => Some(Decided {
                client: Arc::clone(client),
                next: decision.next,
                found,
                renewal,
                now,
            }),
            _ => None,
        }
    }

    /// The answer to what was decided and, if there was something to write, stored.
    fn minted(
        &self,
        decided: Decided,
        presented: &Presented<'_>,
        scope: Option<&str>,
    ) -> Result<Prolonged, NotProlonged> {
        let Decided {
            found: Found { session, user },
            next,
            client,
            renewal,
            now,
        } = decided;
        if renewal.class == Class::Concurrent {
            self.concurrent.answered(session.id, session.generation);
        }
        if renewal.class == Class::Adopted {
            tracing::error!(sid = %session.id, store = session.generation.0, token = next.generation.0,
                "the store had lost an acknowledged rotation; the token was believed");
        }
        let secret = Some(&presented.token.secret);
        let subject = (&next, &user, &*client);
        let answer = self.token_answer_with_scope(subject, &renewal, secret, scope, now)?;
        Ok(Prolonged {
            session: next,
            client,
            renewal,
            answer,
        })
    }

    async fn prolong_in_rounds(
        &self,
        presented: &Presented<'_>,
    ) -> Result<Prolonged, NotProlonged> {
        let mut told = None;
        for round in 0..ROUNDS {
            // The token's times count from the read, so that a node that paused cannot outlive a revocation.
            let now = self.decisive_now()?;
            let found = self
                .store
                .session(presented.token.session)
                .await
                .map_err(Failure::unavailable)?;
            let found = found.ok_or(NotProlonged::Refused(Refusal::ForeignClient))?;
            let client = self
                .client(&found.session.client)
                .filter(|client| presented.client.speaks_for(client));
            let client = Arc::clone(client.ok_or(NotProlonged::Refused(Refusal::ForeignClient))?);
            let policy = client.policy_for(found.session.flags.remember);
            let access_token =
                self.presented_access_token(presented.access_token, &found.session, now);
            let asked = Asked::from(presented);
            let decision =
                self.decide_refresh(presented.client, asked, access_token, &found, now, policy);
            let renewal = match decision.verdict {
                Verdict::Renewed(renewal) => renewal,
                Verdict::Refused(Refusal::Reuse) => {
                    if self.end_for_reuse(&found, policy, now).await? {
                        return Err(NotProlonged::Refused(Refusal::Reuse));
                    }
                    continue;
                }
                Verdict::Refused(refusal) => {
                    alarm(refusal, &found.session);
                    return Err(NotProlonged::Refused(refusal));
                }
                Verdict::Ended(_) | Verdict::Noted => {
                    return Err(Failure::unavailable(
                        "a refresh came to neither tokens nor a refusal",
                    )
                    .into());
                }
            };
            let scope = narrowed(presented.scope, &found.session, &client)?;
            let durable = decision.next != found.session && renewal.class != Class::Adopted;
            if durable && told.is_none() {
                told = Some(self.ask_before_prolonging(&found, &client, policy).await?);
                // Asking takes time, in which the session may have ended.
                if policy.check_url.is_some() {
                    continue;
                }
            }
            let Found { session, mut user } = found;
            let claims = told
                .clone()
                .flatten()
                .filter(|claims| *claims != user.claims);
            let transaction = self.prolonging(&session, &decision.next, &mut user, claims, policy);
            if !self.stored(transaction, round).await {
                continue;
            }
            let decided = Decided {
                found: Found { session, user },
                next: decision.next,
                client,
                renewal,
                now,
            };
            return self.minted(decided, presented, scope.as_deref());
        }
        Err(Failure::unavailable(
            "the session kept changing, or the store did not say what became of it",
        )
        .into())
    }

    fn decide_refresh(
        &self,
        by: &ClientProof,
        asked: Asked,
        access_token: PresentedAccessToken,
        found: &Found,
        now: Timestamp,
        policy: &Policy,
    ) -> Decision {
        let session = &found.session;
        let refresh = Refresh {
            client: by.client().map(|client| client.id.as_str()),
            key: asked.key,
            generation: asked.generation,
            secret: asked.secret,
            attempt: asked.attempt,
            idle_for: asked.idle_for,
            access_token,
            concurrent_answers: self.concurrent.so_far(session.id, session.generation),
            newest_key: self.refresh_keys.newest(),
            restore_declared: self.restore_declared,
        };
        decide(
            session,
            &found.user.standing,
            &Event::Refresh(refresh),
            now,
            policy,
        )
    }

    fn presented_access_token(
        &self,
        token: Option<&str>,
        session: &Session,
        now: Timestamp,
    ) -> PresentedAccessToken {
        let Some(token) = token else {
            return PresentedAccessToken::Absent;
        };
        let sid = session.id.to_string();
        match self.authentic_claims(token, now) {
            Ok(claims)
                if claims.session_id() == Some(sid.as_str())
                    && claims.client_id() == &*session.client
                    && claims.jwt_version().unwrap_or(0) == session.version =>
            {
                PresentedAccessToken::Authentic
            }
            _ => PresentedAccessToken::Foreign,
        }
    }

    async fn ask_before_prolonging(
        &self,
        found: &Found,
        client: &Client,
        policy: &Policy,
    ) -> Result<Option<String>, NotProlonged> {
        match self.user_table_on_prolonging(found, client, policy).await {
            TableSays::Allow(claims) => Ok(claims),
            TableSays::Refuse(reason, _) => Err(NotProlonged::UserTable(reason)),
            TableSays::NoAnswer(cause) => Err(Failure::unavailable(cause).into()),
        }
    }

    /// What a success writes: nothing, or the row, the user's new claims, and what verifiers must learn.
    pub(crate) fn prolonging(
        &self,
        seen: &Session,
        next: &Session,
        user: &mut User,
        claims: Option<String>,
        policy: &Policy,
    ) -> Transaction {
        let mut transaction = Transaction::default();
        let standing = user.standing;
        if let Some(claims) = claims {
            user.claims = claims;
            transaction = transaction.and(Change::ReplaceUser(user.clone()));
        }
        transaction.changes.extend(swapped(seen, next, standing));
        if policy.supersede && next.generation != seen.generation {
            transaction = transaction.and(Change::AppendFeed(
                self.generation_moved(seen.id, next.generation),
            ));
        }
        transaction
    }

    /// `false`: read again and decide again. An unknown outcome is never assumed to be one or the other.
    pub(crate) async fn stored(&self, transaction: Transaction, round: u32) -> bool {
        if transaction.changes.is_empty() {
            return true;
        }
        match self.commit_and_tell(transaction).await {
            Ok(_) => true,
            Err(NotCommitted::Conflict(at)) => {
                tracing::debug!(at, round, "the session changed meanwhile; reading again");
                false
            }
            Err(NotCommitted::Failed(error)) => {
                tracing::warn!(%error, round, "the outcome of a commit is unknown; reading again");
                false
            }
        }
    }
}

/// The swap of a session's row, if there is anything to swap.
fn swapped(seen: &Session, next: &Session, user: Standing) -> Option<Change> {
    (next != seen).then(|| Change::SwapSession {
        seen: Box::new(seen.clone()),
        next: Box::new(next.clone()),
        user,
    })
}

/// Granted scopes, or fewer where fewer were asked for. `None`: as granted.
fn narrowed(
    wanted: Option<&str>,
    session: &Session,
    client: &Client,
) -> Result<Option<String>, NotProlonged> {
    let Some(wanted) = wanted else {
        return Ok(None);
    };
    let granted = granted_scopes(session, client);
    let granted: Vec<&str> = granted.split(' ').collect();
    // Each is looked up in what was granted first: so the list stays as short as that, however long what was asked.
    let mut scopes: Vec<&str> = Vec::new();
    for scope in wanted.split(' ').filter(|scope| !scope.is_empty()) {
        if !granted.contains(&scope) {
            return Err(NotProlonged::InvalidScope);
        }
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    if scopes.is_empty() {
        return Err(NotProlonged::InvalidScope);
    }
    Ok(Some(scopes.join(" ")))
}

fn alarm(refusal: Refusal, session: &Session) {
    match refusal {
        Refusal::KeyLeak => tracing::error!(sid = %session.id,
            "ALARM: a refresh token with a valid tag and an impossible content: a refresh-token key has leaked"),
        Refusal::TooFarAhead => tracing::error!(sid = %session.id,
            "ALARM: a refresh token is far ahead of the store: an undeclared restore?"),
        _ => {}
    }
}

/// How often a session is read and decided on before the client is asked to come back; one more where the operator's
/// user table is asked in between.
const ROUNDS: u32 = 4;
