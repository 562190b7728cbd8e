//! The decision for one request.

use std::{
    mem,
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response};
use tower::Service;

use super::{
    credentials::{Token, bearer},
    future::AccessFuture,
    layer::{Judged, Rules},
    response::Refusal,
};
use crate::{
    claims::Claims,
    rejection::Rejection,
    state::{Introspected, Refetched, State},
};

/// A service behind an [`super::AccessLayer`].
#[derive(Clone, Debug)]
pub struct Access<S> {
    inner: S,
    state: Arc<State>,
    rules: Arc<Rules>,
}

impl<S> Access<S> {
    pub(super) const fn new(inner: S, state: Arc<State>, rules: Arc<Rules>) -> Self {
        Self {
            inner,
            state,
            rules,
        }
    }
}

impl<S, B, R> Service<Request<B>> for Access<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send,
    B: Send + 'static,
    R: From<String> + Send,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = AccessFuture<S::Future, R, S::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let token = match bearer(&request) {
            Ok(token) => token,
            Err(Refusal::NoCredentials) if self.rules.optional => {
                return AccessFuture::served(self.inner.call(without_claims(request)), false);
            }
            Err(refusal) => return refuse(refusal, &self.rules, &request),
        };
        match self.rules.judge(&self.state, &token) {
            Ok(Judged::Good(claims)) => {
                let (request, due) = admit(&self.state, &self.rules, request, claims);
                AccessFuture::served(self.inner.call(request), due)
            }
            Ok(Judged::Ask(_)) | Err(Refusal::Token(Rejection::UnknownKey)) => {
                self.ask(request, token)
            }
            Err(refusal) => {
                let refusal = token.fault().unwrap_or(refusal);
                refuse(refusal, &self.rules, &request)
            }
        }
    }
}

impl<S> Access<S> {
    /// The rare ways: the issuer may have a new key, or a closed route must know for certain. Not knowing is not the
    /// client's fault, so a failure is 503.
    fn ask<B, R>(
        &mut self,
        request: Request<B>,
        token: Token,
    ) -> AccessFuture<S::Future, R, S::Error>
    where
        S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
        S::Future: Send,
        S::Error: Send,
        B: Send + 'static,
        R: From<String> + Send,
    {
        // The one that was polled ready makes the call; the clone will be polled before its own.
        let next = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, next);
        let (state, rules) = (Arc::clone(&self.state), Arc::clone(&self.rules));
        AccessFuture::waiting(Box::pin(async move {
            match asked(&state, &rules, &token).await {
                Ok(claims) => {
                    let (request, due) = admit(&state, &rules, request, claims);
                    AccessFuture::served(inner.call(request), due).await
                }
                Err(refusal) => {
                    Ok(refusal.response(&rules.requirement, rules.issuer(), request.uri().path()))
                }
            }
        }))
    }
}

/// Keys first, if it takes them, then the token itself, if the route wants to be certain.
async fn asked(state: &State, rules: &Rules, token: &Token) -> Result<Claims, Refusal> {
    let mut judged = rules.judge(state, token);
    if matches!(judged, Err(Refusal::Token(Rejection::UnknownKey)))
        && let Some(answer) = state.refetch()
    {
        judged = match answer.await {
            Refetched::Failed => Err(Refusal::Undecidable),
            Refetched::Current => rules.judge(state, token),
        };
    }
    match judged? {
        Judged::Good(claims) => Ok(claims),
        Judged::Ask(claims) => match state.introspect(token.as_str()) {
            None => Err(Refusal::Undecidable),
            Some(answer) => match answer.await {
                Introspected::Active => Ok(claims),
                Introspected::Inactive => Err(Refusal::Token(Rejection::NotActive)),
                Introspected::Failed => Err(Refusal::Undecidable),
            },
        },
    }
}

/// The request as the service gets it, and whether its token is due for renewal.
fn admit<B>(
    state: &State,
    rules: &Rules,
    request: Request<B>,
    claims: Claims,
) -> (Request<B>, bool) {
    if rules.counts(&request) {
        state.note_activity(&claims);
    }
    let due = claims.renewal_due();
    (with_claims(request, claims), due)
}

fn refuse<F, B, R: From<String>, E>(
    refusal: Refusal,
    rules: &Rules,
    request: &Request<B>,
) -> AccessFuture<F, R, E> {
    AccessFuture::refused(refusal.response(
        &rules.requirement,
        rules.issuer(),
        request.uri().path(),
    ))
}

fn with_claims<B>(mut request: Request<B>, claims: Claims) -> Request<B> {
    request.extensions_mut().insert(claims);
    request
}

/// An outer layer's claims are not this one's.
fn without_claims<B>(mut request: Request<B>) -> Request<B> {
    request.extensions_mut().remove::<Claims>();
    request
}
