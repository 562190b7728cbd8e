//! Every call, described: what it takes, who may make it, what it gives. A test compares this list with the router, and
//! every answer of the stories with what is said of it here.

use Credentials::{Client, ClientOrMachine, Machine, Nobody, User, UserOrCookie};

/// Who may make a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Credentials {
    /// Anybody.
    Nobody,
    /// A client, as far as it has a secret: HTTP Basic or form parameters.
    Client,
    /// The same, or a machine's token with one of these scopes.
    ClientOrMachine(&'static [&'static str]),
    /// A user, by the access token of a session.
    User,
    /// The same, or the session's cookie.
    UserOrCookie,
    /// A machine, by a token with one of these scopes.
    Machine(&'static [&'static str]),
}

/// A member of a body, or a parameter: its name, its kind, what it means.
///
/// Kinds: `text`, `seconds`, `number`, `flag`, `time`, `object`, `any`, a schema's name, `[kind]` for a list; `?` behind it: or
/// null; `!`: needed in a request; `~`: may be absent in an answer.
pub(super) type Field = (&'static str, &'static str, &'static str);

/// The body of a request.
#[derive(Clone, Copy, Debug)]
pub(super) enum Body {
    Nothing,
    Form(&'static [Field]),
    Json(&'static [Field]),
}

/// One call.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) room: &'static str,
    pub(super) says: &'static str,
    pub(super) by: Credentials,
    pub(super) query: &'static [Field],
    pub(super) body: Body,
    /// Status, and the schema of a JSON body or the media type of another one; empty: no body.
    pub(super) gives: Vec<(u16, &'static str)>,
    /// Refusals beyond those that follow from credentials, body and path.
    pub(super) refuses: &'static [u16],
}

impl Operation {
    fn by(mut self, by: Credentials) -> Self {
        self.by = by;
        self
    }
    fn query(mut self, query: &'static [Field]) -> Self {
        self.query = query;
        self
    }
    fn json(mut self, members: &'static [Field]) -> Self {
        self.body = Body::Json(members);
        self
    }
    fn form(mut self, parameters: &'static [Field]) -> Self {
        self.body = Body::Form(parameters);
        self
    }
    fn gives(mut self, status: u16, what: &'static str) -> Self {
        self.gives.push((status, what));
        self
    }
    fn refuses(mut self, statuses: &'static [u16]) -> Self {
        self.refuses = statuses;
        self
    }

    /// Whether its errors are those of OAuth (RFC 6749 §5.2) and not problem documents.
    pub(super) fn is_oauth(&self) -> bool {
        self.path.starts_with("/oauth/")
    }

    /// Every status of a refusal.
    pub(super) fn refusals(&self) -> Vec<u16> {
        let mut all = self.refuses.to_vec();
        match self.by {
            Nobody => {}
            Client | User => all.extend([400, 401]),
            ClientOrMachine(_) | UserOrCookie | Machine(_) => all.extend([400, 401, 403]),
        }
        match self.body {
            Body::Nothing => {}
            Body::Form(_) => all.extend([400, 413]),
            Body::Json(_) => all.extend([400, 413, 415, 422]),
        }
        if !self.query.is_empty() {
            all.push(422);
        }
        if self.path.contains('{') {
            all.push(404);
        }
        all.push(503);
        all.sort_unstable();
        all.dedup();
        all
    }
}

fn call(
    method: &'static str,
    path: &'static str,
    room: &'static str,
    says: &'static str,
) -> Operation {
    Operation {
        method,
        path,
        room,
        says,
        by: Nobody,
        query: &[],
        body: Body::Nothing,
        gives: Vec::new(),
        refuses: &[],
    }
}

/// The rooms, in the order in which they are read.
pub(super) const ROOMS: &[(&str, &str)] = &[
    ("oauth", "OAuth, exactly as the RFCs have it."),
    ("sessions", "What a page or an app calls for its user."),
    ("verify", "For APIs: forward-auth, and what has ended."),
    ("admin", "For operators, support and your own backends."),
    ("discovery", "What others need to know of this authority."),
    ("operations", "For those who run it."),
];

const CLIENT_ID: Field = (
    "client_id",
    "text",
    "the client; a public one may leave it out where the token knows it",
);
const CLIENT_SECRET: Field = (
    "client_secret",
    "text",
    "of a confidential client, where it does not use HTTP Basic",
);
const TOKEN: Field = ("token", "text!", "an access token or a refresh token");
const HINT: Field = (
    "token_type_hint",
    "text",
    "not needed: the two kinds look different",
);
const DEVICE: Field = (
    "device_name",
    "text",
    "what the user calls the device, at most 100 characters",
);
const LIMIT: Field = (
    "limit",
    "number",
    "how many at most, 1 to 1,000; 100 where it is not said",
);
const AFTER: Field = ("after", "text", "`next` of the page before");
const USER: Field = ("user", "text", "a login or a user's id");

const ADMIN: &[&str] = &["prolong:admin"];
const ADMIN_SUPPORT: &[&str] = &["prolong:admin", "prolong:support"];
const ADMIN_SIGN_IN: &[&str] = &["prolong:admin", "prolong:sign-in"];

/// Every call there is.
pub(super) fn operations() -> Vec<Operation> {
    let mut all = oauth();
    all.extend(sessions());
    all.extend(verify());
    all.extend(users());
    all.extend(admin());
    all.extend(discovery());
    all
}

fn oauth() -> Vec<Operation> {
    vec![
        call("post", "/oauth/token", "oauth", "Prolongs a session with its refresh token, or gives a machine a token for its scopes (RFC 6749)")
            .by(Client)
            .form(&[
                ("grant_type", "text!", "`refresh_token` or `client_credentials`"),
                ("refresh_token", "text", "the token; in cookie transport the cookie has it"),
                CLIENT_ID,
                CLIENT_SECRET,
                ("scope", "text", "fewer scopes than granted, separated by spaces"),
                ("attempt_id", "text", "base64url of 16 drawn bytes, the same with every retry of one generation"),
                ("idle_for", "seconds", "since the person's last input"),
                ("access_token", "text", "of the same session, expired or not, where the policy has `require_access_token`"),
            ])
            .gives(200, "TokenAnswer")
            .refuses(&[403, 409, 429]),
        call("post", "/oauth/revoke", "oauth", "Ends the session of a token (RFC 7009)")
            .by(Client)
            .form(&[TOKEN, HINT, CLIENT_ID, CLIENT_SECRET])
            .gives(200, ""),
        call("post", "/oauth/introspect", "oauth", "Tells whether a token is good now, and what it says (RFC 7662)")
            .by(ClientOrMachine(&["prolong:introspect"]))
            .form(&[TOKEN, HINT, CLIENT_ID, CLIENT_SECRET])
            .gives(200, "Introspection"),
    ]
}

fn sessions() -> Vec<Operation> {
    vec![
        call("post", "/v1/sessions", "sessions", "Signs in, by password (your own applications only) or with a ticket")
            .json(&[
                ("client_id", "text!", "the client"),
                ("username", "text", "with `password`"),
                ("password", "text", "with `username`"),
                ("ticket", "text", "in the place of both: what your backend got for this user"),
                DEVICE,
                ("remember", "flag", "stay signed in when the browser is closed, under `policy_remembered` if there is one"),
            ])
            .gives(201, "TokenAnswer")
            .refuses(&[401, 403, 409, 429]),
        call("get", "/v1/sessions", "sessions", "Lists the user's sessions; with `ended=true` also those that are over, and why")
            .by(User)
            .query(&[("ended", "flag", "also those that ended")])
            .gives(200, "SessionList"),
        call("delete", "/v1/sessions", "sessions", "Signs out everywhere")
            .by(User)
            .query(&[("except", "text", "`current` keeps this session")])
            .gives(204, ""),
        call("get", "/v1/sessions/current", "sessions", "Shows this session: facts and deadlines").by(User).gives(200, "SessionItem"),
        call("patch", "/v1/sessions/current", "sessions", "Renames this device").by(User).json(&[DEVICE]).gives(200, "SessionItem").refuses(&[404]),
        call("delete", "/v1/sessions/current", "sessions", "Signs out; the cookie is enough").by(UserOrCookie).gives(204, ""),
        call("post", "/v1/sessions/current/prolong", "sessions", "Prolongs a session with its access token")
            .by(User)
            .json(&[
                ("idle_for", "seconds", "since the person's last input"),
                ("expires_in", "seconds", "a shorter life than the policy's"),
            ])
            .gives(200, "TokenAnswer")
            .refuses(&[403]),
        call("post", "/v1/sessions/current/reauthenticate", "sessions", "Proves again who the user is; the session goes on with a new `auth_time`")
            .by(User)
            .json(&[("password", "text!", "the user's")])
            .gives(200, "TokenAnswer")
            .refuses(&[404, 409, 429]),
        call("patch", "/v1/sessions/{sid}", "sessions", "Renames another device of the user").by(User).json(&[DEVICE]).gives(200, "SessionItem"),
        call("delete", "/v1/sessions/{sid}", "sessions", "Ends one of the user's sessions").by(User).gives(204, ""),
        call("post", "/v1/password", "sessions", "Changes the password; ends sessions as their policies say; fresh tokens where this one goes on")
            .by(User)
            .json(&[("current_password", "text!", ""), ("new_password", "text!", "8 to 1,024 bytes")])
            .gives(200, "TokenAnswer")
            .gives(204, "")
            .refuses(&[404, 409, 429]),
    ]
}

fn verify() -> Vec<Operation> {
    vec![
        call("get", "/v1/verify", "verify", "Forward-auth for nginx, Traefik, Caddy and Envoy: judges the bearer token, and tells in `Prolong-*` headers whose it is. Any other method does the same")
            .by(Machine(&[]))
            .query(&[
                ("audience", "text", "for this audience; otherwise any registered one will do"),
                ("scope", "text", "needed scopes, separated by spaces"),
                ("max_age", "seconds", "how long ago the user may have signed in"),
                ("path", "text", "last: it and what follows it are the judged request's own, and not read"),
            ])
            .gives(200, ""),
        call("post", "/v1/activity", "verify", "Verifiers report which sessions were used, for policies with `activity = \"request\"`; 204 once it is stored")
            .by(Machine(&["prolong:activity"]))
            .json(&[("sessions", "[SessionUsed]!", "at most 1,000; unknown ones are passed over")])
            .gives(204, ""),
        call("get", "/v1/feed/snapshot", "verify", "Everything that has ended and still matters, at one number")
            .by(Machine(&["prolong:feed"]))
            .gives(200, "FeedSnapshot")
            .gives(304, ""),
        call("get", "/v1/feed", "verify", "What comes after a cursor, as server-sent events or, with `Accept: application/json`, as a long poll")
            .by(Machine(&["prolong:feed"]))
            .query(&[("cursor", "text", "{epoch}.{seq}.{chain}")])
            .gives(200, "FeedPoll")
            .gives(200, "text/event-stream")
            .refuses(&[409, 422]),
    ]
}

fn users() -> Vec<Operation> {
    vec![
        call("get", "/v1/admin/users", "admin", "Lists users")
            .by(Machine(ADMIN_SUPPORT))
            .query(&[("prefix", "text", "of login or id"), USER, ("deleted", "flag", "tombstones too"), LIMIT, AFTER])
            .gives(200, "Users"),
        call("post", "/v1/admin/users", "admin", "Makes a user; `password_hash` takes Argon2, bcrypt and Django PBKDF2, and is replaced at the first sign-in")
            .by(Machine(ADMIN))
            .json(&[
                ("login", "text", "login name, of characters that RFC 8265 allows; `username` is the same"),
                ("username", "text", "the same as `login`"),
                ("sub", "text", "your own stable id for the user; a UUID is drawn otherwise"),
                ("password", "text", "8 to 1,024 bytes"),
                ("password_hash", "text", "in its place, made elsewhere"),
                ("claims", "object", "public claims, which go into access tokens"),
            ])
            .gives(201, "User")
            .refuses(&[409]),
        call("get", "/v1/admin/users/{sub}", "admin", "Shows a user").by(Machine(ADMIN_SUPPORT)).gives(200, "User"),
        call("patch", "/v1/admin/users/{sub}", "admin", "Changes login and claims; a claim that is null goes away")
            .by(Machine(ADMIN))
            .json(&[
                ("login", "text?", "null takes it away"),
                ("username", "text?", "the same"),
                ("claims", "object", "merged into those there are"),
            ])
            .gives(200, "User")
            .refuses(&[409]),
        call("delete", "/v1/admin/users/{sub}", "admin", "Deletes a user; a tombstone without personal data keeps old tokens dead").by(Machine(ADMIN)).gives(204, ""),
        call("get", "/v1/admin/users/{sub}/export", "admin", "Everything that is stored about a user, without secrets").by(Machine(ADMIN)).gives(200, "Export"),
        call("get", "/v1/admin/users/{sub}/sessions", "admin", "Lists a user's sessions, ended ones too").by(Machine(ADMIN_SUPPORT)).gives(200, "AdminSessions"),
        call("post", "/v1/admin/users/{sub}/sessions", "admin", "Bring your own sign-in: starts a session for a user whom your backend has authenticated, made if absent")
            .by(Machine(ADMIN_SIGN_IN))
            .json(&[
                ("client_id", "text!", "through which client"),
                ("deliver", "text", "`tokens` (otherwise) or `ticket`: one use, 60 seconds, for the browser to redeem at POST /v1/sessions"),
                DEVICE,
                ("auth_time", "any", "when they signed in: RFC 3339, or seconds since 1970; now where it is not said"),
                ("acr", "text", "how well they proved it"),
                ("claims", "object", "the user's public claims from now on"),
                ("remember", "flag", "stay signed in"),
                ("user_agent", "text", "what the device says of itself"),
                ("ip", "text", "where it is; kept coarsely"),
            ])
            .gives(201, "TokenAnswer")
            .gives(201, "Ticket")
            .refuses(&[409]),
        call("post", "/v1/admin/users/{sub}/disable", "admin", "Bans a user: out everywhere, and not in again").by(Machine(ADMIN)).json(&[]).gives(200, "User"),
        call("post", "/v1/admin/users/{sub}/enable", "admin", "Lets a user sign in again").by(Machine(ADMIN)).json(&[]).gives(200, "User"),
        call("post", "/v1/admin/users/{sub}/require-reauth", "admin", "Asks every session of the user for a reauthentication").by(Machine(ADMIN)).json(&[]).gives(200, "User"),
        call("post", "/v1/admin/users/{sub}/sign-out", "admin", "Signs a user out everywhere by raising `jwt_version`").by(Machine(ADMIN_SUPPORT)).json(&[]).gives(200, "User"),
        call("post", "/v1/admin/users/{sub}/password", "admin", "Sets a password, which ends every session")
            .by(Machine(ADMIN))
            .json(&[("password", "text", "8 to 1,024 bytes"), ("password_hash", "text", "in its place, made elsewhere")])
            .gives(204, ""),
    ]
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn admin() -> Vec<Operation> {
    vec![
        call(
            "get",
            "/v1/admin/sessions",
            "admin",
            "Lists sessions, newest first",
        )
        .by(Machine(ADMIN_SUPPORT))
        .query(&[
            USER,
            ("client_id", "text", "through this client"),
            ("live", "flag", "only those that go on"),
            LIMIT,
            AFTER,
        ])
        .gives(200, "AdminSessions")
        .refuses(&[404]),
        call(
            "get",
            "/v1/admin/sessions/{sid}",
            "admin",
            "Shows a session",
        )
        .by(Machine(ADMIN_SUPPORT))
        .gives(200, "AdminSession"),
        call(
            "delete",
            "/v1/admin/sessions/{sid}",
            "admin",
            "Ends a session",
        )
        .by(Machine(ADMIN_SUPPORT))
        .gives(204, ""),
        call(
            "post",
            "/v1/admin/sessions/{sid}/end",
            "admin",
            "The same, for those who cannot send DELETE",
        )
        .by(Machine(ADMIN_SUPPORT))
        .gives(204, ""),
        call(
            "post",
            "/v1/admin/sessions/{sid}/reauthenticate",
            "admin",
            "Your backend's word that the user proved again who they are",
        )
        .by(Machine(ADMIN_SIGN_IN))
        .json(&[])
        .gives(200, "TokenAnswer")
        .refuses(&[409]),
        call(
            "get",
            "/v1/admin/why-ended",
            "admin",
            "Why was she signed out? Of each of a user's sessions, in words",
        )
        .by(Machine(ADMIN_SUPPORT))
        .query(&[("user", "text!", "a login or a user's id")])
        .gives(200, "WhyEnded")
        .refuses(&[404]),
        call(
            "get",
            "/v1/admin/clients",
            "admin",
            "The registered clients, without their secrets",
        )
        .by(Machine(ADMIN_SUPPORT))
        .gives(200, "Clients"),
        call(
            "get",
            "/v1/admin/keys",
            "admin",
            "The signing keys, and the keys of refresh tokens",
        )
        .by(Machine(ADMIN))
        .gives(200, "Keys"),
        call(
            "post",
            "/v1/admin/keys/rotate",
            "admin",
            "Makes a new signing key; nobody notices",
        )
        .by(Machine(ADMIN))
        .gives(200, "KeyMade"),
        call(
            "post",
            "/v1/admin/keys/{kid}/distrust",
            "admin",
            "Declares a signing key unsafe: every token that it signed is refused",
        )
        .by(Machine(ADMIN))
        .gives(204, ""),
        call(
            "post",
            "/v1/admin/keys/refresh/{id}/distrust",
            "admin",
            "Declares a master key unsafe: the sessions that hang on it end (`key_distrusted`)",
        )
        .by(Machine(ADMIN))
        .gives(200, "RefreshKeyDistrusted")
        .refuses(&[422]),
        call("get", "/v1/admin/stats", "admin", "How much there is")
            .by(Machine(ADMIN_SUPPORT))
            .gives(200, "Stats"),
        call(
            "get",
            "/v1/admin/audit",
            "admin",
            "What happened, newest first",
        )
        .by(Machine(ADMIN_SUPPORT))
        .query(&[
            USER,
            ("session", "text", "a session's id"),
            ("since", "time", "not before"),
            ("what", "text", "`session.ended`, `user.disabled`, …"),
            LIMIT,
            AFTER,
        ])
        .gives(200, "AuditLines")
        .refuses(&[404]),
    ]
}

fn discovery() -> Vec<Operation> {
    vec![
        call(
            "get",
            "/.well-known/oauth-authorization-server",
            "discovery",
            "Metadata (RFC 8414); the issuer's path comes behind",
        )
        .gives(200, "object"),
        call(
            "get",
            "/.well-known/openid-configuration",
            "discovery",
            "The same, where OpenID clients look",
        )
        .gives(200, "object"),
        call(
            "get",
            "/.well-known/jwks.json",
            "discovery",
            "The keys that access tokens are signed with (RFC 7517)",
        )
        .gives(200, "application/jwk-set+json")
        .gives(304, ""),
        call("get", "/openapi.json", "discovery", "This description").gives(200, "object"),
        call("get", "/docs", "discovery", "The same, to read").gives(200, "text/html"),
        call(
            "get",
            "/docs/problems",
            "discovery",
            "Every problem code, action and reason",
        )
        .gives(200, "text/html"),
        call(
            "get",
            "/docs/style.css",
            "discovery",
            "How these pages look",
        )
        .gives(200, "text/css"),
        call(
            "get",
            "/",
            "discovery",
            "A page: in development mode one watches a session being prolonged",
        )
        .gives(200, "text/html"),
        call("get", "/page/style.css", "discovery", "How it looks").gives(200, "text/css"),
        call("get", "/page/page.js", "discovery", "What it does").gives(200, "text/javascript"),
        call("get", "/healthz", "operations", "The process answers").gives(200, "text/plain"),
        call(
            "get",
            "/readyz",
            "operations",
            "It can decide, read its store and sign",
        )
        .gives(200, "text/plain"),
        call(
            "get",
            "/metrics",
            "operations",
            "What it counts, as OpenMetrics",
        )
        .gives(200, "application/openmetrics-text"),
    ]
}

/// What comes in the bodies of answers, beside what `prolong-protocol` declares.
pub(super) const SCHEMAS: &[(&str, &[Field])] = &[
    (
        "Introspection",
        &[(
            "active",
            "flag",
            "whether the token is good now; where it is not, nothing more is said",
        )],
    ),
    (
        "Ticket",
        &[
            ("ticket", "text", "for POST /v1/sessions"),
            ("expires_in", "seconds", ""),
        ],
    ),
    (
        "Users",
        &[
            ("users", "[User]", ""),
            ("next", "text?", "where the next page begins"),
        ],
    ),
    (
        "User",
        &[
            ("sub", "text", "the id, as in tokens"),
            ("login", "text?", ""),
            ("has_password", "flag", ""),
            ("claims", "object", "public claims"),
            ("jwt_version", "number", "older tokens are refused"),
            ("disabled", "flag", ""),
            (
                "reauth_at",
                "time?",
                "sessions authenticated before must reauthenticate",
            ),
            ("last_sign_in", "time?", "on any device"),
            ("created_at", "time", ""),
            ("deleted_at", "time?", ""),
        ],
    ),
    (
        "AdminSessions",
        &[
            ("sessions", "[AdminSession]", ""),
            ("next", "text?~", "where the next page begins"),
        ],
    ),
    ("AdminSession", ADMIN_SESSION),
    (
        "WhyEnded",
        &[
            ("sub", "text", ""),
            ("login", "text?", ""),
            ("sessions", "[AdminSession]", "each with an explanation"),
        ],
    ),
    ("Clients", &[("clients", "[Client]", "")]),
    (
        "Client",
        &[
            ("id", "text", ""),
            ("kind", "text", "`public` or `confidential`"),
            ("policy", "text", ""),
            ("has_policy_remembered", "flag", ""),
            ("audience", "[text]", ""),
            ("scopes", "[text]", ""),
            ("origins", "any", "a list, or `any-loopback`"),
            ("transport", "text", "`body` or `cookie`"),
            ("password_sign_in", "flag", ""),
        ],
    ),
    (
        "Keys",
        &[
            ("keys", "[Key]", "that sign access tokens, oldest first"),
            (
                "refresh_keys",
                "[RefreshKey]",
                "that authenticate refresh tokens, newest first",
            ),
        ],
    ),
    (
        "RefreshKey",
        &[
            ("id", "number", "of its master key, 0 to 255"),
            ("newest", "flag", "new tokens are made with it"),
            ("in_use", "flag", "a session that has not ended hangs on it"),
        ],
    ),
    (
        "RefreshKeyDistrusted",
        &[
            ("sessions_ended", "number", ""),
            ("newest", "flag", "new sessions hang on it again"),
        ],
    ),
    (
        "Key",
        &[
            ("kid", "text", "RFC 7638 thumbprint"),
            ("algorithm", "text", ""),
            ("state", "text", "`pending`, `active`, `retiring` or `dead`"),
            ("created_at", "time", ""),
            ("state_since", "time", ""),
        ],
    ),
    ("KeyMade", &[("kid", "text", "of the new key")]),
    (
        "Stats",
        &[
            ("users", "number", ""),
            ("sessions", "number", "stored, ended ones too"),
            ("sessions_not_ended", "number", ""),
            ("feed_entries", "number", ""),
            ("feed_head", "number", ""),
            ("audit_lines", "number", ""),
            ("clients", "number", ""),
            ("as_of", "time", ""),
        ],
    ),
    (
        "AuditLines",
        &[
            ("lines", "[AuditLine]", ""),
            ("next", "text?", "where the next page begins"),
        ],
    ),
    (
        "AuditLine",
        &[
            ("id", "number", ""),
            ("at", "time", ""),
            ("what", "text", ""),
            (
                "actor",
                "text",
                "`user`, `client:ID`, `operator` or `authority`",
            ),
            ("session", "text?", ""),
            ("detail", "any", "reason, device, client"),
        ],
    ),
    (
        "Export",
        &[
            ("user", "User", ""),
            ("sessions", "[AdminSession]", ""),
            ("audit", "[AuditLine]", ""),
        ],
    ),
    (
        "SessionUsed",
        &[
            ("id", "text", "`sid`"),
            ("idle_for", "seconds", "how long ago, whole seconds"),
        ],
    ),
    ("FeedSnapshot", &[]),
    ("FeedPoll", &[]),
];

const ADMIN_SESSION: &[Field] = &[
    ("id", "text", ""),
    ("sub", "text", "whose it is"),
    ("login", "text?", ""),
    ("client_id", "text", ""),
    ("device_name", "text?", ""),
    ("user_agent", "text?", ""),
    ("ip", "text?", "coarsely"),
    (
        "generation",
        "number",
        "how often its refresh token was replaced",
    ),
    ("started_at", "time", ""),
    ("authenticated_at", "time", ""),
    ("last_active_at", "time", ""),
    ("idle_ends_at", "time?", ""),
    ("ends_at", "time?", ""),
    ("live", "flag", "it goes on"),
    (
        "ended",
        "flag",
        "it was ended; one that is merely over is not",
    ),
    ("reason", "text?", "why it is over"),
    ("over_since", "time?", ""),
    ("ended_by", "text?~", "who ended it, where somebody did"),
    ("explanation", "text~", "in words"),
];
