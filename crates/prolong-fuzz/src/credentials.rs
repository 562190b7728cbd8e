//! Who asks: `Authorization` in all its forms, Basic, cookies, `Origin` and the rest of a request's head.
//!
//! The first byte chooses the call, the rest are header fields, a line each. Nobody gets in who brings neither a token of
//! the house nor its secret.

use crate::cut::Cut;
use crate::house::with_house;

const CALLS: [(&str, &str); 8] = [
    ("POST /oauth/token", "grant_type=refresh_token"),
    (
        "POST /oauth/token",
        "grant_type=client_credentials&scope=prolong%3Aadmin",
    ),
    ("POST /oauth/introspect", "token=x"),
    ("GET /v1/verify", ""),
    ("GET /v1/sessions/current", ""),
    ("GET /v1/sessions", ""),
    ("DELETE /v1/sessions/current", ""),
    ("GET /v1/admin/users", ""),
];

pub(crate) fn run(input: &[u8]) {
    let mut cut = Cut::new(input);
    let (call, body) = CALLS[cut.below(CALLS.len())];
    let fields = cut.rest();
    with_house(async |house| {
        let mut head = format!("{call}\n").into_bytes();
        if !body.is_empty() {
            head.extend_from_slice(b"content-type: application/x-www-form-urlencoded\n");
        }
        head.extend_from_slice(fields);
        let Some(answer) = house.ask(&head, body.as_bytes()).await else {
            return;
        };
        let proof = [
            "access",
            "admin",
            "refresh",
            "cookie",
            "basic",
            "page",
            "renewable",
        ];
        let fields = house.filled(fields);
        let shows = |text: &[u8], name: &str| {
            let word = house.word(name).as_bytes();
            text.windows(word.len()).any(|part| part == word)
        };
        // Basic has many spellings (RFC 4648 §3.2), so what names that scheme is not judged here.
        let basic = String::from_utf8_lossy(&fields)
            .to_ascii_lowercase()
            .contains("basic");
        if !basic && !proof.iter().any(|name| shows(&fields, name)) {
            assert!(
                answer.status.is_client_error(),
                "{call}: {} without proof",
                answer.status
            );
        }
    });
}
