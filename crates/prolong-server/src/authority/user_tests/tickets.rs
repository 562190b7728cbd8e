//! What a ticket carries from the moment it was made, and for whom none is made.

use core::time::Duration;

use prolong_protocol::problem::Code;

use super::{code, plain};
use crate::authority::sign_in::{Device, SignIn};
use crate::clock::Clock as _;

#[tokio::test]
async fn a_ticket_counts_from_when_the_user_proved_who_they_are() {
    let w = plain().await;
    let web = w.authority.client("web").unwrap();
    for ago in [None, Some(600)] {
        let made = w.clock.now();
        let proved = ago.map(|seconds| made.minus(Duration::from_secs(seconds)));
        let sign_in = SignIn {
            authenticated_at: proved,
            ..w.sign_in("web")
        };
        let ticket = w.authority.issue_ticket("u1", &sign_in).await.unwrap();
        w.later(30);
        let redeemed = w
            .authority
            .redeem_ticket(web, &ticket, None, Device::default())
            .await;
        let session = redeemed.unwrap().session;
        assert_eq!(session.authenticated_at, proved.unwrap_or(made));
    }
}

#[tokio::test]
async fn no_ticket_is_made_for_whoever_may_not_sign_in() {
    let w = plain().await;
    let user = w.brought("u1", "web").await.unwrap().session.user;
    let made = async || {
        let sign_in = w.sign_in("web");
        w.authority.issue_ticket("u1", &sign_in).await
    };
    w.authority.disable_user(user, "client:ops").await.unwrap();
    assert_eq!(code(made().await), Some(Code::SignInRefused));
    w.authority.enable_user(user, "client:ops").await.unwrap();
    assert!(made().await.is_ok());
    w.authority.delete_user(user, "client:ops").await.unwrap();
    assert_eq!(code(made().await), Some(Code::SignInRefused));
}
