#![doc = include_str!("../README.md")]

pub mod options;
pub mod problem;
pub mod request;
pub mod route;
pub mod rules;

mod dataset;
mod document;
mod finding;
mod health;
mod json;
mod page;
mod reconciliation;
mod session;
mod summary;
mod text;
mod words;

pub use dataset::{
    ColumnProfile, CompleteDataset, Dataset, DatasetStatus, Dialect, Failure, Fits, Format, NAME_BYTES_MAX,
    NewDataset, RejectedRows, RejectedSample, Upload,
};
pub use finding::{
    Break, BreakQuery, FailedCondition, Match, MatchQuery, Nearest, Resolution, RowValues, Values, Variance,
};
pub use health::{Health, Readiness, Ready};
pub use page::{Cursor, CursorError, LIMIT_DEFAULT, LIMIT_MAX, List, PAGE_BYTES_MAX, Page, PageRequest};
pub use problem::{Code, FieldCode, FieldError, FieldErrors, Problem};
pub use reconciliation::{
    NewReconciliation, Phase, Reconciliation, ReconciliationProgress, ReconciliationQuery,
    ReconciliationStatus, WAIT_SECONDS_MAX,
};
pub use request::{Query, Request};
pub use session::{
    EMAIL_BYTES_MAX, NewSession, PASSWORD_BYTES_MAX, Password, SessionOpened, User, Workspace,
};
pub use summary::{ControlTotals, Limits, MatchRates, PassCount, SideAmounts, SideCounts, Summary};
