//! The product with its objects in a bucket: signed uploads and downloads, and a store that fails.

use std::time::{Duration, Instant};

use recon_testkit::{Call, Folder, Reply, S3, Server, Way, World, demo};
use serde_json::{Value, json};

use crate::program::until;
use crate::push::between::Between;
use crate::support::{demo_file, demo_folder, demo_rules, match_into, ready_pair, recon, said};

/// Longer than a server takes to give up a store that says nothing.
const SILENCE_MAX: Duration = Duration::from_secs(70);
/// A header and a row.
const SMALL: &[u8] = b"a;b\n1;2\n";
/// Its SHA-256.
const SMALL_SHA256: &str = "403bea5152c251c5bc7ef420d824d191605723f99392e83a0549ad58c6d46291";

/// A server whose objects are in a bucket, which clients and server reach by ways of their own.
struct Bucketed {
    s3: S3,
    name: String,
    folder: Folder,
    world: World,
    token: String,
    of_server: Way,
    of_clients: Way,
}

impl Bucketed {
    async fn start(variables: &[(&'static str, &str)]) -> Self {
        Self::on(tokio::task::spawn_blocking(|| S3::start().unwrap()).await.unwrap(), variables).await
    }

    async fn on(s3: S3, variables: &[(&'static str, &str)]) -> Self {
        let name = s3.bucket().unwrap();
        let ways = [(); 2].map(|()| Way::to(s3.port()).unwrap());
        let [of_server, of_clients] = ways;
        let url = format!("s3://{name}/recon?endpoint=http://127.0.0.1:{}", of_server.port());
        let public_url = format!("http://127.0.0.1:{}", of_clients.port());
        let mut all = vec![("OBJECT_URL", url.as_str()), ("OBJECT_PUBLIC_URL", public_url.as_str())];
        all.extend(S3::CREDENTIALS);
        all.extend(variables);
        let folder = Folder::with(&all).unwrap();
        let world = World::Server(Server::start(&folder).await.unwrap());
        let account = demo::add_user(&folder, "p@example.com", "preparer", "w").unwrap();
        let token = demo::sign_in(&world, &account).await.unwrap();
        Self { s3, name, folder, world, token, of_server, of_clients }
    }

    async fn call(&self, call: Call) -> Reply {
        self.world.call(&call.bearer(&self.token)).await.unwrap()
    }

    /// Announces a dataset, and returns it.
    async fn announce(&self, name: &str) -> Value {
        let create = Call::new("POST", "/v1/datasets").key(name).json(&json!({ "name": name }));
        self.call(create).await.expect(201).unwrap()
    }

    /// Sends bytes to where a dataset says.
    async fn send(&self, dataset: &Value, bytes: &[u8]) -> Reply {
        let upload = &dataset["upload"];
        let headers = upload["headers"].as_object().unwrap().iter();
        let put = headers
            .fold(Call::new("PUT", ""), |call, (name, value)| call.header(name, value.as_str().unwrap()));
        fetch(upload["url"].as_str().unwrap(), put.bytes(bytes.to_vec())).await
    }

    async fn complete(&self, dataset: &Value, sha256: Option<&str>) -> Reply {
        let path = format!("/v1/datasets/{}/complete", dataset["id"].as_str().unwrap());
        self.call(Call::new("POST", &path).key(&path).json(&json!({ "sha256": sha256 }))).await
    }

    async fn ingested(&self, dataset: &Value) -> Value {
        demo::ingested(&self.world, &self.token, dataset["id"].as_str().unwrap()).await.unwrap()
    }

    async fn get(&self, path: &str) -> Value {
        self.call(Call::new("GET", path)).await.expect(200).unwrap()
    }

    /// The demo, reconciled; the answer is the reconciliation's id.
    async fn reconciled(&self) -> String {
        let ids = ready_pair(&self.world, &self.token).await.unwrap();
        let sides = (ids[0].as_str(), ids[1].as_str());
        let run = demo::reconcile(&self.world, &self.token, "run", sides, &demo_rules()).await.unwrap();
        let id = run["id"].as_str().unwrap().to_owned();
        let run = demo::finished(&self.world, &self.token, &id).await.unwrap();
        assert_eq!(run["status"], "succeeded");
        id
    }

    /// The lines of the server's log that say so.
    fn logged(&self, words: &str) -> usize {
        let log = std::fs::read_to_string(self.folder.path().join("server.log")).unwrap();
        assert!(!log.contains("not-a-secret"), "a secret is in the log");
        log.lines().filter(|line| line.contains(words)).count()
    }

    /// Makes the content of a dataset fail in this way, with one line in the log, and then go well.
    async fn fails_and_recovers(&self, name: &str, words: [&str; 2], fail: impl Fn(bool)) {
        let dataset = self.announce(name).await;
        let path = format!("/v1/datasets/{}/content", dataset["id"].as_str().unwrap());
        let before = self.logged(words[1]);
        fail(true);
        let put = || Call::new("PUT", &path).bytes(SMALL.to_vec());
        let refused = tokio::time::timeout(SILENCE_MAX, self.call(put())).await.expect("in time");
        let problem = refused.expect(503).unwrap();
        assert_eq!(problem["code"], "unavailable");
        assert!(problem["detail"].as_str().unwrap().contains(words[0]), "{problem}");
        assert_eq!(self.logged(words[1]) - before, 1, "one line says {:?}", words[1]);
        self.sees_objects("does not answer").await;
        fail(false);
        self.call(put()).await.expect(204).unwrap();
        self.complete(&dataset, None).await.expect(202).unwrap();
        assert_eq!(self.ingested(&dataset).await["status"], "ready");
        self.sees_objects("ok").await;
    }

    /// Waits until `/ready` says this of the objects.
    async fn sees_objects(&self, words: &str) {
        until(words, async || self.get("/ready").await["checks"]["objects"] == words).await;
    }

    /// A push of the demo that goes to this server.
    fn push(&self, arguments: &[&str]) -> std::process::Command {
        let World::Server(server) = &self.world else { unreachable!() };
        let mut command = self.folder.command("recon").unwrap();
        let [left, right, rules] =
            ["bank.csv", "ledger.csv", "rules.toml"].map(|name| demo_folder().join(name));
        command.arg("push").args([&left, &right]).arg("--rules").arg(&rules).args(arguments);
        command.env("RECON_URL", server.address()).env("RECON_TOKEN", &self.token);
        command.env("RECON_STATE_DIR", self.folder.path().join("pushes"));
        command
    }
}

/// Sends a request to an address, and follows nothing.
async fn fetch(url: &str, mut call: Call) -> Reply {
    let path = url.match_indices('/').nth(2).unwrap().0;
    call.path = url[path..].to_owned();
    at(&url[..path]).call(&call).await.unwrap()
}

/// What is at an address; nothing is followed.
fn at(address: &str) -> World {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    World::Address(client, address.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dataset_goes_by_a_signed_address_past_the_server() {
    let bucketed = Bucketed::start(&[]).await;
    let dataset = bucketed.announce("small").await;
    let url = dataset["upload"]["url"].as_str().unwrap();
    assert!(url.starts_with(&format!("http://127.0.0.1:{}/", bucketed.of_clients.port())), "{url}");
    assert_eq!(bucketed.complete(&dataset, None).await.expect(409).unwrap()["code"], "content_missing");
    assert_eq!(bucketed.send(&dataset, SMALL).await.status, 200);
    let completed = bucketed.complete(&dataset, Some(SMALL_SHA256)).await.expect(202).unwrap();
    assert_eq!((&completed["status"], &completed["upload"]), (&json!("ingesting"), &Value::Null));
    // Late bytes change nothing.
    assert_eq!(bucketed.send(&dataset, b"late").await.status, 412);
    let ready = bucketed.ingested(&dataset).await;
    assert_eq!((&ready["status"], &ready["rows"]), (&json!("ready"), &json!(1)), "{ready}");
    assert_eq!(ready["sha256"], SMALL_SHA256);
    let id = dataset["id"].as_str().unwrap();
    let rows = bucketed.get(&format!("/v1/datasets/{id}/rows")).await;
    assert_eq!(rows["items"][0]["values"], json!({ "a": "1", "b": "2" }));
    assert!(!bucketed.of_clients.heard().contains(&bucketed.token), "the token is not the store's");
    bucketed.call(Call::new("DELETE", &format!("/v1/datasets/{id}"))).await.expect(204).unwrap();
    assert_eq!(bucketed.s3.unfinished(&bucketed.name).unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_upload_counts_wherever_it_went() {
    let bucketed = Bucketed::start(&[]).await;
    let dataset = bucketed.announce("again").await;
    let path = format!("/v1/datasets/{}", dataset["id"].as_str().unwrap());
    assert_eq!(bucketed.send(&dataset, b"a\n1\n2\n3\n").await.status, 200);
    // A look gives out another address; who may only read gets none.
    let again = bucketed.get(&path).await;
    assert_ne!(again["upload"]["url"], dataset["upload"]["url"]);
    let viewer = demo::add_user(&bucketed.folder, "v@example.com", "viewer", "w").unwrap();
    let viewer = demo::sign_in(&bucketed.world, &viewer).await.unwrap();
    let seen =
        bucketed.world.call(&Call::new("GET", &path).bearer(&viewer)).await.unwrap().expect(200).unwrap();
    assert_eq!(seen["upload"]["url"], format!("{path}/content"));
    let content = Call::new("PUT", &format!("{path}/content")).bytes(b"a\n1\n".to_vec());
    tokio::time::sleep(Duration::from_millis(1100)).await;
    bucketed.call(content).await.expect(204).unwrap();
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!(bucketed.send(&again, SMALL).await.status, 200);
    bucketed.complete(&dataset, None).await.expect(202).unwrap();
    assert_eq!(bucketed.ingested(&dataset).await["sha256"], SMALL_SHA256);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_bytes_than_were_meant_reject_the_dataset() {
    let bucketed = Bucketed::start(&[]).await;
    let dataset = bucketed.announce("mistaken").await;
    assert_eq!(bucketed.send(&dataset, SMALL).await.status, 200);
    bucketed.complete(&dataset, Some(&"ab".repeat(32))).await.expect(202).unwrap();
    let rejected = bucketed.ingested(&dataset).await;
    assert_eq!(
        (&rejected["status"], &rejected["error"]["code"]),
        (&json!("rejected"), &json!("checksum_mismatch"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_too_large_is_refused_and_deleted() {
    let bucketed = Bucketed::start(&[("UPLOAD_BYTES_MAX", "10")]).await;
    let dataset = bucketed.announce("large").await;
    assert_eq!(bucketed.send(&dataset, b"a;b\n1;2\n3;4\n").await.status, 200);
    let refused = bucketed.complete(&dataset, None).await.expect(413).unwrap();
    assert_eq!(refused["detail"], "12 bytes were uploaded, and the limit is 10; they are deleted");
    assert_eq!(bucketed.complete(&dataset, None).await.expect(409).unwrap()["code"], "content_missing");
    let again = bucketed.get(&format!("/v1/datasets/{}", dataset["id"].as_str().unwrap())).await;
    assert_eq!(bucketed.send(&again, SMALL).await.status, 200);
    bucketed.complete(&dataset, None).await.expect(202).unwrap();
    assert_eq!(bucketed.ingested(&dataset).await["status"], "ready");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_is_exported_by_way_of_the_bucket() {
    let bucketed = Bucketed::start(&[]).await;
    let id = bucketed.reconciled().await;
    let out = bucketed.folder.path().join("out");
    let files = ["bank.csv", "ledger.csv", "rules.toml"].map(|name| demo_folder().join(name));
    match_into(&bucketed.folder, files.each_ref().map(|file| file.as_path()), &out, &[]).unwrap();
    let World::Server(server) = &bucketed.world else { unreachable!() };
    let server = at(server.address());
    for (what, file) in [("matches", "matches.csv"), ("breaks", "breaks.csv"), ("rejections", "rejected.csv")]
    {
        // The first has it made, the second finds it.
        for _ in 0..2 {
            let export = Call::new("GET", &format!("/v1/reconciliations/{id}/export?what={what}&format=csv"));
            let led = server.call(&export.bearer(&bucketed.token)).await.unwrap();
            assert_eq!(led.status, 303, "{}", String::from_utf8_lossy(&led.body));
            assert_eq!(led.header("cache-control"), Some("no-store"));
            let exported = fetch(led.header("location").unwrap(), Call::new("GET", "")).await;
            assert_eq!(exported.status, 200);
            assert!(exported.header("content-disposition").unwrap().contains(file));
            assert!(exported.body == std::fs::read(out.join(file)).unwrap(), "{file}");
        }
    }
    assert!(!bucketed.of_clients.heard().contains(&bucketed.token), "the token is not the store's");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_gets_little_of_a_large_dataset() {
    let bucketed = Bucketed::start(&[]).await;
    let dataset = bucketed.announce("large").await;
    // Texts that no compression makes short.
    let rows = (1_u64..=150_000).map(|row| {
        let mixed = row.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let [one, two] = [mixed.wrapping_mul(mixed), mixed.rotate_left(17).wrapping_mul(mixed | 1)];
        format!("{row};{mixed:x}{one:x}{two:x};{two:x}{mixed:x}{one:x};{one:x}{two:x}{mixed:x}\n")
    });
    let bytes = std::iter::once("row;a;b;c\n".to_owned()).chain(rows).collect::<String>().into_bytes();
    assert_eq!(bucketed.send(&dataset, &bytes).await.status, 200);
    bucketed.complete(&dataset, None).await.expect(202).unwrap();
    assert_eq!(bucketed.ingested(&dataset).await["status"], "ready");
    let path = format!("/v1/datasets/{}/rows?limit=3", dataset["id"].as_str().unwrap());
    let first = bucketed.get(&path).await;
    assert_eq!(first["items"][2]["values"]["row"], "3");

    let before = bucketed.of_server.heard().len();
    let next = bucketed.get(&format!("{path}&cursor={}", first["next_cursor"].as_str().unwrap())).await;
    assert_eq!(next["items"][0]["values"]["row"], "4");
    let heard = bucketed.of_server.heard()[before..].to_owned();
    let got: u64 = heard.lines().filter_map(|line| line.strip_prefix("range: bytes=")).map(range).sum();
    assert!((1..=bytes.len() as u64 / 3).contains(&got), "{got} bytes for a page of {}", bytes.len());

    bucketed.of_server.close();
    let refused = bucketed.call(Call::new("GET", &path)).await.expect(503).unwrap();
    assert_eq!(refused["code"], "unavailable");
    bucketed.of_server.open();
    assert_eq!(bucketed.get(&path).await, first);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suggestion_looks_at_objects_in_the_bucket() {
    let bucketed = Bucketed::start(&[]).await;
    let [left, right] = ready_pair(&bucketed.world, &bucketed.token).await.unwrap();
    let ask = async |status| {
        let call = Call::new("POST", "/v1/rules/suggest").json(&json!({ "left": left, "right": right }));
        bucketed.call(call).await.expect(status).unwrap()
    };
    let suggestion = ask(200).await;
    assert!(suggestion["rules"].is_object(), "{suggestion}");
    bucketed.of_server.close();
    assert_eq!(ask(503).await["code"], "unavailable");
    bucketed.of_server.open();
    assert_eq!(ask(200).await, suggestion);
}

/// How many bytes a range asks for: `first-last`, or `-last`.
fn range(line: &str) -> u64 {
    let (first, last) = line.trim().split_once('-').unwrap();
    let last: u64 = last.parse().unwrap();
    if first.is_empty() { last } else { last + 1 - first.parse::<u64>().unwrap() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_that_takes_long_to_keep_is_sent_as_it_is_made() {
    let bucketed = Bucketed::start(&[]).await;
    let id = bucketed.reconciled().await;
    let World::Server(server) = &bucketed.world else { unreachable!() };
    let server = at(server.address());
    let export = || Call::new("GET", &format!("/v1/reconciliations/{id}/export?what=matches&format=csv"));
    bucketed.of_server.silence_writes();
    let asked = Instant::now();
    let sent = server.call(&export().bearer(&bucketed.token)).await.unwrap();
    assert_eq!(sent.status, 200, "{}", String::from_utf8_lossy(&sent.body));
    assert!(asked.elapsed() < Duration::from_secs(30), "within what a request may take");
    assert_eq!(bucketed.logged("a file takes long to make"), 1);
    // Nothing half is kept: the next one has it made.
    bucketed.of_server.open();
    let led = server.call(&export().bearer(&bucketed.token)).await.unwrap();
    assert_eq!(led.status, 303);
    let exported = fetch(led.header("location").unwrap(), Call::new("GET", "")).await;
    assert!(exported.body == sent.body, "both ways bring the same file");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_goes_by_signed_addresses_and_keeps_its_token() {
    let bucketed = Bucketed::start(&[]).await;
    let [left, right] = ["bank.csv", "ledger.csv"].map(|name| demo_folder().join(name));
    let out = bucketed.folder.path().join("out");
    let mut command = bucketed.push(&["--wait", "--out", out.to_str().unwrap()]);
    let pushed = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert_eq!(pushed.status.code(), Some(1), "breaks remain: {}", said(&pushed));
    let verified = recon(
        &bucketed.folder,
        &["verify", out.to_str().unwrap(), left.to_str().unwrap(), right.to_str().unwrap()],
    );
    assert!(verified.unwrap().status.success());
    let heard = bucketed.of_clients.heard();
    assert_eq!(heard.matches("PUT /").count(), 2, "both files went past the server");
    assert!(heard.contains("GET /") && !heard.contains(&bucketed.token), "the token is not the store's");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_asks_for_another_address_when_one_ends_before_its_time_and_not_for_ever() {
    let s3 = tokio::task::spawn_blocking(|| S3::start().unwrap()).await.unwrap();
    let between = Between::start(at(&s3.endpoint()).into(), None);
    let bucketed = Bucketed::on(s3, &[("OBJECT_PUBLIC_URL", between.address())]).await;
    let run =
        |mut command: std::process::Command| tokio::task::spawn_blocking(move || command.output().unwrap());
    let ended = |status, code: &str| {
        let body = format!("<Error><Code>{code}</Code></Error>").into_bytes();
        Reply { status, headers: Vec::new(), body }
    };
    // As Amazon says it of an address that is too old, and of one whose credentials are.
    let both = [ended(403, "AccessDenied"), ended(400, "ExpiredToken")];
    between.refuse_of("PUT", both.clone());
    between.refuse_of("GET", both);
    let out = bucketed.folder.path().join("out");
    let pushed = run(bucketed.push(&["--wait", "--out", out.to_str().unwrap()])).await.unwrap();
    assert_eq!(pushed.status.code(), Some(1), "breaks remain: {}", said(&pushed));
    assert_eq!(between.refusals_left(), 0);

    between.refuse_of("PUT", vec![ended(403, "AccessDenied"); 9]);
    let given_up = run(bucketed.push(&[])).await.unwrap();
    assert_eq!((given_up.status.code(), between.refusals_left()), (Some(2), 6), "{}", said(&given_up));
    assert!(said(&given_up).contains("403") && !said(&given_up).contains("role"), "{}", said(&given_up));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_completion_that_is_repeated_at_once_has_one_effect_and_one_answer() {
    let bucketed = Bucketed::start(&[]).await;
    for round in 0..6 {
        let dataset = bucketed.announce(&format!("round-{round}")).await;
        assert_eq!(bucketed.send(&dataset, SMALL).await.status, 200);
        let complete = || bucketed.complete(&dataset, None);
        let (a, b, c, d) = tokio::join!(complete(), complete(), complete(), complete());
        let answers = [a, b, c, d].map(|answer| answer.expect(202).unwrap());
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
        assert_eq!(bucketed.ingested(&dataset).await["sha256"], SMALL_SHA256);
    }
    // Each was read once.
    assert_eq!(bucketed.logged("job done"), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_at_once_whether_a_server_is_ready_shares_one_look() {
    let bucketed = Bucketed::start(&[]).await;
    let looks = || {
        let heard = bucketed.of_server.heard();
        heard.lines().filter(|line| line.starts_with("GET /") && line.contains("probe")).count()
    };
    bucketed.sees_objects("ok").await;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let before = looks();
    assert!(before > 0);
    futures_util::future::join_all((0..30).map(|_| bucketed.get("/ready"))).await;
    let after = looks();
    assert!((1..=3).contains(&(after - before)), "{} looks", after - before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_fails_is_said_once_and_loses_nothing() {
    let bucketed = Bucketed::start(&[]).await;
    let refuse = |refuse| bucketed.s3.refuse_credentials(refuse).unwrap();
    let words = ["refuses this service's credentials", "InvalidAccessKeyId"];
    bucketed.fails_and_recovers("refused", words, refuse).await;
    let close = |close| if close { bucketed.of_server.close() } else { bucketed.of_server.open() };
    bucketed.fails_and_recovers("away", ["does not answer", "request failed"], close).await;
    let silence = |silent| if silent { bucketed.of_server.silence() } else { bucketed.of_server.open() };
    bucketed.fails_and_recovers("silent", ["does not answer", "request failed"], silence).await;

    // A signed upload does not pass the server; what completes it may be repeated.
    let dataset = bucketed.announce("completed-later").await;
    bucketed.of_server.close();
    assert_eq!(bucketed.send(&dataset, SMALL).await.status, 200);
    bucketed.complete(&dataset, None).await.expect(503).unwrap();
    bucketed.of_server.open();
    bucketed.complete(&dataset, None).await.expect(202).unwrap();
    // A worker that finds the store away takes the job again.
    bucketed.of_server.close();
    tokio::time::sleep(Duration::from_secs(2)).await;
    bucketed.of_server.open();
    let begun = Instant::now();
    assert_eq!(bucketed.ingested(&dataset).await["status"], "ready", "after {:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_is_gone_is_said() {
    let bucketed = Bucketed::start(&[]).await;
    let dataset = bucketed.announce("nowhere").await;
    bucketed.s3.forget().unwrap();
    let path = format!("/v1/datasets/{}/content", dataset["id"].as_str().unwrap());
    let put = || Call::new("PUT", &path).bytes(demo_file("bank.csv"));
    let problem = bucketed.call(put()).await.expect(503).unwrap();
    assert!(problem["detail"].as_str().unwrap().contains("has no bucket"), "{problem}");
    assert_eq!(bucketed.logged("NoSuchBucket"), 1);
    let shown = recon(&bucketed.folder, &["config", "--format", "json"]).unwrap();
    assert_eq!(shown.status.code(), Some(1));
    let text = String::from_utf8(shown.stdout).unwrap();
    assert!(text.contains("it has no bucket of this name") && !text.contains("not-a-secret"), "{text}");
    // One of the same name that somebody made anew has no objects of this database.
    bucketed.s3.make_bucket(&bucketed.name).unwrap();
    assert_eq!(bucketed.call(put()).await.expect(503).unwrap()["code"], "foreign_objects");
}
