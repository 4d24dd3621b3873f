//! The page that shows the document. It holds all it needs: its style and its script are in it, and it loads nothing.

use serde_json::Value;

use super::html::escaped;
use super::{markdown, operations, schemas};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The page of a document.
pub(super) fn page(document: &Value) -> String {
    let info = &document["info"];
    let text = |field: &str| escaped(info[field].as_str().unwrap_or_default());
    let groups: Vec<Group<'_>> = groups(document);
    let contents: String = groups.iter().map(Group::link).collect();
    let operations: String = groups.iter().map(|group| group.section(document)).collect();
    let schemas: String = document["components"]["schemas"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, schema)| schemas::section(name, schema))
        .collect();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{title} API</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<header>\n<h1>{title} <small>API {version}</small>\
         </h1>\n<p>{summary} <a href=\"/openapi.json\">openapi.json</a></p>\n</header>\n<nav>\n<input id=\"filter\" type=\"search\" \
         placeholder=\"Filter calls: path, role, word\" aria-label=\"Filter calls\" hidden>\n<div class=\"links\">\
         {contents}<a href=\"#contract\">Contract</a> <a href=\"#schemas\">Schemas</a></div>\n</nav>\n<main>\n{operations}<p id=\"none\" hidden>No \
         call has these words.</p>\n<section id=\"contract\"><h2>Contract</h2>\n{words}</section>\n<section id=\"schemas\">\
         <h2>Schemas</h2>\n{schemas}</section>\n</main>\n<script>{SCRIPT}</script>\n</body>\n</html>\n",
        title = text("title"),
        version = text("version"),
        summary = text("summary"),
        words = markdown::html(info["description"].as_str().unwrap_or_default()).replace("h2>", "h3>"),
    )
}

/// A tag with its operations.
struct Group<'d> {
    name: &'d str,
    about: &'d str,
    operations: Vec<(&'d str, &'d str, &'d Value)>,
}

fn groups(document: &Value) -> Vec<Group<'_>> {
    let tags = document["tags"].as_array().into_iter().flatten();
    tags.map(|tag| {
        let name = tag["name"].as_str().unwrap_or_default();
        let about = tag["description"].as_str().unwrap_or_default();
        Group { name, about, operations: tagged(document, name) }
    })
    .collect()
}

fn tagged<'d>(document: &'d Value, tag: &str) -> Vec<(&'d str, &'d str, &'d Value)> {
    let paths = document["paths"].as_object().into_iter().flatten();
    let all = paths.flat_map(|(path, methods)| {
        let methods = methods.as_object().into_iter().flatten();
        methods.map(move |(method, operation)| (method.as_str(), path.as_str(), operation))
    });
    all.filter(|(_, _, operation)| operation["tags"][0] == tag).collect()
}

impl Group<'_> {
    fn anchor(&self) -> String {
        self.name.to_lowercase().replace(' ', "-")
    }

    fn link(&self) -> String {
        format!("<a href=\"#{}\">{}</a>\n", self.anchor(), escaped(self.name))
    }

    fn section(&self, document: &Value) -> String {
        let operations: String = self
            .operations
            .iter()
            .map(|(method, path, operation)| operations::operation(document, method, path, operation))
            .collect();
        format!(
            "<section class=\"group\" id=\"{}\"><h2>{}</h2>\n<p>{}</p>\n{operations}</section>\n",
            self.anchor(),
            escaped(self.name),
            escaped(self.about),
        )
    }
}
