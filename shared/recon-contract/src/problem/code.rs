//! The codes of problems and of faults inside documents.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Declares the error codes once: variant, status, spelling, title.
macro_rules! codes {
    ($($(#[$doc:meta])+ $variant:ident = $status:literal $code:literal $title:literal;)+) => {
        /// Every error code of the API. The code is stable, and status and title follow from it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code {
            $($(#[$doc])+ $variant),+
        }

        impl Code {
            /// Every code, in the order of its status.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The spelling on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            /// The HTTP status.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status),+ }
            }

            /// The title, the same for every problem of this code.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title),+ }
            }
        }
    };
}

codes! {
    /// The body is not what its media type says it is.
    MalformedBody = 400 "malformed_body" "The request body cannot be read";
    /// A part of the path, the query or a header is not what it must be.
    InvalidParameter = 400 "invalid_parameter" "A parameter of the request is invalid";
    /// A list's cursor was not given out by this API.
    InvalidCursor = 400 "invalid_cursor" "The cursor is invalid";
    /// The route requires an `Idempotency-Key` and there is none.
    IdempotencyKeyMissing = 400 "idempotency_key_missing" "The request needs an Idempotency-Key";
    /// The `Idempotency-Key` is empty, too long or of other characters.
    IdempotencyKeyInvalid = 400 "idempotency_key_invalid" "The Idempotency-Key is invalid";
    /// No session, or one that has ended.
    Unauthenticated = 401 "unauthenticated" "Sign in first";
    /// Email and password do not belong together, or there is no such user.
    InvalidCredentials = 401 "invalid_credentials" "The email or the password is wrong";
    /// The caller's role may not do this.
    Forbidden = 403 "forbidden" "Your role does not allow this";
    /// A request by cookie came from another site.
    CrossOrigin = 403 "cross_origin" "The request came from another site";
    /// There is no such thing, or it belongs to another workspace.
    NotFound = 404 "not_found" "There is nothing here";
    /// The path exists, with other methods.
    MethodNotAllowed = 405 "method_not_allowed" "The path has no such method";
    /// The request did not arrive within its time.
    RequestTimeout = 408 "request_timeout" "The request took too long to arrive";
    /// Another request with the same key is being executed.
    IdempotencyKeyInProgress = 409 "idempotency_key_in_progress" "The same request is still being executed";
    /// A reconciliation needs datasets that are ready.
    DatasetNotReady = 409 "dataset_not_ready" "A dataset is not ready";
    /// A reconciliation refers to the dataset, which is deleted before it.
    DatasetInUse = 409 "dataset_in_use" "A reconciliation uses the dataset";
    /// The dataset's content is settled and takes no more bytes.
    DatasetSealed = 409 "dataset_sealed" "The dataset takes no more content";
    /// The dataset is to be completed before its content was uploaded.
    ContentMissing = 409 "content_missing" "The dataset has no content yet";
    /// The uploaded bytes are not those that the client meant.
    ChecksumMismatch = 409 "checksum_mismatch" "The uploaded content has another SHA-256";
    /// The reconciliation is at its end and cannot be stopped any more.
    AlreadyFinished = 409 "already_finished" "The reconciliation is at its end";
    /// The reconciliation has not come to its end, and cannot be deleted before.
    ReconciliationRunning = 409 "reconciliation_running" "The reconciliation is not at its end";
    /// The reconciliation has no result, or none yet.
    NoResult = 409 "no_result" "The reconciliation has no result";
    /// The body is larger than the route takes.
    PayloadTooLarge = 413 "payload_too_large" "The request body is too large";
    /// The body has a media type that the route does not take.
    UnsupportedMediaType = 415 "unsupported_media_type" "The media type is not supported";
    /// The document reads well and says something impossible; `errors` says where.
    ValidationFailed = 422 "validation_failed" "The request is invalid";
    /// The key was used with another request.
    IdempotencyKeyReused = 422 "idempotency_key_reused" "The Idempotency-Key belongs to another request";
    /// The answer would be larger than a function may send.
    AnswerTooLarge = 422 "answer_too_large" "The answer is too large";
    /// Too many requests within a time.
    RateLimited = 429 "rate_limited" "Too many requests";
    /// A fault of the service.
    Internal = 500 "internal" "The service failed";
    /// Something the service needs does not answer.
    Unavailable = 503 "unavailable" "The service is not available for the moment";
    /// The answer was not ready within its time.
    TimedOut = 503 "timed_out" "The answer took too long";
    /// The process is stopping.
    Draining = 503 "draining" "The process is stopping";
    /// The database's schema is not one that this version works with.
    IncompatibleSchema = 503 "incompatible_schema" "The database needs another version of the service";
    /// The objects that the service is given are those of another database.
    ForeignObjects = 503 "foreign_objects" "The service is given another database's objects";
}

/// Declares the codes of single faults inside a document.
macro_rules! field_codes {
    ($($(#[$doc:meta])+ $variant:ident = $code:literal;)+) => {
        /// What is wrong at one place of a document.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum FieldCode {
            $($(#[$doc])+ $variant),+
        }

        impl FieldCode {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The spelling on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }
        }
    };
}

field_codes! {
    /// The text is not TOML, or not JSON.
    Syntax = "syntax";
    /// No field of this name exists here.
    UnknownField = "unknown_field";
    /// A field that must be there is not.
    Missing = "missing";
    /// Another JSON type than the one that belongs here.
    WrongType = "wrong_type";
    /// The right JSON type, but it does not read as what it must be.
    Malformed = "malformed";
    /// A word outside a closed set.
    UnknownWord = "unknown_word";
    /// No column of the rules has this name.
    UnknownRole = "unknown_role";
    /// No calendar of the rules has this name.
    UnknownCalendar = "unknown_calendar";
    /// The file has no column of this name.
    UnknownColumn = "unknown_column";
    /// The condition does not fit the type of the column it names.
    WrongColumnType = "wrong_column_type";
    /// Below the least or above the greatest value.
    OutOfRange = "out_of_range";
    /// A list or text with more entries than its limit.
    TooMany = "too_many";
    /// The same thing said twice.
    Duplicate = "duplicate";
    /// Two things that exclude each other.
    Conflict = "conflict";
    /// Part of the contract that this version does not carry out.
    NotSupportedYet = "not_supported_yet";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for FieldCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Serialises a code as its spelling, and reads it back.
macro_rules! code_serde {
    ($name:ident) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let word = String::deserialize(deserializer)?;
                let found = Self::ALL.iter().find(|code| code.as_str() == word);
                found.copied().ok_or_else(|| serde::de::Error::custom(format!("unknown code `{word}`")))
            }
        }
    };
}
code_serde!(Code);
code_serde!(FieldCode);

impl Code {
    /// The problem's `type`: a URI that names the kind of problem and is not meant to be fetched.
    #[must_use]
    pub fn type_uri(self) -> String {
        format!("urn:recon:problem:{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_carry_an_error_status() {
        for (index, code) in Code::ALL.iter().enumerate() {
            assert!((400..600).contains(&code.status()), "{code}");
            assert!(Code::ALL[..index].iter().all(|other| other.as_str() != code.as_str()), "{code}");
            assert!(code.as_str().bytes().all(|byte| byte == b'_' || byte.is_ascii_lowercase()), "{code}");
            let json = serde_json::to_string(code).unwrap();
            assert_eq!(serde_json::from_str::<Code>(&json).unwrap(), *code);
        }
        assert!(Code::ALL.is_sorted_by_key(|code| code.status()));
        for (index, code) in FieldCode::ALL.iter().enumerate() {
            assert!(FieldCode::ALL[..index].iter().all(|other| other.as_str() != code.as_str()), "{code}");
        }
    }
}
