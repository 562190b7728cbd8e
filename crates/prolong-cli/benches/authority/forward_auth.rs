//! Forward-auth requests a second, with tokens that were seen before, beside a bare axum.

use crate::house::House;
use crate::http::{Connection, after};
use crate::load;
use crate::options::Options;
use crate::yardstick;
use prolong_core::Generation;

pub(crate) fn run(options: &Options) {
    let time = options.time(4);
    for algorithm in options.algorithms() {
        let house = House::with_sessions(options.sessions(1000), &algorithm);
        let server = house.serve(&options.server);
        for clients in options.clients(&[16, 64]) {
            let tokens: Vec<String> = (0..clients)
                .map(|n| access_token(&house, &server.address, n as u64))
                .collect();
            let hello = yardstick::hello(clients, time);
            let as_served = yardstick::hello_as_served(clients, time);
            let before = server.processor_seconds();
            let (outcome, _) = load::run::<(), _>(clients, time, |n, end| {
                let request = format!(
                    "GET /v1/verify?scope=orders:read HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\r\n",
                    server.address, tokens[n]
                );
                yardstick::same(server.address.clone(), request, end)
            });
            println!("{algorithm} {clients:>3} clients, bare axum, one thread: {hello}");
            println!("{algorithm} {clients:>3} clients, bare axum, as served:  {as_served}");
            println!(
                "{algorithm} {clients:>3} clients, /v1/verify:       {outcome}; {:.2} and {:.2} of bare axum; server {:.1} µs each",
                outcome.rate / hello.rate,
                outcome.rate / as_served.rate,
                server.micros_each(before, &outcome)
            );
        }
        drop(server);
    }
}

/// Strict rotation answers a token once, so each call takes the newest generation that the store has.
fn access_token(house: &House, address: &str, n: u64) -> String {
    let ask = async |generation| {
        let mut connection = Connection::open(address).await;
        let body = format!(
            "grant_type=refresh_token&client_id=web&refresh_token={}",
            house.token(n, Generation(generation))
        );
        let request = format!(
            "POST /oauth/token HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let answer = connection.exchange(request.as_bytes()).await;
        assert_eq!(
            answer.status,
            200,
            "{}",
            String::from_utf8_lossy(answer.body)
        );
        let at = after(answer.body, br#""access_token":""#).unwrap();
        let token = answer.body[at..]
            .split(|byte| *byte == b'"')
            .next()
            .unwrap();
        String::from_utf8(token.to_vec()).unwrap()
    };
    crate::house::runtime().block_on(ask(0))
}
