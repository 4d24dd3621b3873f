//! Signing in, and what sessions there are.

use std::fmt;

use recon_domain::{Instant, SessionId, UserId, UserRole, WorkspaceId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::page::{List, PageRequest};
use crate::problem::{FieldCode, FieldErrors, Problem};
use crate::request::{self, Query, Request};
use crate::text;

/// The most bytes of an email address.
pub const EMAIL_BYTES_MAX: usize = 254;
/// The most bytes of a password.
pub const PASSWORD_BYTES_MAX: usize = 1024;

/// A password that somebody typed. It has no `Debug` that shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

/// Asks for a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSession {
    /// The user's email address.
    pub email: String,
    /// The user's password.
    pub password: Password,
}

/// A workspace, as users see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Workspace {
    /// Its id.
    #[serde(with = "text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "uuid"))]
    pub id: WorkspaceId,
    /// Its name.
    pub name: String,
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct User {
    /// The user's id.
    #[serde(with = "text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "uuid"))]
    pub id: UserId,
    /// The user's email address.
    pub email: String,
    /// What the user may do.
    #[serde(with = "text")]
    #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::UserRole))]
    pub role: UserRole,
    /// The workspace that the user belongs to.
    pub workspace: Workspace,
}

/// A session, without what lets anybody in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Session {
    /// Its id, by which it is revoked.
    #[serde(with = "text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "uuid"))]
    pub id: SessionId,
    /// Whose it is.
    pub user: User,
    /// When its user signed in.
    #[serde(with = "text::instant")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub created_at: Instant,
    /// When it was last used. A session in constant use is noted every few minutes only.
    #[serde(with = "text::instant")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub last_seen_at: Instant,
    /// When it ends at the latest. It ends earlier when it is not used.
    #[serde(with = "text::instant")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub expires_at: Instant,
}

/// Which of the caller's sessions are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionListQuery {
    /// Which page of them.
    pub page: PageRequest,
}

/// A session that was opened.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionOpened {
    /// The bearer token. It is shown here and never again.
    pub token: String,
    /// When the session ends at the latest.
    #[serde(with = "text::instant")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub expires_at: Instant,
    /// Who signed in.
    pub user: User,
}

impl Password {
    /// The password itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

impl fmt::Debug for SessionOpened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionOpened").field("user", &self.user).finish_non_exhaustive()
    }
}

impl Query for SessionListQuery {
    fn from_parameters(parameters: &[(String, String)]) -> Result<Self, Problem> {
        let page = request::read_query(parameters, |root| {
            PageRequest::read(&root.table(&PageRequest::PARAMETERS)?)
        })?;
        Ok(Self { page: PageRequest::resolve(List::Sessions, page)? })
    }
}

impl Request for NewSession {
    fn from_document(document: &Value) -> Result<Self, FieldErrors> {
        request::read(document, |root| {
            let table = root.table(&["email", "password"])?;
            let email = table.required("email").and_then(|node| node.name(EMAIL_BYTES_MAX));
            let password = table.required("password").and_then(|node| {
                let password = node.text(PASSWORD_BYTES_MAX)?;
                if password.is_empty() {
                    node.fault(FieldCode::Malformed, "is empty");
                }
                Some(Password(password.to_owned()))
            });
            Some(Self { email: email?.to_owned(), password: password? })
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_sign_in_needs_email_and_password_and_nothing_else() {
        let read = NewSession::from_document(&json!({"email": "a@b.example", "password": "p w"})).unwrap();
        assert_eq!((read.email.as_str(), read.password.expose()), ("a@b.example", "p w"));
        assert!(!format!("{read:?}").contains("p w"));
        for (document, expected) in [
            (json!(null), vec![("", FieldCode::WrongType)]),
            (json!({}), vec![("", FieldCode::Missing), ("", FieldCode::Missing)]),
            (
                json!({"email": " ", "password": ""}),
                vec![("/email", FieldCode::Malformed), ("/password", FieldCode::Malformed)],
            ),
            (json!({"email": "a", "password": "b", "c": 1}), vec![("/c", FieldCode::UnknownField)]),
            (
                json!({"email": 1, "password": "b".repeat(1025)}),
                vec![("/email", FieldCode::WrongType), ("/password", FieldCode::TooMany)],
            ),
        ] {
            let errors = NewSession::from_document(&document).unwrap_err().0;
            let found: Vec<_> = errors.iter().map(|error| (error.pointer.as_str(), error.code)).collect();
            assert_eq!(found, expected, "{document}");
        }
    }

    #[test]
    fn a_session_stands_on_the_wire_as_promised() {
        let json = json!({
            "id": "00000000-0000-0000-0000-000000000003",
            "user": {
                "id": "00000000-0000-0000-0000-000000000001", "email": "a@b.example", "role": "preparer",
                "workspace": {"id": "00000000-0000-0000-0000-000000000002", "name": "Main"},
            },
            "created_at": "2026-03-02T10:00:00Z", "last_seen_at": "2026-03-02T11:00:00Z",
            "expires_at": "2026-03-02T22:00:00Z",
        });
        let session: Session = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(serde_json::to_value(&session).unwrap(), json);
    }

    #[test]
    fn an_opened_session_stands_on_the_wire_as_promised_and_hides_its_token_in_logs() {
        let json = json!({
            "token": "t.s", "expires_at": "2026-03-02T10:00:00Z",
            "user": {
                "id": "00000000-0000-0000-0000-000000000001", "email": "a@b.example", "role": "preparer",
                "workspace": {"id": "00000000-0000-0000-0000-000000000002", "name": "Main"},
            },
        });
        let opened: SessionOpened = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(serde_json::to_value(&opened).unwrap(), json);
        assert!(!format!("{opened:?}").contains("t.s"));
    }
}
