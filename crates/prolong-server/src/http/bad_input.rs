//! Input that will not do: the answer names what is wrong, with the right status, and nothing has changed.

use serde_json::Value;

use super::user_stories::{sign_in, start};

/// Who calls what, the status, a word that the detail has, the body.
const CASES: &str = r#"
nobody POST /v1/sessions 422 client_id {"username": "ann", "password": "x"}
nobody POST /v1/sessions 401 client_id {"client_id": "nobody", "username": "ann", "password": "x"}
nobody POST /v1/sessions 422 username {"client_id": "web", "password": "x"}
nobody POST /v1/sessions 422 username {"client_id": "web", "username": 7, "password": "x"}
nobody POST /v1/sessions 422 device_name {"client_id": "web", "username": "ann", "password": "correct horse", "device_name": "LONG"}
nobody POST /v1/sessions 401 ticket {"client_id": "web", "ticket": "plt1_no"}
nobody POST /v1/sessions 403 password {"client_id": "third", "username": "ann", "password": "correct horse"}
user PATCH /v1/sessions/current 422 device_name {}
user PATCH /v1/sessions/nonsense 404 session {"device_name": "x"}
user DELETE /v1/sessions?except=others 422 except {}
user POST /v1/password 422 new_password {"current_password": "correct horse"}
user POST /v1/password 422 new_password {"current_password": "correct horse", "new_password": "short"}
admin POST /v1/admin/users 409 login {"login": "ann"}
admin POST /v1/admin/users 422 login {}
admin POST /v1/admin/users 422 sub {"sub": "web"}
admin POST /v1/admin/users 422 password {"login": "bob", "password": "x"}
admin POST /v1/admin/users 422 password_hash {"login": "bob", "password_hash": "md5"}
admin POST /v1/admin/users 422 claims {"login": "bob", "claims": {"sub": "x"}}
admin POST /v1/admin/users 422 pasword {"login": "bob", "pasword": "x"}
admin POST /v1/admin/users/web/sessions 422 sub {"client_id": "web"}
admin POST /v1/admin/users/u/sessions 422 client_id {"client_id": "no"}
admin POST /v1/admin/users/u/sessions 422 deliver {"client_id": "web", "deliver": "pigeon"}
admin POST /v1/admin/users/u/sessions 422 auth_time {"client_id": "web", "auth_time": "noon"}
admin POST /v1/admin/users/u/sessions 422 ip {"client_id": "web", "ip": "here"}
admin POST /v1/admin/users/nobody/disable 404 user {}
admin DELETE /v1/admin/sessions/nonsense 404 session {}
"#;

#[tokio::test]
async fn bad_input_is_named_and_changes_nothing() {
    let (w, admin) = start().await;
    let (user, _) = sign_in(&w, "PC").await;
    let before = w.audit().await;
    for case in CASES.trim().lines() {
        let parts: Vec<_> = case.splitn(6, ' ').collect();
        let [who, method, path, status, names, body] = parts[..] else {
            panic!("{case}");
        };
        let token = match who {
            "admin" => &admin,
            "user" => &user,
            _ => "",
        };
        let body = body.replace("LONG", &"x".repeat(101));
        assert!(serde_json::from_str::<Value>(&body).is_ok(), "{case}");
        let answer = w.call(method, path, token, &body).await;
        assert_eq!(answer.status.as_str(), status, "{case}: {}", answer.body);
        let detail = answer.text("detail");
        assert!(detail.contains(names), "{case}: {detail}");
    }
    let bad_pages = [
        "limit=0",
        "limit=x",
        "limit=1001",
        "nope=1",
        "live=maybe",
        "after=x",
    ];
    for query in bad_pages {
        let answer = w
            .call("GET", &format!("/v1/admin/sessions?{query}"), &admin, "")
            .await;
        assert_eq!(answer.status.as_u16(), 422, "{query}");
    }
    assert_eq!(w.audit().await, before);
}
