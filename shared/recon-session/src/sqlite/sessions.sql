-- Sessions, under the hash of their token, and the generation of each user's slot. A slot without a generation has no
-- session alive. Times are microseconds since 1970-01-01T00:00:00Z.
create table session_generations (
    tag text not null,
    generation integer not null,
    constraint session_generations_pkey primary key (tag)
) strict, without rowid;

create table sessions (
    id blob not null,
    tag text not null,
    token_hash blob not null,
    user_id blob not null,
    workspace_id blob not null,
    role text not null,
    generation integer not null,
    created_at integer not null,
    authenticated_at integer not null,
    last_seen_at integer not null,
    expires_at integer not null,
    attributes text not null,
    version integer not null,
    constraint sessions_pkey primary key (id),
    constraint sessions_token_hash_key unique (token_hash),
    constraint sessions_lengths_check check (
        length(id) = 16 and length(token_hash) = 32 and length(user_id) = 16 and length(workspace_id) = 16
        and length(tag) = 16
    )
) strict;

create index sessions_tag_idx on sessions (tag, last_seen_at);
create index sessions_last_seen_at_idx on sessions (last_seen_at);
create index sessions_expires_at_idx on sessions (expires_at);
