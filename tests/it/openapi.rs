//! The contract as a document and as a page.

use recon_testkit::{Call, Folder};
use serde_json::Value;

use crate::support::{Both, recon};

#[tokio::test(flavor = "multi_thread")]
async fn the_contract_is_served_to_anybody_and_not_twice() {
    let both = Both::start().await.unwrap();
    for (name, world) in &both.worlds {
        for (path, kind) in [("/openapi.json", "application/json"), ("/docs", "text/html; charset=utf-8")] {
            let reply = world.call(&Call::new("GET", path)).await.unwrap();
            assert_eq!((reply.status, reply.header("content-type")), (200, Some(kind)), "{name} {path}");
            let tag = reply.header("etag").unwrap();
            let again = world.call(&Call::new("GET", path).header("if-none-match", tag)).await.unwrap();
            assert_eq!(
                (again.status, again.body.len(), again.header("etag")),
                (304, 0, Some(tag)),
                "{name} {path}"
            );
            let other =
                world.call(&Call::new("GET", path).header("if-none-match", "\"other\"")).await.unwrap();
            assert_eq!((other.status, &other.body), (200, &reply.body), "{name} {path}");
        }
        let document = world.call(&Call::new("GET", "/openapi.json")).await.unwrap();
        assert_eq!(document.body, recon_contract::OPENAPI_JSON.as_bytes(), "{name}");
        assert_eq!(document.json().unwrap()["openapi"], "3.1.0", "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_runs_its_own_script_and_nothing_else() {
    let both = Both::start().await.unwrap();
    for (name, world) in &both.worlds {
        let reply = world.call(&Call::new("GET", "/docs")).await.unwrap();
        let policy = reply.header("content-security-policy").unwrap();
        for part in
            ["default-src 'none'", "script-src 'sha256-", "style-src 'sha256-", "frame-ancestors 'none'"]
        {
            assert!(policy.contains(part), "{name}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{name}: {policy}");
        let page = String::from_utf8(reply.body.to_vec()).unwrap();
        assert_eq!(page.matches("<script>").count(), policy.matches("script-src 'sha256-").count(), "{name}");
        let document = world.call(&Call::new("GET", "/openapi.json")).await.unwrap();
        assert_eq!(
            document.header("content-security-policy"),
            Some("default-src 'none'; frame-ancestors 'none'"),
            "{name}"
        );
    }
}

#[test]
fn the_command_line_prints_the_document_and_the_schema_of_rules() {
    let folder = Folder::new().unwrap();
    let printed = |arguments: &[&str]| {
        let output = recon(&folder, arguments).unwrap();
        assert!(output.status.success(), "{arguments:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(printed(&["openapi"]), recon_contract::OPENAPI_JSON);
    let schema: Value = serde_json::from_str(&printed(&["schema", "rules"])).unwrap();
    assert_eq!(schema, recon_contract::rules::schema());
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
}
