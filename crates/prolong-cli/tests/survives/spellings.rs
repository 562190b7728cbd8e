//! One request, spelled in many ways: it is the same request, or none. What a stranger claims beside it changes nothing.

use std::io::Write as _;
use std::net::Shutdown;

use crate::house::House;
use crate::wire::{connect, heard, serves};

fn asked(house: &House, request: &str) -> String {
    let mut stream = connect(house);
    let _ = stream.write_all(request.as_bytes());
    let _ = stream.shutdown(Shutdown::Write);
    heard(stream)
}

fn statuses(answer: &str) -> Vec<&str> {
    let lines = answer
        .lines()
        .filter(|line| line.starts_with("HTTP/1.") && line.len() > 11);
    lines.map(|line| &line[9..12]).collect()
}

#[tokio::test]
async fn a_path_has_one_spelling() {
    let house = House::open("");
    for path in [
        "/%68ealthz",
        "//healthz",
        "/./healthz",
        "/v1/../healthz",
        "/healthz/",
        "/HEALTHZ",
        "/healthz%00",
        "/healthz;x",
        "/healthz%0d%0aX:%20y",
        "/v1%2fverify",
        "/v1/admin/../verify",
        "/v1/%61dmin/users",
    ] {
        let answer = asked(
            &house,
            &format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
        );
        assert_eq!(statuses(&answer), ["404"], "{path}: {answer}");
    }
    serves(&house);
    house.stop();
}

#[tokio::test]
async fn hosts_and_old_versions() {
    let house = House::open("");
    let get = "GET /healthz HTTP/1.";
    for (request, status) in [
        (format!("{get}0\r\n\r\n"), "200"),
        (format!("{get}0\r\nHost: x\r\n\r\n"), "200"),
        (format!("{get}1\r\nConnection: close\r\n\r\n"), "400"),
        (
            format!("{get}1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n"),
            "400",
        ),
        (
            format!("{get}1\r\nHost: a\r\nhost: a\r\nConnection: close\r\n\r\n"),
            "400",
        ),
        (
            "GET http://elsewhere/healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
                .to_owned(),
            "200",
        ),
    ] {
        let answer = asked(&house, &request);
        assert_eq!(statuses(&answer), [status], "{request:?}: {answer}");
    }
    // An old version has no chunks: what follows is no second request.
    let answer = asked(
        &house,
        "POST /oauth/token HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n\
         GET /.well-known/jwks.json HTTP/1.1\r\nHost: x\r\n\r\n",
    );
    assert!(!answer.contains("\"keys\""), "{answer}");
    assert!(statuses(&answer).len() <= 1, "{answer}");
    serves(&house);
    house.stop();
}

#[tokio::test]
async fn what_follows_the_last_chunk_is_no_part_of_it() {
    let house = House::open("");
    let post = "POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n\
                Transfer-Encoding: chunked\r\n\r\n";
    let form = "grant_type=nonsense";
    let chunk = format!("{:x}\r\n{form}\r\n", form.len());
    for (rest, expected) in [
        // Trailers are read and count for nothing.
        (
            "0\r\nX-Trailer: y\r\nAuthorization: Bearer z\r\n\r\n",
            &["400"][..],
        ),
        // Garbage is answered as what it is: a second request that is none.
        ("0\r\n\r\ngarbage of no meaning\r\n\r\n", &["400", "400"]),
        // A chunk that does not end where it said, an end without its line, an extension with a control character.
        ("1\r\nab\r\n0\r\n\r\n", &["400"]),
        ("0\r\n", &["400"]),
        ("1;a=\u{1}\r\nb\r\n0\r\n\r\n", &["400"]),
    ] {
        let answer = asked(&house, &format!("{post}{chunk}{rest}"));
        let statuses = statuses(&answer);
        assert!(
            expected.starts_with(&statuses),
            "{rest:?}: {statuses:?}\n{answer}"
        );
        assert!(!answer.contains("access_token"), "{answer}");
    }
    serves(&house);
    house.stop();
}

/// Forward-auth believes the token alone: not what a client says of itself, of its path, or of a proxy.
#[tokio::test]
async fn forward_auth_believes_no_other_header() {
    let house = House::open("");
    house.calls().add_user("maryo").await;
    let signed_in = house
        .calls()
        .sign_in("web", "maryo", crate::calls::PASSWORD)
        .await
        .unwrap();
    let token = signed_in.text("access_token");
    let claims = "X-Forwarded-User: root\r\nX-Forwarded-For: 127.0.0.1\r\nX-Original-URL: /v1/admin/users\r\n\
                  X-Forwarded-Uri: /v1/admin/users\r\nX-HTTP-Method-Override: DELETE\r\nForwarded: for=127.0.0.1\r\n\
                  Prolong-Subject: root\r\nProlong-Scope: prolong:admin\r\nCookie: prolong-web-0=x\r\n";
    let ask = |query: &str, more: &str| {
        asked(
            &house,
            &format!(
                "GET /v1/verify{query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{claims}{more}\r\n"
            ),
        )
    };
    let bearer = format!("Authorization: Bearer {token}\r\n");
    let good = ask("", &bearer);
    assert_eq!(statuses(&good), ["200"], "{good}");
    assert!(
        !good.contains("root") && !good.contains("prolong:admin"),
        "{good}"
    );
    assert_eq!(statuses(&ask("", "")), ["401"]);
    let basic = "Authorization: Basic b3BzOnNlY3JldA==\r\n";
    assert_eq!(statuses(&ask("", basic)), ["401"]);
    assert_eq!(statuses(&ask("", &format!("{bearer}{bearer}"))), ["400"]);
    assert_eq!(statuses(&ask("", &format!("{basic}{bearer}"))), ["400"]);
    let twice = format!("Authorization: Bearer {token}, Bearer {token}\r\n");
    assert_eq!(statuses(&ask("", &twice)), ["400"]);
    assert_eq!(
        statuses(&ask(&format!("?access_token={token}"), "")),
        ["400"]
    );
    for query in [
        "?audience=api&audience=api",
        "?scope=a&scope=",
        "?max_age=-1",
        "?max_age=1e3",
        "?Audience=api",
        "?aud%69ence=api&audience=elsewhere",
    ] {
        let answer = ask(query, &bearer);
        assert_eq!(statuses(&answer), ["422"], "{query}: {answer}");
    }
    house.stop();
}
