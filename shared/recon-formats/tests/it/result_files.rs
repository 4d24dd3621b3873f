//! Result files: the same from the tables and from the store, typed in Parquet, and read back.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use parquet::basic::{LogicalType, Type as PhysicalType};
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use recon_domain::{
    Ambiguous, BreakKind, Cardinality, Cause, Combine, Condition, Limits, MatchStatus, Pass, RoleId,
    RoleType, RuleSet, Side, Summary, Tolerance, Variance, Within,
};
use recon_engine::{Break, Deviation, Failed, Match, Nearest, Outcome};
use recon_formats::Mapped;
use recon_formats::rejections_parquet::Rejected;
use recon_formats::results::read::{self, BreakLine, MatchLine};
use recon_formats::results::{
    BreaksWriter, RejectedWriter, ResultFormat, Results, write_stored_matches, write_stored_rejections,
};

use super::{map, role, rules};

fn pass() -> Pass {
    Pass {
        name: "by, \"memo\"".into(),
        cardinality: Cardinality::OneToOne,
        combine: Combine::Key,
        search_items_max: 0,
        filters: Vec::new(),
        equal: vec![RoleId(4)],
        within: vec![Within {
            role: RoleId(1),
            tolerance: Tolerance::Days { before: 1, after: 1, calendar: None },
        }],
        similar: Vec::new(),
        ambiguous: Ambiguous::Suggest,
        outcome: MatchStatus::Confirmed,
    }
}

/// Every kind of role, one of them with a name that matches have for a column of their own.
fn fixture() -> (RuleSet, Mapped, Outcome) {
    let mut rules = rules(vec![
        role("amount", RoleType::Decimal),
        role("date", RoleType::Date),
        role("at", RoleType::Timestamp),
        role("row", RoleType::Integer),
        role("memo", RoleType::Text),
    ]);
    rules.passes = vec![pass()];
    let left = "amount,date,at,row,memo\n\
                -1.50,2026-03-01,2026-03-01T10:00:00Z,7,=danger\n\
                2.00,2026-03-02,,8,\"a, \"\"b\"\"\"\n\
                3.25,2026-03-03,1969-12-31T23:59:59.5Z,,\n\
                x,2026-03-03,,1,\"two\nlines\"\n";
    let right = "amount,date,at,row,memo\n\
                 -1.50,2026-03-01,,7,'=danger\n\
                 123456789012345678901234.56,2026-03-04,,-9,\"two\nlines\"\n\
                 9.00,1969-12-31,,0,plain\n\
                 1.00,2026-03-04,,5\n";
    let mapped = map(&rules, left, right).unwrap();
    let found = |status, left: &[u32], right: &[u32], amount, days| Match {
        pass: 0,
        status,
        ambiguity: 2,
        left: left.iter().copied().collect(),
        right: right.iter().copied().collect(),
        variance: Variance { amount, days },
    };
    let nearest = Nearest {
        entry: 2,
        pass: 0,
        failed: [
            Failed { condition: Condition::Within(0), by: Deviation::Days(-3) },
            Failed { condition: Condition::Equal(0), by: Deviation::Other },
        ]
        .into_iter()
        .collect(),
        cause: Some(Cause::ConstantDifference),
    };
    let broken = |side, entry, kind, nearest, twin| Break { side, entry, kind, nearest, twin };
    let outcome = Outcome {
        matches: vec![
            found(MatchStatus::Confirmed, &[0], &[0], Some(0), Some(-1)),
            found(MatchStatus::Suggested, &[1], &[1], Some(12_345_678_901_234_567_890_123_254), None),
        ],
        breaks: vec![
            broken(Side::Left, 2, BreakKind::MissingRight, Some(nearest), None),
            broken(Side::Right, 2, BreakKind::Duplicate, None, Some(1)),
        ],
        summary: Summary {
            sides: Default::default(),
            by_pass: Vec::new(),
            breaks: Vec::new(),
            control_totals: Vec::new(),
            amount_scale: 2,
            limits: Limits::default(),
            digest: String::new(),
        },
    };
    (rules, mapped, outcome)
}

fn results<'a>((rules, mapped, outcome): &'a (RuleSet, Mapped, Outcome)) -> Results<'a> {
    Results { rules, left: &mapped.left, right: &mapped.right, texts: &mapped.texts, outcome }
}

fn matches(results: &Results<'_>, format: ResultFormat) -> Vec<u8> {
    let mut out = Vec::new();
    match format {
        ResultFormat::Csv => results.write_matches_csv(&mut out).unwrap(),
        ResultFormat::Json => results.write_matches_json(&mut out).unwrap(),
        ResultFormat::Parquet => results.write_matches_parquet(&mut out).unwrap(),
    }
    out
}

fn breaks(results: &Results<'_>, format: ResultFormat) -> Vec<u8> {
    let mut out = Vec::new();
    match format {
        ResultFormat::Csv => results.write_breaks_csv(&mut out).unwrap(),
        ResultFormat::Json => results.write_breaks_json(&mut out).unwrap(),
        ResultFormat::Parquet => results.write_breaks_parquet(&mut out).unwrap(),
    }
    out
}

fn rejected(mapped: &Mapped, format: ResultFormat) -> Vec<u8> {
    let mut out = Vec::new();
    let mut writer = RejectedWriter::new(format, &mut out).unwrap();
    rejections(mapped).iter().for_each(|row| writer.write(row).unwrap());
    writer.finish().unwrap();
    out
}

fn rejections(mapped: &Mapped) -> Vec<Rejected> {
    let sides = [Side::Left, Side::Right].into_iter().zip(&mapped.rejections);
    sides.flat_map(|(side, rows)| rows.iter().map(move |row| Rejected::of_run(side, row.clone()))).collect()
}

fn stored(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file
}

#[test]
fn what_is_stored_becomes_the_file_that_a_run_writes_at_once() {
    let fixture = fixture();
    let results = results(&fixture);
    for format in ResultFormat::ALL.iter().copied() {
        let mut out = Vec::new();
        write_stored_matches(stored(&matches(&results, ResultFormat::Parquet)), format, &mut out).unwrap();
        assert_eq!(out, matches(&results, format), "matches as {format}");

        let mut out = Vec::new();
        let mut writer = BreaksWriter::new(results.columns(), format, &mut out).unwrap();
        results.break_bodies().for_each(|body| writer.write(&body).unwrap());
        writer.finish().unwrap();
        assert_eq!(out, breaks(&results, format), "breaks as {format}");

        let mut out = Vec::new();
        let rows = stored(&rejected(&fixture.1, ResultFormat::Parquet));
        write_stored_rejections(rows, format, &mut out).unwrap();
        assert_eq!(out, rejected(&fixture.1, format), "rejections as {format}");
    }
}

#[test]
fn a_break_of_other_columns_is_refused_by_name() {
    let fixture = fixture();
    let results = results(&fixture);
    let mut columns = results.columns();
    columns[0].name = "betrag".to_owned();
    let mut writer = BreaksWriter::new(columns, ResultFormat::Csv, Vec::new()).unwrap();
    let error = writer.write(&results.break_bodies().next().unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "cannot read `betrag` of the stored break of left row 3");
}

#[test]
fn parquet_columns_have_the_types_of_their_roles() {
    let fixture = fixture();
    let results = results(&fixture);
    let types = |bytes: Vec<u8>| {
        let file = SerializedFileReader::new(bytes::Bytes::from(bytes)).unwrap();
        let columns = file.metadata().file_metadata().schema_descr().columns();
        let described = |column: &parquet::schema::types::ColumnDescPtr| {
            (column.name().to_owned(), column.physical_type(), column.logical_type_ref().cloned())
        };
        columns.iter().map(described).collect::<Vec<_>>()
    };
    let decimal = |scale| (PhysicalType::FIXED_LEN_BYTE_ARRAY, Some(LogicalType::decimal(scale, 38)));
    let int = |kind| (kind, None);
    let text = || (PhysicalType::BYTE_ARRAY, Some(LogicalType::String));
    let instant = LogicalType::timestamp(true, parquet::basic::TimeUnit::MICROS);
    let shown = || {
        [
            ("amount", decimal(2)),
            ("date", (PhysicalType::INT32, Some(LogicalType::Date))),
            ("at", (PhysicalType::INT64, Some(instant.clone()))),
            ("row_", decimal(0)),
            ("memo", text()),
            ("currency", text()),
        ]
    };
    let check = |found: Vec<(String, PhysicalType, Option<LogicalType>)>, before: &[_], after: &[_]| {
        let expected = before.iter().cloned().chain(shown()).chain(after.iter().cloned());
        let expected =
            expected.map(|(name, (physical, logical)): (&str, _)| (name.to_owned(), physical, logical));
        let found: Vec<_> = found
            .into_iter()
            // An old annotation of text reads as the new one.
            .map(|(name, physical, logical)| match physical {
                PhysicalType::BYTE_ARRAY => (name, physical, Some(LogicalType::String)),
                _ => (name, physical, logical),
            })
            .collect();
        assert_eq!(found, expected.collect::<Vec<_>>());
    };
    check(
        types(matches(&results, ResultFormat::Parquet)),
        &[
            ("match", int(PhysicalType::INT64)),
            ("pass", text()),
            ("status", text()),
            ("ambiguity", int(PhysicalType::INT64)),
            ("side", text()),
            ("row", int(PhysicalType::INT64)),
        ],
        &[("variance_amount", decimal(2)), ("variance_days", int(PhysicalType::INT32))],
    );
    check(
        types(breaks(&results, ResultFormat::Parquet)),
        &[("side", text()), ("row", int(PhysicalType::INT64)), ("kind", text())],
        &[("nearest_row", int(PhysicalType::INT64)), ("failed", text()), ("cause", text())],
    );
}

/// Writes a folder of results in a format.
fn folder(format: ResultFormat) -> tempfile::TempDir {
    let fixture = fixture();
    let results = results(&fixture);
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes| std::fs::write(folder.path().join(format!("{name}.{format}")), bytes);
    write("matches", matches(&results, format)).unwrap();
    write("breaks", breaks(&results, format)).unwrap();
    write("rejected", rejected(&fixture.1, format)).unwrap();
    folder
}

/// What is the same in every format: CSV marks formulas, and has no currency that no role says.
fn told(folder: &Path) -> (Vec<String>, Vec<String>, Vec<Rejected>) {
    let match_line = |line: MatchLine| {
        let cells =
            ["amount", "date", "at", "row"].map(|name| line.cells.get(name).unwrap().map(str::to_owned));
        let MatchLine { number, pass, status, ambiguity, side, row, variance, .. } = line;
        format!("{number} {pass} {status} {ambiguity} {side} {row} {cells:?} {variance:?}")
    };
    let break_line = |line: BreakLine| {
        let cells =
            ["amount", "date", "at", "row"].map(|name| line.cells.get(name).unwrap().map(str::to_owned));
        let BreakLine { side, row, kind, nearest_row, failed, cause, .. } = line;
        format!("{side} {row} {kind} {cells:?} {nearest_row:?} {failed:?} {cause:?}")
    };
    (
        read::matches(folder).unwrap().map(|line| match_line(line.unwrap())).collect(),
        read::breaks(folder).unwrap().map(|line| break_line(line.unwrap())).collect(),
        read::rejected(folder).unwrap().map(Result::unwrap).collect(),
    )
}

#[test]
fn every_format_reads_back_to_the_same_lines() {
    let csv = told(folder(ResultFormat::Csv).path());
    assert_eq!((csv.0.len(), csv.1.len(), csv.2.len()), (4, 2, 2));
    assert_eq!(
        csv.0[3],
        "2 by, \"memo\" suggested 2 right 2 [Some(\"123456789012345678901234.56\"), Some(\"2026-03-04\"), None, \
         Some(\"-9\")] Variance { amount: Some(\"123456789012345678901232.54\"), days: None }"
    );
    assert_eq!(
        csv.1[0],
        "left 3 missing_right [Some(\"3.25\"), Some(\"2026-03-03\"), Some(\"1969-12-31T23:59:59.5Z\"), None] \
         Some(3) Some(\"within:date by -3; equal:memo\") Some(ConstantDifference)"
    );
    assert_eq!(csv.2, rejections(&fixture().1), "a text of two lines, and a line that cannot be read");
    assert_eq!(told(folder(ResultFormat::Json).path()), csv);
    assert_eq!(told(folder(ResultFormat::Parquet).path()), csv);
}

#[test]
fn texts_are_compared_as_they_are_written() {
    for format in ResultFormat::ALL.iter().copied() {
        let folder = folder(format);
        let lines: Vec<_> = read::matches(folder.path()).unwrap().map(Result::unwrap).collect();
        let shown = |text| Some(read::as_written(format, text).into_owned());
        for (line, text) in lines.iter().zip(["=danger", "'=danger", "a, \"b\"", "two\nlines"]) {
            assert_eq!(line.cells.get("memo").unwrap().map(str::to_owned), shown(text), "{format}");
        }
        let currency = lines[0].cells.get("currency");
        assert_eq!(currency, (format != ResultFormat::Csv).then_some(Some("XXX")), "{format}");
    }
}

/// Writes one file and says why it cannot be read.
fn fault(name: &str, bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(name), bytes).unwrap();
    let error = match name.split_once('.').unwrap().0 {
        "matches" => {
            read::matches(folder.path()).and_then(|lines| lines.collect::<Result<Vec<_>, _>>().map(drop))
        }
        "breaks" => {
            read::breaks(folder.path()).and_then(|lines| lines.collect::<Result<Vec<_>, _>>().map(drop))
        }
        _ => read::rejected(folder.path()).and_then(|lines| lines.collect::<Result<Vec<_>, _>>().map(drop)),
    };
    let text = error.unwrap_err().to_string();
    text.replace(&folder.path().display().to_string(), "DIR")
}

#[test]
fn a_fault_of_a_result_file_names_file_and_line() {
    let header = "match,pass,status,ambiguity,side,row,memo,variance_amount,variance_days\n";
    for (lines, expected) in [
        (
            "1,p,confirmed,0,left,1,x,,\n1,p,confirmed,0,left,x,x,,\n",
            "DIR/matches.csv, line 3: `x` is no row",
        ),
        ("1,p,certain,0,left,1,x,,\n", "DIR/matches.csv, line 2: `certain` is no status"),
        (
            "1,p,confirmed,0,left,1,\"a\nb\",,\n1,p\n",
            "DIR/matches.csv, line 4: 2 fields, and the header has 9",
        ),
        ("1,p,confirmed,0,left,1,x,,soon\n", "DIR/matches.csv, line 2: `soon` is no variance_days"),
    ] {
        assert_eq!(fault("matches.csv", format!("{header}{lines}").as_bytes()), expected);
    }
    let header = "the header is not `side,row,kind,…,nearest_row,failed,cause`";
    assert_eq!(fault("breaks.csv", b"side,row,nearest_row\n"), format!("DIR/breaks.csv, line 1: {header}"));
    assert_eq!(fault("breaks.csv", b""), "DIR/breaks.csv, line 1: the header is missing");
    let bad = b"side,row,kind,memo,nearest_row,failed,cause\nleft,1,missing_right,\xff,,,\n";
    assert_eq!(fault("breaks.csv", bad), "DIR/breaks.csv, line 2: this is not UTF-8");

    let line =
        r#"{"side":"left","kind":"missing_right","row":1,"values":{"a":"x"},"nearest":null,"twin":null}"#;
    let odd = "not an array with an object a line, as a run writes it";
    for (text, expected) in [
        (format!("[\n{line},\n{line}\n]\n"), None),
        (format!("[{line}]\n"), Some(format!("DIR/breaks.json, line 1: {odd}"))),
        (format!("[\n{line}\n{line}\n]\n"), Some(format!("DIR/breaks.json, line 3: {odd}"))),
        (format!("[\n{line},\n]\n"), Some(format!("DIR/breaks.json, line 3: {odd}"))),
        (format!("[\n{line},\n"), Some("cannot read DIR/breaks.json".to_owned())),
        (
            format!("[\n{line},\n{}\n]\n", line.replace("\"a\"", "\"b\"")),
            Some("DIR/breaks.json, line 3: other columns than in the lines before".to_owned()),
        ),
        (
            format!("[\n{}\n]\n", line.replace("\"x\"", "1")),
            Some("DIR/breaks.json, line 2: a value is neither a text nor null".to_owned()),
        ),
    ] {
        match expected {
            Some(expected) => assert_eq!(fault("breaks.json", text.as_bytes()), expected, "{text}"),
            None => {
                let folder = tempfile::tempdir().unwrap();
                std::fs::write(folder.path().join("breaks.json"), text).unwrap();
                assert_eq!(read::breaks(folder.path()).unwrap().count(), 2);
            }
        }
    }
    assert!(fault("rejected.json", b"[\n{}\n]\n").starts_with("DIR/rejected.json, line 2: missing field"));
    for name in ["matches.parquet", "breaks.parquet", "rejected.parquet"] {
        assert_eq!(fault(name, b"PAR1 and then nothing of the kind"), format!("cannot read DIR/{name}"));
    }
    let fixture = fixture();
    let other = rejected(&fixture.1, ResultFormat::Parquet);
    assert_eq!(fault("matches.parquet", &other), "cannot read DIR/matches.parquet");
    assert_eq!(fault("breaks.parquet", &other), "cannot read DIR/breaks.parquet");
}

#[test]
fn a_folder_holds_each_part_once() {
    let folder = folder(ResultFormat::Csv);
    std::fs::write(folder.path().join("matches.json"), "[\n]\n").unwrap();
    let error = read::matches(folder.path()).unwrap_err().to_string();
    assert!(error.ends_with("holds both matches.csv and matches.json: of which run is it?"), "{error}");
    assert!(read::breaks(folder.path()).is_ok());
    std::fs::remove_file(folder.path().join("breaks.csv")).unwrap();
    let error = read::breaks(folder.path()).unwrap_err().to_string();
    assert!(error.ends_with("holds no breaks.csv, breaks.json or breaks.parquet"), "{error}");
}
