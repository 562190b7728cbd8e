//! What strangers send: slow, too much, ambiguous, or nothing at all. Each test ends with a request that is served.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use crate::house::House;
use crate::server::PATIENCE;

/// Short, so that the tests of what takes too long are not.
const SHORT: &str = "[limits]\nhead_timeout = \"1s\"\nrequest_timeout = \"1s\"\nconnections = 40\n";

pub(crate) fn connect(house: &House) -> TcpStream {
    let stream = TcpStream::connect(house.server().address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Everything that comes back until the other side closes. A reset counts as closing.
pub(crate) fn heard(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
            panic!(
                "neither answered nor closed: {:?}",
                String::from_utf8_lossy(&bytes)
            )
        }
        _ => String::from_utf8_lossy(&bytes).into_owned(),
    }
}

fn said(house: &House, bytes: &[u8]) -> String {
    let mut stream = connect(house);
    // The other side may have had enough before it is all there.
    let _ = stream.write_all(bytes);
    heard(stream)
}

fn statuses(answer: &str) -> Vec<&str> {
    answer
        .split("HTTP/1.1 ")
        .skip(1)
        .map(|rest| &rest[..3])
        .collect()
}

pub(crate) fn serves(house: &House) {
    let answer = said(
        house,
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    );
    assert_eq!(statuses(&answer), ["200"], "{answer}");
}

/// One byte, a breath, one byte, until it is let go.
fn drip(mut stream: TcpStream, bytes: &[u8]) -> String {
    let until = Instant::now() + PATIENCE;
    stream
        .set_read_timeout(Some(Duration::from_millis(100)))
        .unwrap();
    let mut answer = Vec::new();
    for byte in bytes.iter().cycle() {
        assert!(Instant::now() < until, "it listens for ever");
        if stream.write_all(&[*byte]).is_err() {
            break;
        }
        let mut some = [0; 1024];
        match stream.read(&mut some) {
            Ok(0) => break,
            Ok(read) => answer.extend_from_slice(&some[..read]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => break,
        }
    }
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn whoever_sends_a_byte_at_a_time_is_let_go_and_keeps_nobody_waiting() {
    let house = House::open(SHORT);
    let head = b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: ";
    let body = "POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n\
                Content-Length: 60000\r\n\r\n";
    std::thread::scope(|scope| {
        // More of them than there are seats.
        for n in 0..60 {
            let house = &house;
            scope.spawn(move || {
                let mut stream = connect(house);
                if n % 2 == 0 {
                    let answer = drip(stream, head);
                    assert!(!answer.starts_with("HTTP/1.1 2"), "{answer}");
                } else {
                    stream.write_all(body.as_bytes()).unwrap();
                    let answer = drip(stream, b"a=b&");
                    assert!(
                        answer.is_empty() || statuses(&answer) == ["408"],
                        "{answer}"
                    );
                }
            });
        }
        serves(&house);
    });
    serves(&house);
    house.stop();
}

#[tokio::test]
async fn what_is_too_large_is_refused_by_its_kind() {
    let house = House::open("");
    let long = "x".repeat(70_000);
    let close = "Connection: close\r\n";
    let head = said(
        &house,
        format!("GET / HTTP/1.1\r\nHost: x\r\nX-Long: {long}\r\n{close}\r\n").as_bytes(),
    );
    assert_eq!(statuses(&head), ["431"], "{head}");
    let uri = said(
        &house,
        format!("GET /{long} HTTP/1.1\r\nHost: x\r\n{close}\r\n").as_bytes(),
    );
    assert!(["414", "431"].contains(&statuses(&uri)[0]), "{uri}");
    let many: String = (0..2_000).map(|n| format!("x-{n}: y\r\n")).collect();
    let headers = said(
        &house,
        format!("GET / HTTP/1.1\r\nHost: x\r\n{many}{close}\r\n").as_bytes(),
    );
    assert_eq!(statuses(&headers), ["431"], "{headers}");
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let body = said(
        &house,
        format!("POST /oauth/token HTTP/1.1\r\nHost: x\r\n{form}{close}Content-Length: 70000\r\n\r\n{long}").as_bytes(),
    );
    assert_eq!(statuses(&body), ["413"], "{body}");
    let chunk = format!("{:x}\r\n{long}\r\n0\r\n\r\n", long.len());
    let chunked = said(
        &house,
        format!("POST /oauth/token HTTP/1.1\r\nHost: x\r\n{form}{close}Transfer-Encoding: chunked\r\n\r\n{chunk}")
            .as_bytes(),
    );
    assert_eq!(statuses(&chunked), ["413"], "{chunked}");
    serves(&house);
    house.stop();
}

/// The operator's own bounds, not only those that are there by default.
#[tokio::test]
async fn the_largest_head_and_body_are_the_operators() {
    let house = House::open("[limits]\nhead_bytes = 9000\nbody_bytes = 2000\n");
    let asked = |more: &str, body: usize| {
        let request = format!(
            "POST /oauth/token HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{more}\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {body}\r\n\r\n{}",
            "x".repeat(body)
        );
        statuses(&said(&house, request.as_bytes())).join(" ")
    };
    assert_eq!(asked("", 2000), "400", "read, and it makes no sense");
    assert_eq!(asked("", 2001), "413");
    assert_eq!(asked(&format!("X-A: {}\r\n", "x".repeat(5_000)), 9), "400");
    // What arrives in one piece is read before it is measured, so the bound is less than twice the number.
    assert_eq!(asked(&format!("X-A: {}\r\n", "x".repeat(18_000)), 9), "431");
    house.stop();
}

/// Where a proxy and the authority could disagree on where a request ends, there is one answer at most, and the
/// request hidden in the other's body is never answered.
#[tokio::test]
async fn a_request_is_never_hidden_in_another() {
    let house = House::open("");
    let hidden = "GET /.well-known/jwks.json HTTP/1.1\r\nHost: x\r\n\r\n";
    let post = "POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n";
    let shapes = [
        format!(
            "Content-Length: {}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}",
            5 + hidden.len()
        ),
        format!("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n{hidden}"),
        format!(
            "Content-Length: 0\r\nContent-Length: {}\r\n\r\n{hidden}",
            hidden.len()
        ),
        format!("Content-Length: 0, {}\r\n\r\n{hidden}", hidden.len()),
        format!("Content-Length: +0\r\n\r\n{hidden}"),
        format!("Content-Length: -1\r\n\r\n{hidden}"),
        format!("Content-Length: 0x0\r\n\r\n{hidden}"),
        format!("Content-Length : 0\r\n\r\n{hidden}"),
        format!("Content-Length:\r\n 0\r\n\r\n{hidden}"),
        format!("Content-Length: 18446744073709551616\r\n\r\n{hidden}"),
        format!("Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n{hidden}"),
        format!("Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n{hidden}"),
        format!(
            "Transfer-Encoding: identity, chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n{hidden}"
        ),
        format!("Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n{hidden}"),
        format!("Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n{hidden}"),
        format!("Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n\r\n{hidden}"),
        format!("Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n{hidden}"),
        format!("X: y\rContent-Length: 0\r\n\r\n{hidden}"),
        format!("X\0: y\r\nContent-Length: 0\r\n\r\n{hidden}"),
    ];
    for shape in &shapes {
        let mut stream = connect(&house);
        let _ = stream.write_all(format!("{post}{shape}").as_bytes());
        let _ = stream.shutdown(Shutdown::Write);
        let answer = heard(stream);
        assert!(
            !answer.contains("\"keys\""),
            "hidden and answered: {shape:?}\n{answer}"
        );
        let statuses = statuses(&answer);
        assert!(statuses.len() <= 1, "{shape:?}\n{answer}");
        assert!(
            statuses.iter().all(|status| status.starts_with('4')),
            "{shape:?}\n{answer}"
        );
    }
    serves(&house);
    house.stop();
}

#[tokio::test]
async fn what_is_no_http_gets_no_sense_out_of_it() {
    let house = House::open("");
    let shapes: [&[u8]; 12] = [
        b"GET /\r\n\r\n",
        b"GET / HTTP/0.9\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
        b"\r\n\r\n\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\0\0\0\0\0\0\0\0",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        b"GE\xffT / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET  /  HTTP/1.1\r\nHost: x\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"CONNECT evil.example:443 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    ];
    for shape in shapes {
        let mut stream = connect(&house);
        let _ = stream.write_all(shape);
        let _ = stream.shutdown(Shutdown::Write);
        let answer = heard(stream);
        let wrong = statuses(&answer);
        assert!(
            wrong.iter().all(|status| status.starts_with('4')),
            "{:?}: {answer}",
            String::from_utf8_lossy(shape)
        );
    }
    serves(&house);
    house.stop();
}

#[tokio::test]
async fn a_hundred_requests_at_once_on_one_connection_are_answered_in_order() {
    let house = House::open("");
    let mut stream = connect(&house);
    let paths = [
        "/healthz",
        "/nowhere",
        "/.well-known/jwks.json",
        "/v1/sessions",
    ];
    let mut all = String::new();
    for n in 0..100 {
        let last = if n == 99 { "Connection: close\r\n" } else { "" };
        let path = paths[n % 4];
        all += &["GET ", path, " HTTP/1.1\r\nHost: x\r\n", last, "\r\n"].concat();
    }
    let mut writing = stream.try_clone().unwrap();
    let writer = std::thread::spawn(move || writing.write_all(all.as_bytes()));
    let mut answers = Vec::new();
    let mut lines = BufReader::new(&mut stream);
    let mut line = String::new();
    while lines.read_line(&mut line).unwrap() > 0 {
        if let Some((_, status)) = line.split_once("HTTP/1.1 ") {
            answers.push(status[..3].to_owned());
        }
        line.clear();
    }
    writer.join().unwrap().unwrap();
    let expected: Vec<_> = (0..100)
        .map(|n| ["200", "404", "200", "401"][n % 4])
        .collect();
    assert_eq!(answers, expected);
    house.stop();
}

/// A client that has sent its request and closed its half still hears the answer; hundreds that only connect, or go
/// away in the middle, cost nothing that lasts.
#[tokio::test]
async fn half_open_connections_are_heard_out_and_forgotten() {
    let house = House::open(SHORT);
    let mut stream = connect(&house);
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        .unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(statuses(&heard(stream)), ["200"]);
    for n in 0..400 {
        let mut stream = connect(&house);
        let whole = b"POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc";
        let part = &whole[..n * 7 % whole.len()];
        let _ = stream.write_all(part);
        if n % 2 == 0 {
            reset(stream);
        }
    }
    serves(&house);
    house.stop();
}

/// Closes without the polite goodbye, which also leaves no port behind that waits.
pub(crate) fn reset(stream: TcpStream) {
    let socket = socket2::Socket::from(stream);
    socket.set_linger(Some(Duration::ZERO)).unwrap();
}

/// Asks and asks and reads no answer: they pile up until there is no room, and then the seat goes to somebody else.
#[tokio::test]
async fn whoever_reads_no_answer_is_let_go() {
    let house = House::open(SHORT);
    let mut stream = connect(&house);
    stream
        .set_write_timeout(Some(Duration::from_millis(100)))
        .unwrap();
    let until = Instant::now() + PATIENCE;
    loop {
        assert!(Instant::now() < until, "it is kept for ever");
        match stream.write(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n") {
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Ok(_) => {}
            Err(_) => break,
        }
    }
    serves(&house);
    house.stop();
}

/// HTTP/2: one request, and from then on nothing but pings; or a request whose answer is given no room.
#[tokio::test]
async fn whoever_only_holds_a_seat_loses_it() {
    let house = House::open(SHORT);
    // SETTINGS_INITIAL_WINDOW_SIZE (RFC 9113 §6.5.2), as it is by default, and none.
    for window in [65_535_u32, 0] {
        let mut stream = connect(&house);
        let mut greeting = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        let settings = [&[0, 4][..], &window.to_be_bytes()].concat();
        greeting.extend(frame(4, 0, 0, &settings));
        // :method GET, :scheme http, :path, :authority
        let path = b"/openapi.json";
        let length = u8::try_from(path.len()).unwrap();
        let head = [&[0x82, 0x86, 0x04, length][..], path, &[0x01, 0x01, b'x']].concat();
        greeting.extend(frame(1, 5, 1, &head));
        stream.write_all(&greeting).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_millis(100)))
            .unwrap();
        let until = Instant::now() + PATIENCE;
        let mut some = [0; 4096];
        loop {
            assert!(Instant::now() < until, "it is kept for ever");
            match stream.read(&mut some) {
                Ok(0) => break,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    // A ping; what comes back says that this side is alive, and no more.
                    let _ = stream.write_all(&frame(6, 0, 0, b"still me"));
                }
                Ok(_) => {}
                Err(_) => break,
            }
        }
        serves(&house);
    }
    house.stop();
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let stream = stream.to_be_bytes();
    [&length[1..], &[kind, flags], &stream, payload].concat()
}
