//! Which rooms of the API are open where.
//!
//! 1. With an address of their own for administration, `/v1/admin` and `/metrics` answer there and at the operator's
//!    socket only; elsewhere they are 404, as any path that is not there.
//! 2. What counts is the route that a request was led to, not how its path was spelled.

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use prolong_protocol::problem::Code;

use crate::http::problem::Failure;

/// The API without administration and metrics.
pub fn public_router(app: Router) -> Router {
    app.layer(from_fn(public_only))
}

async fn public_only(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>();
    if route.is_some_and(|route| is_administration(route.as_str())) {
        return Failure::new(Code::NotFound, "there is nothing at this path").into_response();
    }
    next.run(request).await
}

fn is_administration(route: &str) -> bool {
    route.contains("/v1/admin/") || route.ends_with("/v1/admin") || route.ends_with("/metrics")
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use axum::routing::get;
    use http::StatusCode;
    use tower::ServiceExt;

    #[tokio::test]
    async fn administration_and_metrics_are_not_there() {
        let rooms = Router::new()
            .route("/v1/admin/users/{sub}", get(|| async { "user" }))
            .route("/metrics", get(|| async { "metrics" }))
            .route("/readyz", get(|| async { "ready" }))
            .route("/v1/sessions", get(|| async { "sessions" }));
        for base in ["", "/auth"] {
            let whole = if base.is_empty() {
                rooms.clone()
            } else {
                Router::new().nest(base, rooms.clone())
            };
            let public = public_router(whole.clone());
            let status = async |app: &Router, path: &str| {
                let request = Request::get(format!("{base}{path}")).body(Body::empty());
                app.clone()
                    .oneshot(request.unwrap())
                    .await
                    .unwrap()
                    .status()
            };
            for path in ["/v1/admin/users/u", "/v1/admin/users/v1", "/metrics"] {
                assert_eq!(status(&whole, path).await, StatusCode::OK, "{base}{path}");
                assert_eq!(
                    status(&public, path).await,
                    StatusCode::NOT_FOUND,
                    "{base}{path}"
                );
            }
            for path in ["/readyz", "/v1/sessions"] {
                assert_eq!(status(&public, path).await, StatusCode::OK, "{base}{path}");
            }
        }
    }
}
