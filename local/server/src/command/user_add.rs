//! `recon user add`: accounts, the first admin among them.

use std::io::BufRead as _;
use std::process::ExitCode;

use anyhow::{Context, Result};
use recon_domain::{UserId, WorkspaceId};
use recon_runtime::{Clock, Environment, Ids, store_config};
use recon_session::Tag;
use recon_session::password::{self, NewPassword};
use recon_store::{Email, NewUser, Store, WorkspaceName};
use serde_json::json;

use crate::cli::{Format, UserAddArgs};
use crate::report;

/// Letters and digits that nobody takes for one another; 32 of them, so a byte's low five bits choose fairly.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// Characters of a password made here: five bits each, a hundred bits together.
const PASSWORD_CHARACTERS: usize = 20;

/// Adds a user, and the workspace when there is none of its name.
pub(crate) fn run(arguments: &UserAddArgs) -> Result<ExitCode> {
    let email: Email = arguments.email.parse().with_context(|| format!("`{}`", arguments.email))?;
    let workspace: WorkspaceName =
        arguments.workspace.parse().with_context(|| format!("`{}`", arguments.workspace.escape_debug()))?;
    let (chosen, made) = match arguments.password_stdin {
        true => (first_line()?, None),
        false => {
            let made = made_up()?;
            (made.clone(), Some(made))
        }
    };
    let password_hash = password::hash(&NewPassword::new(chosen)?)?;
    let config = store_config(&Environment::of_process())?;
    let store = Store::open(&config);
    let ids = Ids::random(Clock::system());
    let user = super::in_async(async {
        super::migrate::for_use(&store, &config).await?;
        let found = store.workspaces().ensure(WorkspaceId::from_uuid(ids.next()?), &workspace).await?;
        let new = NewUser {
            id: UserId::from_uuid(ids.next()?),
            email,
            role: arguments.role,
            password_hash,
            session_tag: Tag::random().context("make the user's slot of sessions")?,
        };
        let user = store.users().create(found.id, new).await;
        store.close().await;
        anyhow::Ok(user?)
    })
    .with_context(|| format!("add the user {}", arguments.email))?;

    let email = user.email.as_str();
    report::print(&match arguments.format.format {
        Format::Json => json!({
            "id": user.id.to_string(),
            "email": email,
            "role": user.role.as_str(),
            "workspace": workspace.as_str(),
            "password": made,
        })
        .to_string(),
        Format::Table => {
            let added = format!("added {email}, {} in the workspace {workspace}", user.role);
            made.map_or_else(|| added.clone(), |made| format!("{added}\npassword, shown this once: {made}"))
        }
    });
    Ok(ExitCode::SUCCESS)
}

fn first_line() -> Result<String> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).context("read the password from standard input")?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

fn made_up() -> Result<String> {
    let mut bytes = [0; PASSWORD_CHARACTERS];
    getrandom::fill(&mut bytes).context("ask the system for random bytes")?;
    let mut text = String::with_capacity(PASSWORD_CHARACTERS + PASSWORD_CHARACTERS / 5);
    for (index, byte) in bytes.iter().enumerate() {
        if index > 0 && index % 5 == 0 {
            text.push('-');
        }
        text.push(char::from(ALPHABET[usize::from(byte % 32)]));
    }
    Ok(text)
}
