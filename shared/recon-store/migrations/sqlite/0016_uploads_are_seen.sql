-- When something was last seen of an upload: it began, or its bytes were attached. Null where nothing was, and in rows of
-- builds that do not say.
alter table datasets add column upload_seen_at integer;
