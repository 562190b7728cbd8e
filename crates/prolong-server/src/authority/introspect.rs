//! Introspection (RFC 7662): an online answer to "is this token good now?". Changes nothing.

use prolong_core::{SessionId, Timestamp, over};
use prolong_verify::{Claims, verify};
use serde_json::{Map, Value, json};

use super::Authority;
use crate::http::problem::Failure;
use crate::keys::{OpenedRefreshToken, secret_hash};
use crate::settings::Client;

impl Authority {
    /// What is known of a token; `None`: inactive, unknown, or not for this caller, and nothing more is said.
    ///
    /// # Errors
    /// `UNAVAILABLE`.
    pub(crate) async fn introspect(
        &self,
        token: &str,
        caller: &Client,
    ) -> Result<Option<Map<String, Value>>, Failure> {
        let now = self.decisive_now()?;
        let any = caller
            .scopes
            .iter()
            .any(|scope| scope == "prolong:introspect");
        let found = match self.opened(token) {
            Some(opened) => self.refresh_token_facts(&opened, now).await?,
            None => self.access_token_facts(token, now).await?,
        };
        Ok(found
            .filter(|(client, _)| any || *client == caller.id)
            .map(|(_, facts)| facts))
    }

    async fn access_token_facts(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Result<Option<Facts>, Failure> {
        let claims = self.feed.with_revoked(|revoked| {
            verify(
                token,
                &self.verification_keys(),
                &self.own_tokens,
                revoked,
                now.as_secs(),
            )
        });
        let Ok(claims) = claims else { return Ok(None) };
        let mut facts = claims.raw().clone();
        if let Some(id) = claims.session_id() {
            let Some(username) = self.live_user(&claims, id, now).await? else {
                return Ok(None);
            };
            facts.extend(username.map(|name| ("username".to_owned(), json!(name))));
        }
        facts.insert("active".to_owned(), json!(true));
        facts.insert("token_type".to_owned(), json!("Bearer"));
        Ok(Some((claims.client_id().to_owned(), facts)))
    }

    /// The login name of a token whose session is good; `None`: it is not.
    async fn live_user(
        &self,
        claims: &Claims,
        id: &str,
        now: Timestamp,
    ) -> Result<Option<Option<String>>, Failure> {
        let Some(id) = SessionId::parse(id) else {
            return Ok(None);
        };
        let found = self.store.session(id).await.map_err(Failure::unavailable)?;
        let Some(found) = found.filter(|found| found.user.sub == claims.subject()) else {
            return Ok(None);
        };
        let Some(policy) = self.policy_of(&found.session) else {
            return Ok(None);
        };
        let good = over(&found.session, &found.user.standing, now, policy).is_none();
        Ok(good.then_some(found.user.login))
    }

    async fn refresh_token_facts(
        &self,
        opened: &OpenedRefreshToken,
        now: Timestamp,
    ) -> Result<Option<Facts>, Failure> {
        let found = self
            .store
            .session(opened.session)
            .await
            .map_err(Failure::unavailable)?;
        let Some(found) = found else { return Ok(None) };
        let (session, user) = (&found.session, &found.user);
        let Some(client) = self.client(&session.client) else {
            return Ok(None);
        };
        let policy = client.policy_for(session.flags.remember);
        let current = opened.generation == session.generation
            && opened.key == session.key
            && secret_hash(opened.session, &opened.secret) == session.secret;
        if !current || over(session, &user.standing, now, policy).is_some() {
            return Ok(None);
        }
        let idle = session.idle.min(policy.idle).end(session.active_at);
        let absolute = policy
            .lifetime
            .end(session.started_at)
            .into_iter()
            .chain(session.absolute_end)
            .min();
        let mut facts = Map::new();
        let mut put = |name: &str, value: Value| facts.insert(name.to_owned(), value);
        put("active", json!(true));
        put("client_id", json!(client.id));
        put("sub", json!(user.sub));
        put("iss", json!(self.settings.issuer));
        put("aud", json!(client.audience));
        put("sid", json!(session.id.to_string()));
        put("iat", json!(session.rotated_at.as_secs()));
        put("auth_time", json!(session.authenticated_at.as_secs()));
        if let Some(exp) = idle.into_iter().chain(absolute).min() {
            put("exp", json!(exp.as_secs()));
        }
        if let Some(scope) = &session.scope {
            put("scope", json!(scope));
        }
        if let Some(login) = &user.login {
            put("username", json!(login));
        }
        Ok(Some((client.id.clone(), facts)))
    }
}

/// The token's client, and what to answer.
type Facts = (String, Map<String, Value>);
