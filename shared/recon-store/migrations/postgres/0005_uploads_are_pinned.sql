-- An upload to a signed address is pinned by the tag that its store gave it. What its SHA-256 is shows when it is read:
-- until then the column is empty, and beside it stands what the client says that it must be.
alter table datasets add column upload_etag text;
alter table datasets add column expected_sha256 text;
