use std::io::Write as _;
use std::sync::Arc;

use parquet::basic::{Repetition, Type as PhysicalType};
use parquet::data_type::{ByteArray, ByteArrayType, Int32Type, Int64Type};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;
use recon_contract::{ResultFormat, Variance};
use recon_domain::MatchStatus;
use serde_json::json;

use super::{Error, Filter, LEADING, Reader, TRAILING};
use crate::parquet_columns::{number, put, text};
use crate::results::write_stored_matches;

/// One match as it was stored when all shown cells were texts, in a group of their own.
fn of_an_older_version() -> Vec<u8> {
    let (required, optional) = (Repetition::REQUIRED, Repetition::OPTIONAL);
    let values = Type::group_type_builder("values").with_repetition(required);
    let values = values.with_fields(vec![text("amount", optional).unwrap()]).build().unwrap();
    let mut fields: Vec<_> = LEADING
        .map(|name| match name {
            "match" | "ambiguity" | "row" => number(name, PhysicalType::INT64, required).unwrap(),
            _ => text(name, required).unwrap(),
        })
        .into();
    fields.push(Arc::new(values));
    fields.push(text(TRAILING[0], optional).unwrap());
    fields.push(number(TRAILING[1], PhysicalType::INT32, optional).unwrap());
    let schema = Arc::new(Type::group_type_builder("matches").with_fields(fields).build().unwrap());
    let mut bytes = Vec::new();
    let mut file = SerializedFileWriter::new(&mut bytes, schema, Arc::default()).unwrap();
    let mut group = file.next_row_group().unwrap();
    let words = |words: [&str; 2]| words.map(ByteArray::from);
    put::<Int64Type, _>(&mut group, &[1, 1], None).unwrap();
    put::<ByteArrayType, _>(&mut group, &words(["p", "p"]), None).unwrap();
    put::<ByteArrayType, _>(&mut group, &words(["confirmed", "confirmed"]), None).unwrap();
    put::<Int64Type, _>(&mut group, &[0, 0], None).unwrap();
    put::<ByteArrayType, _>(&mut group, &words(["left", "right"]), None).unwrap();
    put::<Int64Type, _>(&mut group, &[7, 8], None).unwrap();
    put::<ByteArrayType, _>(&mut group, &["-1.50".into()], Some(&[1, 0])).unwrap();
    put::<ByteArrayType, _>(&mut group, &["0.05".into(), "0.05".into()], Some(&[1, 1])).unwrap();
    put::<Int32Type, _>(&mut group, &[], Some(&[0, 0])).unwrap();
    group.close().unwrap();
    file.close().unwrap();
    bytes
}

#[test]
fn what_an_older_version_stored_is_paged_through_and_not_exported() {
    let bytes = of_an_older_version();
    let reader = Reader::from_bytes(bytes.clone().into()).unwrap();
    let page = reader.page(0, &Filter::default(), 10).unwrap();
    assert_eq!((page.len(), page[0].status, page[0].left[0].row), (1, MatchStatus::Confirmed, 7));
    assert_eq!(json!(page[0].left[0].values), json!({"amount": "-1.50"}));
    assert_eq!(json!(page[0].right[0].values), json!({"amount": null}));
    assert_eq!(page[0].variance, Variance { amount: Some("0.05".to_owned()), days: None });
    assert!(matches!(reader.columns(), Err(Error::Missing(_))));
    for format in ResultFormat::ALL.iter().copied() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        let mut out = Vec::new();
        assert!(write_stored_matches(file, format, &mut out).is_err(), "{format}");
        assert!(out.is_empty(), "{format}");
    }
}
