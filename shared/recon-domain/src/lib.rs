#![doc = include_str!("../README.md")]

mod calendar;
mod currency;
mod date;
mod decimal;
mod id;
mod outcome;
mod read_options;
mod role;
mod rules;
mod spelling;
mod summary;

pub use calendar::{Calendar, WEEKDAYS};
pub use currency::{Currency, CurrencyError};
pub use date::{Day, Instant};
pub use decimal::{Decimal, DecimalError};
pub use id::{BreakId, DatasetId, JobId, MatchId, ReconciliationId, SessionId, UserId, WorkspaceId};
pub use outcome::{BreakKind, BreakStatus, Cause, MatchStatus, Role as UserRole, Side, Variance};
pub use read_options::{DateOrder, ReadOptions};
pub use role::{AMOUNT, CURRENCY, DATE, Normalize, Role, RoleId, RoleType, Source};
pub use rules::{
    Allowance, Ambiguous, Cardinality, Combine, Condition, Filter, FilterTest, Measure, Pass, RuleSet,
    Similar, Tolerance, Within,
};
pub use spelling::UnknownSpelling;
pub use summary::{ControlTotals, Limits, MatchRate, PassCount, SideAmounts, SideCounts, Summary};
