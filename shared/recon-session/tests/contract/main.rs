//! What a store of sessions must do, once for all stores: a store joins with one line here and a function in `stores`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod sqlite_file;
mod stores;
mod suite;

/// Runs every test of the suite on a store. The list is the only place where a new test is named.
macro_rules! contract {
    ($store:ident) => {
        contract!(@ $store:
            a_session_loads_by_its_token_and_by_nothing_else,
            an_id_that_is_taken_is_refused,
            the_idle_clock_ends_a_session_that_rests,
            the_absolute_clock_ends_a_session_however_busy,
            a_touch_writes_only_after_a_tenth_of_the_idle_window,
            a_touch_never_goes_back_in_time,
            a_patch_is_kept_and_of_two_writers_one_wins,
            attributes_that_are_too_long_are_refused,
            a_touch_does_not_get_in_the_way_of_a_patch,
            an_update_never_makes_a_session,
            a_rotated_token_is_dead_and_the_session_lives,
            reauthentication_starts_the_absolute_clock_anew,
            a_change_of_role_keeps_the_clock,
            a_dead_session_cannot_be_rotated,
            of_two_rotations_of_one_token_one_succeeds,
            a_list_shows_what_is_alive_the_newest_first,
            pages_of_a_list_hold_every_session_once,
            signing_out_ends_one_session_at_once,
            a_session_is_revoked_only_in_its_own_slot,
            revoking_all_ends_every_session_of_the_user_and_of_nobody_else,
            a_session_made_after_revoking_all_lives,
            revoking_all_with_a_clock_that_went_back_still_revokes,
            nothing_that_races_with_signing_out_brings_a_session_back,
            nothing_that_races_with_revoking_all_brings_a_session_back,
            purging_deletes_what_is_dead_in_batches_and_nothing_else,
            the_store_says_that_it_answers,
        );
    };
    (@ $store:ident: $($test:ident,)+) => {
        mod $store {$(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                let store = crate::stores::$store().await;
                crate::suite::$test(store.sessions.clone()).await;
            }
        )+}
    };
}

contract!(sqlite);
contract!(postgres);
contract!(pgbouncer);
