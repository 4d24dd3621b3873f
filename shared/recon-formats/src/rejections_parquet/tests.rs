use std::sync::Arc;

use bytes::Bytes;
use recon_domain::Side;

use super::{Error, LINES_PER_GROUP, Reader, Rejected, Writer};

fn rejected(number: u64) -> Rejected {
    let side = if number <= 20_000 { Side::Left } else { Side::Right };
    let is_ragged = number.is_multiple_of(3);
    Rejected {
        side: Some(side),
        row: number,
        line: number + 1,
        column: (!is_ragged).then(|| "amount, \"EUR\"".to_owned()),
        reason: format!("`x{number}` is no number"),
        values: if is_ragged { Vec::new() } else { vec![("amount".to_owned(), format!("x{number}\n"))] },
        raw: is_ragged.then(|| format!("a;b;{number}")),
    }
}

fn written(rows: &[Rejected]) -> Bytes {
    let mut bytes = Vec::new();
    let mut writer = Writer::new(&mut bytes).unwrap();
    rows.iter().for_each(|row| writer.write(row).unwrap());
    writer.finish().unwrap();
    bytes.into()
}

#[test]
fn pages_cover_every_row_once_in_order() {
    let rows: Vec<Rejected> = (1..=40_000).map(rejected).collect();
    assert!(rows.len() > 2 * LINES_PER_GROUP, "several row groups");
    let bytes = written(&rows);
    let reader = Reader::from_bytes(bytes.clone()).unwrap();
    for (side, expected) in
        [(None, &rows[..]), (Some(Side::Left), &rows[..20_000]), (Some(Side::Right), &rows[20_000..])]
    {
        for limit in [7_001, 50_000] {
            let (mut found, mut after) = (Vec::new(), 0);
            loop {
                let page = reader.page(after, side, limit).unwrap();
                let Some((last, _)) = page.last() else { break };
                after = *last;
                assert!(page.iter().all(|(position, row)| *position == row.row), "positions count lines");
                found.extend(page.into_iter().map(|(_, row)| row));
            }
            assert_eq!(found, expected, "{side:?} {limit}");
        }
        let rows = Reader::from_bytes(bytes.clone()).unwrap().rows(0, side);
        assert!(rows.map(|row| row.unwrap().1).eq(expected.iter().cloned()), "{side:?}");
    }
    assert_eq!(reader.page(u64::MAX, None, 10).unwrap(), []);
    assert_eq!(reader.page(0, None, 0).unwrap(), []);
}

#[test]
fn rows_of_a_dataset_have_no_side_and_a_file_may_be_empty() {
    let row = Rejected { side: None, ..rejected(3) };
    let reader = Reader::from_bytes(written(std::slice::from_ref(&row))).unwrap();
    assert_eq!(reader.page(0, None, 10).unwrap(), [(1, row)]);
    assert_eq!(reader.page(0, Some(Side::Left), 10).unwrap(), []);
    let empty = Reader::from_bytes(written(&[])).unwrap();
    assert_eq!(empty.page(0, None, 10).unwrap(), []);
}

#[test]
fn long_lines_end_a_row_group_early() {
    let long = Rejected { raw: Some("x".repeat(1024 * 1024)), ..rejected(3) };
    let rows = vec![long; 9];
    let bytes = written(&rows);
    let metadata = parquet::file::serialized_reader::SerializedFileReader::new(bytes.clone()).unwrap();
    assert!(parquet::file::reader::FileReader::num_row_groups(&metadata) >= 2);
    let reader = Reader::from_bytes(bytes).unwrap();
    assert_eq!(reader.page(4, None, 10).unwrap().len(), 5);
}

#[test]
fn another_file_is_refused() {
    assert!(matches!(Reader::from_bytes(Bytes::from_static(b"PAR1")), Err(Error::Parquet(_))));
    let mut other = Vec::new();
    let field = crate::parquet_columns::text("side", parquet::basic::Repetition::REQUIRED).unwrap();
    let schema = parquet::schema::types::Type::group_type_builder("other").with_fields(vec![field]);
    let schema = schema.build().unwrap().into();
    let file = parquet::file::writer::SerializedFileWriter::new(&mut other, schema, Arc::default());
    file.unwrap().close().unwrap();
    assert!(matches!(Reader::from_bytes(other.into()), Err(Error::Missing(_))));
}
