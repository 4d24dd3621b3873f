//! Stage one.

use encoding_rs::{UTF_16BE, UTF_16LE, WINDOWS_1252};
use recon_domain::ReadOptions;

use super::{all_rows, cells, open, profile};

/// Opens with what is detected; gives delimiter, quote, header line, header and rows.
fn read(text: &str) -> (String, u32, Vec<String>, Vec<Vec<String>>) {
    let mut reader = open(text.as_bytes(), &ReadOptions::default()).unwrap();
    let rows = cells(&all_rows(&mut reader));
    let dialect = reader.dialect();
    (dialect.delimiter.clone(), dialect.header_row, reader.header().to_vec(), rows)
}

fn check(text: &str, delimiter: &str, header_row: u32, header: &[&str], rows: &[&[&str]]) {
    let found = read(text);
    assert_eq!((found.0.as_str(), found.1), (delimiter, header_row), "{text:?}");
    assert_eq!(found.2, header, "{text:?}");
    assert_eq!(found.3, rows, "{text:?}");
}

#[test]
fn each_delimiter_is_found() {
    for delimiter in [",", ";", "\t", "|"] {
        let text = "date,text,amount\n2026-03-01,rent,12.50\n2026-03-02,food,3\n".replace(',', delimiter);
        check(
            &text,
            delimiter,
            1,
            &["date", "text", "amount"],
            &[&["2026-03-01", "rent", "12.50"], &["2026-03-02", "food", "3"]],
        );
    }
}

#[test]
fn the_delimiter_is_the_one_that_divides_evenly() {
    // Decimal commas, and a comma in each text, divide the rows evenly too, but not the header.
    check(
        "Datum;Text;Betrag\n01.03.2026;Miete, März;1,5\n02.03.2026;Essen, Trinken;2,5\n",
        ";",
        1,
        &["Datum", "Text", "Betrag"],
        &[&["01.03.2026", "Miete, März", "1,5"], &["02.03.2026", "Essen, Trinken", "2,5"]],
    );
    check(
        "Amt;Name\n12,50;Doe, John\n1,00;Roe, Jane\n",
        ";",
        1,
        &["Amt", "Name"],
        &[&["12,50", "Doe, John"], &["1,00", "Roe, Jane"]],
    );
}

#[test]
fn quotes_hold_delimiters_lines_and_quotes() {
    check(
        "a,b\n\"x, y\",\"say \"\"hi\"\"\"\n\"two\nlines\",2\n\"\",\"3\" \n",
        ",",
        1,
        &["a", "b"],
        &[&["x, y", "say \"hi\""], &["two\nlines", "2"], &["", "3"]],
    );
    check("a,b\n5\" pipe,1\n", ",", 1, &["a", "b"], &[&["5\" pipe", "1"]]);
    check("'a','b'\n'x, y','it''s'\n'z','2'\n", ",", 1, &["a", "b"], &[&["x, y", "it's"], &["z", "2"]]);
}

#[test]
fn every_line_end_is_a_line_end() {
    for end in ["\n", "\r\n", "\r"] {
        let text = ["a,b", "1,2", "3,4"].join(end);
        check(&text, ",", 1, &["a", "b"], &[&["1", "2"], &["3", "4"]]);
        check(&format!("{text}{end}{end}  {end}"), ",", 1, &["a", "b"], &[&["1", "2"], &["3", "4"]]);
    }
}

#[test]
fn the_header_comes_after_what_banks_put_before_it() {
    let rows: &[&[&str]] = &[&["01.03.2026", "rent", "1,00"], &["02.03.2026", "food", "2,00"]];
    let table = "date;text;amount\n01.03.2026;rent;1,00\n02.03.2026;food;2,00\n";
    let header = &["date", "text", "amount"];
    check(&format!("Account statement\n\n{table}"), ";", 3, header, rows);
    check(&format!("Account;DE12 3456;\nFrom;01.03.2026;31.03.2026\n{table}"), ";", 3, header, rows);
    check(
        &format!("Bank Ltd, London\nPrinted: 1 March 2026, 10:00\nAccount: 1, 2, 3, 4\n\n{table}"),
        ";",
        5,
        header,
        rows,
    );
    check(&format!("sep=;\n{table}"), ";", 2, header, rows);
}

#[test]
fn a_delimiter_at_the_end_of_each_row_makes_no_column() {
    let rows: &[&[&str]] = &[&["01.03.2026", "rent", "1,00"], &["02.03.2026", "food", "2,00"]];
    let header = &["date", "text", "amount"];
    check("date;text;amount\n01.03.2026;rent;1,00;\n02.03.2026;food;2,00;\n", ";", 1, header, rows);
    check("date;text;amount;\n01.03.2026;rent;1,00;\n02.03.2026;food;2,00;\n", ";", 1, header, rows);
}

#[test]
fn names_are_made_unique_and_that_is_said() {
    let mut reader = open(b"a,,a,a_2\n1,2,3,4\n5,6,7,8\n", &ReadOptions::default()).unwrap();
    assert_eq!(reader.header(), ["a", "column_2", "a_3", "a_2"]);
    let evidence = reader.dialect().evidence.join("\n");
    assert!(evidence.contains("column 2 has no name and is called `column_2`"), "{evidence}");
    assert!(evidence.contains("column 3 is a second `a` and is called `a_3`"), "{evidence}");
    assert_eq!(all_rows(&mut reader).len(), 2);
}

#[test]
fn a_file_without_a_header_has_numbered_columns() {
    check("1,2.50\n3,4.50\n", ",", 0, &["column_1", "column_2"], &[&["1", "2.50"], &["3", "4.50"]]);
}

#[test]
fn a_header_without_rows_is_an_empty_table() {
    check("date,amount\n", ",", 1, &["date", "amount"], &[]);
    check("date;amount", ";", 1, &["date", "amount"], &[]);
}

#[test]
fn options_have_the_last_word() {
    let said = |change: fn(&mut ReadOptions)| {
        let mut options = ReadOptions::default();
        change(&mut options);
        options
    };
    let read = |text: &str, options: &ReadOptions| {
        let mut reader = open(text.as_bytes(), options).unwrap();
        (
            reader.header().join("|"),
            cells(&all_rows(&mut reader)).iter().map(|row| row.join("|")).collect::<Vec<_>>(),
        )
    };
    let text = "x,y\na,b\n1,2\n";
    assert_eq!(read(text, &said(|options| options.header_row = Some(2))), ("a|b".into(), vec!["1|2".into()]));
    assert_eq!(
        read(text, &said(|options| options.header_row = Some(0))),
        ("column_1|column_2".into(), vec!["x|y".into(), "a|b".into(), "1|2".into()])
    );
    assert_eq!(
        read("a b:c\n1:2\n", &said(|options| options.delimiter = Some(b':'))),
        ("a b|c".into(), vec!["1|2".into()])
    );
    assert_eq!(
        read("a,b\n~x,y~,1\n", &said(|options| options.quote = Some(b'~'))),
        ("a|b".into(), vec!["x,y|1".into()])
    );
    assert_eq!(
        read("name\nAnna\nBert\n", &said(|options| options.header_row = Some(1))),
        ("name".into(), vec!["Anna".into(), "Bert".into()])
    );
    assert_eq!(
        read("name\nAnna\nBert\n", &said(|options| options.delimiter = Some(b';'))),
        ("name".into(), vec!["Anna".into(), "Bert".into()])
    );
}

#[test]
fn each_encoding_is_found_over_all_bytes() {
    let text = "date;text;amount\n01.03.2026;Müller & Söhne;1,00\n";
    let ascii = format!("{}{}", "date;text;amount\n", "01.03.2026;rent;1,00\n".repeat(40_000));
    let utf16 = |text: &str, encoding| {
        let units = text.encode_utf16();
        let bytes: Vec<u8> = if encoding == UTF_16LE {
            units.flat_map(u16::to_le_bytes).collect()
        } else {
            units.flat_map(u16::to_be_bytes).collect()
        };
        bytes
    };
    let with = |mark: &[u8], bytes: Vec<u8>| [mark, &bytes].concat();
    let late = [ascii.as_bytes(), &WINDOWS_1252.encode("02.03.2026;Müller & Söhne;1,00\n").0].concat();
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("utf-8", text.as_bytes().to_vec()),
        ("utf-8", with(b"\xEF\xBB\xBF", text.as_bytes().to_vec())),
        ("utf-16le", with(b"\xFF\xFE", utf16(text, UTF_16LE))),
        ("utf-16be", with(b"\xFE\xFF", utf16(text, UTF_16BE))),
        ("utf-16le", utf16(text, UTF_16LE)),
        ("utf-16be", utf16(text, UTF_16BE)),
        ("windows-1252", WINDOWS_1252.encode(text).0.into_owned()),
        ("windows-1252", late),
    ];
    for (encoding, bytes) in cases {
        let mut reader = open(&bytes, &ReadOptions::default()).unwrap();
        assert_eq!(reader.dialect().encoding, encoding);
        assert_eq!(reader.header(), ["date", "text", "amount"], "{encoding}");
        let rows = all_rows(&mut reader);
        assert_eq!(rows.columns[1].get(rows.len() - 1), "Müller & Söhne", "{encoding}");
        assert!(rows.rejected.is_empty(), "{encoding}");
    }
}

#[test]
fn a_told_encoding_is_believed() {
    let options = ReadOptions { encoding: Some("iso-8859-2".into()), ..ReadOptions::default() };
    let mut reader = open(b"date,name\n2026-03-01,\xA3ukasz\n", &options).unwrap();
    assert_eq!(cells(&all_rows(&mut reader)), [["2026-03-01", "Łukasz"]]);
    let options = ReadOptions { encoding: Some("klingon".into()), ..ReadOptions::default() };
    let error = open(b"a,b\n1,2\n", &options).unwrap_err().to_string();
    assert!(error.starts_with("unknown encoding `klingon`"), "{error}");
}

#[test]
fn what_is_not_a_table_says_what_it_is() {
    for (bytes, reason) in [
        (&b""[..], "the file is empty"),
        (b"\n\n  \n", "the file has no text in it"),
        (b"PK\x03\x04rest", "Excel workbook"),
        (b"%PDF-1.7", "PDF"),
        (b"\x7FELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3E\0", "binary data"),
        (b"{\"a\": 1,\n\"b\": 2}\n", "JSON"),
        (b"<html>\n<body>\n", "HTML"),
        (
            b"just a sentence\nand another one, with a comma\nand more\nthe end\n",
            "none of comma, semicolon, tab and bar",
        ),
        (b"name\nAnna\nBert\n", "none of comma, semicolon, tab and bar"),
        (b"use a;\nuse b;\nuse c;\n", "none of comma, semicolon, tab and bar"),
        (b"2026-03-01,12.50\n", "only one line"),
        (b"hello", "only one line"),
    ] {
        let error = open(bytes, &ReadOptions::default()).unwrap_err().to_string();
        assert!(error.starts_with("not a table: ") && error.contains(reason), "{error} for {reason}");
    }
    let options = ReadOptions { header_row: Some(9), ..ReadOptions::default() };
    let error = open(b"a,b\n1,2\n", &options).unwrap_err().to_string();
    assert_eq!(error, "not a table: there is no header on line 9");
    let wide = format!("{}\n", vec!["a"; 1_025].join(","));
    let error = open(wide.as_bytes(), &ReadOptions::default()).unwrap_err().to_string();
    assert!(error.contains("1025 columns"), "{error}");
}

#[test]
fn a_column_that_is_not_there_is_refused() {
    let keep = recon_formats::Keep::Columns(vec!["b".into(), "z".into()]);
    let mut reader = open(b"a,b\n1,2\n", &ReadOptions::default()).unwrap();
    assert_eq!(reader.restrict(&keep).unwrap_err().to_string(), "there is no column `z`");
}

#[test]
fn bad_options_are_refused() {
    for (delimiter, quote, name) in
        [(Some(b'a'), None, "delimiter"), (None, Some(b'\n'), "quote"), (Some(0xE4), None, "delimiter")]
    {
        let options = ReadOptions { delimiter, quote, ..ReadOptions::default() };
        let error = open(b"a,b\n1,2\n", &options).unwrap_err().to_string();
        assert!(error.starts_with(&format!("`{name}`")), "{error}");
    }
}

#[test]
fn a_faulty_row_is_rejected_alone() {
    let long_cell = "x".repeat(70_000);
    let long_row = "y,".repeat(600_000);
    for (fault, reason) in [
        ("1,2\n", "the row has 2 fields, the header has 3 columns"),
        ("1,2,3,4\n", "the row has 4 fields, the header has 3 columns"),
        ("1,\"open,3\n", "never closed"),
        ("1,\"a\"b,3\n", "text follows the closing quote of field 2"),
        ("1,\0,3\n", "NUL"),
        (&format!("1,{long_cell},3\n"), "the cell of `b` is longer than 65536 bytes"),
        (&format!("{long_row}\n"), "the row is longer than 1048576 bytes"),
    ] {
        let text = format!("a,b,c\n1,first,1\n{fault}2,second,2\n3,third,3\n");
        let mut reader = open(text.as_bytes(), &ReadOptions::default()).unwrap();
        let batch = all_rows(&mut reader);
        assert_eq!((batch.rows, batch.lines), (vec![1, 3, 4], vec![2, 4, 5]), "{reason}");
        assert_eq!(batch.columns[1].iter().collect::<Vec<_>>(), ["first", "second", "third"], "{reason}");
        assert_eq!((batch.rejected[0].row, batch.rejected[0].line), (2, 3), "{reason}");
        assert!(batch.rejected[0].reason.contains(reason), "{} for {reason}", batch.rejected[0].reason);
        let profile = profile(&mut reader);
        assert_eq!((profile.rows, profile.rejected), (3, 1), "{reason}");
    }
}

#[test]
fn damaged_bytes_reject_their_row() {
    let mut bytes = "name,n\nMüller,1\nJürgen,2\nSöhne,3\nGröße,4\nÄpfel,5\nÜber,6\nÖl,7\nüü,8\néé,9\n"
        .as_bytes()
        .to_vec();
    bytes.extend_from_slice(b"M\xFCller,10\nlast,11\n");
    let mut reader = open(&bytes, &ReadOptions::default()).unwrap();
    assert_eq!(reader.dialect().encoding, "utf-8");
    let batch = all_rows(&mut reader);
    assert_eq!((batch.len(), batch.rejected[0].row, batch.rejected[0].line), (10, 10, 11));
    assert_eq!(batch.rejected[0].reason, "the row has bytes that are not UTF-8");

    // One damaged byte among few characters beyond ASCII is damage, not another encoding.
    let ascii = "2026-03-01,rent\n".repeat(50);
    let bytes =
        [b"date,text\n", ascii.as_bytes(), "2026-03-02,Müller\n".as_bytes(), b"2026-03-03,M\xFCller\n"]
            .concat();
    let mut reader = open(&bytes, &ReadOptions::default()).unwrap();
    assert_eq!(reader.dialect().encoding, "utf-8");
    let evidence = reader.dialect().evidence[0].clone();
    assert!(evidence.contains("1 places are damaged, the first on line 53"), "{evidence}");
    let batch = all_rows(&mut reader);
    assert_eq!((batch.len(), batch.columns[1].get(50), batch.rejected[0].line), (51, "Müller", 53));
    // More of them than of valid characters are another encoding.
    let bytes =
        [ascii.as_bytes(), "2026-03-02,Müller\n".as_bytes(), &b"2026-03-03,M\xFCller\n".repeat(2)].concat();
    assert_eq!(open(&bytes, &ReadOptions::default()).unwrap().dialect().encoding, "windows-1252");

    let utf16: Vec<u8> = "name,n\nAnna,1\nX,2\n"
        .encode_utf16()
        .map(|unit| if unit == u16::from(b'X') { 0xD800 } else { unit })
        .flat_map(u16::to_le_bytes)
        .collect();
    let mut reader = open(&utf16, &ReadOptions::default()).unwrap();
    let batch = all_rows(&mut reader);
    assert_eq!((batch.len(), batch.rejected.len()), (1, 1));
    assert_eq!(batch.rejected[0].reason, "the row has bytes that mean nothing in utf-16le");
}

#[test]
fn a_stray_quote_costs_one_row() {
    let rows: String = (0..3_000).map(|row| format!("{row},text,{row}\n")).collect();
    let text = format!("a,b,c\n1,\"open,1\n{rows}");
    let mut reader = open(text.as_bytes(), &ReadOptions::default()).unwrap();
    let batch = all_rows(&mut reader);
    assert_eq!((batch.len(), batch.rejected.len()), (3_000, 1));
    // With a quote in each row lines pair up, and each is judged by itself.
    let rows: String = (0..3_000).map(|row| format!("{row},\"text,{row}\n")).collect();
    let good = "0,x,0\n".repeat(1_000);
    let mut reader = open(format!("a,b,c\n{good}{rows}").as_bytes(), &ReadOptions::default()).unwrap();
    let batch = all_rows(&mut reader);
    assert_eq!((batch.len(), batch.rejected.len()), (1_000, 3_000));
}

#[test]
fn batches_have_a_limit_and_rows_go_on_counting() {
    let rows: String =
        (1..=70_000).map(|row| if row == 5 { "bad\n".to_owned() } else { format!("{row},x\n") }).collect();
    let mut reader = open(format!("n,t\n{rows}").as_bytes(), &ReadOptions::default()).unwrap();
    let first = reader.next_batch().unwrap().unwrap();
    assert_eq!((first.len(), first.rejected.len()), (65_535, 1));
    assert_eq!(reader.profile(), None);
    let second = reader.next_batch().unwrap().unwrap();
    assert_eq!((second.rows[0], second.lines[0], second.columns[0].get(0)), (65_537, 65_538, "65537"));
    assert_eq!(reader.next_batch().unwrap(), None);
    assert_eq!(reader.profile().unwrap().rows, 69_999);
}

#[test]
fn the_same_cells_have_the_same_content_in_any_dialect() {
    let contents =
        |text: &str| all_rows(&mut open(text.as_bytes(), &ReadOptions::default()).unwrap()).contents;
    let plain = contents("a,b,c\n1,x,2.5\n2,y,3.5\n");
    assert_eq!(plain, contents("a;b;c\r\n1;\"x\";2.5\r\n\"2\";y;3.5"));
    assert_eq!(plain, contents("a;b;c;\n1;x;2.5;\n2;y;3.5;\n"));
    assert_ne!(plain[0], plain[1]);
}

#[test]
fn profiles_count_what_fits_each_column() {
    let text = "d,n,c,t,m\n01.02.2026,\"1,5\",EUR,2026-01-01T10:00:00Z,x\n13.02.2026,\"1.234,56\",JPY,2026-01-01 10:00,\n,7,BHD,,\n";
    let mut reader = open(text.as_bytes(), &ReadOptions::default()).unwrap();
    all_rows(&mut reader);
    let profile = profile(&mut reader);
    let fits = |name: &str, key: &str| profile.column(name).unwrap().fits.get(key).copied().unwrap_or(0);
    let found = |name: &str, keys: &[&str]| keys.iter().map(|key| fits(name, key)).collect::<Vec<_>>();
    assert_eq!(
        found("d", &["date", "date:dmy", "date:mdy", "date:ymd", "empty", "decimal"]),
        [2, 2, 1, 0, 1, 0]
    );
    assert_eq!(
        found("n", &["decimal", "decimal,", "decimal.", "places,", "integer", "decimal:either"]),
        [3, 3, 1, 2, 1, 0]
    );
    assert_eq!(found("c", &["currency", "exponent"]), [3, 3]);
    assert_eq!(found("t", &["timestamp", "empty"]), [2, 1]);
    assert_eq!(profile.column("c").unwrap().samples, ["EUR", "JPY", "BHD"]);
    let evidence = profile.dialect.evidence.join("\n");
    assert!(evidence.contains("column `d`: 2 of 2 dates fit the order dmy"), "{evidence}");
    assert!(evidence.contains("column `n`: 3 of 3 numbers fit the decimal mark `,`"), "{evidence}");
}
