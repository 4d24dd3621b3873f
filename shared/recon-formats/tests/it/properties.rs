//! What holds for any bytes.

use std::io::Cursor;

use proptest::prelude::*;
use recon_domain::{ReadOptions, RoleType};
use recon_formats::dataset_parquet::Reader;
use recon_formats::{BatchSource, Keep, TextReader};

use super::{all_rows, cells, map_sources, open, profile, role, rules};

/// Bytes of which many look like a table.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => prop::sample::select(vec![",", ";", "\t", "\n", "\r\n", "\"", "\"\"", "'", "a", "1,5", "2.50", "01.02.2026", "EUR", " ", "ä", "EUR 1", "2 USD", "1,23,456", "3/14/2026 2:05 pm", "0.123456789012345678", "123456789012.5"])
            .prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..4),
    ];
    let header = prop::sample::select(vec!["", "a,b\n", "a;b;c\n1;2;3\n", "date,amount\n2026-01-01,1.50\n"]);
    (header, prop::collection::vec(piece, 0..60))
        .prop_map(|(header, pieces)| [header.as_bytes().to_vec(), pieces.concat()].concat())
}

/// A cell that a writer may be given.
fn cell() -> impl Strategy<Value = String> {
    "[ -~äß\n\r\t]{0,8}"
}

fn quoted(cell: &str) -> String {
    format!("\"{}\"", cell.replace('"', "\"\""))
}

/// Data rows as a plain reader of the standard library's kind counts them.
fn csv_core_rows(text: &[u8]) -> Vec<Vec<String>> {
    let mut reader = csv_core::Reader::new();
    let (mut input, mut rows) = (text, Vec::new());
    let (mut out, mut ends) = (vec![0; 1 << 16], vec![0; 64]);
    loop {
        let (result, read, written, fields) = reader.read_record(input, &mut out, &mut ends);
        input = &input[read..];
        match result {
            csv_core::ReadRecordResult::Record => {
                let starts = std::iter::once(0).chain(ends.iter().copied());
                let row = starts.zip(&ends).take(fields);
                rows.push(
                    row.map(|(start, end)| {
                        String::from_utf8_lossy(&out[..written][start..*end]).into_owned()
                    })
                    .collect(),
                );
            }
            csv_core::ReadRecordResult::End => return rows,
            _ => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_rows_or_a_reason(bytes in bytes()) {
        let Ok(mut reader) = open(&bytes, &ReadOptions::default()) else { return Ok(()) };
        let batch = all_rows(&mut reader);
        let profile = profile(&mut reader);
        prop_assert_eq!(profile.rows, batch.rows.len() as u64);
        prop_assert_eq!(profile.rejected, batch.rejected.len() as u64);
        let mut numbers: Vec<u32> = batch.rows.iter().copied().chain(batch.rejected.iter().map(|row| row.row)).collect();
        numbers.sort_unstable();
        prop_assert_eq!(numbers, (1..=u32::try_from(batch.rows.len() + batch.rejected.len()).unwrap()).collect::<Vec<_>>());
        prop_assert!(batch.columns.iter().all(|column| column.len() == batch.rows.len()));
    }

    #[test]
    fn every_row_of_any_file_is_an_entry_or_rejected(bytes in bytes()) {
        let Ok(mut reader) = open(&bytes, &ReadOptions::default()) else { return Ok(()) };
        let mut other = open(&bytes, &ReadOptions::default()).unwrap();
        let kinds = [RoleType::Decimal, RoleType::Date, RoleType::Text, RoleType::Integer, RoleType::Timestamp];
        let roles = reader.header().iter().zip(kinds).map(|(name, kind)| role(name, kind)).collect();
        let Ok(mapped) = map_sources(&rules(roles), &mut reader, &mut other, 1) else { return Ok(()) };
        let profile = &mapped.profiles[0];
        prop_assert_eq!(mapped.left.len() as u64 + mapped.left.rejected, profile.rows + profile.rejected);
        prop_assert_eq!(mapped.left.rejected, mapped.rejections[0].len() as u64);
    }

    #[test]
    fn any_options_are_obeyed_or_refused(bytes in bytes(), delimiter in any::<u8>(), quote in any::<u8>(), header in 0_u32..4) {
        let options = ReadOptions { delimiter: Some(delimiter), quote: Some(quote), header_row: Some(header), ..ReadOptions::default() };
        let Ok(mut reader) = open(&bytes, &options) else { return Ok(()) };
        let batch = all_rows(&mut reader);
        prop_assert!(batch.columns.iter().all(|column| column.len() == batch.rows.len()));
    }

    #[test]
    fn any_bytes_can_be_a_stored_dataset_or_not(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Reader::from_bytes(bytes.into(), &Keep::All);
    }

    #[test]
    fn a_stored_table_is_the_table(bytes in bytes()) {
        let Ok(mut reader) = open(&bytes, &ReadOptions::default()) else { return Ok(()) };
        let mut stored = Reader::from_bytes(super::storing::store(&bytes, &ReadOptions::default()), &Keep::All).unwrap();
        let (rows, stored_rows) = (all_rows(&mut reader), all_rows(&mut stored));
        prop_assert_eq!(cells(&rows), cells(&stored_rows));
        prop_assert_eq!(rows.rejected, stored_rows.rejected);
        prop_assert_eq!(BatchSource::header(&reader), BatchSource::header(&stored));
    }

    #[test]
    fn well_formed_text_reads_as_csv_core_reads_it(rows in prop::collection::vec(prop::collection::vec(cell(), 3), 1..20)) {
        let body: String = rows.iter().map(|row| row.iter().map(|cell| quoted(cell)).collect::<Vec<_>>().join(",") + "\n").collect();
        let text = format!("x,y,z\n{body}");
        let options = ReadOptions { header_row: Some(1), delimiter: Some(b','), quote: Some(b'"'), ..ReadOptions::default() };
        let mut reader = TextReader::new(Cursor::new(text.clone().into_bytes()), &options, &Keep::All).unwrap();
        let found = cells(&all_rows(&mut reader));
        prop_assert_eq!(&found, &rows);
        prop_assert_eq!(&found, &csv_core_rows(text.as_bytes())[1..]);
    }
}
