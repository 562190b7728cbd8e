//! Runs every story of `tests/scenarios` against the pure core. The vocabulary is in `tests/scenarios/README.md`, made so
//! that an HTTP runner can execute the same files against the real server.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use prolong_core::{
    AccessGrant, AttemptHash, CapVerdict, Class, Decision, EndReason, Event, Generation, KeyId,
    Life, Limit, Policy, PolicyDraft, PresentedAccessToken, Preset, ProlongWith, Refresh, Refusal,
    Renew, Renewal, SecretHash, Session, SessionId, SoftResponse, Standing, Start, Timestamp,
    UserKey, Verdict, decide, ended_by_password_change, make_room,
};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    story: String,
    title: String,
    preset: String,
    #[serde(default)]
    policy: toml::Table,
    step: Vec<Step>,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct Step {
    after: Option<String>,
    #[serde(rename = "do")]
    act: String,
    on: Option<String>,
    token: Option<String>,
    attempt: Option<String>,
    idle_for: Option<String>,
    access_token: Option<String>,
    reason: Option<String>,
    #[serde(rename = "to")]
    _to: Option<String>,
    repeat: Option<u32>,
    expect: String,
    because: Option<String>,
    action: Option<String>,
    expires_in: Option<String>,
    generation: Option<u64>,
    rows: Option<usize>,
}

struct Device {
    session: Session,
    refresh: Vec<(Generation, KeyId)>,
    access: Vec<(AccessGrant, Generation)>,
}

struct World {
    policy: Policy,
    user: Standing,
    now: Timestamp,
    devices: BTreeMap<String, Device>,
}

/// What a step came to, in the words of the vocabulary.
#[derive(Default)]
struct Outcome {
    word: &'static str,
    because: Option<EndReason>,
    action: Option<&'static str>,
    expires_in: Option<Duration>,
}

#[test]
fn every_story_holds() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/scenarios");
    let mut stories = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            let text = std::fs::read_to_string(&path).unwrap();
            let scenario: Scenario =
                toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            run(&scenario);
            stories.insert(scenario.story);
        }
    }
    for n in 0..=10 {
        assert!(stories.contains(&format!("S{n}")), "no scenario for S{n}");
    }
}

fn run(scenario: &Scenario) {
    let mut world = World {
        policy: policy(scenario),
        user: Standing::new(),
        now: Timestamp::from_secs(1_800_000_000),
        devices: BTreeMap::new(),
    };
    for (n, step) in scenario.step.iter().enumerate() {
        let at = format!(
            "{} \"{}\", step {}: {step:?}",
            scenario.story,
            scenario.title,
            n + 1
        );
        for _ in 0..step.repeat.unwrap_or(1) {
            if let Some(after) = &step.after {
                world.now = world.now.plus(span(after));
            }
            let outcome = world.act(step);
            assert_eq!(outcome.word, step.expect, "{at}");
            if let Some(because) = &step.because {
                assert_eq!(
                    outcome.because.map(EndReason::as_str),
                    Some(&**because),
                    "{at}"
                );
            }
            if let Some(action) = &step.action {
                assert_eq!(outcome.action, Some(&**action), "{at}");
            }
            if let Some(expires_in) = &step.expires_in {
                assert_eq!(outcome.expires_in, Some(span(expires_in)), "{at}");
            }
        }
        if let Some(generation) = step.generation {
            assert_eq!(world.device(step).session.generation.0, generation, "{at}");
        }
        if let Some(rows) = step.rows {
            assert_eq!(world.devices.len(), rows, "{at}");
        }
    }
}

impl World {
    fn act(&mut self, step: &Step) -> Outcome {
        match &*step.act {
            "sign-in" => return self.sign_in(step),
            "refresh" => return self.refresh(step),
            "prolong" => return self.prolong(step, false),
            "request" => return self.request(step),
            "call-api" => return self.call_api(step),
            "reauthenticate" => return self.reauthenticate(step),
            "end" => {
                let word = step.reason.as_deref().unwrap_or("signed_out");
                let reason = EndReason::ALL
                    .into_iter()
                    .find(|r| r.as_str() == word)
                    .unwrap();
                return self.decide(step, &Event::End(reason));
            }
            "disable-user" => {
                self.user.disabled = true;
                self.user.version += 1;
                self.end_all(EndReason::UserDisabled);
            }
            "enable-user" => self.user.disabled = false,
            "raise-version" => self.user.version += 1,
            "require-reauth" => self.user.reauth_at = Some(self.now),
            "change-password" => self.change_password(step),
            "rename" => {}
            other => panic!("no such act: {other}"),
        }
        word("done")
    }

    fn end_all(&mut self, reason: EndReason) {
        for device in self.devices.values_mut() {
            let end = Event::End(reason);
            let ended = decide(&device.session, &self.user, &end, self.now, &self.policy);
            device.session = ended.next;
        }
    }

    fn device(&mut self, step: &Step) -> &mut Device {
        let name = step.on.as_deref().unwrap_or("device");
        self.devices
            .get_mut(name)
            .unwrap_or_else(|| panic!("nobody signed in on {name}"))
    }

    fn sign_in(&mut self, step: &Step) -> Outcome {
        let sessions: Vec<_> = self.devices.values().map(|d| d.session.clone()).collect();
        let room = make_room(&sessions, &self.user, self.now, &self.policy, |_| {
            &self.policy
        });
        let CapVerdict::StartAfterEnding(displaced) = room else {
            return word("full");
        };
        for device in self
            .devices
            .values_mut()
            .filter(|d| displaced.contains(&d.session.id))
        {
            device.session.life = Life::Ended {
                reason: EndReason::Displaced,
                at: self.now,
            };
        }
        if self.policy.replace_others {
            self.user.version += 1;
        }
        self.user.last_sign_in = Some(self.now);
        let start = Start {
            id: SessionId([u8::try_from(self.devices.len()).unwrap(); 16]),
            user: UserKey([1; 16]),
            client: "web".into(),
            key: KeyId(1),
            secret: SecretHash([7; 32]),
            authenticated_at: self.now,
            remember: false,
            scope: None,
            acr: None,
            device_name: step.on.as_deref().map(Into::into),
            user_agent: None,
            ip: None,
        };
        let session = Session::start(start, &self.user, self.now, &self.policy);
        let renewal = session.first_tokens(&self.user, self.now, &self.policy);
        let mut device = Device {
            session,
            refresh: Vec::new(),
            access: Vec::new(),
        };
        let outcome = device.take(&renewal);
        let name = step.on.clone().unwrap_or_else(|| "device".into());
        self.devices.insert(name, device);
        outcome
    }

    fn reauthenticate(&mut self, step: &Step) -> Outcome {
        let outcome = self.decide(step, &Event::Reauthenticated);
        if outcome.word == "signed-in" {
            self.user.last_sign_in = Some(self.now);
        }
        outcome
    }

    fn refresh(&mut self, step: &Step) -> Outcome {
        let (generation, key) = *pick(&self.device(step).refresh, step);
        let event = Refresh {
            client: Some("web"),
            key,
            generation,
            secret: SecretHash([7; 32]),
            attempt: step.attempt.as_deref().map(|id| hash(id, generation)),
            idle_for: step.idle_for.as_deref().map(span),
            access_token: match step.access_token.as_deref() {
                None => PresentedAccessToken::Absent,
                Some("own") => PresentedAccessToken::Authentic,
                Some("forged") => PresentedAccessToken::Foreign,
                Some(other) => panic!("no such access token: {other}"),
            },
            concurrent_answers: 0,
            newest_key: KeyId(1),
            restore_declared: false,
        };
        self.decide(step, &Event::Refresh(event))
    }

    fn prolong(&mut self, step: &Step, by_request: bool) -> Outcome {
        let supersede = self.policy.supersede;
        let (access, generation) = *pick(&self.device(step).access, step);
        let renew = Renew {
            expires_at: access.expires_at,
            issued_at: access.issued_at,
            generation: supersede.then_some(generation),
            idle_for: step.idle_for.as_deref().map(span),
            expires_in: None,
            by_request,
        };
        self.decide(step, &Event::Renew(renew))
    }

    /// A request through forward-auth: renewed where the policy renews by request, and seen as activity.
    fn request(&mut self, step: &Step) -> Outcome {
        if self.policy.prolong_with == ProlongWith::AnyRequest {
            let outcome = self.prolong(step, true);
            if outcome.word != "not-due" {
                return outcome;
            }
        }
        let outcome = self.call_api(step);
        if outcome.word == "served" {
            return self.decide(step, &Event::RequestSeen(self.now));
        }
        outcome
    }

    /// A request to an API that verifies locally and follows the feed.
    fn call_api(&mut self, step: &Step) -> Outcome {
        let (now, version, policy) = (self.now, self.user.version, self.policy.clone());
        let device = self.device(step);
        let (access, generation) = *pick(&device.access, step);
        let enforced = policy.soft_response == SoftResponse::Reject;
        let soft = access.soft_expires_at.filter(|_| enforced);
        let ended = matches!(device.session.life, Life::Ended { .. });
        let dead = ended || device.session.version < version;
        if dead || (soft.is_some() && now >= access.expires_at) {
            return Outcome {
                action: Some("sign_in"),
                ..word("INVALID_TOKEN")
            };
        }
        let superseded = policy.supersede && generation < device.session.generation;
        if superseded || now >= soft.unwrap_or(access.expires_at) {
            return Outcome {
                action: Some("renew"),
                ..word("EXPIRED_TOKEN")
            };
        }
        word("served")
    }

    fn change_password(&mut self, step: &Step) {
        let (user, now, policy) = (self.user, self.now, self.policy.clone());
        let caller = self.device(step).session.id;
        for device in self.devices.values_mut() {
            if ended_by_password_change(&device.session, Some(caller), &policy) {
                let end = Event::End(EndReason::PasswordChanged);
                device.session = decide(&device.session, &user, &end, now, &policy).next;
            }
        }
    }

    fn decide(&mut self, step: &Step, event: &Event<'_>) -> Outcome {
        let (user, now, policy) = (self.user, self.now, self.policy.clone());
        let device = self.device(step);
        let Decision { verdict, next } = decide(&device.session, &user, event, now, &policy);
        device.session = next;
        match verdict {
            Verdict::Renewed(renewal) => device.take(&renewal),
            Verdict::Noted => word("served"),
            Verdict::Ended(reason) => Outcome {
                because: Some(reason),
                ..word("ended")
            },
            Verdict::Refused(refusal) => refused(refusal),
        }
    }
}

impl Device {
    fn take(&mut self, renewal: &Renewal) -> Outcome {
        let access = renewal.access;
        let refresh = renewal
            .refresh
            .map(|refresh| (refresh.generation, refresh.key));
        if refresh.is_some() && refresh != self.refresh.last().copied() {
            self.refresh.extend(refresh);
        }
        self.access.push((access, self.session.generation));
        let class = match renewal.class {
            Class::SignIn => "signed-in",
            Class::Coalesced => "coalesced",
            Class::Rotated => "rotated",
            Class::Retry => "retry",
            Class::Concurrent => "concurrent",
            Class::Forgiven => "forgiven",
            Class::Adopted => "adopted",
            Class::AccessToken => "prolonged",
        };
        Outcome {
            expires_in: Some(access.expires_at.since(access.issued_at)),
            ..word(class)
        }
    }
}

fn refused(refusal: Refusal) -> Outcome {
    let with = |text, action| Outcome {
        action: Some(action),
        ..word(text)
    };
    match refusal {
        Refusal::Over { reason, .. } => Outcome {
            because: Some(reason),
            ..with("over", reason.action().as_str())
        },
        Refusal::Reuse => Outcome {
            because: Some(EndReason::ReuseDetected),
            ..with("reuse", "sign_in")
        },
        Refusal::Superseded => with("superseded", "retry"),
        Refusal::SpentToken => with("spent", "sign_in"),
        Refusal::AccessTokenMissing => word("access-token-missing"),
        Refusal::AccessTokenForeign => word("access-token-foreign"),
        Refusal::AccessTokenTooOld => with("too-old", "sign_in"),
        Refusal::AccessTokenSuperseded => with("access-token-superseded", "renew"),
        Refusal::NotDue => word("not-due"),
        Refusal::WrongCredential => word("wrong-credential"),
        other => panic!("no word for {other:?}"),
    }
}

fn word(word: &'static str) -> Outcome {
    Outcome {
        word,
        ..Outcome::default()
    }
}

fn pick<'a, T>(tokens: &'a [T], step: &Step) -> &'a T {
    match step.token.as_deref().unwrap_or("current") {
        "current" => tokens.last().unwrap(),
        "previous" => &tokens[tokens.len() - 2],
        "first" => &tokens[0],
        other => panic!("no such token: {other}"),
    }
}

fn hash(id: &str, generation: Generation) -> AttemptHash {
    let seed = generation.0.wrapping_add(0xcbf2_9ce4_8422_2325);
    let hash = id.bytes().fold(seed, |h, b| {
        (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
    });
    AttemptHash(hash.to_be_bytes())
}

fn span(text: &str) -> Duration {
    let (number, unit) = text.split_at(text.len() - 1);
    let number: u64 = number.parse().unwrap();
    match unit {
        "s" => Duration::from_secs(number),
        "m" => Duration::from_mins(number),
        "h" => Duration::from_hours(number),
        "d" => Duration::from_hours(number * 24),
        "w" => Duration::from_hours(number * 24 * 7),
        _ => panic!("no such span: {text}"),
    }
}

fn policy(scenario: &Scenario) -> Policy {
    let preset = Preset::parse(&scenario.preset);
    assert!(preset.is_some(), "no such preset: {}", scenario.preset);
    let mut draft = PolicyDraft {
        preset,
        ..PolicyDraft::default()
    };
    for (key, value) in &scenario.policy {
        let text = value.as_str();
        match &**key {
            "access" => draft.access = text.map(span),
            "idle" => draft.idle = text.map(|text| Limit::After(span(text))),
            "lifetime" => draft.lifetime = text.map(|text| Limit::After(span(text))),
            "supersede" => draft.supersede = value.as_bool(),
            "replace_others" => draft.replace_others = value.as_bool(),
            "sessions_per_user" => {
                draft.sessions_per_user = value.as_integer().map(|n| n.try_into().unwrap());
            }
            other => panic!("no such policy key in scenarios: {other}"),
        }
    }
    draft.build().unwrap()
}
