//! Rules that nobody wrote: `recon suggest`, `recon match` without `--rules`, `POST /v1/rules/suggest`.

mod command_line;
mod endpoint;
mod pairs;
