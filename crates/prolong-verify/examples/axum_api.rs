//! An API with protected routes, in one file.
//!
//! ```sh
//! cargo run -p prolong-verify --features axum,http-client --example axum_api -- https://auth.example.com orders-api
//! curl -H "Authorization: Bearer $TOKEN" http://127.0.0.1:8081/orders
//! ```

use std::error::Error;

use axum::{
    Router,
    routing::{get, post},
};
use prolong_verify::{Expected, Staleness, Verifier, axum::Session};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: axum_api ISSUER AUDIENCE [FEED_CLIENT_ID FEED_CLIENT_SECRET]";
    let issuer = arguments.next().ok_or(usage)?;
    let audience = arguments.next().ok_or(usage)?;
    let mut prolong = Verifier::builder(Expected::new(issuer, audience));
    if let (Some(id), Some(secret)) = (arguments.next(), arguments.next()) {
        prolong = prolong.feed_client(id, secret);
    }
    let prolong = prolong.discover().await?;

    let app = Router::new()
        .route(
            "/orders",
            get(orders).layer(prolong.layer().scope("orders:read")),
        )
        .route(
            "/orders",
            // Buying wants a sign-in of the last 5 minutes, and certainty that the session has not just been ended.
            post(buy).layer(prolong.layer().max_age(300).staleness(Staleness::Closed)),
        )
        .route("/", get(front).layer(prolong.layer().optional()));

    let listener = tokio::net::TcpListener::bind("127.0.0.1:8081").await?;
    axum::serve(listener, app).await?;
    Ok(())
}

async fn orders(session: Session) -> String {
    format!("orders of {}\n", session.subject())
}

async fn buy(session: Session) -> String {
    format!("bought by {}\n", session.subject())
}

async fn front(session: Option<Session>) -> String {
    session.map_or_else(
        || "hello, whoever you are\n".to_owned(),
        |session| format!("hello {}\n", session.subject()),
    )
}
