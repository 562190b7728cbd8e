//! What the log says, and what it must never say.

use crate::server::{CONFIGURATION, Server, bad, good, house, run, run_with, text};

/// Every secret of a whole story: passwords, tokens of every kind, a ticket, the client's secret, the master key.
#[test]
#[expect(clippy::too_many_lines, reason = "one story, told through")]
fn no_secret_is_in_the_log_of_a_full_story() {
    for (format, level) in [("json", "debug,hyper=info,h2=info"), ("text", "trace")] {
        let folder = house(CONFIGURATION);
        let folder = folder.path();
        let master = std::fs::read_to_string(folder.join("prolong-data/master.key")).unwrap();
        let environment = [
            ("PROLONG__LOG__LEVEL", level),
            ("PROLONG__LOG__FORMAT", format),
        ];
        let server = Server::start_with(folder, &environment);
        let mut secrets = vec![
            "correct horse".to_owned(),
            "battery staple".to_owned(),
            "wrong guess".to_owned(),
        ];
        secrets.push(master.split_whitespace().last().unwrap().to_owned());
        let json = [("Content-Type", "application/json")];

        let answer = server.sign_in("maryo", "correct horse");
        secrets.extend([
            text(&answer, "access_token"),
            text(&answer, "refresh_token"),
        ]);
        let wrong = r#"{"client_id":"web","username":"maryo","password":"wrong guess"}"#;
        assert_eq!(server.call("POST", "/v1/sessions", &json, wrong).0, 401);
        let spent = text(&answer, "refresh_token");
        let (_, answer) = server.refresh(&spent);
        secrets.extend([
            text(&answer, "access_token"),
            text(&answer, "refresh_token"),
        ]);
        let (_, answer) = server.refresh(&text(&answer, "refresh_token"));
        secrets.extend([
            text(&answer, "access_token"),
            text(&answer, "refresh_token"),
        ]);
        let admin = server.machine_token("prolong:admin");
        let sign_in = server.machine_token("prolong:sign-in");
        let bearer = format!("Bearer {sign_in}");
        let body = r#"{"client_id":"web","deliver":"ticket"}"#;
        let headers = [
            ("Content-Type", "application/json"),
            ("Authorization", bearer.as_str()),
        ];
        let (status, answer) = server.call("POST", "/v1/admin/users/ann/sessions", &headers, body);
        assert_eq!(status, 201, "{answer}");
        let ticket = text(&answer, "ticket");
        let body = format!(r#"{{"client_id":"web","ticket":"{ticket}"}}"#);
        let (status, answer) = server.call("POST", "/v1/sessions", &json, &body);
        assert_eq!(status, 201, "{answer}");
        assert!(server.call("POST", "/v1/sessions", &json, &body).0 >= 400);
        let ann = text(&answer, "access_token");
        secrets.extend([ticket, ann.clone(), text(&answer, "refresh_token")]);
        let bearer = format!("Bearer {ann}");
        assert_eq!(
            server
                .call("GET", "/v1/verify", &[("Authorization", &bearer)], "")
                .0,
            200
        );
        assert_eq!(
            server
                .call(
                    "DELETE",
                    "/v1/sessions/current",
                    &[("Authorization", &bearer)],
                    ""
                )
                .0
                / 100,
            2
        );
        assert_eq!(
            server
                .call("GET", "/v1/verify", &[("Authorization", &bearer)], "")
                .0,
            401
        );
        // Reuse, forged and mangled tokens, tokens in places where none belongs.
        let (_, problem) = server.refresh(&spent);
        assert_eq!(problem["reason"], "reuse_detected", "{problem}");
        server.refresh(&format!("{spent}A"));
        server.call("GET", &format!("/v1/sessions?access_token={ann}"), &[], "");
        server.call(
            "GET",
            &format!("/nowhere/{ann}"),
            &[("Authorization", &format!("Basic {ann}"))],
            "",
        );
        server.call(
            "POST",
            "/oauth/token",
            &json,
            &format!("{{\"refresh_token\":\"{spent}\""),
        );
        let form = format!("token={spent}&client_id=ops&client_secret=not-it-at-all");
        let form_type = [("Content-Type", "application/x-www-form-urlencoded")];
        server.call("POST", "/oauth/introspect", &form_type, &form);
        good(&run_with(
            folder,
            &["user", "set-password", "maryo", "--password-stdin"],
            &[],
            "battery staple\n",
        ));
        good(&run(folder, &["key", "rotate"]));
        good(&run(folder, &["key", "distrust", "--signing"]));
        good(&run(folder, &["user", "disable", "maryo"]));
        good(&run(folder, &["backup", "copy.db"]));
        secrets.extend([
            admin,
            sign_in,
            "not-it-at-all".to_owned(),
            "client_secret".to_owned(),
        ]);

        let log = server.stop();
        for secret in &secrets {
            assert!(
                !log.contains(secret.as_str()),
                "{secret} is in the log:\n{log}"
            );
            // Not in halves either: the signature of a token, or its claims.
            for part in secret.split('.').filter(|part| part.len() > 24) {
                assert!(
                    !log.contains(part),
                    "a part of {secret} is in the log:\n{log}"
                );
            }
        }
        assert!(log.contains("ready: listening"), "{log}");
        if format == "json" {
            for line in log.lines() {
                let line: serde_json::Value = serde_json::from_str(line).unwrap();
                assert!(
                    line["timestamp"].is_string()
                        && line["level"].is_string()
                        && line["fields"]["message"].is_string(),
                    "{line}"
                );
            }
        }
    }
}

#[test]
fn a_quiet_day_writes_a_quiet_log() {
    let folder = house(CONFIGURATION);
    let server = Server::start(folder.path());
    for _ in 0..20 {
        let answer = server.sign_in("maryo", "correct horse");
        server.refresh(&text(&answer, "refresh_token"));
        server.call("GET", "/v1/verify", &[], "");
    }
    let log = server.stop();
    assert!(log.lines().count() <= 6, "{log}");
}

#[test]
fn a_filter_that_means_nothing_is_a_fault() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("prolong.toml"),
        format!("log = {{ level = \"prolong_server=verbos\" }}\n{CONFIGURATION}"),
    )
    .unwrap();
    let fault = bad(&run(folder.path(), &["config", "check"]));
    assert!(fault.contains("log.level"), "{fault}");
}
