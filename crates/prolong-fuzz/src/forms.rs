//! Form bodies of `/oauth/token`, `/oauth/revoke` and `/oauth/introspect`.
//!
//! The first byte chooses the call and how the client proves itself, the rest is the body. What is not made with a token
//! of somebody's leaves everybody signed in; a refresh token that was used is answered with tokens or an OAuth error.

use crate::cut::Cut;
use crate::house::with_house;

const CALLS: [&str; 3] = ["token", "revoke", "introspect"];
const PROOFS: [&str; 4] = [
    "",
    "\nauthorization: {basic}",
    "\nauthorization: Bearer {admin}",
    "\norigin: https://app.example.com\nprolong-request: 1\ncookie: {cookie}",
];

pub(crate) fn run(input: &[u8]) {
    let mut cut = Cut::new(input);
    let (call, proof) = (CALLS[cut.below(3)], PROOFS[cut.below(4)]);
    let body = cut.rest();
    with_house(async |house| {
        let head =
            format!("POST /oauth/{call}{proof}\ncontent-type: application/x-www-form-urlencoded");
        let answer = house.ask(head.as_bytes(), body).await.unwrap();
        let told = answer.json();
        match (call, answer.status.as_u16()) {
            ("token", 200) => {
                assert!(
                    told["access_token"].is_string() && told["token_type"] == "Bearer",
                    "{told}"
                );
                assert!(
                    told["expires_in"]
                        .as_i64()
                        .is_some_and(|seconds| seconds > 0),
                    "{told}"
                );
            }
            ("introspect", 200) => assert!(told["active"].is_boolean(), "{told}"),
            ("revoke", 200) | (_, 400..500) => {}
            (_, status) => panic!("{call}: {status} {told}"),
        }
        if !body.contains(&b'{') {
            let again = house
                .call(
                    "POST /oauth/token\ncontent-type: application/x-www-form-urlencoded",
                    "grant_type=refresh_token&refresh_token={refresh}",
                )
                .await;
            assert_eq!(
                again.status,
                200,
                "an honest client was signed out: {}",
                again.json()
            );
        }
    });
}
