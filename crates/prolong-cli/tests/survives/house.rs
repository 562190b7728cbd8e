//! A real binary with a folder of its own, for the tests that are not stories.

use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::calls::{Calls, PASSWORD, SECRET_HASH};
use crate::server::{Server, good, run};
use crate::world::World;

/// `strict` rotates at each refresh, so that each is a write.
const CONFIGURATION: &str = "
issuer = \"https://auth.example.com\"
[policies.strict]
preset = \"refresh\"
grace = \"0s\"
min_rotation_interval = \"0s\"
[[clients]]
id = \"web\"
policy = \"strict\"
audience = \"api\"
password_sign_in = true
[[clients]]
id = \"ops\"
kind = \"confidential\"
scopes = [\"prolong:admin\", \"prolong:sign-in\"]
";

pub(crate) struct House {
    server: Option<Server>,
    pub(crate) world: World,
    folder: TempDir,
}

impl House {
    /// Open, with these sections more in its configuration.
    pub(crate) fn open(more: &str) -> Self {
        let mut house = Self::closed(more);
        house.start();
        house
    }

    /// Configured, and not started.
    pub(crate) fn closed(more: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let text = format!("{CONFIGURATION}secret_hash = \"{SECRET_HASH}\"\n{more}");
        std::fs::write(folder.path().join("prolong.toml"), text).unwrap();
        let key = ["--config", "other.toml", "config", "init"];
        good(&run(folder.path(), &key, ""));
        let world = World::new(folder.path());
        Self {
            server: None,
            world,
            folder,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A file of the data folder.
    pub(crate) fn data(&self, name: &str) -> std::path::PathBuf {
        self.path().join("prolong-data").join(name)
    }

    pub(crate) fn start(&mut self) {
        self.server = Some(Server::start(self.folder.path(), Some(&self.world)));
    }

    /// # Errors
    /// What it said instead of getting ready.
    pub(crate) fn try_start(&mut self) -> Result<(), String> {
        self.server = Some(Server::try_start(self.folder.path(), Some(&self.world))?);
        Ok(())
    }

    /// Started in another way, in this folder.
    pub(crate) fn adopt(&mut self, command: &mut std::process::Command) {
        self.put(Server::spawn(command).unwrap_or_else(|said| panic!("{said}")));
    }

    pub(crate) fn put(&mut self, server: Server) {
        self.server = Some(server);
    }

    pub(crate) fn server(&self) -> &Server {
        self.server.as_ref().unwrap()
    }

    pub(crate) fn take_server(&mut self) -> Server {
        self.server.take().unwrap()
    }

    pub(crate) fn calls(&self) -> Calls {
        Calls::new(self.server().address())
    }

    /// A user's refresh token.
    pub(crate) async fn sign_in(&self, user: &str) -> String {
        let answer = self.calls().sign_in("web", user, PASSWORD).await.unwrap();
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.text("refresh_token").to_owned()
    }

    /// The next refresh token.
    pub(crate) async fn refreshed(&self, token: &str) -> String {
        let answer = self.calls().refresh(token, Some(ATTEMPT)).await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.text("refresh_token").to_owned()
    }

    /// What `/metrics` says of one line.
    pub(crate) async fn metric(&self, line: &str) -> Option<u64> {
        let text = reqwest::get(format!("http://{}/metrics", self.server().address()));
        let text = text.await.unwrap().text().await.unwrap();
        let number = text.lines().find_map(|found| found.strip_prefix(line));
        number.and_then(|number| number.trim().parse().ok())
    }

    pub(crate) fn stop_server(&mut self) {
        self.take_server().stop();
    }

    pub(crate) fn stop(mut self) {
        self.stop_server();
    }
}

/// An attempt id; each generation hashes it anew, so one will do for a client that loses no answer.
pub(crate) const ATTEMPT: &str = "AAAAAAAAAAAAAAAAAAAAAA";

/// Whether the answer refuses without harm: the client tries again.
pub(crate) fn is_try_again(status: u16, body: &Value) -> bool {
    status == 503 && (body["action"] == "retry" || body["error"] == "temporarily_unavailable")
}
