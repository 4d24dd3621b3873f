-- Sessions, under the hash of their token, and the generation of each user's slot. A slot without a generation has no
-- session alive. Times are microseconds since 1970-01-01T00:00:00Z.
create table session_generations (
    tag text collate "C" not null,
    generation bigint not null,
    constraint session_generations_pkey primary key (tag)
);

create table sessions (
    id uuid not null,
    tag text collate "C" not null,
    token_hash bytea not null,
    user_id uuid not null,
    workspace_id uuid not null,
    role text not null,
    generation bigint not null,
    created_at bigint not null,
    authenticated_at bigint not null,
    last_seen_at bigint not null,
    expires_at bigint not null,
    attributes text not null,
    version bigint not null,
    constraint sessions_pkey primary key (id),
    constraint sessions_token_hash_key unique (token_hash),
    constraint sessions_lengths_check check (length(token_hash) = 32 and length(tag) = 16)
);

create index sessions_tag_id_idx on sessions (tag, id);
create index sessions_last_seen_at_idx on sessions (last_seen_at);
create index sessions_expires_at_idx on sessions (expires_at);
