//! Signals, pipes that close, and what else belongs to being a process.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::calls::{Calls, client};
use crate::house::{ATTEMPT, House};
use crate::server::{PATIENCE, bad, prolong, run};

/// Whatever took effect was answered: a refresh without an answer did not rotate. And it is over within 10 s.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn stopped_under_load_it_answers_whatever_took_effect() {
    for signal in ["TERM", "INT"] {
        let mut house = House::open("");
        house.calls().add_user("maryo").await;
        let answered = std::sync::Arc::new(AtomicU64::new(0));
        let mut tasks = tokio::task::JoinSet::new();
        for n in 0..16 {
            let (token, counted) = (house.sign_in("maryo").await, answered.clone());
            // Half of them on connections that stay, half with one for each request.
            let calls = Calls::with(client(n % 2), house.server().address());
            tasks.spawn(async move {
                let mut token = token;
                loop {
                    match calls.refresh(&token, Some(ATTEMPT)).await {
                        Ok(answer) if answer.status == 200 => {
                            counted.fetch_add(1, Ordering::Relaxed);
                            answer.text("refresh_token").clone_into(&mut token);
                        }
                        Ok(answer) => assert_eq!(answer.status, 503, "{}", answer.body),
                        Err(_) => return token,
                    }
                }
            });
        }
        let until = Instant::now() + PATIENCE;
        while answered.load(Ordering::Relaxed) < 500 {
            assert!(Instant::now() < until);
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let server = house.take_server();
        server.signal(signal);
        let asked = Instant::now();
        let (status, said) = server.wait();
        assert!(status.success(), "{signal}: {status}\n{said}");
        assert!(asked.elapsed() < Duration::from_secs(10), "{signal}");
        assert!(said.contains("stopped"), "{said}");
        house.start();
        while let Some(token) = tasks.join_next().await {
            // Another attempt: if the token was spent without an answer, this is a reuse.
            let answer = house.calls().refresh(&token.unwrap(), Some(OTHER)).await;
            let answer = answer.unwrap();
            assert_eq!(answer.status, 200, "{signal}: {}", answer.body);
        }
        house.stop();
    }
}

const OTHER: &str = "AQAAAAAAAAAAAAAAAAAAAA";

/// A service that was started so that a closing terminal should not end it goes on.
#[tokio::test]
async fn a_hangup_that_is_ignored_from_the_start_stays_ignored() {
    let mut house = House::closed("");
    let mut command = std::process::Command::new("sh");
    command
        .args(["-c", "trap '' HUP; exec \"$0\" serve --listen 127.0.0.1:0"])
        .arg(crate::server::binary())
        .current_dir(house.path());
    house.adopt(&mut command);
    house.server().signal("HUP");
    house.server().signal("HUP");
    assert!(
        house
            .calls()
            .get("/healthz", None)
            .await
            .unwrap()
            .status
            .is_success()
    );
    house.stop();
}

/// `kill -HUP`, or a supervisor's reload, where there is nothing to read again.
#[tokio::test]
async fn without_a_terminal_a_hangup_stops_nothing() {
    let mut house = House::closed("");
    let mut command = std::process::Command::new("env");
    command
        .args(["--default-signal=HUP", "setsid"])
        .arg(crate::server::binary())
        .args(["serve", "--listen", "127.0.0.1:0"])
        .current_dir(house.path());
    house.adopt(&mut command);
    house.server().signal("HUP");
    house.server().signal("HUP");
    let answer = house.calls().get("/healthz", None).await.unwrap();
    assert!(answer.status.is_success());
    house.stop();
}

#[tokio::test]
async fn a_closed_terminal_stops_it() {
    let mut house = House::closed("");
    let mut command = std::process::Command::new("sh");
    // `script` is the terminal; what appears there comes out of its standard output.
    let serve = format!(
        "exec env --default-signal=HUP {} serve --listen 127.0.0.1:0",
        crate::server::binary().display()
    );
    command
        .args(["-c", "exec script -qec \"$0\" /dev/null 1>&2", &serve])
        .current_dir(house.path());
    house.adopt(&mut command);
    let server = std::fs::read_to_string(house.data("prolong.lock")).unwrap();
    let sent = std::process::Command::new("kill")
        .args(["-HUP", server.trim()])
        .status();
    assert!(sent.unwrap().success());
    let (status, said) = house.take_server().wait();
    assert!(status.success() && said.contains("stopped"), "{said}");
}

/// Whoever starts it as systemd does hears of it when it can be asked, not before.
#[tokio::test]
async fn a_supervisor_hears_when_it_is_ready() {
    let mut house = House::closed("");
    let socket = house.path().join("notify.sock");
    let supervisor = std::os::unix::net::UnixDatagram::bind(&socket).unwrap();
    supervisor.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut command = prolong(house.path(), &["serve", "--listen", "127.0.0.1:0"]);
    house.adopt(command.env("NOTIFY_SOCKET", &socket));
    let mut told = [0; 64];
    let length = supervisor.recv(&mut told).unwrap();
    assert_eq!(&told[..length], b"READY=1");
    let answer = house.calls().get("/readyz", None).await.unwrap();
    assert!(answer.status.is_success());
    house.stop();
}

#[tokio::test]
async fn whoever_reads_the_log_may_go_away() {
    let house = House::closed("[log]\nlevel = \"debug\"\n");
    let mut child = prolong(house.path(), &["serve", "--listen", "127.0.0.1:0"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    let address = loop {
        line.clear();
        assert!(log.read_line(&mut line).unwrap() > 0);
        if let Some((_, rest)) = line.split_once("listening on http://") {
            break rest.split(',').next().unwrap().to_owned();
        }
    };
    drop(log);
    let calls = Calls::new(&address);
    calls.add_user("maryo").await;
    for _ in 0..50 {
        let wrong = calls.sign_in("web", "nobody", "wrong").await.unwrap();
        assert!(wrong.status.is_client_error(), "{}", wrong.status);
        let fine = calls.sign_in("web", "maryo", crate::calls::PASSWORD).await;
        assert_eq!(fine.unwrap().status, 201);
    }
    // It says that it drains and that it stopped, to nobody, and that is no fault.
    let asked = std::process::Command::new("kill")
        .arg(child.id().to_string())
        .status();
    assert!(asked.unwrap().success());
    assert!(child.wait().unwrap().success());
}

#[tokio::test]
async fn it_needs_no_standard_input_or_output() {
    let mut house = House::closed("");
    let mut command = std::process::Command::new("sh");
    command
        .args(["-c", "exec \"$0\" serve --listen 127.0.0.1:0 <&- >&-"])
        .arg(crate::server::binary())
        .current_dir(house.path());
    house.adopt(&mut command);
    house.calls().add_user("maryo").await;
    let token = house.sign_in("maryo").await;
    house.refreshed(&token).await;
    house.stop();
}

#[tokio::test]
async fn a_port_that_is_taken_is_told() {
    let house = House::open("");
    let other = House::closed("");
    let said = bad(&run(
        other.path(),
        &["serve", "--listen", house.server().address()],
        "",
    ));
    assert!(
        said.contains("cannot listen on") && said.contains("--listen"),
        "{said}"
    );
    // And it left nothing behind that is in the way.
    assert!(!other.data("prolong.db").exists(), "it began a database");
    house.stop();
}

#[tokio::test]
async fn a_second_server_on_one_folder_is_refused_and_harms_nobody() {
    let house = House::open("");
    house.calls().add_user("maryo").await;
    let token = house.sign_in("maryo").await;
    for _ in 0..3 {
        let said = bad(&run(
            house.path(),
            &["serve", "--listen", "127.0.0.1:0"],
            "",
        ));
        assert!(said.contains("another prolong (process"), "{said}");
    }
    house.refreshed(&token).await;
    // Commands still find the socket of the first.
    let listed = crate::server::good(&run(
        house.path(),
        &["session", "list", "--user", "maryo"],
        "",
    ));
    assert!(listed.contains("web"), "{listed}");
    house.stop();
}
