//! Servers that fall silent, and servers that became replicas.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use sqlx::{Connection as _, PgConnection};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::{Server, TRIES_TIME_MAX, pooled};
use crate::config::DatabaseUrl;
use crate::database::Database;
use crate::error::Error;
use crate::sql::query;

/// How long these servers may take for anything.
const ANSWER_MAX: Duration = Duration::from_millis(400);

/// Longer than any stall of a slow machine.
const PATIENCE: Duration = Duration::from_secs(15);

/// What stands before a server and keeps its answers back for as long as it is told to.
struct Way {
    port: u16,
    is_silent: watch::Sender<bool>,
}

impl Way {
    async fn to(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let way = Self { port: listener.local_addr().unwrap().port(), is_silent: watch::Sender::new(false) };
        let is_silent = way.is_silent.subscribe();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                let ((mut asks, mut gets), (mut answers, mut takes)) =
                    (client.into_split(), server.into_split());
                tokio::spawn(async move { tokio::io::copy(&mut asks, &mut takes).await });
                let mut is_silent = is_silent.clone();
                tokio::spawn(async move {
                    let mut bytes = [0; 4096];
                    while let Ok(read @ 1..) = answers.read(&mut bytes).await {
                        _ = is_silent.wait_for(|is_silent| !is_silent).await;
                        if gets.write_all(&bytes[..read]).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
        way
    }

    fn answers_again(&self) {
        self.is_silent.send_replace(false);
    }
}

/// A database with a table, the way there, and a server that has one connection.
async fn on_the_way(parameters: &str) -> (String, Way, Arc<Server>) {
    let make = || {
        let server = recon_testkit::Postgres::shared().unwrap();
        (server.database(None).unwrap(), server.port())
    };
    let (url, port) = tokio::task::spawn_blocking(make).await.unwrap();
    let mut connection = PgConnection::connect(&url).await.unwrap();
    for step in [recon_session::postgres::MIGRATION, "create table things (name text)"] {
        sqlx::raw_sql(step).execute(&mut connection).await.unwrap();
    }
    let way = Way::to(port).await;
    let there = url.replace(&format!(":{port}/"), &format!(":{}/", way.port)) + parameters;
    let DatabaseUrl::Postgres(there) = DatabaseUrl::parse(&there).unwrap() else { panic!("{there}") };
    let server = Server { answer_max: ANSWER_MAX, ..Server::of(&there, 1) };
    server.fetch_one(sqlx::query("select 1")).await.unwrap();
    (url, way, Arc::new(server))
}

async fn things(url: &str) -> i64 {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::query_scalar("select count(*) from things").fetch_one(&mut connection).await.unwrap()
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "{what}");
        tokio::task::yield_now().await;
    }
}

/// Lets the server fall silent when its connection rests.
async fn fall_silent(way: &Way, server: &Server) {
    until("its connection does not come back", || server.pool().num_idle() == 1).await;
    way.is_silent.send_replace(true);
}

/// Waits for that while the server is silent.
async fn until_its_connection_is_closed(server: &Server) {
    until("its connection is kept", || server.pool().size() == 0).await;
}

const INSERT: &str = "insert into things (name) values ('kept')";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_given_up_while_it_began_takes_no_later_write_with_it() {
    let (url, way, server) = on_the_way("").await;
    fall_silent(&way, &server).await;
    assert!(server.in_time(server.begin()).await.is_none());
    way.answers_again();
    assert_eq!(server.execute(sqlx::query(INSERT)).await.unwrap(), 1);
    assert_eq!(things(&url).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_a_pooler_does_not_answer_keeps_no_connection() {
    let (url, way, server) = on_the_way("?statement-cache-capacity=0").await;
    fall_silent(&way, &server).await;
    let asked = server.in_time(server.execute(sqlx::query(INSERT))).await;
    assert!(matches!(asked, None | Some(Err(_))), "{asked:?}");
    until_its_connection_is_closed(&server).await;
    way.answers_again();
    assert_eq!(server.execute(sqlx::query(INSERT)).await.unwrap(), 1);
    assert_eq!(things(&url).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_a_pooler_does_not_answer_keeps_no_connection() {
    let (_url, way, server) = on_the_way("?statement-cache-capacity=0").await;
    let sessions = Database::Postgres(Arc::clone(&server)).sessions();
    sessions.check().await.unwrap();
    fall_silent(&way, &server).await;
    sessions.check().await.unwrap_err();
    until_its_connection_is_closed(&server).await;
    way.answers_again();
    sessions.check().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_begins_no_transaction_of_a_pooler() {
    let start = || {
        let primary = recon_testkit::Postgres::start(&["fsync=off"]).unwrap();
        let url = primary.database(None).unwrap();
        let replica = primary.standby().unwrap();
        let there = url.replace(&format!(":{}/", primary.port()), &format!(":{}/", replica.port()));
        (primary, replica, there)
    };
    let (_primary, _replica, there) = tokio::task::spawn_blocking(start).await.unwrap();
    let mut connection = PgConnection::connect(&there).await.unwrap();
    for begin in [pooled::BEGIN, pooled::WRITE, pooled::SNAPSHOT] {
        let refused = connection.begin_with(begin).await.map(drop).map_err(Error::doing("begin"));
        assert!(matches!(refused, Err(Error::Unavailable { .. })), "{refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_others_are_always_in_the_way_of_is_given_up_after_some_seconds() {
    let (_url, _way, server) = on_the_way("").await;
    let (database, tries, begun) = (Database::Postgres(server), Arc::new(AtomicU32::new(0)), Instant::now());
    let refused = database.write("test", Arc::clone(&tries), |tries, tx| {
        async move {
            tries.fetch_add(1, Ordering::Relaxed);
            let conflict = query("do $$ begin raise exception sqlstate '40001'; end $$").execute(tx).await;
            conflict.map(drop).map_err(Error::doing("test"))
        }
        .boxed()
    });
    let refused = refused.await.unwrap_err();
    assert!(refused.is_busy(), "{refused}");
    assert!((TRIES_TIME_MAX..TRIES_TIME_MAX + PATIENCE).contains(&begun.elapsed()));
    assert!(tries.load(Ordering::Relaxed) > 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statements_locks_and_waits_for_a_connection_have_their_limits() {
    for (parameters, begin) in [
        ("", "begin"),
        ("?statement-cache-capacity=0", pooled::WRITE),
        ("?statement-cache-capacity=0", pooled::BEGIN),
    ] {
        let (url, ..) = on_the_way("").await;
        let DatabaseUrl::Postgres(there) = DatabaseUrl::parse(&format!("{url}{parameters}")).unwrap() else {
            panic!("{url}")
        };
        let server = Server::of(&there, 1);
        let mut tx = server.pool().begin_with(begin).await.unwrap();
        let limit =
            "select concat_ws(' ', current_setting('statement_timeout'), current_setting('lock_timeout'))";
        let limits: String = sqlx::query_scalar(limit).fetch_one(&mut *tx).await.unwrap();
        assert_eq!(limits, "10s 3s", "{begin}");

        // Its one connection is taken, and so is the table.
        let begun = Instant::now();
        let waited = server.execute(sqlx::query(INSERT)).await.unwrap_err();
        assert!(matches!(waited, sqlx::Error::PoolTimedOut), "{waited}");
        assert!((2..=6).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
        drop(tx);
        let mut other = PgConnection::connect(&url).await.unwrap();
        sqlx::raw_sql("begin; lock table things").execute(&mut other).await.unwrap();
        let begun = Instant::now();
        let locked = Error::doing("insert")(server.execute(sqlx::query(INSERT)).await.unwrap_err());
        assert!(matches!(locked, Error::Unavailable { .. }), "{locked:?}");
        assert!((2..=6).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
    }
}
