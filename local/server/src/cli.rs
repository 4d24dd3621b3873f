//! The command line's words. The arguments of a command that has some lie in a file of their own.

mod match_files;
mod push;
mod suggest;
mod user_add;
mod verify;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use self::match_files::MatchArgs;
pub(crate) use self::push::PushArgs;
pub(crate) use self::suggest::{SuggestArgs, SuggestFormat};
pub(crate) use self::user_add::UserAddArgs;
pub(crate) use self::verify::VerifyArgs;

/// Reconciles two sets of records and explains every row of both.
#[derive(Debug, Parser)]
#[command(
    name = "recon",
    version,
    propagate_version = true,
    max_term_width = 110,
    after_long_help = "\
EXAMPLES
  recon match bank.csv ledger.csv --rules rules.toml --out out   two files, with no server
  recon verify out bank.csv ledger.csv                           whether those results are right
  recon serve                                                    the HTTP API on this machine
  recon push bank.csv ledger.csv --rules rules.toml --wait       the same two files, on a server

`recon help COMMAND` has the examples of each command."
)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Reconcile two files, with no server.
    Match(MatchArgs),
    /// Suggest rules for two files, with what speaks for them.
    ///
    /// Looks at names, types and values of the columns of both files, and tries what it finds on them. What it cannot tell
    /// it asks instead of guessing.
    Suggest(SuggestArgs),
    /// Recompute what result files say from the two files they were made of.
    ///
    /// Nothing is matched again. Every row of both files must stand in exactly one match, break or rejection, with the
    /// cells that it has in its file; each match must satisfy its pass, and what a break says about its nearest row must be
    /// so; counts, control totals, variances, match rates and the digest must be what the matches and breaks add up to.
    Verify(VerifyArgs),
    /// Reconcile two files on a server.
    ///
    /// Uploads both files, has them read, and asks for a reconciliation. It may be killed and repeated at any moment:
    /// repeated as it was, it goes on where it stopped, and makes nothing twice. Once it has come to its end, the same
    /// words are a new push.
    Push(PushArgs),
    /// Serve the HTTP API, and on SQLite work off the jobs and sweep too.
    ///
    /// Reads its configuration from the environment; `recon config` shows and checks it.
    #[command(after_long_help = "\
EXAMPLES
  recon serve
  PORT=9000 DATABASE_URL=sqlite:///var/lib/recon/recon.db OBJECT_URL=file:///var/lib/recon/objects recon serve

It prints its address when it listens, and stops in order on SIGTERM or Ctrl-C. A SQLite file is migrated first. On PostgreSQL
it serves alone: `recon migrate` brings the schema, `recon work` works off the jobs, `recon sweep` sweeps.")]
    Serve,
    /// Work off jobs: read uploads, run reconciliations. Only on PostgreSQL, beside `recon serve`.
    ///
    /// As many as there are share the jobs. One that is killed loses its jobs to the others after a minute; one that is
    /// stopped gives them back at once.
    #[command(after_long_help = "\
EXAMPLES
  DATABASE_URL=postgres://recon:secret@db.example/recon OBJECT_URL=file:///srv/objects recon work
  WORKER_CONCURRENCY=4 recon work")]
    Work,
    /// Remove what nobody needs any more, once.
    ///
    /// Expired keys and sessions, leases of workers that were lost, uploads that never came, breaks of attempts that were
    /// not published, objects that no record names; with RETENTION_DAYS also old reconciliations, and old datasets that
    /// none uses. On SQLite `recon serve` does the same every SWEEP_INTERVAL_SECONDS; both at once do no harm.
    #[command(after_long_help = "\
EXAMPLES
  recon sweep
  RETENTION_DAYS=90 recon sweep --format json")]
    Sweep(FormatArgs),
    /// Bring the database's schema to the one this version needs.
    #[command(after_long_help = "\
EXAMPLES
  recon migrate
  DATABASE_URL=sqlite:///var/lib/recon/recon.db recon migrate

A SQLite file that is older is copied beside itself first, to FILE.bak-VERSION; `recon serve` does the same when it starts. A
PostgreSQL that does not answer is waited for, MIGRATE_WAIT_SECONDS at most; several may migrate it at once: one does. The first migration ties the objects at OBJECT_URL to the database.")]
    Migrate(MigrateArgs),
    /// Accounts.
    #[command(subcommand)]
    User(UserCommand),
    /// Show the effective configuration, without secrets, and check what it names.
    Config(ConfigArgs),
    /// Ask the server of this machine whether it runs: a container's own health check.
    Healthcheck(HealthcheckArgs),
    /// Print the OpenAPI document of the HTTP API.
    ///
    /// A server answers with the same at `/openapi.json`, and shows it as a page at `/docs`.
    #[command(after_long_help = "\
EXAMPLES
  recon openapi > openapi.json")]
    Openapi,
    /// Print the JSON Schema of a document.
    #[command(subcommand)]
    Schema(SchemaCommand),
    /// Print what a shell needs to complete commands and options.
    Completions(CompletionsArgs),
}

/// Print the JSON Schema of a document.
#[derive(Debug, Subcommand)]
pub(crate) enum SchemaCommand {
    /// Rule documents, in TOML or JSON: an editor that knows it completes and checks them.
    #[command(after_long_help = "\
EXAMPLES
  recon schema rules > rules.schema.json

In a TOML file, for an editor with the language server Taplo: #:schema ./rules.schema.json")]
    Rules,
}

/// Show the effective configuration, without secrets, and check what it names.
#[derive(Debug, Args)]
#[command(after_long_help = "\
EXAMPLES
  recon config
  recon config --no-check
  recon config --format json

EXIT STATUS
  0  every setting can be used, and what it names too
  1  the database or the folder of objects cannot be used: the line says what to do
  2  a setting does not read")]
pub(crate) struct ConfigArgs {
    /// Only print: reach for nothing.
    #[arg(long)]
    pub no_check: bool,
    #[command(flatten)]
    pub format: FormatArgs,
}

/// Ask the server of this machine whether it runs: a container's own health check.
///
/// Asks `/health` at the address and port that `recon serve` reads from the same environment.
#[derive(Debug, Args)]
#[command(after_long_help = "\
EXAMPLES
  recon healthcheck
  PORT=9000 recon healthcheck
  recon healthcheck --admin     # for recon work

In a Dockerfile: HEALTHCHECK CMD [\"recon\", \"healthcheck\"]

EXIT STATUS
  0  it runs
  1  it does not answer, or not as it should")]
pub(crate) struct HealthcheckArgs {
    /// Ask at ADMIN_PORT, where `recon work` answers too.
    #[arg(long)]
    pub admin: bool,
}

/// Bring the database's schema to the one this version needs.
#[derive(Debug, Args)]
pub(crate) struct MigrateArgs {
    /// Take the objects at OBJECT_URL for this database's, wherever they were before.
    ///
    /// After a restore or a move. The sweeper then deletes what is there and no record names.
    #[arg(long)]
    pub adopt_objects: bool,
}

/// Print what a shell needs to complete commands and options.
#[derive(Debug, Args)]
#[command(after_long_help = "\
EXAMPLES
  recon completions bash > ~/.local/share/bash-completion/completions/recon
  recon completions zsh > \"${fpath[1]}/_recon\"
  recon completions fish > ~/.config/fish/completions/recon.fish")]
pub(crate) struct CompletionsArgs {
    /// The shell.
    pub shell: clap_complete::Shell,
}

/// How to print.
#[derive(Debug, Args)]
pub(crate) struct FormatArgs {
    /// What to print on standard output; errors follow it, on standard error.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

/// What to print on standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Table,
    /// For programs.
    Json,
}

/// Accounts.
#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Add a user; prints a password made for them, once.
    ///
    /// The first admin of an installation is made this way.
    Add(UserAddArgs),
}

impl Command {
    /// Whether it is a process that writes a log, into which also belongs why it failed.
    pub(crate) const fn has_log(&self) -> bool {
        match self {
            Self::Serve | Self::Work | Self::Migrate(_) => true,
            Self::Sweep(arguments) => matches!(arguments.format, Format::Table),
            Self::Match(_)
            | Self::Suggest(_)
            | Self::Verify(_)
            | Self::Push(_)
            | Self::User(_)
            | Self::Config(_)
            | Self::Healthcheck(_)
            | Self::Openapi
            | Self::Schema(_)
            | Self::Completions(_) => false,
        }
    }

    /// How it was asked to print; for people, where it has no say.
    pub(crate) const fn format(&self) -> Format {
        match self {
            Self::Match(arguments) => arguments.format.format,
            Self::Suggest(arguments) => arguments.format.of_errors(),
            Self::Verify(arguments) => arguments.format.format,
            Self::Push(arguments) => arguments.format.format,
            Self::User(UserCommand::Add(arguments)) => arguments.format.format,
            Self::Config(arguments) => arguments.format.format,
            Self::Sweep(arguments) => arguments.format,
            Self::Serve
            | Self::Work
            | Self::Migrate(_)
            | Self::Healthcheck(_)
            | Self::Openapi
            | Self::Schema(_)
            | Self::Completions(_) => Format::Table,
        }
    }
}
