//! An API with protected routes. It asks nobody while it serves, and knows within a second that a session has ended.
//!
//! From the environment: `API_SECRET`, its own at the authority; and, where they differ from what `prolong.toml` beside this
//! says, `API_ISSUER` and `API_LISTEN`.

use std::{env, error::Error};

use axum::{
    Router,
    routing::{delete, get, post},
};
use prolong_verify::{Expected, Staleness, Verifier, axum::Session};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let issuer = env::var("API_ISSUER").unwrap_or_else(|_| "http://127.0.0.1:8080".to_owned());
    let listen = env::var("API_LISTEN").unwrap_or_else(|_| "127.0.0.1:8081".to_owned());
    let secret = env::var("API_SECRET").map_err(|_| "API_SECRET: the secret of orders-api")?;

    let prolong = Verifier::builder(Expected::new(issuer, "orders-api"))
        .feed_client("orders-api", secret)
        .report_activity()
        .discover()
        .await?;

    let listener = TcpListener::bind(listen).await?;
    eprintln!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app(&prolong)).await?;
    Ok(())
}

fn app(prolong: &Verifier) -> Router {
    let any = prolong.layer();
    let readers = prolong.layer().scope("orders:read");
    // Who orders has signed in within the last 5 minutes, or signs in again; the session goes on.
    let recent = prolong.layer().max_age(300);
    // Where the feed cannot be followed, the authority is asked; where it cannot be asked, nothing is deleted.
    let certain = prolong.layer().staleness(Staleness::Closed);
    // The page asks by itself once a minute: that is nobody's activity.
    let polled = prolong.layer().background();

    Router::new()
        .route("/me", get(me).layer(any))
        .route("/orders", get(orders).layer(readers))
        .route("/orders", post(order).layer(recent))
        .route("/orders", delete(delete_all).layer(certain))
        .route("/news", get(news).layer(polled))
        .route("/health", get(async || "well\n"))
}

async fn me(session: Session) -> String {
    format!("hello {}\n", session.subject())
}

async fn orders(session: Session) -> String {
    format!("orders of {}\n", session.subject())
}

async fn order(session: Session) -> String {
    format!("ordered by {}\n", session.subject())
}

async fn delete_all(session: Session) -> String {
    format!("deleted all orders of {}\n", session.subject())
}

async fn news(session: Session) -> String {
    format!("nothing new for {}\n", session.subject())
}
