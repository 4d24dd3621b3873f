//! The route table: the one list of what can be called, by whom, and within which limits.

use std::fmt;

use recon_domain::UserRole;

/// An HTTP method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// GET, and with it HEAD.
    Get,
    /// POST.
    Post,
    /// PUT.
    Put,
    /// PATCH.
    Patch,
    /// DELETE.
    Delete,
}

impl Method {
    /// The method as it stands in a request line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Public,
    /// Any signed-in caller, about themselves.
    Own,
    /// Callers with this role or one above it.
    Role(UserRole),
}

/// Which budget of requests a call is charged to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LimitClass {
    /// Never limited: probes.
    Free,
    /// Attempts to sign in, charged to the address and the account.
    SignIn,
    /// Reads.
    Read,
    /// Writes.
    Write,
    /// Uploads of content.
    Upload,
}

/// One call of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path template, in axum's syntax.
    pub path: &'static str,
    /// The crate under `functions/` that answers it.
    pub function: &'static str,
    /// Who may call it.
    pub access: Access,
    /// The budget it is charged to.
    pub limit: LimitClass,
    /// Whether it requires an `Idempotency-Key`.
    pub keyed: bool,
    /// The most bytes of a request body; 0 where the call has none.
    pub body_bytes_max: u64,
}

/// The most bytes of an ordinary JSON body.
pub const JSON_BYTES_MAX: u64 = 64 * 1024;
/// The most bytes of a JSON body that holds rules: a calendar's holidays are what takes room.
pub const RULES_BYTES_MAX: u64 = 512 * 1024;
/// The most bytes of a dataset's content, whatever the configuration says. A smaller configured limit is
/// enforced while the bytes arrive.
pub const CONTENT_BYTES_MAX: u64 = 64 * 1024 * 1024 * 1024;

const VIEWER: Access = Access::Role(UserRole::Viewer);
const PREPARER: Access = Access::Role(UserRole::Preparer);
const APPROVER: Access = Access::Role(UserRole::Approver);

/// The process runs.
pub const HEALTH: Route = Route {
    method: Method::Get,
    path: "/health",
    function: "health",
    access: Access::Public,
    limit: LimitClass::Free,
    keyed: false,
    body_bytes_max: 0,
};

/// The process may be sent requests.
pub const READY: Route = Route { path: "/ready", ..HEALTH };

/// The contract as an OpenAPI document.
pub const OPENAPI: Route =
    Route { path: "/openapi.json", function: "openapi", limit: LimitClass::Read, ..HEALTH };

/// The contract as a page for people.
pub const DOCS: Route = Route { path: "/docs", ..OPENAPI };

/// Signs in. It needs no key, since a token is never kept for replay.
pub const SESSION_OPEN: Route = Route {
    method: Method::Post,
    path: "/v1/sessions",
    function: "session-open",
    access: Access::Public,
    limit: LimitClass::SignIn,
    keyed: false,
    body_bytes_max: JSON_BYTES_MAX,
};

/// Lists the caller's sessions.
pub const SESSION_LIST: Route = Route { path: "/v1/sessions", function: "session-list", ..SESSION_GET };

/// Signs out.
pub const SESSION_CLOSE: Route =
    Route { method: Method::Delete, function: "session-close", limit: LimitClass::Write, ..SESSION_GET };

/// Ends one of the caller's sessions.
pub const SESSION_REVOKE: Route =
    Route { path: "/v1/sessions/{id}", function: "session-revoke", ..SESSION_CLOSE };

/// Ends every session of the caller.
pub const SESSION_REVOKE_ALL: Route = Route { path: "/v1/sessions", ..SESSION_REVOKE };

/// Shows the session that the request was sent with.
pub const SESSION_GET: Route = Route {
    method: Method::Get,
    path: "/v1/sessions/current",
    function: "session-get",
    access: Access::Own,
    limit: LimitClass::Read,
    keyed: false,
    body_bytes_max: 0,
};

/// Shows what became of one of the caller's keys.
pub const IDEMPOTENCY_GET: Route =
    Route { path: "/v1/idempotency", function: "idempotency-get", ..SESSION_GET };

/// Announces a dataset.
pub const DATASET_CREATE: Route = Route {
    method: Method::Post,
    path: "/v1/datasets",
    function: "dataset-create",
    access: PREPARER,
    limit: LimitClass::Write,
    keyed: true,
    body_bytes_max: JSON_BYTES_MAX,
};

/// Takes a dataset's bytes.
pub const DATASET_UPLOAD: Route = Route {
    method: Method::Put,
    path: "/v1/datasets/{id}/content",
    function: "dataset-upload",
    access: PREPARER,
    limit: LimitClass::Upload,
    keyed: false,
    body_bytes_max: CONTENT_BYTES_MAX,
};

/// Settles a dataset's bytes and has them read.
pub const DATASET_COMPLETE: Route = Route {
    method: Method::Post,
    path: "/v1/datasets/{id}/complete",
    function: "dataset-complete",
    access: PREPARER,
    limit: LimitClass::Write,
    keyed: true,
    body_bytes_max: JSON_BYTES_MAX,
};

/// Shows a dataset.
pub const DATASET_GET: Route = Route {
    method: Method::Get,
    path: "/v1/datasets/{id}",
    function: "dataset-get",
    access: VIEWER,
    limit: LimitClass::Read,
    keyed: false,
    body_bytes_max: 0,
};

/// Suggests rules for two datasets, or tries given ones. It changes nothing, so it needs no key.
pub const RULE_SUGGEST: Route = Route {
    method: Method::Post,
    path: "/v1/rules/suggest",
    function: "rule-suggest",
    access: PREPARER,
    limit: LimitClass::Write,
    keyed: false,
    body_bytes_max: RULES_BYTES_MAX,
};

/// Lists datasets.
pub const DATASET_LIST: Route = Route { path: "/v1/datasets", function: "dataset-list", ..DATASET_GET };

/// Lists the rows of a dataset.
pub const DATASET_ROWS: Route =
    Route { path: "/v1/datasets/{id}/rows", function: "dataset-rows", ..DATASET_GET };

/// Deletes a dataset.
pub const DATASET_DELETE: Route = Route {
    method: Method::Delete,
    path: "/v1/datasets/{id}",
    function: "dataset-delete",
    access: PREPARER,
    limit: LimitClass::Write,
    keyed: false,
    body_bytes_max: 0,
};

/// Starts a reconciliation.
pub const RECONCILIATION_CREATE: Route = Route {
    method: Method::Post,
    path: "/v1/reconciliations",
    function: "reconciliation-create",
    access: PREPARER,
    limit: LimitClass::Write,
    keyed: true,
    body_bytes_max: RULES_BYTES_MAX,
};

/// Shows a reconciliation, and waits for its end where asked to.
pub const RECONCILIATION_GET: Route =
    Route { path: "/v1/reconciliations/{id}", function: "reconciliation-get", ..DATASET_GET };

/// Lists reconciliations.
pub const RECONCILIATION_LIST: Route =
    Route { path: "/v1/reconciliations", function: "reconciliation-list", ..DATASET_GET };

/// Stops a reconciliation.
pub const RECONCILIATION_CANCEL: Route = Route {
    path: "/v1/reconciliations/{id}/cancel",
    function: "reconciliation-cancel",
    body_bytes_max: JSON_BYTES_MAX,
    ..RECONCILIATION_CREATE
};

/// Deletes a reconciliation.
pub const RECONCILIATION_DELETE: Route = Route {
    method: Method::Delete,
    path: "/v1/reconciliations/{id}",
    function: "reconciliation-delete",
    access: APPROVER,
    limit: LimitClass::Write,
    keyed: false,
    body_bytes_max: 0,
};

/// Lists a reconciliation's matches.
pub const MATCH_LIST: Route =
    Route { path: "/v1/reconciliations/{id}/matches", function: "match-list", ..DATASET_GET };

/// Lists a reconciliation's breaks.
pub const BREAK_LIST: Route =
    Route { path: "/v1/reconciliations/{id}/breaks", function: "break-list", ..DATASET_GET };

/// Lists the rows that a reconciliation could not read.
pub const REJECTION_LIST: Route =
    Route { path: "/v1/reconciliations/{id}/rejections", function: "rejection-list", ..DATASET_GET };

/// Gives a reconciliation's result as a file.
pub const RECONCILIATION_EXPORT: Route =
    Route { path: "/v1/reconciliations/{id}/export", function: "reconciliation-export", ..DATASET_GET };

/// Every route. One whose path has a word where another's has an id stands before it, as a list of rules that is read from
/// the top needs it.
pub const ALL: &[Route] = &[
    HEALTH,
    READY,
    OPENAPI,
    DOCS,
    SESSION_OPEN,
    SESSION_LIST,
    SESSION_GET,
    SESSION_CLOSE,
    SESSION_REVOKE,
    SESSION_REVOKE_ALL,
    IDEMPOTENCY_GET,
    DATASET_CREATE,
    DATASET_UPLOAD,
    DATASET_COMPLETE,
    DATASET_GET,
    DATASET_LIST,
    DATASET_ROWS,
    DATASET_DELETE,
    RULE_SUGGEST,
    RECONCILIATION_CREATE,
    RECONCILIATION_GET,
    RECONCILIATION_LIST,
    RECONCILIATION_CANCEL,
    RECONCILIATION_DELETE,
    MATCH_LIST,
    BREAK_LIST,
    REJECTION_LIST,
    RECONCILIATION_EXPORT,
];

impl Access {
    /// Whether a caller needs to be signed in.
    #[must_use]
    pub const fn needs_session(self) -> bool {
        match self {
            Self::Public => false,
            Self::Own | Self::Role(_) => true,
        }
    }

    /// Whether a signed-in caller of this role may call.
    #[must_use]
    pub fn admits(self, role: UserRole) -> bool {
        match self {
            Self::Public | Self::Own => true,
            Self::Role(least) => role >= least,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_call_is_listed_twice_and_every_post_of_a_role_that_changes_something_is_keyed() {
        // A POST for the size of what it asks.
        const CHANGES_NOTHING: [Route; 1] = [RULE_SUGGEST];
        for (index, route) in ALL.iter().enumerate() {
            let same = |other: &&Route| (other.method, other.path) == (route.method, route.path);
            assert_eq!(ALL[..index].iter().find(same), None, "{route:?}");
            let writes = route.access != Access::Public && !CHANGES_NOTHING.contains(route);
            assert_eq!(route.keyed, route.method == Method::Post && writes, "{route:?}");
            let has_body = !matches!(route.method, Method::Get | Method::Delete);
            assert_eq!(route.body_bytes_max > 0, has_body, "{route:?}");
            assert!(route.path.starts_with('/') && !route.path.ends_with('/'), "{route:?}");
        }
    }

    #[test]
    fn the_first_route_that_fits_a_path_is_the_one_of_that_path() {
        for (index, route) in ALL.iter().enumerate() {
            let fits = |earlier: &&Route| {
                let (parts, words) = (earlier.path.split('/'), route.path.split('/'));
                earlier.method == route.method
                    && parts.clone().count() == words.clone().count()
                    && parts.zip(words).all(|(part, word)| part.starts_with('{') || part == word)
            };
            assert_eq!(ALL[..index].iter().find(fits), None, "{route:?}");
        }
    }

    #[test]
    fn a_role_admits_itself_and_those_above() {
        let admitted = |access: Access| UserRole::ALL.iter().filter(|role| access.admits(**role)).count();
        assert_eq!(admitted(DATASET_GET.access), 4);
        assert_eq!(admitted(DATASET_CREATE.access), 3);
        assert_eq!(admitted(Access::Role(UserRole::Admin)), 1);
        assert!(!HEALTH.access.needs_session());
        assert!(Access::Own.needs_session() && DATASET_GET.access.needs_session());
    }
}
