//! The behaviours of a store: functions over a [`bench::Bench`], listed once and run on every backend.
#![expect(
    clippy::unwrap_used,
    reason = "behaviours are functions outside of `#[test]`, and a panic is how they fail"
)]

mod bench;
mod breaks;
mod datasets;
mod durability;
mod errors;
mod jobs;
mod objects;
mod reconciliations;
mod schema;
mod tenants;
mod users;

/// Every behaviour that every backend has.
macro_rules! contract {
    ($bench:path) => {
        contract! { @ $bench;
            tenants: [
                every_read_of_another_workspace_finds_nothing,
                no_write_reaches_another_workspaces_dataset,
                a_reconciliation_of_another_workspaces_datasets_is_refused,
            ]
            users: [
                a_workspace_of_a_name_is_made_once,
                an_email_is_taken_in_every_workspace,
                a_sign_in_finds_the_user_by_email_alone,
                a_session_lives_in_the_same_database,
            ]
            datasets: [
                the_same_request_again_replays_the_first_answer,
                another_request_with_the_same_key_is_a_mismatch,
                the_last_attached_upload_is_the_one_that_is_pinned,
                completing_without_an_upload_leaves_no_key,
                completing_with_another_hash_leaves_no_key,
                completing_a_missing_dataset_leaves_no_key,
                late_bytes_change_nothing,
                a_completed_dataset_is_ingested_once,
                a_rejected_dataset_says_why,
                an_ingest_that_lost_its_lease_changes_nothing,
            ]
            reconciliations: [
                a_dataset_that_is_missing_or_not_ready_leaves_no_key,
                a_run_goes_from_queued_to_succeeded,
                a_run_that_cannot_succeed_says_why,
                a_lease_of_another_job_publishes_nothing,
                a_worker_that_lost_its_lease_publishes_nothing,
            ]
            jobs: [
                the_oldest_job_is_taken_first,
                only_jobs_of_the_asked_kinds_are_taken,
                two_workers_never_have_the_same_job,
                a_heartbeat_keeps_the_lease,
                an_expired_lease_goes_to_the_next_worker,
                every_verb_refuses_a_lost_lease,
                a_released_job_is_taken_at_once_and_costs_no_failure,
                a_failed_job_waits_longer_each_time_and_dies,
                a_job_whose_workers_keep_dying_is_given_up,
                the_only_worker_takes_up_its_jobs_at_once_after_a_restart,
            ]
            breaks: [
                breaks_show_only_when_their_attempt_is_published,
                pages_hold_every_break_once_in_order,
                filters_narrow_the_list,
                a_place_on_the_other_side_is_still_a_place,
                the_same_breaks_again_change_nothing,
                a_large_run_is_inserted_in_short_transactions,
            ]
            errors: [
                a_document_of_another_shape_is_an_error,
                an_answer_that_must_not_be_kept_rolls_its_effect_back,
                a_number_that_does_not_fit_is_an_error,
                a_user_of_no_workspace_is_refused_by_the_database,
                a_closed_store_is_unavailable,
            ]
            durability: [
                acknowledged_writes_are_there_after_a_restart,
                a_killed_process_leaves_all_that_was_acknowledged_and_nothing_half_done,
                callers_that_go_away_lose_no_acknowledged_write,
                many_writers_and_readers_do_not_disturb_each_other,
            ]
        }
    };
    (@ $bench:path; $($table:ident: [$($behaviour:ident,)+])+) => {$(
        mod $table {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $behaviour() {
                    crate::$table::$behaviour($bench().await).await;
                }
            )+
        }
    )+};
}

mod sqlite {
    contract!(crate::bench::sqlite);
}
