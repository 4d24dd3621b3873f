//! Rejected rows keep the line they were.

use recon_domain::{ReadOptions, RoleType};
use recon_formats::dataset_parquet::Reader;
use recon_formats::{Keep, RAW_BYTES_MAX};

use super::{all_rows, map, map_sources, open, role, rules};

fn raws(bytes: &[u8]) -> Vec<String> {
    let batch = all_rows(&mut open(bytes, &ReadOptions::default()).unwrap());
    batch.rejected.into_iter().map(|row| row.raw.unwrap()).collect()
}

#[test]
fn a_row_that_cannot_be_read_keeps_its_line() {
    assert_eq!(raws(b"a,b\n1,2\n3\n4,\"x\n5,6,7\r\n8,9\n"), ["3", "4,\"x", "5,6,7"]);
    assert_eq!(raws(b"a,b\r1,2\r3\r"), ["3"]);
    assert_eq!(raws(b"a,b\n1,2\n3,\0\n4,5"), ["3,\u{FFFD}"]);
    let damaged = ["\u{e4},b\n\u{fc},2\n".as_bytes(), b"M\xFCller,3\n"].concat();
    assert_eq!(raws(&damaged), ["M\u{FFFD}ller,3"]);
}

#[test]
fn a_long_line_is_cut_and_marked() {
    let whole = "x".repeat(RAW_BYTES_MAX);
    let limit = format!("a,b\n1,2\n{whole}\n");
    assert_eq!(raws(limit.as_bytes()), std::slice::from_ref(&whole));
    assert_eq!(raws(format!("a,b\n1,2\n{whole}y\n").as_bytes()), [format!("{whole}\u{2026}")]);
    // Not within a character.
    let wide = format!("{}\u{e4}\u{e4}", &whole[1..]);
    assert_eq!(raws(format!("a,b\n1,2\n{wide}\n").as_bytes()), [format!("{}\u{2026}", &whole[1..])]);
    // A line over the limit of a row comes in pieces.
    let huge = format!("a,b\n1,2\n{}\n3,4\n", "y,".repeat(1_000_000));
    let raw = raws(huge.as_bytes());
    assert_eq!((raw.len(), raw[0].len()), (1, RAW_BYTES_MAX + '\u{2026}'.len_utf8()));
}

#[test]
fn the_line_comes_through_a_stored_dataset_and_the_mapping() {
    let text = "amount,b\n1,x\n2\nabc,x\n3,x,\"y\n";
    let rules = rules(vec![role("amount", RoleType::Decimal)]);
    let expected = [Some("2"), None, Some("3,x,\"y")];
    let direct = map(&rules, text, text).unwrap();
    let raws: Vec<_> = direct.rejections[0].iter().map(|rejection| rejection.raw.as_deref()).collect();
    assert_eq!(raws, expected);
    let stored = || {
        let bytes = super::storing::store(text.as_bytes(), &ReadOptions::default());
        Reader::from_bytes(bytes, &Keep::All).unwrap()
    };
    let mapped = map_sources(&rules, &mut stored(), &mut stored(), 1).unwrap();
    assert_eq!(mapped.rejections, direct.rejections);
}

#[test]
fn a_blank_before_a_quote_says_what_to_do() {
    let mut reader = open(b"a,b\n1,2\n1, \"x, y\"\n", &ReadOptions::default()).unwrap();
    let evidence = reader.dialect().evidence.join("\n");
    assert!(evidence.contains("a blank stands before it on line 3"), "{evidence}");
    let batch = all_rows(&mut reader);
    assert_eq!(
        batch.rejected[0].reason,
        "the row has 3 fields, the header has 2 columns; a blank stands before the quote of field 2, which makes the \
         quote part of the text: remove the blank"
    );
    let rules = rules(vec![role("amount", RoleType::Decimal)]);
    let mapped = map(&rules, "x,amount\na,1.00\nb, \"2.00\"\n", "x,amount\na,1.00\n").unwrap();
    assert_eq!(
        mapped.rejections[0][0].reason,
        "` \"2.00\"` is not a number; a blank stands before the quote, which makes the quote part of the cell: \
         remove the blank"
    );
}
