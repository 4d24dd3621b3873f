//! What only a SQLite file can show.

use recon_domain::Instant;
use recon_session::{Error, SessionSeek, Tag};

use crate::stores::{File, sqlite};
use crate::suite::new;

const NOW: Instant = Instant::from_micros(1_700_000_000_000_000);
const LATER: Instant = Instant::from_micros(1_700_000_060_000_000);

/// All bytes of the database, its log included.
fn bytes_of(file: &File) -> Vec<u8> {
    let folder = std::fs::read_dir(file.path.parent().unwrap()).unwrap();
    folder.flat_map(|entry| std::fs::read(entry.unwrap().path()).unwrap()).collect()
}

fn holds(bytes: &[u8], sought: &[u8]) -> bool {
    bytes.windows(sought.len()).any(|window| window == sought)
}

#[tokio::test]
async fn the_file_never_holds_a_token() {
    let store = sqlite().await;
    let opened = store.sessions.create(new(Tag::random().unwrap()), NOW).await.unwrap();
    let rotated =
        store.sessions.rotate(&opened.token, recon_session::Rotation::Reauthenticated, LATER).await.unwrap();
    let bytes = bytes_of(&store.kept);
    for opened in [&opened, &rotated] {
        let text = opened.token.expose();
        let secret = text.split_once('.').unwrap().1;
        assert!(!holds(&bytes, secret.as_bytes()));
        use base64::Engine as _;
        let raw = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(secret).unwrap();
        assert!(!holds(&bytes, &raw));
        // The search finds what is there.
        assert!(holds(&bytes, opened.token.hash().as_bytes()));
        assert!(holds(&bytes, opened.record.tag.to_string().as_bytes()));
    }
}

#[tokio::test]
async fn a_missing_generation_is_a_revoked_session_for_good() {
    let store = sqlite().await;
    let tag = Tag::random().unwrap();
    let opened = store.sessions.create(new(tag), NOW).await.unwrap();
    sqlx::raw_sql("delete from session_generations").execute(&store.kept.pool).await.unwrap();
    assert!(store.sessions.load(&opened.token, LATER).await.unwrap().is_none());
    assert!(store.sessions.list(tag, SessionSeek::default(), LATER).await.unwrap().items.is_empty());
    // Signing in again makes a later generation, which does not bring the old session back.
    let again = store.sessions.create(new(tag), LATER).await.unwrap();
    assert!(store.sessions.load(&again.token, LATER).await.unwrap().is_some());
    assert!(store.sessions.load(&opened.token, LATER).await.unwrap().is_none());
}

#[tokio::test]
async fn a_store_that_fails_lets_nobody_in() {
    let store = sqlite().await;
    let opened = store.sessions.create(new(Tag::random().unwrap()), NOW).await.unwrap();
    sqlx::raw_sql("drop table sessions").execute(&store.kept.pool).await.unwrap();
    assert!(matches!(store.sessions.load(&opened.token, NOW).await, Err(Error::Unavailable(_))));
    assert!(matches!(store.sessions.check().await, Err(Error::Unavailable(_))));
}

#[tokio::test]
async fn an_unreadable_record_lets_nobody_in() {
    for (change, column) in [
        ("update sessions set role = 'owner'", "role"),
        ("update sessions set attributes = '[]'", "attributes"),
        ("update sessions set version = -1", "version"),
        ("update sessions set user_id = x'00'", "user_id"),
    ] {
        let store = sqlite().await;
        let opened = store.sessions.create(new(Tag::random().unwrap()), NOW).await.unwrap();
        sqlx::raw_sql("pragma ignore_check_constraints = on").execute(&store.kept.pool).await.unwrap();
        sqlx::raw_sql(change).execute(&store.kept.pool).await.unwrap();
        let failed = store.sessions.load(&opened.token, NOW).await;
        assert!(matches!(failed, Err(Error::Corrupt { column: found }) if found == column), "{failed:?}");
    }
}
