//! Rejected rows as CSV.

use std::io::{self, Write};

use recon_domain::Side;

use super::WRITE_BYTES;
use super::csv::flush;
use crate::Rejection;
use crate::csv_line::Line;

/// `side,row,line,column,reason,values`; the last are the row's mapped cells as a JSON object.
///
/// # Errors
/// Those of the writer.
pub fn write_rejected_csv(rejections: &[Vec<Rejection>; 2], out: &mut dyn Write) -> io::Result<()> {
    let mut buffer = b"side,row,line,column,reason,values\n".to_vec();
    for (side, rejections) in [Side::Left, Side::Right].into_iter().zip(rejections) {
        for rejection in rejections {
            let values: serde_json::Map<_, _> =
                rejection.values.iter().map(|(name, cell)| (name.clone(), cell.as_str().into())).collect();
            let mut line = Line::new(&mut buffer);
            line.plain(side.as_str()).plain(&rejection.row.to_string()).plain(&rejection.line.to_string());
            line.text(rejection.column.as_deref().unwrap_or("")).text(&rejection.reason);
            line.text(&serde_json::Value::Object(values).to_string());
            line.end();
            flush(&mut buffer, WRITE_BYTES, out)?;
        }
    }
    flush(&mut buffer, 1, out)
}
