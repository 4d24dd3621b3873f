-- A user's sessions are listed by their ids and no more by when they were last seen.
create index sessions_tag_id_idx on sessions (tag, id);
drop index sessions_tag_idx;
