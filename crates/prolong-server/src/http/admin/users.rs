//! `/v1/admin/users`: list them, make one.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};
use prolong_store::{User, UserFilter};
use serde_json::{Value, json};

use super::gate::{self, SUPPORT};
use super::paging::{Parameters, next};
use crate::Authority;
use crate::authority::users::NewUser;
use crate::http::problem::Failure;
use crate::http::sessions::fields::{Body, Fields, invalid};
use crate::http::sessions::items::rfc3339;
use crate::users::{PasswordHash, parsed_claims, valid_login, valid_new_password, valid_sub};

/// `?prefix=` (of login or id), `user=` (the one of this login or id, whatever else is asked), `deleted=true` (tombstones
/// too).
pub(super) async fn get(
    State(authority): State<Arc<Authority>>,
    parts: Parts,
) -> Result<Json<Value>, Failure> {
    gate::actor(&authority, &parts, &[SUPPORT])?;
    let parameters = Parameters::read(&parts.uri, &["prefix", "deleted", "user"])?;
    let page = parameters.page()?;
    let filter = UserFilter {
        prefix: parameters.text("prefix").map(ToOwned::to_owned),
        deleted: parameters.flag("deleted")?,
    };
    let users = match parameters.text("user") {
        Some(name) => {
            let user = authority.find_user(name).await?;
            let wanted = |user: &User| filter.deleted || !user.standing.deleted;
            user.filter(wanted).into_iter().collect()
        }
        None => authority
            .store
            .users(&filter, &page)
            .await
            .map_err(Failure::unavailable)?,
    };
    let list: Vec<Value> = users.iter().map(shown).collect();
    Ok(Json(
        json!({ "users": list, "next": next(&users, &page, |user| user.sub.clone()) }),
    ))
}

pub(super) async fn post(
    State(authority): State<Arc<Authority>>,
    parts: Parts,
    Body(body): Body,
) -> Result<Response, Failure> {
    let actor = gate::actor(&authority, &parts, &[])?;
    let fields = Fields::read(&parts.headers, &body)?.only(&[
        "sub",
        "login",
        "username",
        "password",
        "password_hash",
        "claims",
    ])?;
    let sub = fields.text("sub")?.map(ToOwned::to_owned);
    if let Some(sub) = &sub {
        check_sub(&authority, sub)?;
    }
    let login = login(&fields)?.flatten();
    if sub.is_none() && login.is_none() {
        return Err(invalid(
            "login",
            "is missing: a user needs a `login`, a `sub`, or both",
        ));
    }
    let claims = match fields.value("claims") {
        None => "{}".to_owned(),
        Some(claims) => parsed_claims(claims).map_err(|fault| invalid("claims", fault))?,
    };
    let password_hash = match (fields.text("password")?, imported_hash(&fields)?) {
        (Some(_), Some(_)) => return Err(invalid("password_hash", "goes without `password`")),
        (Some(password), None) => {
            valid_new_password(password).map_err(|fault| invalid("password", fault))?;
            Some(authority.hash_password(password).await?)
        }
        (None, hash) => hash,
    };
    if password_hash.is_some() && login.is_none() {
        return Err(invalid(
            "login",
            "is missing: a password without a login signs nobody in",
        ));
    }
    let user = authority
        .create_user(
            NewUser {
                sub,
                login,
                password_hash,
                claims,
            },
            &actor,
        )
        .await?;
    let mut response = (StatusCode::CREATED, Json(shown(&user))).into_response();
    let path = format!(
        "{}/v1/admin/users/{}",
        authority.settings.base_path,
        segment(&user.sub)
    );
    if let Ok(value) = HeaderValue::from_str(&path) {
        response.headers_mut().insert(header::LOCATION, value);
    }
    Ok(response)
}

/// One segment of a path (RFC 3986 §3.3).
fn segment(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let encoded = text.bytes().map(|byte| {
        if plain(byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    });
    encoded.collect()
}

/// A user as administrators see them.
pub(super) fn shown(user: &User) -> Value {
    let claims: Value = serde_json::from_str(&user.claims).unwrap_or_else(|_| json!({}));
    json!({
        "sub": user.sub,
        "login": user.login,
        "has_password": user.password_hash.is_some(),
        "claims": claims,
        "jwt_version": user.standing.version,
        "disabled": user.standing.disabled,
        "reauth_at": user.standing.reauth_at.map(rfc3339),
        "last_sign_in": user.standing.last_sign_in.map(rfc3339),
        "created_at": rfc3339(user.created_at),
        "deleted_at": user.deleted_at.map(rfc3339),
    })
}

/// `login`, or `username`, which is the same: `Some(None)` where it is null.
#[expect(
    clippy::option_option,
    reason = "not said, said to be nothing, said: three things in a patch"
)]
pub(super) fn login(fields: &Fields) -> Result<Option<Option<String>>, Failure> {
    let name = if fields.names("username") {
        "username"
    } else {
        "login"
    };
    if fields.names("username") && fields.names("login") {
        return Err(invalid("username", "is the same as `login`; give one"));
    }
    if !fields.names(name) {
        return Ok(None);
    }
    let login = fields.text(name)?.map(valid_login).transpose();
    login.map(Some).map_err(|fault| invalid(name, fault))
}

/// `password_hash`, checked.
pub(super) fn imported_hash(fields: &Fields) -> Result<Option<String>, Failure> {
    let Some(text) = fields.text("password_hash")? else {
        return Ok(None);
    };
    let hash = PasswordHash::parse(text).map_err(|fault| invalid("password_hash", fault))?;
    Ok(Some(hash.as_stored().to_owned()))
}

/// A user's id must look like one, and never be a client's: tokens of machines have the client's id as `sub`.
pub(super) fn check_sub(authority: &Authority, sub: &str) -> Result<(), Failure> {
    valid_sub(sub).map_err(|fault| invalid("sub", fault))?;
    if authority.client(sub).is_some() {
        return Err(invalid("sub", "must not equal a client's id"));
    }
    Ok(())
}
