//! A dataset through Parquet.

use bytes::Bytes;
use recon_domain::{ReadOptions, RoleType};
use recon_formats::dataset_parquet::{Error, Reader, Writer};
use recon_formats::{Keep, RejectedRow};

use super::{all_rows, map, map_sources, open, profile, role, rules};

pub(crate) fn store(text: &[u8], options: &ReadOptions) -> Bytes {
    let mut reader = open(text, options).unwrap();
    let mut file = Vec::new();
    let mut writer = Writer::new(&mut file, reader.header()).unwrap();
    while let Some(batch) = reader.next_batch().unwrap() {
        writer.write(batch).unwrap();
    }
    writer.finish(reader.profile().unwrap()).unwrap();
    Bytes::from(file)
}

fn sample() -> String {
    let row = |row: u32| {
        if row % 1_000 == 7 {
            format!("{row}\n")
        } else {
            format!("2026-03-{:02},\"te,xt {row}\",{row}.5\n", row % 28 + 1)
        }
    };
    std::iter::once("date,text,amount\n".to_owned()).chain((1..=70_000).map(row)).collect()
}

#[test]
fn rows_come_back_as_they_went_in() {
    let text = sample();
    let mut stored = Reader::from_bytes(store(text.as_bytes(), &ReadOptions::default()), &Keep::All).unwrap();
    let mut reader = open(text.as_bytes(), &ReadOptions::default()).unwrap();
    assert_eq!(stored.header(), reader.header());
    let (found, expected) = (all_rows(&mut stored), all_rows(&mut reader));
    assert!(found == expected, "the rows differ");
    assert_eq!(found.rejected.len(), 70);
    let reason = "the row has 1 field, the header has 3 columns".to_owned();
    assert_eq!(found.rejected[0], RejectedRow { row: 7, line: 8, reason, raw: Some("7".to_owned()) });
    assert_eq!(stored.profile(), &profile(&mut reader));
}

#[test]
fn only_the_columns_asked_for_are_read() {
    let bytes = store(b"a,b,c\n1,x,2\n2,y,3\n", &ReadOptions::default());
    let keep = Keep::Columns(vec!["c".into(), "a".into()]);
    let mut stored = Reader::from_bytes(bytes.clone(), &keep).unwrap();
    let batch = all_rows(&mut stored);
    assert_eq!(super::cells(&batch), [["2", "1"], ["3", "2"]]);
    let error = Reader::from_bytes(bytes, &Keep::Columns(vec!["z".into()])).unwrap_err();
    assert!(matches!(error, Error::NoColumn(name) if name == "z"));
}

#[test]
fn a_stored_dataset_maps_to_the_table_of_its_file() {
    let rules = rules(vec![
        role("amount", RoleType::Decimal),
        role("date", RoleType::Date),
        role("text", RoleType::Text),
    ]);
    let text = sample();
    let direct = map(&rules, &text, &text).unwrap();
    let reader = || Reader::from_bytes(store(text.as_bytes(), &ReadOptions::default()), &Keep::All).unwrap();
    let (mut left, mut right) = (reader(), reader());
    for threads in [1, 2] {
        let stored = map_sources(&rules, &mut left, &mut right, threads).unwrap();
        assert!(format!("{:?}", stored.left) == format!("{:?}", direct.left), "the left tables differ");
        assert!(format!("{:?}", stored.right) == format!("{:?}", direct.right), "the right tables differ");
        assert_eq!(stored.rejections, direct.rejections);
        assert_eq!(stored.readings, direct.readings);
        assert_eq!(stored.texts.len(), direct.texts.len());
    }
}

#[test]
fn an_empty_table_can_be_stored() {
    let mut stored = Reader::from_bytes(store(b"a,b\n", &ReadOptions::default()), &Keep::All).unwrap();
    assert_eq!(stored.header(), ["a", "b"]);
    assert!(all_rows(&mut stored).is_empty());
}

#[test]
fn other_files_are_refused() {
    assert!(matches!(Reader::from_bytes(Bytes::from_static(b"PAR1 no"), &Keep::All), Err(Error::Parquet(_))));
    let mut writer = Writer::new(Vec::new(), &["a".into()]).unwrap();
    let batch = recon_formats::TextBatch::default();
    assert!(matches!(writer.write(batch), Err(Error::Columns { found: 0, expected: 1 })));
}
