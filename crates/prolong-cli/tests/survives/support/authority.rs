//! The real binary as the house of a story, and two ways for time to pass in it.

use std::fmt::Write as _;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::scenario::Scenario;
use crate::calls::{Calls, SECRET_HASH};
use crate::server::Server;
use crate::world::World;

pub(crate) use crate::calls::{Answer, PASSWORD};

/// How time passes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Time {
    /// While the server runs.
    Flows,
    /// While it is down: it is killed, and started when the time has come.
    Skips,
}

pub(crate) struct House {
    server: Option<Server>,
    calls: Calls,
    world: World,
    time: Time,
    sub: String,
    folder: TempDir,
}

impl House {
    pub(crate) async fn open(scenario: &Scenario, time: Time) -> Self {
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("prolong.toml"), configuration(scenario)).unwrap();
        let key = ["--config", "other.toml", "config", "init"];
        crate::server::good(&crate::server::run(folder.path(), &key, ""));
        let world = World::new(folder.path());
        world.stand_still();
        let server = Server::start(folder.path(), Some(&world));
        let calls = Calls::new(server.address());
        let sub = calls.add_user("maryo").await;
        Self {
            server: Some(server),
            calls,
            world,
            time,
            sub,
            folder,
        }
    }

    #[expect(
        clippy::unused_async,
        reason = "the stories wait here; the world in the process does"
    )]
    pub(crate) async fn later(&mut self, seconds: u64) {
        if self.time == Time::Flows {
            self.world.pass(seconds);
            return;
        }
        let server = self.server.take().unwrap();
        let folder = self.folder.path().to_owned();
        server.kill();
        self.world.pass(seconds);
        let server = Server::start(&folder, Some(&self.world));
        self.calls = Calls::new(server.address());
        self.server = Some(server);
    }

    /// `POST /v1/admin/users/{sub}/{verb}`.
    pub(crate) async fn admin(&self, verb: &str) -> Answer {
        let token = self.calls.admin_token().await.unwrap();
        let path = format!("/v1/admin/users/{}/{verb}", self.sub);
        self.json(
            Method::POST,
            &path,
            Some(token.text("access_token")),
            &json!({}),
        )
        .await
    }

    pub(crate) async fn get(&self, path: &str, bearer: Option<&str>) -> Answer {
        self.calls.get(path, bearer).await.unwrap()
    }

    pub(crate) async fn json(
        &self,
        method: Method,
        path: &str,
        bearer: Option<&str>,
        body: &Value,
    ) -> Answer {
        self.calls.json(method, path, bearer, body).await.unwrap()
    }

    pub(crate) async fn form(
        &self,
        path: &str,
        authorization: Option<&str>,
        form: &[(&str, String)],
    ) -> Answer {
        assert_eq!(authorization, None, "stories are of public clients");
        self.calls.form(path, form).await.unwrap()
    }
}

fn configuration(scenario: &Scenario) -> String {
    let mut text = format!(
        "issuer = \"https://auth.example.com\"\n\
         [limits]\nargon2_memory_kib = 7168\nargon2_passes = 1\n\
         [[clients]]\nid = \"web\"\npolicy = \"story\"\naudience = \"api\"\npassword_sign_in = true\n\
         [[clients]]\nid = \"ops\"\nkind = \"confidential\"\nsecret_hash = \"{SECRET_HASH}\"\n\
         scopes = [\"prolong:admin\", \"prolong:sign-in\"]\n\
         [policies.story]\npreset = \"{}\"\n",
        scenario.preset
    );
    for (key, value) in &scenario.policy {
        let plain = value == "true" || value.parse::<u64>().is_ok();
        let quote = if plain { "" } else { "\"" };
        writeln!(text, "{key} = {quote}{value}{quote}").unwrap();
    }
    text
}

/// 16 bytes made of a word.
pub(crate) fn attempt_id(word: &str) -> String {
    let hash = digest::digest(&digest::SHA256, word.as_bytes());
    URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16])
}

/// `exp` − `iat` of an access token.
pub(crate) fn life(token: &str) -> u64 {
    let claims = claims(token);
    claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap()
}

/// What an access token says.
pub(crate) fn claims(token: &str) -> Value {
    let payload = URL_SAFE_NO_PAD
        .decode(token.split('.').nth(1).unwrap())
        .unwrap();
    serde_json::from_slice(&payload).unwrap()
}
