//! The lines of the RFC checklists, and what holds each: a test named by its id, or a reason why there is none.
//!
//! `docs/reference/conformance.md` is made of this list; write it anew with
//! `PROLONG_WRITE_REFERENCE=1 cargo test -p prolong-server --test conformance`.
#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use Held::{Elsewhere, Reason, Test};

/// What holds a line.
enum Held {
    /// A Rust test whose name begins with the id: `tok_1_…`; and, where something is done otherwise, what.
    Test(&'static str),
    /// A test of the TypeScript client with this title.
    Elsewhere(&'static str),
    /// It does not apply, because.
    Reason(&'static str),
}

struct Family {
    name: &'static str,
    title: &'static str,
    lines: &'static [(&'static str, Held)],
}

const FAMILIES: &[Family] = &[
    Family {
        name: "TOK",
        title: "Token endpoint (RFC 6749, OAuth 2.1)",
        lines: &[
            (
                "POST and form bodies only; any other method is refused",
                Test(""),
            ),
            (
                "an empty parameter is an omitted one, an unknown one is ignored, a repeated one is `invalid_request`",
                Test(""),
            ),
            (
                "success is 200 and JSON with `access_token`, `token_type`, `expires_in`, and where due `refresh_token` and `scope`",
                Test(""),
            ),
            (
                "nothing that holds tokens or is about them may be cached",
                Test(""),
            ),
            (
                "errors are 400 with a registered code, in plain ASCII without quotes and backslashes",
                Test(
                    "Further members `reason` and `action`; 403, 409, 413, 429 and 503 where the request itself is not at fault.",
                ),
            ),
            (
                "a client that fails to authenticate is told by 401 and a challenge",
                Test(
                    "The challenge comes with every such 401, by header or by form (RFC 9110 §15.5.2).",
                ),
            ),
            (
                "refresh tokens that are no good look alike",
                Test(
                    "An authentic, recent token presented by its own client is told why its session is over; all others look alike.",
                ),
            ),
            (
                "tokens cannot be guessed and consist of printable ASCII",
                Test(
                    "128 drawn bits and a 128-bit tag that only the holder of the key can compute.",
                ),
            ),
            (
                "clients ignore members that they do not know",
                Elsewhere(
                    "a foreign OAuth server with rotating refresh tokens works, and signing out revokes there",
                ),
            ),
        ],
    },
    Family {
        name: "RFR",
        title: "Refresh grant and rotation (OAuth 2.1 §4.3, RFC 9700)",
        lines: &[
            (
                "a refresh token works for its own client and scope only",
                Test(""),
            ),
            (
                "a refresh may narrow the scope, never widen it, and the refresh token keeps its own",
                Test(""),
            ),
            ("the grant must still be active", Test("")),
            (
                "public clients: rotated or sender-constrained",
                Test("`rotate = false` is possible, and warned about at start."),
            ),
            (
                "a spent token that comes again ends the grant and everything under it",
                Test(""),
            ),
            (
                "parallel refreshes come to one successor, never to two branches",
                Test(""),
            ),
            (
                "grace is for the immediate predecessor, until its successor was used",
                Test(""),
            ),
            (
                "a crash between consuming and answering: the retry succeeds",
                Test(""),
            ),
            (
                "clients drop the old token, and refresh one at a time",
                Elsewhere("two instances that share only storage make one renewal"),
            ),
            (
                "there is a maximum lifetime or an idle expiry",
                Test(
                    "Both by default; only `device` and `idle`/`lifetime = \"never\"` go without, on the operator's word.",
                ),
            ),
            (
                "a rotated token does not outlive the first one's end",
                Test(""),
            ),
            ("it expires when the client is inactive", Test("")),
            ("signing out kills it", Test("")),
            ("what a self-encoded token says is protected", Test("")),
            (
                "clients meet `invalid_grant` with a sign-in, not with a loop",
                Elsewhere("a refusal ends the session in every tab, with its reason"),
            ),
        ],
    },
    Family {
        name: "EXP",
        title: "Expiry of refresh token and authorization (OAuth draft)",
        lines: &[
            (
                "where finite, both values come with every refresh token",
                Test(""),
            ),
            (
                "`refresh_token_timeout` ≤ `authorization_expires_in`",
                Test(""),
            ),
            ("no token expires after the authorization", Test("")),
            ("an expired refresh token is good for nothing", Test("")),
            ("introspection resets no timeout", Test("")),
            (
                "clients take large values literally, and an absent one as unknown",
                Elsewhere(
                    "a far end is believed to the second, and one that nobody told is neither an end nor a promise",
                ),
            ),
        ],
    },
    Family {
        name: "BEA",
        title: "Bearer tokens (RFC 6750, OAuth 2.1 §5)",
        lines: &[
            ("`Authorization: Bearer`, the scheme in any case", Test("")),
            ("a token in the URL is refused", Test("")),
            (
                "more than one way to send it is `invalid_request`",
                Test(""),
            ),
            ("without credentials the challenge has no `error`", Test("")),
            (
                "401 `invalid_token` for what is no good, 403 `insufficient_scope` where a scope is missing",
                Test(""),
            ),
            ("each auth-param once, in its characters", Test("")),
            (
                "a challenge may name the resource's metadata",
                Reason(
                    "Optional (RFC 9728), and a matter of resource servers; the authority is not discovered from its own 401s.",
                ),
            ),
        ],
    },
    Family {
        name: "REV",
        title: "Revocation (RFC 7009)",
        lines: &[
            (
                "a form with `token`; a wrong hint does not hide it",
                Test(""),
            ),
            (
                "confidential clients prove themselves, and a foreign token is refused",
                Test(""),
            ),
            ("both kinds of token can be revoked", Test("")),
            ("either takes the whole session with it", Test("")),
            (
                "a token that is no good is 200",
                Test("A machine's token is `unsupported_token_type`: it dies with its 15 minutes."),
            ),
            ("it can be repeated and works at once", Test("")),
        ],
    },
    Family {
        name: "INT",
        title: "Introspection (RFC 7662)",
        lines: &[
            (
                "only authorised callers are answered",
                Test("A confidential client, or a machine's token with `prolong:introspect`."),
            ),
            (
                "of an inactive, unknown or foreign token: `active: false` and no more",
                Test(""),
            ),
            ("an active token tells its claims", Test("")),
            ("expiry, signature and revocation are looked at", Test("")),
            ("POST only, and never cached", Test("")),
        ],
    },
    Family {
        name: "MET",
        title: "Metadata (RFC 8414)",
        lines: &[
            (
                "at the well-known path, before the issuer's own path; no empty members",
                Test(
                    "`response_types_supported` is left out: there is no authorization endpoint, and empty lists must be omitted (§3.2).",
                ),
            ),
            (
                "`issuer` is the one that was asked for, byte for byte",
                Test("`http` only on a loopback host."),
            ),
            ("endpoints, methods and grants are named", Test("")),
            (
                "resource servers may publish RFC 9728 metadata",
                Reason("The authority is no resource server of the applications' APIs."),
            ),
        ],
    },
    Family {
        name: "JWT",
        title: "Signed tokens (RFC 7515, 7518, 7519, 8725bis)",
        lines: &[
            (
                "only algorithms on the issuer's list are tried; names are case-exact",
                Test(""),
            ),
            (
                "`alg` is that of the key which `kid` names, and a key has one",
                Test("`EdDSA` and `Ed25519` are two names, of which a key has one."),
            ),
            ("`none` is neither made nor accepted", Test("")),
            (
                "three parts in the characters of the compact form, and nothing else",
                Test(""),
            ),
            ("the unused bits of base64url are zero", Test("")),
            (
                "a member that stands twice is refused",
                Test("At every level."),
            ),
            ("`crit` is refused", Test("In any form, and so is `b64`.")),
            (
                "UTF-8 only, and a limit before anything is read",
                Test("8 KiB."),
            ),
            (
                "RSA from 2048 bits on; ECDSA signatures raw, of fixed length and in range",
                Test("There are no HMAC keys at all."),
            ),
            ("`iss` owns the key, and is compared exactly", Test("")),
            ("`aud` is there and holds the reader", Test("")),
            (
                "`kid` is opaque; `jku`, `x5u`, `jwk` and `x5c` are no source of keys",
                Test(""),
            ),
            (
                "keys are fetched from where they should be",
                Test(
                    "The issuer is configured, and its own metadata name the address. No redirect is followed, no cookie kept; plain HTTP is for loopback and an explicit `fetch_url`.",
                ),
            ),
            ("`typ` follows the rule for media types", Test("")),
            (
                "`exp`, `nbf`, `iat`: half-open, with fractions and huge numbers",
                Test("`nbf` and `iat` may be 30 s ahead."),
            ),
            ("no encryption, no compression", Test("")),
            (
                "ECDSA signs without depending on fresh randomness",
                Reason(
                    "A matter of signing, and of the library: aws-lc draws its nonces with the private key and the message mixed in, so that a bad generator does not give the key away; it offers no RFC 6979.",
                ),
            ),
        ],
    },
    Family {
        name: "JWK",
        title: "Keys (RFC 7517, 7638, 8037)",
        lines: &[
            (
                "published: public members, distinct `kid`, `use` and `alg`",
                Test(""),
            ),
            ("a reader skips keys that it does not know", Test("")),
            ("`kid` is the RFC 7638 thumbprint", Test("")),
            (
                "a key is published before its first token and until the last has expired",
                Test(""),
            ),
            (
                "Ed25519: no small-order keys, no malleable signatures",
                Test(""),
            ),
        ],
    },
    Family {
        name: "ATJ",
        title: "JWT access tokens (RFC 9068)",
        lines: &[
            ("`typ` is `at+jwt`", Test("")),
            ("`iss exp aud sub client_id iat jti`", Test("")),
            (
                "`auth_time` and `acr` stay as they were when the user signed in",
                Test("`amr` is not set."),
            ),
            ("`scope` where granted", Test("")),
            (
                "`aud` leaves no doubt whose scopes are meant",
                Test("One client's audiences; a machine's token is for the authority alone."),
            ),
            ("another `typ`, or none, is refused", Test("")),
            ("`iss` is compared exactly", Test("")),
            ("`aud` must hold the reader", Test("")),
            ("the issuer's keys sign, and `none` never does", Test("")),
            ("`exp` is a limit", Test("")),
            ("a failure is `invalid_token`", Test("")),
            (
                "RS256 is understood",
                Test("ES256 signs by default; `algorithm = \"RS256\"` where a reader needs it."),
            ),
            ("a machine's `sub` is told from a user's", Test("")),
        ],
    },
    Family {
        name: "CKE",
        title: "Cookies and browsers (RFC 10017, ASVS 3.3)",
        lines: &[
            (
                "`Secure`, `HttpOnly`, `SameSite=Strict`, `Path=/`, no `Domain`",
                Test("Without `Secure` and prefix on a loopback host over plain HTTP."),
            ),
            ("the `__Host-` prefix, in its case", Test("")),
            (
                "small, once per name, and split `Cookie` headers are read",
                Test(""),
            ),
            (
                "a real defence against forged requests; safe methods change nothing",
                Test(""),
            ),
            (
                "the server enforces every timeout, and signing out clears both",
                Test(""),
            ),
            (
                "cross-origin calls for registered origins; access tokens stay in memory",
                Test(""),
            ),
            ("racing `Set-Cookie` headers lose nothing", Test("")),
        ],
    },
    Family {
        name: "STP",
        title: "Step-up (RFC 9470)",
        lines: &[
            (
                "401 `insufficient_user_authentication` names `max_age` and `acr_values`",
                Test(""),
            ),
            (
                "a client has the person sign in again, and does not renew in a loop",
                Elsewhere(
                    "reauthenticate keeps the session, asks once a minute at most, and goes on once the person has",
                ),
            ),
            (
                "`acr` and `auth_time` are in tokens and in introspection",
                Test(
                    "The metadata name no `acr_values_supported`: the operator's backend says how strong a sign-in was.",
                ),
            ),
            ("no renewal raises `acr` or moves `auth_time`", Test("")),
            ("age and strength are checked where they matter", Test("")),
        ],
    },
    Family {
        name: "PRB",
        title: "Problem documents (RFC 9457)",
        lines: &[(
            "the right members, the real status, a `type` that can be read, no secrets",
            Test(""),
        )],
    },
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every file below with this extension.
fn files(below: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(below).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap_or_default();
        if path.is_dir() && name != "node_modules" && name != "target" {
            files(&path, extension, found);
        } else if path.extension().is_some_and(|one| one == extension) {
            found.push(path);
        }
    }
}

/// The lines that have tests, each with the name of one: its name begins with the id.
fn rust_tests() -> BTreeMap<String, String> {
    let mut paths = Vec::new();
    files(&root().join("crates"), "rs", &mut paths);
    let mut found = BTreeMap::new();
    for path in paths {
        let text = std::fs::read_to_string(&path).unwrap();
        let mut is_test = false;
        for line in text.lines().map(str::trim) {
            let name = line
                .strip_prefix("async fn ")
                .or_else(|| line.strip_prefix("fn "))
                .and_then(|rest| rest.split('(').next());
            if let Some(name) = name.filter(|_| is_test)
                && let Some(id) = id_of(name)
            {
                found.insert(id, name.to_owned());
            }
            is_test = line == "#[test]"
                || line == "#[tokio::test]"
                || (is_test && line.starts_with("#["));
        }
    }
    found
}

/// `TOK-1` of `tok_1_only_post…`.
fn id_of(name: &str) -> Option<String> {
    let mut words = name.split('_');
    let (family, number) = (words.next()?, words.next()?);
    let family = FAMILIES
        .iter()
        .find(|one| one.name.to_lowercase() == family)?;
    number.parse::<usize>().ok()?;
    Some(format!("{}-{number}", family.name))
}

fn page() -> String {
    let tests = rust_tests();
    let mut typescript = Vec::new();
    files(
        &root().join("clients/typescript/test"),
        "ts",
        &mut typescript,
    );
    let typescript: String = typescript
        .iter()
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect();
    let mut page = String::from(
        "# Conformance\n\n<!-- Written by `PROLONG_WRITE_REFERENCE=1 cargo test -p prolong-server --test conformance`. -->\n\n\
         The rules of the standards that Prolong follows, line by line, each with the test that holds it or the reason why\n\
         it does not apply. A line with neither fails the build.\n",
    );
    let mut known = Vec::new();
    for family in FAMILIES {
        let _ = write!(
            page,
            "\n## {}: {}\n\n| id | rule | held by |\n|---|---|---|\n",
            family.name, family.title
        );
        for (at, (rule, held)) in family.lines.iter().enumerate() {
            let id = format!("{}-{}", family.name, at + 1);
            let by = match held {
                Test(note) => {
                    assert!(
                        tests.contains_key(&id),
                        "{id} has neither a test nor a reason"
                    );
                    let name = id.to_lowercase().replace('-', "_");
                    let gap = if note.is_empty() { "" } else { ". " };
                    format!("tests `{name}_…`{gap}{note}")
                }
                Elsewhere(title) => {
                    assert!(
                        typescript.contains(title),
                        "{id}: no such test in clients/typescript: {title}"
                    );
                    format!("the TypeScript client: \"{title}\"")
                }
                Reason(why) => format!("does not apply: {why}"),
            };
            let _ = writeln!(page, "| {id} | {rule} | {by} |");
            known.push(id);
        }
    }
    for (id, named) in tests {
        assert!(
            known.contains(&id),
            "{named:?} names {id}, which is not on the list"
        );
    }
    page
}

#[test]
fn every_line_has_a_test_or_a_reason_and_the_page_says_which() {
    let page = page();
    let path = root().join("docs/reference/conformance.md");
    if std::env::var_os("PROLONG_WRITE_REFERENCE").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page,
        "docs/reference/conformance.md is stale; see the head of this file"
    );
}
