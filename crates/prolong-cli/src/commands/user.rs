//! `prolong user …`

use std::io::BufRead;

use anyhow::{Context, bail};
use axum::http::Method;
use serde_json::{Value, json};

use crate::args::User;
use crate::door::{Door, Reach, segment};
use crate::out::Out;

pub(super) async fn run(reach: &Reach, command: User, out: Out) -> anyhow::Result<()> {
    match command {
        User::Add {
            name,
            password_stdin,
        } => {
            let password = password(password_stdin)?;
            let door = reach.door().await?;
            let body = json!({ "login": name, "password": password });
            let user = door
                .call(Method::POST, "/v1/admin/users", Some(&body))
                .await?;
            out.facts(
                &user,
                &format!(
                    "user {name} is made; id {}",
                    user["sub"].as_str().unwrap_or_default()
                ),
            );
        }
        User::List => {
            let door = reach.door().await?;
            let users = all(&door, "/v1/admin/users", "users", "sub").await?;
            out.table(&users, &["login", "sub", "disabled", "last_sign_in"]);
        }
        User::Show(name) => {
            let door = reach.door().await?;
            out.object(&find(&door, &name.name).await?);
        }
        User::Disable(name) => {
            verb(
                reach,
                &name.name,
                "disable",
                "is out everywhere and cannot sign in",
                out,
            )
            .await?;
        }
        User::Enable(name) => verb(reach, &name.name, "enable", "may sign in again", out).await?,
        User::RequireReauth(name) => {
            verb(
                reach,
                &name.name,
                "require-reauth",
                "must give the password again in every session",
                out,
            )
            .await?;
        }
        User::SignOut(name) => {
            verb(
                reach,
                &name.name,
                "sign-out",
                "is signed out everywhere",
                out,
            )
            .await?;
        }
        User::SetPassword {
            name,
            password_stdin,
        } => {
            let password = password(password_stdin)?;
            let door = reach.door().await?;
            let path = format!(
                "/v1/admin/users/{}/password",
                sub(&find(&door, &name).await?)
            );
            door.call(Method::POST, &path, Some(&json!({ "password": password })))
                .await?;
            out.say(&format!(
                "{name} has a new password; all sessions are ended"
            ));
        }
    }
    Ok(())
}

async fn verb(reach: &Reach, name: &str, verb: &str, done: &str, out: Out) -> anyhow::Result<()> {
    let door = reach.door().await?;
    let path = format!("/v1/admin/users/{}/{verb}", sub(&find(&door, name).await?));
    let user = door.call(Method::POST, &path, Some(&json!({}))).await?;
    out.facts(&user, &format!("{name} {done}"));
    Ok(())
}

/// The user of a login or an id.
async fn find(door: &Door, name: &str) -> anyhow::Result<Value> {
    let path = format!("/v1/admin/users?user={}", segment(name));
    let mut answer = door.call(Method::GET, &path, None).await?;
    match answer["users"].get_mut(0) {
        Some(user) => Ok(user.take()),
        None => bail!("there is no user {name}; `prolong user list` shows who there is"),
    }
}

fn sub(user: &Value) -> String {
    segment(user["sub"].as_str().unwrap_or_default())
}

/// All pages of a listing.
pub(super) async fn all(
    door: &Door,
    path: &str,
    list: &str,
    key: &str,
) -> anyhow::Result<Vec<Value>> {
    let mut items: Vec<Value> = Vec::new();
    let mut after = None::<String>;
    loop {
        let sign = if path.contains('?') { '&' } else { '?' };
        let from = after
            .as_deref()
            .map_or_else(String::new, |after| format!("&after={}", segment(after)));
        let mut answer = door
            .call(Method::GET, &format!("{path}{sign}limit=500{from}"), None)
            .await?;
        let Value::Array(page) = answer[list].take() else {
            return Ok(items);
        };
        let more = !answer["next"].is_null();
        let next = answer["next"]
            .as_str()
            .or_else(|| page.last()?[key].as_str())
            .map(ToOwned::to_owned);
        items.extend(page);
        if !more || next.is_none() || next == after {
            return Ok(items);
        }
        after = next;
    }
}

fn password(from_stdin: bool) -> anyhow::Result<String> {
    if from_stdin {
        let mut line = String::new();
        std::io::stdin()
            .lock()
            .read_line(&mut line)
            .context("cannot read the password")?;
        return Ok(line.trim_end_matches(['\r', '\n']).to_owned());
    }
    let password = rpassword::prompt_password("Password: ")
        .context("cannot ask for the password; use --password-stdin")?;
    if rpassword::prompt_password("Again: ")? != password {
        bail!("the two differ; nothing was changed");
    }
    Ok(password)
}
