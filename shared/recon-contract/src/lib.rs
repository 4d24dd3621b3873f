#![doc = include_str!("../README.md")]

#[cfg(feature = "openapi")]
pub mod openapi;
pub mod options;
pub mod problem;
pub mod request;
pub mod route;
pub mod rules;

mod dataset;
mod dataset_row;
mod document;
mod export;
mod finding;
mod health;
mod idempotency;
mod json;
mod page;
mod reconciliation;
mod rejection;
mod session;
mod suggestion;
mod summary;
mod text;
mod words;

pub use dataset::{
    ColumnProfile, CompleteDataset, Dataset, DatasetListQuery, DatasetStatus, Dialect, Failure, Fits, Format,
    NAME_BYTES_MAX, NewDataset, RejectedRows, RejectedSample, Upload,
};
pub use dataset_row::{DatasetRow, DatasetRowQuery, RowStatus};
pub use export::{ExportQuery, ResultFormat, ResultPart};
pub use finding::{
    Break, BreakQuery, FailedCondition, Match, MatchQuery, Nearest, Resolution, RowValues, Values, Variance,
};
pub use health::{Health, Readiness, Ready};
pub use idempotency::{KeyState, KeyUse};
pub use page::{Cursor, CursorError, LIMIT_DEFAULT, LIMIT_MAX, List, PAGE_BYTES_MAX, Page, PageRequest};
pub use problem::{Code, FieldCode, FieldError, FieldErrors, Problem};
pub use reconciliation::{
    CancelReconciliation, NewReconciliation, Phase, Reconciliation, ReconciliationListQuery,
    ReconciliationProgress, ReconciliationQuery, ReconciliationStatus, WAIT_SECONDS_MAX,
};
pub use rejection::{Rejection, RejectionQuery};
pub use request::{Query, Request};
pub use session::{
    EMAIL_BYTES_MAX, NewSession, PASSWORD_BYTES_MAX, Password, Session, SessionListQuery, SessionOpened,
    User, Workspace,
};
pub use suggestion::{
    Evidence, ExpectedPass, GivenRules, Question, RuleSuggestion, SampledRows, SuggestRules,
};
pub use summary::{ControlTotals, Limits, MatchRates, PassCount, SideAmounts, SideCounts, Summary};

/// The OpenAPI document of this API. `cargo xtask openapi` writes it anew.
pub const OPENAPI_JSON: &str = include_str!("../openapi.json");
