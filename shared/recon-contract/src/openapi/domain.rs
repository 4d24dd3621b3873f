//! Closed sets of the domain, which itself knows nothing of documents.

use std::borrow::Cow;

use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

/// Declares what stands in a document for an enum of the domain: its name, its words, and what it means.
macro_rules! domain {
    ($($name:ident $about:literal;)+) => {$(
        #[doc = $about]
        pub(crate) struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .description(Some($about))
                    .enum_values(Some(recon_domain::$name::SPELLINGS.iter().copied()))
                    .into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($name))
            }
        }
    )+};
}

domain! {
    BreakKind "Why a row is left over.";
    BreakStatus "Where people stand with a break.";
    Cause "What explains the difference between a break and its nearest row.";
    MatchStatus "Whether a match counts, or a person must judge it.";
    Side "One of the two files.";
    UserRole "What a user may do: each role may do what the ones before it may.";
}

/// Rules as a document, whose schema is [`crate::rules::schema`].
pub(crate) struct RuleDocument;

impl PartialSchema for RuleDocument {
    fn schema() -> RefOr<Schema> {
        Ref::from_schema_name("RuleDocument").into()
    }
}

impl ToSchema for RuleDocument {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("RuleDocument")
    }
}
