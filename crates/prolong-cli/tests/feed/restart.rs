//! The authority goes away, comes back, and comes back older than it was.

use std::time::Duration;

use tempfile::tempdir;

use crate::authority::Authority;
use crate::proxy::Proxy;
use crate::verifier::{accepts, discover, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_verifier_outlives_restart_and_restore_and_unlearns_nothing() {
    let folder = tempdir().unwrap();
    let authority = Authority::start(folder.path(), 0).await;
    let (issuer, port) = (authority.issuer.clone(), authority.port());
    let proxy = Proxy::start(&issuer, 1).await;
    let verifier = discover(&issuer, &proxy.address).await;
    let fresh = async || verifier.state().staleness().is_some_and(|stale| stale <= 2);
    let refused = async |token: &str| !accepts(&verifier, token).await;

    let first = authority.sign_in("first", "web").await;
    let second = authority.sign_in("second", "web").await;
    let third = authority.sign_in("third", "web").await;
    authority.delete(&first).await;
    authority.backup("old.db");
    authority.delete(&second).await;
    until("the stream brings ends", async || {
        refused(&second.access).await
    })
    .await;

    // A stream is open: it must not hold the server up.
    let took = authority.stop().await;
    assert!(took < Duration::from_secs(6), "stopping took {took:?}");
    assert!(
        accepts(&verifier, &third.access).await,
        "without the authority, routes go on"
    );
    assert!(refused(&second.access).await);

    let authority = Authority::start(folder.path(), port).await;
    until("fresh after the restart", fresh).await;
    authority.delete(&third).await;
    until("ends after the restart", async || {
        refused(&third.access).await
    })
    .await;
    authority.stop().await;

    // The backup does not know that the second and the third have ended.
    Authority::command(folder.path(), &["restore", "old.db", "--keep-sessions"]);
    let authority = Authority::start(folder.path(), port).await;
    let fourth = authority.sign_in("fourth", "web").await;
    authority.delete(&fourth).await;
    until("ends of the new epoch", async || {
        refused(&fourth.access).await
    })
    .await;
    until("fresh in the new epoch", fresh).await;
    for old in [&first, &second, &third] {
        assert!(
            refused(&old.access).await,
            "what was learnt is not forgotten"
        );
    }

    // Of this one the next backup knows nothing at all, and yet its token dies.
    let fifth = authority.sign_in("fifth", "web").await;
    until("good", async || accepts(&verifier, &fifth.access).await).await;
    authority.stop().await;
    Authority::command(folder.path(), &["restore", "old.db", "--end-all"]);
    let authority = Authority::start(folder.path(), port).await;
    until("everything ended", async || refused(&fifth.access).await).await;
    let sixth = authority.sign_in("sixth", "web").await;
    until("fresh again", fresh).await;
    assert!(
        accepts(&verifier, &sixth.access).await,
        "what is issued afterwards is good"
    );
}
