//! The behaviours of a store: functions over a [`bench::Bench`], listed once and run on every backend.
#![expect(
    clippy::unwrap_used,
    reason = "behaviours are functions outside of `#[test]`, and a panic is how they fail"
)]

mod bench;
mod breaks;
mod buckets;
mod datasets;
mod durability;
mod errors;
mod installation;
mod jobs;
mod leftovers;
mod objects;
mod on_pgbouncer;
mod on_postgres;
mod reconciliations;
mod schema;
mod sweep;
mod sweep_goes_on;
mod tenants;
mod users;
mod waiting;

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
                a_profile_is_of_its_own_workspace_only,
                revoked_sessions_are_not_admitted_and_later_ones_are,
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
                a_list_of_datasets_is_newest_first_and_its_pages_hold_each_once,
                a_deleted_dataset_is_gone_and_its_replays_stay,
                a_dataset_that_a_reconciliation_uses_is_not_deleted,
                requests_with_one_key_at_the_same_time_have_one_effect_and_one_answer,
                completions_with_one_key_at_the_same_time_have_one_effect_and_one_answer,
                a_stranger_takes_no_job_from_a_dataset,
                a_worker_whose_dataset_is_deleted_has_lost_its_lease,
            ]
            reconciliations: [
                a_dataset_that_is_missing_or_not_ready_leaves_no_key,
                a_run_goes_from_queued_to_succeeded,
                a_run_that_cannot_succeed_says_why,
                a_lease_of_another_job_publishes_nothing,
                a_worker_that_lost_its_lease_publishes_nothing,
                rules_read_back_as_they_were_given,
                a_list_is_newest_first_and_narrowed_by_status,
                a_queued_run_that_is_cancelled_never_runs,
                a_worker_whose_run_is_cancelled_has_lost_its_lease,
                what_is_not_there_cannot_be_cancelled_and_leaves_no_key,
                of_a_publication_and_a_cancellation_at_the_same_moment_one_wins,
                a_deleted_reconciliation_is_gone_and_its_replays_stay,
            ]
            jobs: [
                the_oldest_job_is_taken_first,
                only_jobs_of_the_asked_kinds_are_taken,
                two_workers_never_have_the_same_job,
                a_heartbeat_keeps_the_lease,
                an_expired_lease_goes_to_the_next_worker,
                every_verb_refuses_a_lost_lease,
                a_released_job_is_taken_at_once_and_costs_no_failure,
                a_postponed_job_waits_and_costs_no_failure_for_a_day,
                a_failed_job_waits_longer_each_time_and_dies,
                a_job_whose_workers_keep_dying_is_given_up,
                the_only_worker_takes_up_its_jobs_at_once_after_a_restart,
                a_job_that_keeps_killing_its_process_waits_for_others_and_is_given_up,
                a_lease_that_was_given_back_before_a_restart_costs_no_failure,
                a_lease_is_held_until_it_is_given_back_or_lost,
                a_backlog_has_the_jobs_that_are_not_over_and_the_age_of_the_oldest,
            ]
            leftovers: [
                a_result_and_a_running_attempt_are_no_leftovers,
                everything_of_a_deleted_reconciliation_is_left_over,
                many_leftovers_take_several_calls_for_those_without_patience,
                long_leftovers_go_in_transactions_of_few,
            ]
            installation: [
                objects_of_another_place_are_foreign_until_they_are_adopted,
                of_several_that_tie_at_once_one_decides,
                a_folder_that_is_somebodys_is_tied_by_hand_only,
                a_migration_that_is_tried_again_takes_nothing_that_the_first_would_not,
                a_tie_that_was_cut_off_is_made_by_the_next_migration,
            ]
            sweep: [
                objects_beside_another_database_are_left_alone,
                keys_go_when_they_have_expired_and_not_before,
                a_lease_that_ran_out_is_taken_and_its_run_waits_again,
                a_job_whose_leases_keep_running_out_is_given_up_by_the_sweep_too,
                an_upload_that_is_not_completed_in_time_is_rejected,
                an_upload_expires_by_its_last_sign_of_life,
                a_sweep_says_when_a_batch_was_not_all,
                breaks_of_attempts_that_are_over_go_and_the_others_stay,
                objects_that_a_record_names_stay_however_old,
                old_objects_that_no_record_names_go_and_young_ones_stay,
                what_a_worker_writes_is_nobodys_only_when_it_is_over,
                names_that_nothing_here_gives_are_left_alone,
                a_retention_deletes_old_runs_and_then_the_datasets_that_nobody_uses,
                a_run_that_is_not_over_is_kept_by_every_retention,
                two_sweeps_at_once_do_everything_once,
                a_sweep_goes_on_where_the_last_one_stopped_and_begins_anew,
                what_a_deletion_that_was_cut_off_left_is_found,
            ]
            sweep_goes_on: [
                an_object_that_cannot_be_deleted_keeps_no_other,
                breaks_go_where_an_object_beside_them_cannot,
                a_retention_goes_on_where_an_object_cannot_be_deleted,
                a_call_that_is_told_to_end_does_and_the_next_goes_on,
                a_retention_that_is_told_to_end_does_and_the_next_goes_on,
                what_a_killed_upload_left_half_written_goes,
                what_is_half_written_beside_another_database_is_left_alone,
            ]
            breaks: [
                breaks_show_only_when_their_attempt_is_published,
                pages_hold_every_break_once_in_order,
                filters_narrow_the_list,
                a_place_on_the_other_side_is_still_a_place,
                the_same_breaks_again_change_nothing,
                a_large_run_is_inserted_in_short_transactions,
                a_page_of_long_breaks_ends_early,
                a_page_is_whole_or_absent_wherever_a_deletion_comes_between,
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
                callers_that_go_away_in_the_middle_of_a_page_leave_no_connection_behind,
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

mod postgres {
    contract!(crate::bench::postgres);
}

mod pgbouncer {
    contract!(crate::bench::pgbouncer);
}
