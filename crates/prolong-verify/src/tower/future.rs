//! The answer on its way: the service's, a refusal, or either after the issuer was asked for keys.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{HeaderName, HeaderValue, Response};
use pin_project_lite::pin_project;

const RENEW: HeaderName = HeaderName::from_static("prolong-renew");
const DUE: HeaderValue = HeaderValue::from_static("due");

type Slow<R, E> = Pin<Box<dyn Future<Output = Result<Response<R>, E>> + Send>>;

pin_project! {
    /// The future of an [`super::Access`] service.
    pub struct AccessFuture<F, R, E> {
        #[pin]
        way: Way<F, R, E>,
    }
}

pin_project! {
    #[project = Projected]
    enum Way<F, R, E> {
        Served { #[pin] inner: F, due: bool },
        Refused { response: Option<Response<R>> },
        Waiting { slow: Slow<R, E> },
    }
}

impl<F, R, E> AccessFuture<F, R, E> {
    pub(super) const fn served(inner: F, due: bool) -> Self {
        Self {
            way: Way::Served { inner, due },
        }
    }

    pub(super) const fn refused(response: Response<R>) -> Self {
        Self {
            way: Way::Refused {
                response: Some(response),
            },
        }
    }

    pub(super) const fn waiting(slow: Slow<R, E>) -> Self {
        Self {
            way: Way::Waiting { slow },
        }
    }
}

impl<F, R, E> Future for AccessFuture<F, R, E>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = Result<Response<R>, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().way.project() {
            Projected::Served { inner, due } => {
                let mut answer = ready!(inner.poll(context));
                if let (Ok(response), true) = (&mut answer, *due) {
                    response.headers_mut().insert(RENEW, DUE);
                }
                Poll::Ready(answer)
            }
            Projected::Refused { response } => response
                .take()
                .map_or(Poll::Pending, |response| Poll::Ready(Ok(response))),
            Projected::Waiting { slow } => slow.as_mut().poll(context),
        }
    }
}

impl<F, R, E> fmt::Debug for AccessFuture<F, R, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessFuture").finish_non_exhaustive()
    }
}
