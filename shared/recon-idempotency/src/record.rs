//! What a store keeps for a key, and what it hands out for it.

use std::fmt;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::key::put;
use crate::transition::Proof;
use crate::{RecordId, StoreTime, StoredResponse};

/// A random number that only the holder of a claim knows: with the fence it tells the holder from its successors.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClaimToken([u8; 16]);

/// A random number made with the record and kept over takeovers, from which the ids of remote effects are derived.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Seed([u8; 32]);

macro_rules! random {
    ($name:ident, $bytes:literal) => {
        impl $name {
            /// A new one from the operating system's generator.
            ///
            /// # Errors
            /// The generator's.
            pub(crate) fn random() -> Result<Self, getrandom::Error> {
                let mut bytes = [0; $bytes];
                getrandom::fill(&mut bytes)?;
                Ok(Self(bytes))
            }

            /// The one with these bytes, as a store kept them.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; $bytes]) -> Self {
                Self(bytes)
            }

            /// Its bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; $bytes] {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    };
}

random!(ClaimToken, 16);
random!(Seed, 32);

impl Seed {
    /// The id (UUIDv8) of one step of the work, the same for everybody who runs this record's work.
    #[must_use]
    pub fn derived_id(&self, step: &str) -> Uuid {
        let mut hasher = Sha256::new_with_prefix(b"idempotency derived id\0");
        put(&mut hasher, &self.0);
        put(&mut hasher, step.as_bytes());
        let digest: [u8; 32] = hasher.finalize().into();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        uuid::Builder::from_custom_bytes(bytes).into_uuid()
    }
}

/// The proof of a lease: whoever has it may run the work of its key, and may end the record if nobody took it over.
#[derive(Debug, PartialEq, Eq)]
pub struct Claim {
    pub(crate) id: RecordId,
    pub(crate) proof: Proof,
    pub(crate) seed: Seed,
    pub(crate) retention: Duration,
    pub(crate) is_takeover: bool,
    pub(crate) since: Instant,
}

impl Claim {
    /// The same claim, for a task of its own. Callers have one only, so that none is used after it has ended.
    #[cfg(any(feature = "embedded", feature = "postgres"))]
    pub(crate) const fn duplicate(&self) -> Self {
        Self { ..*self }
    }

    /// What the ids of the work are derived from.
    #[must_use]
    pub const fn seed(&self) -> Seed {
        self.seed
    }

    /// The record that is claimed.
    #[must_use]
    pub const fn record_id(&self) -> RecordId {
        self.id
    }

    /// Counts the claims of this record; a downstream system may use it to refuse a holder whose claim was lost.
    #[must_use]
    pub const fn fence(&self) -> u64 {
        self.proof.fence
    }

    /// Whether the lease of another holder had ended, whose work may have had its effect already.
    #[must_use]
    pub const fn is_takeover(&self) -> bool {
        self.is_takeover
    }

    /// How long ago it was claimed, on this process's clock.
    #[must_use]
    pub fn age(&self) -> Duration {
        self.since.elapsed()
    }

    /// The id (UUIDv8) to hand to a remote system for one step of the work. Whoever takes the work over derives the same
    /// ids, so an effect that did happen is found and not doubled.
    #[must_use]
    pub fn derived_id(&self, step: &str) -> Uuid {
        self.seed.derived_id(step)
    }
}

/// What a record answers to a request that may not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    /// The same request was answered before.
    Replay {
        /// That answer.
        response: StoredResponse,
        /// When the answer is forgotten.
        expires_at: StoreTime,
    },
    /// The same request is running.
    InFlight {
        /// How long to wait before asking again: at least a second, at most five.
        retry_after: Duration,
    },
    /// The key belongs to another request.
    Mismatch,
}

/// The outcome of asking for a claim.
#[derive(Debug)]
#[must_use]
pub enum Claimed {
    /// The work may run.
    Run(Claim),
    /// It may not.
    Held(Held),
}

/// The outcome of ending a claim with an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Completion {
    /// The answer is kept and never changes.
    Stored {
        /// When it is forgotten.
        expires_at: StoreTime,
    },
    /// The claim was lost: roll the effect back, and answer with what the winner left, if anything.
    Lost(Option<Held>),
}

/// The outcome of giving a claim back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    /// The key is free again.
    Released,
    /// The claim was lost before; nothing changed.
    Lost,
}

/// The outcome of extending a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Extension {
    /// The lease ends later.
    Extended {
        /// When it ends now.
        lease_until: StoreTime,
    },
    /// The claim was lost: stop working.
    Lost,
}

/// What a caller may see about its own key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The method of the request that the key belongs to.
    pub method: String,
    /// Its normalised path.
    pub path: String,
    /// How far it got.
    pub state: EntryState,
    /// When the key is forgotten.
    pub expires_at: StoreTime,
}

/// How far the request of a key got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryState {
    /// It runs, or its runner died and nobody took over yet.
    InProgress,
    /// It was answered.
    Completed {
        /// With this status.
        status: u16,
    },
}

impl EntryState {
    /// The stable spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InProgress => "in_progress",
            Self::Completed { .. } => "completed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derived_ids_repeat_for_a_seed_and_step_and_for_nothing_else() {
        let seed = Seed::from_bytes([7; 32]);
        let id = seed.derived_id("row");
        assert_eq!(id, Seed::from_bytes([7; 32]).derived_id("row"));
        assert_eq!((id.get_version_num(), id.get_variant()), (8, uuid::Variant::RFC4122));
        assert_ne!(id, seed.derived_id("job"));
        assert_ne!(id, Seed::from_bytes([8; 32]).derived_id("row"));
    }

    #[test]
    fn what_proves_a_claim_is_not_printed() {
        assert_eq!(format!("{:?}", ClaimToken::from_bytes([1; 16])), "ClaimToken(..)");
        assert_eq!(format!("{:?}", Seed::from_bytes([1; 32])), "Seed(..)");
        assert_ne!(Seed::random().unwrap(), Seed::random().unwrap());
    }
}
