create index jobs_by_subject on jobs (subject);
