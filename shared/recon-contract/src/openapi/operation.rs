//! What an entry of the operation table says.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;

use super::parameters::{self, Header};
use crate::page::List;
use crate::problem::{Code, FieldErrors};
use crate::request::Request;
use crate::route::Route;

/// One operation: a route, and what the route table does not say of it.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) id: &'static str,
    pub(super) route: Route,
    pub(super) summary: &'static str,
    pub(super) description: &'static str,
    /// Parameters of the query, as OpenAPI has them.
    pub(super) query: Vec<Value>,
    /// Whether `If-None-Match` is heeded.
    pub(super) conditional: bool,
    /// Whether it is about a key that its header names, which it does not use.
    pub(super) about_key: bool,
    pub(super) body: Option<Body>,
    pub(super) answers: Vec<Success>,
    /// Codes beyond those that follow from the route.
    pub(super) codes: Vec<Code>,
}

/// What is sent.
#[derive(Debug)]
pub(super) enum Body {
    /// A JSON document.
    Document(Document),
    /// Bytes of any kind, as they are.
    Content,
}

/// A JSON document that is sent.
#[derive(Debug)]
pub(super) struct Document {
    /// The component's name.
    pub(super) name: &'static str,
    pub(super) schema: fn() -> Value,
    pub(super) example: Value,
    /// Whether a body of no bytes will do.
    pub(super) may_be_empty: bool,
    /// The parser itself, for a test that it takes the example.
    #[cfg_attr(not(test), expect(dead_code, reason = "only tests hold examples against parsers"))]
    pub(super) read: fn(&Value) -> Result<(), FieldErrors>,
}

/// An answer that is not a problem.
#[derive(Debug)]
pub(super) struct Success {
    pub(super) status: u16,
    pub(super) description: &'static str,
    pub(super) headers: Vec<Header>,
    pub(super) content: Option<Content>,
}

/// What an answer holds.
#[derive(Debug)]
pub(super) enum Content {
    /// A wire type as JSON.
    Json(Wire),
    /// Something else, by its media types.
    Other(Vec<&'static str>),
}

/// A wire type.
#[derive(Debug)]
pub(super) struct Wire {
    /// The component's name.
    pub(super) name: String,
    /// Whether it is a page of such items.
    pub(super) paged: bool,
    /// Adds the component and those that it refers to.
    pub(super) collect: fn(&mut Vec<(String, RefOr<Schema>)>),
    pub(super) example: Value,
    /// Reads and writes the type, for a test that the example is one.
    #[cfg_attr(not(test), expect(dead_code, reason = "only tests hold examples against wire types"))]
    pub(super) round: fn(Value) -> serde_json::Result<Value>,
}

impl Operation {
    /// An operation with its id, a few words, and whole sentences.
    pub(super) fn new(
        id: &'static str,
        route: Route,
        summary: &'static str,
        description: &'static str,
    ) -> Self {
        let (query, answers, codes) = (Vec::new(), Vec::new(), Vec::new());
        Self {
            id,
            route,
            summary,
            description,
            query,
            conditional: false,
            about_key: false,
            body: None,
            answers,
            codes,
        }
    }

    /// Takes a parameter in its query.
    pub(super) fn query(mut self, name: &str, about: &str, schema: &Value) -> Self {
        self.query.push(parameters::query(name, about, schema));
        self
    }

    /// Requires a parameter in its query.
    pub(super) fn requires(mut self, name: &str, about: &str, schema: &Value) -> Self {
        let mut parameter = parameters::query(name, about, schema);
        parameter["required"] = json!(true);
        self.query.push(parameter);
        self
    }

    /// Heeds `If-None-Match`: answers with an `ETag`, or 304.
    pub(super) fn conditional(mut self) -> Self {
        self.conditional = true;
        self
    }

    /// Is about the key in its `Idempotency-Key`, and does not use it.
    pub(super) fn about_key(mut self) -> Self {
        self.about_key = true;
        self.refuses(&[Code::IdempotencyKeyMissing, Code::IdempotencyKeyInvalid])
    }

    /// Takes a document.
    pub(super) fn takes<T: Request>(
        mut self,
        name: &'static str,
        schema: fn() -> Value,
        example: Value,
    ) -> Self {
        let read = |document: &Value| T::from_document(document).map(drop);
        let may_be_empty = T::MAY_BE_EMPTY;
        self.body = Some(Body::Document(Document { name, schema, example, may_be_empty, read }));
        self
    }

    /// Takes bytes as they are.
    pub(super) fn takes_content(mut self) -> Self {
        self.body = Some(Body::Content);
        self
    }

    /// Answers with a wire type.
    pub(super) fn answers<T>(self, status: u16, description: &'static str, example: Value) -> Self
    where
        T: ToSchema + Serialize + DeserializeOwned,
    {
        self.answers_with(status, description, Content::Json(Wire::of::<T>(example, false)))
    }

    /// Answers with a page of a list of wire types: of one list, or of the one that a parameter says.
    pub(super) fn lists<T>(self, lists: &[List], description: &'static str, example: Value) -> Self
    where
        T: ToSchema + Serialize + DeserializeOwned,
    {
        let content = Content::Json(Wire::of::<T>(example, true));
        let mut paged = self.answers_with(200, description, content);
        paged.query.extend(parameters::page(lists));
        paged.refuses(&[Code::InvalidCursor, Code::AnswerTooLarge])
    }

    /// Answers with something else than JSON of this API.
    pub(super) fn answers_with(self, status: u16, description: &'static str, content: Content) -> Self {
        self.answer(Success { status, description, headers: Vec::new(), content: Some(content) })
    }

    /// Answers with no body.
    pub(super) fn answers_empty(self, status: u16, description: &'static str) -> Self {
        self.answer(Success { status, description, headers: Vec::new(), content: None })
    }

    fn answer(mut self, success: Success) -> Self {
        self.answers.push(success);
        self
    }

    /// The answer just described has this header.
    pub(super) fn with(mut self, header: Header) -> Self {
        if let Some(answer) = self.answers.last_mut() {
            answer.headers.push(header);
        }
        self
    }

    /// Can answer with these codes, which do not follow from the route.
    pub(super) fn refuses(mut self, codes: &[Code]) -> Self {
        self.codes.extend(codes);
        self
    }
}

impl Wire {
    fn of<T: ToSchema + Serialize + DeserializeOwned>(example: Value, paged: bool) -> Self {
        let collect = |all: &mut Vec<_>| {
            all.push((T::name().into_owned(), T::schema()));
            T::schemas(all);
        };
        let round = |value| serde_json::from_value::<T>(value).and_then(serde_json::to_value);
        Self { name: T::name().into_owned(), paged, collect, example, round }
    }

    /// The example as it is answered.
    pub(super) fn whole_example(&self) -> Value {
        if self.paged {
            json!({ "items": [self.example], "next_cursor": null })
        } else {
            self.example.clone()
        }
    }

    /// The component's name: of the page, where it is one.
    pub(super) fn component(&self) -> String {
        if self.paged { format!("{}Page", self.name) } else { self.name.clone() }
    }
}
