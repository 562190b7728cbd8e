//! Runs a scenario over HTTP, whatever answers: `authority::House` is the router in this process here, and the real
//! binary in the tests of the command line. The vocabulary is in `tests/scenarios/README.md`.
//!
//! What `retry`, `concurrent` and `forgiven` have in common is all that a client sees of them: the very same refresh
//! token as before. `call-api` asks the authority's own `/v1/verify`, which is a verifier without a feed to wait for.

use std::collections::BTreeMap;
use std::path::PathBuf;

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::authority::{self, Answer, House, PASSWORD};
use super::scenario::{Scenario, Step, span};

/// Every scenario there is, in order.
pub(crate) fn scenarios() -> Vec<(String, Scenario)> {
    let folder = PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/scenarios"
    ));
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "toml")
    });
    paths.sort();
    let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    paths
        .iter()
        .map(|path| (name(path), Scenario::read(path)))
        .collect()
}

/// What a device holds: every distinct token it was handed, oldest first.
#[derive(Default)]
struct Device {
    sid: String,
    generation: u64,
    refresh: Vec<String>,
    access: Vec<String>,
}

struct World {
    house: House,
    devices: BTreeMap<String, Device>,
    last: String,
}

/// What a step came to, in the words of the vocabulary.
#[derive(Debug, Default)]
struct Outcome {
    word: String,
    because: Option<String>,
    action: Option<String>,
    expires_in: Option<u64>,
}

/// Tells the story, in a house that was opened for it.
pub(crate) async fn run(scenario: &Scenario, house: House) {
    let mut world = World {
        house,
        devices: BTreeMap::new(),
        last: String::new(),
    };
    for (n, step) in scenario.steps.iter().enumerate() {
        let at = format!(
            "{} \"{}\", step {}: {step:?}",
            scenario.story,
            scenario.title,
            n + 1
        );
        for _ in 0..step.number("repeat").unwrap_or(1) {
            if let Some(after) = step.text("after") {
                world.house.later(span(after)).await;
            }
            let outcome = world.act(step).await;
            let outcome = as_told(step, outcome);
            let at = || format!("{at}\ncame to {outcome:?}\nafter {}", world.last);
            assert_eq!(Some(&*outcome.word), step.text("expect"), "{}", at());
            for (key, value) in [("because", &outcome.because), ("action", &outcome.action)] {
                if let Some(expected) = step.text(key) {
                    assert_eq!(value.as_deref(), Some(expected), "{key}: {}", at());
                }
            }
            if let Some(expires_in) = step.text("expires_in") {
                assert_eq!(outcome.expires_in, Some(span(expires_in)), "{}", at());
            }
        }
        if let Some(generation) = step.number("generation") {
            assert_eq!(world.device(step).generation, generation, "{at}");
        }
        if let Some(rows) = step.number("rows") {
            assert_eq!(world.rows().await, rows, "{at}");
        }
    }
}

impl World {
    async fn act(&mut self, step: &Step) -> Outcome {
        match step.text("do").unwrap() {
            "sign-in" => self.sign_in(step).await,
            "refresh" => self.refresh(step).await,
            "prolong" => self.prolong(step).await,
            "request" => self.request(step).await,
            "call-api" => self.call_api(step).await,
            "reauthenticate" => self.reauthenticate(step).await,
            "end" => self.end(step).await,
            "rename" => self.rename(step).await,
            "change-password" => {
                let token = self.access(step);
                let body = json!({ "current_password": PASSWORD, "new_password": format!("{PASSWORD}, changed") });
                let answer = self
                    .house
                    .json(Method::POST, "/v1/password", Some(&token), &body)
                    .await;
                self.heard(&answer);
                done(&answer)
            }
            verb => {
                let verb = if verb == "raise-version" {
                    "sign-out"
                } else {
                    verb.trim_end_matches("-user")
                };
                let answer = self.house.admin(verb).await;
                self.heard(&answer);
                done(&answer)
            }
        }
    }

    fn device(&mut self, step: &Step) -> &mut Device {
        self.devices
            .entry(step.text("on").unwrap_or("device").to_owned())
            .or_default()
    }

    fn access(&mut self, step: &Step) -> String {
        pick(&self.device(step).access, step).clone()
    }

    fn heard(&mut self, answer: &Answer) {
        self.last = format!("{} {}", answer.status, answer.body);
    }

    /// Takes what an answer hands out, or says why it hands out nothing.
    fn take(&mut self, step: &Step, answer: &Answer, word: &str) -> Outcome {
        self.heard(answer);
        if !answer.status.is_success() {
            return refused(answer);
        }
        let device = self.device(step);
        let body = &answer.body;
        let access = body["access_token"].as_str().unwrap().to_owned();
        device.access.push(access);
        if let Some(refresh) = body["refresh_token"].as_str()
            && device.refresh.last().map(String::as_str) != Some(refresh)
        {
            device.refresh.push(refresh.to_owned());
        }
        body["session"]["id"]
            .as_str()
            .unwrap()
            .clone_into(&mut device.sid);
        device.generation = body["session"]["generation"]
            .as_u64()
            .unwrap_or(device.generation);
        Outcome {
            word: word.to_owned(),
            expires_in: body["expires_in"].as_u64(),
            ..Outcome::default()
        }
    }

    async fn sign_in(&mut self, step: &Step) -> Outcome {
        let body = json!({
            "client_id": "web",
            "username": "maryo",
            "password": PASSWORD,
            "device_name": step.text("on").unwrap_or("device"),
        });
        *self.device(step) = Device::default();
        let answer = self
            .house
            .json(Method::POST, "/v1/sessions", None, &body)
            .await;
        assert!(answer.status == StatusCode::CREATED || !answer.status.is_success());
        self.take(step, &answer, "signed-in")
    }

    async fn reauthenticate(&mut self, step: &Step) -> Outcome {
        let token = self.access(step);
        let path = "/v1/sessions/current/reauthenticate";
        let answer = self
            .house
            .json(
                Method::POST,
                path,
                Some(&token),
                &json!({ "password": PASSWORD }),
            )
            .await;
        self.take(step, &answer, "signed-in")
    }

    async fn refresh(&mut self, step: &Step) -> Outcome {
        let device = self.device(step);
        let (token, newest) = (
            pick(&device.refresh, step).clone(),
            device.refresh.last().unwrap().clone(),
        );
        let before = device.generation;
        let mut form = vec![
            ("grant_type", "refresh_token".to_owned()),
            ("refresh_token", token.clone()),
        ];
        form.push(("client_id", "web".to_owned()));
        if let Some(word) = step.text("attempt") {
            form.push(("attempt_id", authority::attempt_id(word)));
        }
        if let Some(idle_for) = step.text("idle_for") {
            form.push(("idle_for", span(idle_for).to_string()));
        }
        match step.text("access_token") {
            Some("own") => form.push(("access_token", device.access.last().unwrap().clone())),
            Some(_) => form.push(("access_token", forged(device.access.last().unwrap()))),
            None => {}
        }
        let answer = self.house.form("/oauth/token", None, &form).await;
        let mut outcome = self.take(step, &answer, "");
        if outcome.word.is_empty() {
            let device = self.device(step);
            let same = device.refresh.last() == Some(&newest);
            outcome.word = match (token == newest, device.generation - before, same) {
                (true, 1, false) => "rotated".to_owned(),
                (true, 0, true) => "coalesced".to_owned(),
                (false, 0, true) => one_of(step, &["retry", "concurrent", "forgiven"]),
                other => format!("neither rotated nor the same token: {other:?}"),
            };
        }
        outcome
    }

    async fn prolong(&mut self, step: &Step) -> Outcome {
        let token = self.access(step);
        let body = step
            .text("idle_for")
            .map_or(json!({}), |idle| json!({ "idle_for": span(idle) }));
        let answer = self
            .house
            .json(
                Method::POST,
                "/v1/sessions/current/prolong",
                Some(&token),
                &body,
            )
            .await;
        let outcome = self.take(step, &answer, "prolonged");
        if outcome.word == "prolonged" {
            let newer = pick(&self.device(step).access, step);
            assert_eq!(lasting(newer), lasting(&token));
            assert_ne!(newer, &token);
        }
        outcome
    }

    /// A request through forward-auth.
    async fn request(&mut self, step: &Step) -> Outcome {
        let token = self.access(step);
        let answer = self
            .house
            .get("/v1/verify?audience=api", Some(&token))
            .await;
        self.heard(&answer);
        if !answer.status.is_success() {
            return refused(&answer);
        }
        let Some(prolonged) = answer.headers.get("prolong-access-token") else {
            return Outcome {
                word: "served".to_owned(),
                ..Outcome::default()
            };
        };
        let prolonged = prolonged.to_str().unwrap().to_owned();
        let expires_in = authority::life(&prolonged);
        self.device(step).access.push(prolonged);
        Outcome {
            word: "prolonged".to_owned(),
            expires_in: Some(expires_in),
            ..Outcome::default()
        }
    }

    async fn call_api(&mut self, step: &Step) -> Outcome {
        let token = self.access(step);
        let answer = self
            .house
            .get("/v1/verify?audience=api", Some(&token))
            .await;
        self.heard(&answer);
        if answer.status.is_success() {
            return Outcome {
                word: "served".to_owned(),
                ..Outcome::default()
            };
        }
        let code = answer.body["code"].as_str().unwrap_or_default().to_owned();
        Outcome {
            word: code,
            ..refused(&answer)
        }
    }

    async fn end(&mut self, step: &Step) -> Outcome {
        let (token, path) = if step.text("reason") == Some("signed_out_elsewhere") {
            let sid = self.device(step).sid.clone();
            let other = self
                .devices
                .values()
                .find(|device| device.sid != sid)
                .unwrap();
            (
                other.access.last().unwrap().clone(),
                format!("/v1/sessions/{sid}"),
            )
        } else {
            (self.access(step), "/v1/sessions/current".to_owned())
        };
        let answer = self
            .house
            .json(Method::DELETE, &path, Some(&token), &Value::Null)
            .await;
        self.heard(&answer);
        if answer.status.is_success() {
            return Outcome {
                word: "ended".to_owned(),
                ..Outcome::default()
            };
        }
        refused(&answer)
    }

    async fn rename(&mut self, step: &Step) -> Outcome {
        let token = self.access(step);
        let body = json!({ "device_name": step.text("to").unwrap() });
        let path = "/v1/sessions/current";
        let answer = self
            .house
            .json(Method::PATCH, path, Some(&token), &body)
            .await;
        self.heard(&answer);
        let listed = self.house.get("/v1/sessions", Some(&token)).await;
        let list = listed.body["sessions"].as_array().unwrap();
        let own = list.iter().find(|one| one["current"] == true).unwrap();
        assert_eq!(own["device_name"], body["device_name"]);
        done(&answer)
    }

    async fn rows(&mut self) -> u64 {
        let token = self
            .devices
            .values()
            .next_back()
            .unwrap()
            .access
            .last()
            .unwrap()
            .clone();
        let answer = self.house.get("/v1/sessions", Some(&token)).await;
        answer.body["sessions"]
            .as_array()
            .unwrap()
            .len()
            .try_into()
            .unwrap()
    }
}

/// The word of a refusal: from the status and the members that clients go by.
fn refused(answer: &Answer) -> Outcome {
    let member = |name: &str| answer.body[name].as_str().map(str::to_owned);
    let (error, code) = (
        member("error").unwrap_or_default(),
        member("code").unwrap_or_default(),
    );
    let (because, action) = (member("reason"), member("action"));
    let word = match (answer.status.as_u16(), &*error, because.as_deref()) {
        (403, _, _) if code == "WRONG_CREDENTIAL" => "wrong-credential",
        (409, "invalid_grant", _) if action.as_deref() == Some("retry") => "superseded",
        (400, "invalid_request", _) => "access-token-missing",
        (400, "invalid_grant", Some(_)) | (401, _, Some(_)) => "over",
        (400, "invalid_grant", None) => "access-token-foreign",
        (401, _, None) => match (&*code, action.as_deref()) {
            ("EXPIRED_TOKEN", Some("renew")) => "access-token-superseded",
            (_, Some("sign_in")) => "too-old",
            _ => "refused",
        },
        _ => "refused",
    };
    Outcome {
        word: word.to_owned(),
        because,
        action,
        expires_in: None,
    }
}

/// On the wire, a reuse that is found and a session that ended of one look the same: only the story knows which it was.
fn as_told(step: &Step, outcome: Outcome) -> Outcome {
    let reuse = outcome.word == "over" && outcome.because.as_deref() == Some("reuse_detected");
    if reuse && step.text("expect") == Some("reuse") {
        return Outcome {
            word: "reuse".to_owned(),
            ..outcome
        };
    }
    outcome
}

fn done(answer: &Answer) -> Outcome {
    if answer.status.is_success() {
        return Outcome {
            word: "done".to_owned(),
            ..Outcome::default()
        };
    }
    refused(answer)
}

/// The word the step expects, if it is one that nothing on the wire tells from the others.
fn one_of(step: &Step, words: &[&str]) -> String {
    let expected = step.text("expect").unwrap();
    if words.contains(&expected) {
        expected.to_owned()
    } else {
        words.join(" or ")
    }
}

fn pick<'a>(tokens: &'a [String], step: &Step) -> &'a String {
    match step.text("token").unwrap_or("current") {
        "current" => tokens.last().unwrap(),
        "previous" => &tokens[tokens.len() - 2],
        "first" => &tokens[0],
        other => panic!("no such token: {other}"),
    }
}

/// What an access token says beside its times and its own id.
fn lasting(token: &str) -> Value {
    let mut claims = authority::claims(token);
    let members = claims.as_object_mut().unwrap();
    for passing in ["exp", "iat", "jti", "softexp"] {
        members.remove(passing);
    }
    assert!(members.len() > 5, "{members:?}");
    claims
}

/// The same token with another signature.
fn forged(token: &str) -> String {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let turned: String = signature.chars().rev().collect();
    format!("{signed}.{turned}")
}
