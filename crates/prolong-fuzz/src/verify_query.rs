//! The query of `/v1/verify`: with a good token it is 200, or a problem that the query asked for.

use prolong_protocol::problem::{Code, Problem};

use crate::house::with_house;

pub(crate) fn run(input: &[u8]) {
    with_house(async |house| {
        let mut head = b"GET /v1/verify?".to_vec();
        head.extend(input.iter().filter(|byte| **byte != b'\n'));
        head.extend_from_slice(b"\nauthorization: Bearer {access}");
        let Some(answer) = house.ask(&head, b"").await else {
            return;
        };
        if answer.status == 200 {
            assert_eq!(answer.headers["prolong-subject"], house.word("sub"));
            assert_eq!(answer.headers["prolong-session"], house.word("sid"));
            assert_eq!(answer.headers["prolong-client"], "web");
            return;
        }
        let problem: Problem = serde_json::from_slice(&answer.body).unwrap();
        let asked = [
            Code::InvalidRequest,
            Code::MalformedBody,
            Code::InvalidToken,
            Code::InsufficientScope,
            Code::InsufficientAuthentication,
        ];
        assert!(asked.contains(&problem.code), "{problem:?}");
    });
}
