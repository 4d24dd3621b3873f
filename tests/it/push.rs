//! `recon push`: the same as `recon match`, on a server, and once however often it is begun.

pub(crate) mod between;

use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use anyhow::Result;
use between::Between;
use recon_testkit::{Call, Folder, Reply, Server, World, demo};
use serde_json::{Value, json};

use crate::support::{assert_conserved, demo_folder, recon, said};

/// How long a push may take before it is taken for stuck.
const PUSH_MAX: Duration = Duration::from_secs(120);
/// How often it is looked whether something has happened.
const LOOK_PAUSE: Duration = Duration::from_millis(20);

/// A server with an account, and what a push to it needs.
struct Pushing {
    folder: Folder,
    world: Arc<World>,
    account: demo::Account,
    token: String,
}

impl Pushing {
    async fn start() -> Self {
        let folder = Folder::new().unwrap();
        let world = Arc::new(World::Server(Server::start(&folder).await.unwrap()));
        let account = demo::add_user(&folder, "a@example.com", "preparer", "w").unwrap();
        let token = demo::sign_in(&world, &account).await.unwrap();
        Self { folder, world, account, token }
    }

    /// A push of these two files by these rules to this address.
    fn push(&self, address: &str, files: [&str; 3], arguments: &[&str]) -> Command {
        let mut command = self.folder.command("recon").unwrap();
        let [left, right, rules] = files;
        command.args(["push", left, right, "--rules", rules]).args(arguments);
        command.env("RECON_URL", address).env("RECON_TOKEN", &self.token);
        command.env("RECON_STATE_DIR", self.folder.path().join("pushes"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn address(&self) -> &str {
        address(&self.world)
    }

    /// How many datasets and reconciliations the server has.
    async fn counted(&self) -> [usize; 2] {
        let mut counts = [0, 0];
        for (count, path) in counts.iter_mut().zip(["/v1/datasets", "/v1/reconciliations"]) {
            *count = demo::all_items(&self.world, &self.token, path, 500).await.unwrap().len();
        }
        counts
    }

    /// How many pushes are noted as under way.
    fn noted(&self) -> usize {
        std::fs::read_dir(self.folder.path().join("pushes")).map_or(0, Iterator::count)
    }
}

fn address(world: &World) -> &str {
    match world {
        World::Server(server) => server.address(),
        World::Functions(_) | World::Address(..) => unreachable!("a push goes to a server"),
    }
}

fn demo_files() -> [String; 3] {
    ["bank.csv", "ledger.csv", "rules.toml"].map(|name| demo_folder().join(name).to_str().unwrap().to_owned())
}

fn as_words(files: &[String; 3]) -> [&str; 3] {
    files.each_ref().map(String::as_str)
}

/// Waits for the end of a push, without holding up the wire that it speaks through.
async fn ended(child: Child) -> Output {
    let end = tokio::task::spawn_blocking(move || child.wait_with_output());
    tokio::time::timeout(PUSH_MAX, end).await.expect("the push does not end").unwrap().unwrap()
}

async fn run(mut command: Command) -> Output {
    ended(command.spawn().unwrap()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_amounts_to_what_match_does() {
    let pushing = Pushing::start().await;
    let files = demo_files();
    let files = as_words(&files);
    let push = |arguments: &[&str]| run(pushing.push(pushing.address(), files, arguments));

    let out = pushing.folder.path().join("out");
    let out = out.to_str().unwrap();
    let pushed = push(&["--wait", "--format", "json", "--out", out]).await;
    assert_eq!(pushed.status.code(), Some(1), "breaks remain: {}", said(&pushed));
    let matched =
        recon(&pushing.folder, &["match", files[0], files[1], "--rules", files[2], "--format", "json"]);
    let summary = |output: &Output| serde_json::from_slice::<Value>(&output.stdout).unwrap();
    assert_eq!(summary(&pushed), summary(&matched.unwrap()));
    assert_conserved(&summary(&pushed));
    let verified = recon(&pushing.folder, &["verify", out, files[0], files[1]]).unwrap();
    assert_eq!(verified.status.code(), Some(0), "{}", String::from_utf8_lossy(&verified.stdout));

    // The exit status follows what is left over, and the same words after the end are another push.
    let enough = push(&["--wait", "--max-breaks", "100000"]).await;
    assert_eq!(enough.status.code(), Some(0), "{}", said(&enough));
    assert!(String::from_utf8_lossy(&enough.stdout).contains("match rate"));
    assert_eq!(pushing.counted().await, [4, 2]);

    // Without --wait it is enough that the server took it.
    let accepted = push(&["--format", "json"]).await;
    assert_eq!(accepted.status.code(), Some(0), "{}", said(&accepted));
    let accepted = summary(&accepted);
    let done =
        demo::finished(&pushing.world, &pushing.token, accepted["id"].as_str().unwrap()).await.unwrap();
    assert_eq!(done["status"], "succeeded", "{done}");
    assert!(accepted["url"].as_str().unwrap().starts_with(pushing.address()), "{accepted}");
    assert_eq!(pushing.noted(), 0, "every push came to its end");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_that_is_killed_after_any_request_and_repeated_makes_nothing_twice() {
    let pushing = Pushing::start().await;
    let wire = Between::start(pushing.world.clone(), None);
    let files = demo_files();
    let mut requests = 0;
    loop {
        // Another name is another intent, so the cases do not meet.
        let name = format!("killed after {requests}");
        let push = || pushing.push(wire.address(), as_words(&files), &["--name", &name]);
        let held = wire.hold(requests);
        let mut first = push().spawn().unwrap();
        let was_held = loop {
            match held.recv_timeout(LOOK_PAUSE) {
                Ok(()) => break true,
                Err(RecvTimeoutError::Disconnected) => unreachable!("the wire keeps what tells"),
                Err(RecvTimeoutError::Timeout) if first.try_wait().unwrap().is_some() => break false,
                Err(RecvTimeoutError::Timeout) => {}
            }
        };
        if was_held {
            first.kill().unwrap();
            first.wait().unwrap();
            wire.release();
            assert_eq!(pushing.noted(), 1, "the killed push is noted");
            let again = run(push()).await;
            assert_eq!(again.status.code(), Some(0), "{name}: {}", said(&again));
            assert!(said(&again).contains("it goes on"), "{name}: {}", said(&again));
        } else {
            assert_eq!(ended(first).await.status.code(), Some(0), "nothing was held");
        }
        assert_eq!(pushing.counted().await, [2 * (requests + 1), requests + 1], "{name}");
        assert_eq!(pushing.noted(), 0, "{name}");
        if !was_held {
            break;
        }
        requests += 1;
    }
    assert!(
        requests >= 11,
        "two datasets of four requests each, and a look at each, and a reconciliation: {requests}"
    );
}

/// Enough that an ingest and a run take long enough to be hit in the middle.
const ROWS: usize = 40_000;

fn large(pushing: &Pushing) -> [String; 3] {
    let write = |name: &str, text: String| {
        let path = pushing.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let side = |step: usize| {
        let rows = (0..ROWS).map(|n| format!("R{n:07},{}.{:02}\n", n * 7919 % 10_000, n * step % 100));
        format!("ref,amount\n{}", rows.collect::<String>())
    };
    let rules = "[columns.reference]\nleft = \"ref\"\nright = \"ref\"\ntype = \"text\"\n\
                 [columns.amount]\nleft = \"amount\"\nright = \"amount\"\ntype = \"decimal\"\n\
                 [[passes]]\nname = \"exact\"\nequal = [\"reference\", \"amount\"]\n";
    [write("left.csv", side(3)), write("right.csv", side(13)), write("rules.toml", rules.to_owned())]
}

/// Waits until a list of the server has an item, or the push is at its end.
async fn appears(world: &World, token: &str, path: &str, push: &mut Child) -> Result<()> {
    let started = Instant::now();
    while started.elapsed() < PUSH_MAX && push.try_wait()?.is_none() {
        let page = world.call(&Call::new("GET", path).bearer(token)).await?.expect(200)?;
        if !page["items"].as_array().unwrap().is_empty() {
            return Ok(());
        }
        tokio::time::sleep(LOOK_PAUSE).await;
    }
    anyhow::bail!("{path} stays empty")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_and_comes_back_is_survived() {
    let pushing = Pushing::start().await;
    let files = large(&pushing);
    let matched =
        recon(&pushing.folder, &["match", &files[0], &files[1], "--rules", &files[2], "--format", "json"]);
    let expected: Value = serde_json::from_slice(&matched.unwrap().stdout).unwrap();
    let command = pushing.push(pushing.address(), as_words(&files), &["--wait", "--format", "json"]);
    let Pushing { folder, mut world, account, token } = pushing;
    let mut push = { command }.spawn().unwrap();
    for list in ["/v1/datasets", "/v1/reconciliations"] {
        appears(&world, &token, list, &mut push).await.unwrap();
        let World::Server(server) = Arc::into_inner(world).unwrap() else { unreachable!("it is a server") };
        let port = server.port().unwrap();
        server.kill().unwrap();
        world = Arc::new(World::Server(Server::start_on(&folder, port).await.unwrap()));
    }
    let pushed = ended(push).await;
    assert_eq!(pushed.status.code(), Some(1), "{}", said(&pushed));
    assert!(said(&pushed).contains("trying again"), "{}", said(&pushed));
    let summary: Value = serde_json::from_slice(&pushed.stdout).unwrap();
    assert_eq!(summary, expected);
    let pushing = Pushing { folder, world, account, token };
    assert_eq!(pushing.counted().await, [2, 1]);
}

/// A refusal as the server words it.
fn refusal(status: u16, code: &str, headers: &[(&str, &str)]) -> Reply {
    let body = json!({ "code": code, "detail": format!("refused as {code}"), "status": status });
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Reply { status, headers: headers.collect(), body: body.to_string().into_bytes() }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_pass_is_repeated_and_nothing_else() {
    let pushing = Pushing::start().await;
    let wire = Between::start(pushing.world.clone(), None);
    let files = demo_files();
    let push = |name: &str| run(pushing.push(wire.address(), as_words(&files), &["--name", name]));

    // The third one asks for a second.
    let passing = [
        refusal(503, "unavailable", &[]),
        refusal(429, "rate_limited", &[("retry-after", "0")]),
        refusal(409, "idempotency_key_in_progress", &[("retry-after", "1")]),
        refusal(502, "", &[]),
        refusal(504, "", &[]),
    ];
    wire.refuse(passing);
    let started = Instant::now();
    let patient = push("patient").await;
    assert_eq!(patient.status.code(), Some(0), "{}", said(&patient));
    assert_eq!(wire.refusals_left(), 0);
    assert!(started.elapsed() >= Duration::from_secs(1), "it waited as it was asked to");
    assert_eq!(said(&patient).matches("trying again").count(), 1, "{}", said(&patient));
    assert_eq!(pushing.counted().await, [2, 1]);

    let refusals = [
        // The same would be refused again.
        (refusal(422, "idempotency_key_reused", &[]), "push again", 0),
        (refusal(413, "payload_too_large", &[]), "UPLOAD_BYTES_MAX", 0),
        (refusal(404, "not_found", &[]), "refused as not_found (404)", 0),
        // It may be otherwise later, by another address or token, or it had its effect: these can go on.
        (refusal(409, "dataset_not_ready", &[]), "refused as dataset_not_ready (409)", 1),
        (refusal(500, "internal", &[]), "refused as internal (500)", 1),
        (refusal(307, "", &[("location", "https://elsewhere.example")]), "at https://elsewhere.example", 1),
        (refusal(403, "forbidden", &[]), "another role", 1),
        // Nobody waits for hours.
        (refusal(503, "draining", &[("retry-after", "7200")]), "given up", 1),
    ];
    for (reply, words, noted) in refusals {
        let status = reply.status;
        wire.refuse([reply, refusal(500, "internal", &[])]);
        let refused = push("refused").await;
        assert_eq!(refused.status.code(), Some(2), "{status}");
        assert!(said(&refused).contains(words), "{status}: {}", said(&refused));
        assert_eq!(wire.refusals_left(), 1, "{status} is asked once");
        assert_eq!(pushing.noted(), noted, "{status}");
    }
    assert_eq!(pushing.counted().await, [2, 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_without_rules_asks_the_server_for_some() {
    let pushing = Pushing::start().await;
    let [left, right, _] = demo_files();
    let mut command = pushing.folder.command("recon").unwrap();
    let out = pushing.folder.path().join("out");
    command.args(["push", &left, &right, "--wait", "--format", "json", "--out"]).arg(&out);
    command.env("RECON_URL", pushing.address()).env("RECON_TOKEN", &pushing.token);
    command.env("RECON_STATE_DIR", pushing.folder.path().join("pushes"));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let pushed = run(command).await;
    assert_eq!(pushed.status.code(), Some(1), "breaks remain: {}", said(&pushed));
    let summary: Value = serde_json::from_slice(&pushed.stdout).unwrap();
    assert_conserved(&summary);
    assert!(summary["left"]["matched"].as_u64().unwrap() > 100, "{summary}");
    let verified = recon(&pushing.folder, &["verify", out.to_str().unwrap(), &left, &right]).unwrap();
    assert_eq!(verified.status.code(), Some(0), "{}", String::from_utf8_lossy(&verified.stdout));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_over_https_needs_somebody_to_vouch_for_the_server() {
    let pushing = Pushing::start().await;
    let (config, authority) = between::tls();
    let ca_file = pushing.folder.path().join("ca.pem");
    std::fs::write(&ca_file, authority).unwrap();
    let wire = Between::start(pushing.world.clone(), Some(config));
    let files = demo_files();
    let push = || pushing.push(wire.address(), as_words(&files), &["--wait", "--format", "json"]);

    let unknown = run(push()).await;
    assert_eq!(unknown.status.code(), Some(2));
    assert!(said(&unknown).contains("certificate"), "{}", said(&unknown));
    assert_eq!(pushing.counted().await, [0, 0]);

    let mut vouched = push();
    vouched.env("RECON_CA_FILE", ca_file);
    let vouched = run(vouched).await;
    assert_eq!(vouched.status.code(), Some(1), "{}", said(&vouched));
    let summary: Value = serde_json::from_slice(&vouched.stdout).unwrap();
    assert_conserved(&summary);
}

type Refused<'a> = (&'a str, &'a str, [&'a str; 3], (&'a str, &'a str), &'a str);

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_pushed_says_why_in_bounded_time() {
    let pushing = Pushing::start().await;
    let files = demo_files();
    let files = as_words(&files);
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = format!("http://{nobody}");
    let viewer = demo::add_user(&pushing.folder, "v@example.com", "viewer", "w").unwrap();
    let viewer = demo::sign_in(&pushing.world, &viewer).await.unwrap();
    let bad_rules = pushing.folder.path().join("bad.toml");
    let rules = std::fs::read_to_string(files[2]).unwrap().replace("\"Betrag\"", "\"Betrga\"");
    std::fs::write(&bad_rules, rules).unwrap();
    let bad_rules = [files[0], files[1], bad_rules.to_str().unwrap()];
    let absent = [files[0], "ledgre.csv", files[2]];
    let here = pushing.address();
    // What is wrong, the address, the files, a variable, and words that say so.
    let cases: [Refused<'_>; 9] = [
        ("nobody there", &nobody, files, ("LOG", ""), "does not answer"),
        ("no host", "http://no.such.host.invalid", files, ("LOG", ""), "no.such.host.invalid"),
        ("no address", "recon.example.com", files, ("LOG", ""), "expected an address"),
        ("no token", here, files, ("RECON_TOKEN", ""), "RECON_TOKEN is not set"),
        ("malformed token", here, files, ("RECON_TOKEN", "a b"), "RECON_TOKEN holds"),
        ("wrong token", here, files, ("RECON_TOKEN", "abc"), "sign in again"),
        ("role too low", here, files, ("RECON_TOKEN", &viewer), "`viewer` may not"),
        // Nothing is sent by these two, so the address does not matter.
        ("rules that name no column", &nobody, bad_rules, ("LOG", ""), "the nearest is `Betrag`"),
        ("a file that is not there", &nobody, absent, ("LOG", ""), "ledgre.csv: no such file"),
    ];
    for (case, address, files, (name, value), words) in cases {
        let started = Instant::now();
        let mut push = pushing.push(address, files, &["--wait"]);
        let refused = run({
            push.env(name, value);
            push
        })
        .await;
        assert_eq!(refused.status.code(), Some(2), "{case}: {}", said(&refused));
        assert!(said(&refused).contains(words), "{case}: {}", said(&refused));
        assert!(started.elapsed() < Duration::from_secs(30), "{case} took {:?}", started.elapsed());
        assert!(!said(&refused).contains(&pushing.token), "{case}");
    }
    assert_eq!(pushing.counted().await, [0, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_no_table_ends_the_push() {
    let pushing = Pushing::start().await;
    let [_, right, rules] = demo_files();
    let signed_in_again = demo::sign_in(&pushing.world, &pushing.account).await.unwrap();
    let broken = pushing.folder.path().join("broken.csv");
    std::fs::write(&broken, [0_u8, 159, 146, 150, 0, 1, 2, 255, 0, 0]).unwrap();
    let mut command = pushing.push(pushing.address(), [broken.to_str().unwrap(), &right, &rules], &[]);
    command.env("RECON_TOKEN", &signed_in_again);
    let refused = run(command).await;
    assert_eq!(refused.status.code(), Some(2));
    assert!(said(&refused).contains("broken.csv"), "{}", said(&refused));
    assert_eq!(pushing.noted(), 0, "it would come to the same again");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_push_begun_twice_at_once_is_one() {
    let pushing = Pushing::start().await;
    let wire = Between::start(pushing.world.clone(), None);
    let files = demo_files();
    let push = || pushing.push(wire.address(), as_words(&files), &["--wait"]);
    // The first one waits for an answer for as long as the second one runs.
    let held = wire.hold(3);
    let first = push().spawn().unwrap();
    tokio::task::spawn_blocking(move || held.recv().unwrap()).await.unwrap();
    let second = run(push()).await;
    wire.release();
    let first = ended(first).await;
    for output in [&first, &second] {
        assert_eq!(output.status.code(), Some(1), "breaks remain: {}", said(output));
    }
    assert_eq!(first.stdout, second.stdout);
    assert_eq!(pushing.counted().await, [2, 1]);
}
