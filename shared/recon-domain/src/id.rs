//! Ids: one type for each thing, all UUIDs.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use crate::Side;

macro_rules! ids {
    ($($(#[$doc:meta])+ $name:ident),+ $(,)?) => {$(
        $(#[$doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// The id with this value.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The value.
            #[must_use]
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::try_parse(text).map(Self)
            }
        }
    )+};
}

ids! {
    /// A workspace: the tenant that owns everything else.
    WorkspaceId,
    /// A user.
    UserId,
    /// A session, as lists show it and revocation names it. It is not the token.
    SessionId,
    /// A dataset.
    DatasetId,
    /// A reconciliation.
    ReconciliationId,
    /// A job of a worker.
    JobId,
    /// A match.
    MatchId,
    /// A break.
    BreakId,
}

/// The same parts give the same id (UUIDv8), on every attempt and every machine.
fn derived(kind: u8, reconciliation: ReconciliationId, side: Side, row: u32) -> Uuid {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&[kind, side as u8]);
    hasher.update(reconciliation.uuid().as_bytes());
    hasher.update(&row.to_be_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

impl MatchId {
    /// The id of the match whose first row is this one.
    #[must_use]
    pub fn derive(reconciliation: ReconciliationId, side: Side, first_row: u32) -> Self {
        Self(derived(b'm', reconciliation, side, first_row))
    }
}

impl BreakId {
    /// The id of the break of this row.
    #[must_use]
    pub fn derive(reconciliation: ReconciliationId, side: Side, row: u32) -> Self {
        Self(derived(b'b', reconciliation, side, row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derived_ids_repeat_and_differ_by_every_part() {
        let one = ReconciliationId::from_uuid(Uuid::from_u128(1));
        let two = ReconciliationId::from_uuid(Uuid::from_u128(2));
        let id = BreakId::derive(one, Side::Left, 7);
        assert_eq!(id, BreakId::derive(one, Side::Left, 7));
        assert_eq!(id.uuid().get_version_num(), 8);
        assert_ne!(id, BreakId::derive(two, Side::Left, 7));
        assert_ne!(id, BreakId::derive(one, Side::Right, 7));
        assert_ne!(id, BreakId::derive(one, Side::Left, 8));
        assert_ne!(id.uuid(), MatchId::derive(one, Side::Left, 7).uuid());
        assert_eq!(id.to_string().parse::<BreakId>().unwrap(), id);
    }
}
