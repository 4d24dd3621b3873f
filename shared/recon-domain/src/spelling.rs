//! Closed sets and their one spelling.

/// A word that is not in the closed set it was read for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown {what} `{given}`, expected one of: {}", .known.join(", "))]
pub struct UnknownSpelling {
    /// What was being read, in words.
    pub what: &'static str,
    /// The word that was given.
    pub given: String,
    /// Every word that is known.
    pub known: &'static [&'static str],
}

/// Gives an enum `ALL`, `as_str`, `Display` and `FromStr` from one list of spellings.
macro_rules! spelling {
    ($what:literal, $name:ident { $($variant:ident => $word:literal),+ $(,)? }) => {
        impl $name {
            /// Every value, in declaration order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// Every spelling, in declaration order.
            pub const SPELLINGS: &'static [&'static str] = &[$($word),+];

            /// The spelling on the wire, in rule documents and in files.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = crate::UnknownSpelling;

            fn from_str(word: &str) -> Result<Self, Self::Err> {
                match word {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(crate::UnknownSpelling {
                        what: $what,
                        given: word.chars().take(64).collect(),
                        known: Self::SPELLINGS,
                    }),
                }
            }
        }
    };
}
pub(crate) use spelling;
