//! A refresh as it is asked for, and what comes of it.

use std::sync::Arc;
use std::time::Duration;

use prolong_core::{
    AttemptHash, EndReason, Generation, KeyId, Refusal, Renewal, SecretHash, Session,
};
use prolong_protocol::token::TokenAnswer;

use crate::http::problem::Failure;
use crate::keys::OpenedRefreshToken;
use crate::settings::{Client, ClientKind};

/// What a request says and proves about its client.
#[derive(Clone, Debug)]
pub(crate) enum ClientProof {
    /// Nothing: the session knows its client, if that is a public one.
    Unnamed,
    /// A public client's name.
    Named(Arc<Client>),
    /// A confidential client that proved itself.
    Proved(Arc<Client>),
}

impl ClientProof {
    /// The client, if one was named.
    pub(crate) fn client(&self) -> Option<&Arc<Client>> {
        match self {
            Self::Unnamed => None,
            Self::Named(client) | Self::Proved(client) => Some(client),
        }
    }

    /// Whether this may act on a session of `client`.
    pub(crate) fn speaks_for(&self, client: &Client) -> bool {
        match self {
            Self::Unnamed => client.kind == ClientKind::Public,
            Self::Named(named) | Self::Proved(named) => named.id == client.id,
        }
    }
}

/// A refresh token, presented; its tag is authentic.
pub(crate) struct Presented<'a> {
    /// Who presents it.
    pub(crate) client: &'a ClientProof,
    /// What it says.
    pub(crate) token: &'a OpenedRefreshToken,
    /// The attempt id.
    pub(crate) attempt: Option<[u8; 16]>,
    /// How long the person has been idle.
    pub(crate) idle_for: Option<Duration>,
    /// The access token that came along.
    pub(crate) access_token: Option<&'a str>,
    /// Narrower scopes, space-separated.
    pub(crate) scope: Option<&'a str>,
}

/// What a refresh token and what came with it say to the core.
#[derive(Clone, Copy)]
pub(super) struct Asked {
    pub(super) key: KeyId,
    pub(super) generation: Generation,
    pub(super) secret: SecretHash,
    pub(super) attempt: Option<AttemptHash>,
    pub(super) idle_for: Option<Duration>,
}

impl From<&Presented<'_>> for Asked {
    fn from(presented: &Presented<'_>) -> Self {
        let token = presented.token;
        let attempt = |id| crate::keys::attempt_hash(token.session, token.generation, &id);
        Self {
            key: token.key,
            generation: token.generation,
            secret: crate::keys::secret_hash(token.session, &token.secret),
            attempt: presented.attempt.map(attempt),
            idle_for: presented.idle_for,
        }
    }
}

/// A session that was prolonged.
pub(crate) struct Prolonged {
    pub(crate) session: Session,
    pub(crate) client: Arc<Client>,
    pub(crate) renewal: Renewal,
    pub(crate) answer: TokenAnswer,
}

/// Why there are no tokens.
#[derive(Debug)]
pub(crate) enum NotProlonged {
    /// The core said no.
    Refused(Refusal),
    /// The operator's own user table said no.
    UserTable(EndReason),
    /// More scopes were asked for than were granted.
    InvalidScope,
    /// The authority could not say; nothing was consumed.
    Failed(Failure),
}

impl From<Failure> for NotProlonged {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}
