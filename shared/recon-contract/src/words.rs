//! Closed sets that only the contract knows.

/// Declares an enum with one spelling for each value, on the wire and in stores.
macro_rules! words {
    ($what:literal, $(#[$doc:meta])+ $name:ident { $($(#[$variant_doc:meta])+ $variant:ident => $word:literal),+ $(,)? }) => {
        $(#[$doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        pub enum $name {
            $($(#[$variant_doc])+ #[cfg_attr(feature = "openapi", schema(rename = $word))] $variant),+
        }

        impl $name {
            /// Every value, in declaration order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// Every spelling, in declaration order.
            pub const SPELLINGS: &'static [&'static str] = &[$($word),+];

            /// The spelling.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = recon_domain::UnknownSpelling;

            fn from_str(word: &str) -> Result<Self, Self::Err> {
                let index = Self::SPELLINGS.iter().position(|known| *known == word);
                index.map(|index| Self::ALL[index]).ok_or_else(|| recon_domain::UnknownSpelling {
                    what: $what,
                    given: $crate::document::quoted(word),
                    known: Self::SPELLINGS,
                })
            }
        }
    };
}
pub(crate) use words;
