//! Any bytes under any options are rows or a reason, and every row of the file is accepted or rejected, once.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use recon_domain::ReadOptions;
use recon_formats::{BatchSource, Keep, TextReader};

/// The first bytes choose the options; most choices leave all to detection.
fn options(choice: [u8; 3]) -> ReadOptions {
    let [delimiter, quote, header] = choice;
    ReadOptions {
        delimiter: b",;\t|".get(usize::from(delimiter)).copied(),
        quote: b"\"'".get(usize::from(quote)).copied(),
        header_row: Some(u32::from(header)).filter(|row| *row < 4),
        ..ReadOptions::default()
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((choice, bytes)) = input.split_first_chunk::<3>() else { return };
    let Ok(mut reader) = TextReader::new(Cursor::new(bytes.to_vec()), &options(*choice), &Keep::All) else {
        return;
    };
    let (mut rows, mut accepted, mut rejected) = (Vec::new(), 0_u64, 0_u64);
    while let Some(batch) = reader.next_batch().expect("bytes in memory can be read") {
        assert!(batch.columns.iter().all(|column| column.len() == batch.rows.len()));
        accepted += batch.rows.len() as u64;
        rejected += batch.rejected.len() as u64;
        rows.extend(batch.rows.iter().copied().chain(batch.rejected.iter().map(|row| row.row)));
    }
    rows.sort_unstable();
    assert!(rows.iter().copied().eq(1..=rows.len() as u32), "rows are numbered without gaps");
    let profile = BatchSource::profile(&mut reader, &|_, _| true).expect("it was read before");
    let profile = profile.expect("nobody stopped it");
    assert_eq!((profile.rows, profile.rejected), (accepted, rejected));
});
