//! Results to files.

use bytes::Bytes;
use recon_domain::{
    Ambiguous, BreakKind, Cardinality, Cause, Combine, Condition, Limits, MatchStatus, Pass, ReadOptions,
    ReconciliationId, RoleId, RoleType, RuleSet, Side, SideCounts, Summary, Tolerance, Variance, Within,
};
use recon_engine::{Break, Deviation, Failed, Match, Nearest, Outcome};
use recon_formats::Mapped;
use recon_formats::rejections_parquet::Rejected;
use recon_formats::results::matches_parquet::{Filter, Reader};
use recon_formats::results::{RejectedWriter, ResultFormat, Results};
use serde_json::{Value, json};

use super::{all_rows, cells, map, open, role, rules};

fn pass(name: &str) -> Pass {
    Pass {
        name: name.into(),
        cardinality: Cardinality::OneToOne,
        combine: Combine::Key,
        search_items_max: 0,
        filters: Vec::new(),
        equal: vec![RoleId(2)],
        within: vec![Within {
            role: RoleId(0),
            tolerance: Tolerance::Days { before: 1, after: 1, calendar: None },
        }],
        similar: Vec::new(),
        ambiguous: Ambiguous::Suggest,
        outcome: MatchStatus::Confirmed,
    }
}

fn fixture() -> (RuleSet, Mapped, Outcome) {
    let roles =
        vec![role("amount", RoleType::Decimal), role("date", RoleType::Date), role("memo", RoleType::Text)];
    let mut rules = rules(roles);
    rules.passes = vec![pass("by, \"name\""), pass("second")];
    let left =
        "amount,date,memo\n-1.50,2026-03-01,=danger\n2.00,2026-03-02,\"a, \"\"b\"\"\"\n3.25,2026-03-03,\n";
    let right = "amount,date,memo\n-1.50,2026-03-01,+49\n2.00,2026-03-04,\"two\nlines\"\nx,2026-03-04,-bad\n9.00,2026-03-05,plain\n";
    let mapped = map(&rules, left, right).unwrap();
    let found = |pass, status, left, right, days| Match {
        pass,
        status,
        ambiguity: u32::from(pass),
        left: std::iter::once(left).collect(),
        right: std::iter::once(right).collect(),
        variance: Variance { amount: Some(-5), days },
    };
    let nearest = Nearest {
        entry: 2,
        pass: 1,
        failed: [
            Failed { condition: Condition::Within(0), by: Deviation::Number(575) },
            Failed { condition: Condition::Equal(0), by: Deviation::Other },
        ]
        .into_iter()
        .collect(),
        cause: Some(Cause::ConstantDifference),
    };
    let outcome = Outcome {
        matches: vec![
            found(0, MatchStatus::Confirmed, 0, 0, Some(0)),
            found(1, MatchStatus::Suggested, 1, 1, None),
        ],
        breaks: vec![
            Break {
                side: Side::Left,
                entry: 2,
                kind: BreakKind::MissingRight,
                nearest: Some(nearest),
                twin: None,
            },
            Break { side: Side::Right, entry: 2, kind: BreakKind::Duplicate, nearest: None, twin: Some(1) },
        ],
        summary: Summary {
            sides: [SideCounts::default(); 2],
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

fn written(write: impl Fn(&mut (dyn std::io::Write + Send)) -> std::io::Result<()>) -> String {
    let mut out = Vec::new();
    write(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn matches_are_csv_in_long_form_and_safe_in_spreadsheets() {
    let fixture = fixture();
    let text = written(|out| results(&fixture).write_matches_csv(out));
    assert_eq!(
        text,
        "match,pass,status,ambiguity,side,row,amount,date,memo,variance_amount,variance_days\n\
         1,\"by, \"\"name\"\"\",confirmed,0,left,1,-1.50,2026-03-01,'=danger,-0.05,0\n\
         1,\"by, \"\"name\"\"\",confirmed,0,right,1,-1.50,2026-03-01,'+49,-0.05,0\n\
         2,second,suggested,1,left,2,2.00,2026-03-02,\"a, \"\"b\"\"\",-0.05,\n\
         2,second,suggested,1,right,2,2.00,2026-03-04,\"two\nlines\",-0.05,\n"
    );
    let rows = cells(&all_rows(&mut open(text.as_bytes(), &ReadOptions::default()).unwrap()));
    assert_eq!(rows[0][1], "by, \"name\"");
    assert_eq!((rows[2][8].as_str(), rows[3][8].as_str()), ("a, \"b\"", "two\nlines"));
}

#[test]
fn breaks_are_csv_with_what_failed() {
    let fixture = fixture();
    assert_eq!(
        written(|out| results(&fixture).write_breaks_csv(out)),
        "side,row,kind,amount,date,memo,nearest_row,failed,cause\n\
         left,3,missing_right,3.25,2026-03-03,,4,within:amount by 5.75; equal:memo,constant_difference\n\
         right,4,duplicate,9.00,2026-03-05,plain,,,\n"
    );
}

#[test]
fn matches_and_breaks_are_json_as_on_the_wire() {
    let fixture = fixture();
    let matches: Value =
        serde_json::from_str(&written(|out| results(&fixture).write_matches_json(out))).unwrap();
    assert_eq!(
        matches[0],
        json!({
            "match": 1, "pass": "by, \"name\"", "status": "confirmed", "ambiguity": 0,
            "left": [{"row": 1, "values": {"amount": "-1.50", "date": "2026-03-01", "memo": "=danger", "currency": "XXX"}}],
            "right": [{"row": 1, "values": {"amount": "-1.50", "date": "2026-03-01", "memo": "+49", "currency": "XXX"}}],
            "variance": {"amount": "-0.05", "days": 0},
        })
    );
    assert_eq!((matches.as_array().unwrap().len(), &matches[1]["variance"]["days"]), (2, &Value::Null));
    let breaks: Value =
        serde_json::from_str(&written(|out| results(&fixture).write_breaks_json(out))).unwrap();
    assert_eq!(
        breaks,
        json!([
            {
                "side": "left", "kind": "missing_right", "row": 3,
                "values": {"amount": "3.25", "date": "2026-03-03", "memo": null, "currency": "XXX"},
                "nearest": {
                    "row": 4,
                    "values": {"amount": "9.00", "date": "2026-03-05", "memo": "plain", "currency": "XXX"},
                    "failed": [
                        {"condition": "within:amount", "left": "3.25", "right": "9.00", "by": "5.75"},
                        {"condition": "equal:memo", "left": null, "right": "plain", "by": null},
                    ],
                    "cause": "constant_difference",
                },
                "twin": null,
            },
            {
                "side": "right", "kind": "duplicate", "row": 4,
                "values": {"amount": "9.00", "date": "2026-03-05", "memo": "plain", "currency": "XXX"},
                "nearest": null, "twin": 2,
            },
        ])
    );
}

#[test]
fn nothing_is_an_empty_array_and_a_header() {
    let mut fixture = fixture();
    (fixture.2.matches, fixture.2.breaks) = (Vec::new(), Vec::new());
    assert_eq!(written(|out| results(&fixture).write_matches_json(out)), "[\n]\n");
    assert_eq!(written(|out| results(&fixture).write_breaks_json(out)), "[\n]\n");
    assert_eq!(written(|out| results(&fixture).write_breaks_csv(out)).lines().count(), 1);
    let mut file = Vec::new();
    results(&fixture).write_matches_parquet(&mut file).unwrap();
    assert_eq!(Reader::from_bytes(file.into()).unwrap().page(0, &Filter::default(), 10).unwrap(), []);
}

fn rejected(mapped: &Mapped, format: ResultFormat) -> Vec<u8> {
    let mut out = Vec::new();
    let mut writer = RejectedWriter::new(format, &mut out).unwrap();
    for (side, rejections) in [Side::Left, Side::Right].into_iter().zip(&mapped.rejections) {
        for rejection in rejections {
            writer.write(&Rejected::of_run(side, rejection.clone())).unwrap();
        }
    }
    writer.finish().unwrap();
    out
}

#[test]
fn rejected_rows_are_written_with_their_cells() {
    let mut rules = rules(vec![role("amount", RoleType::Decimal), role("memo", RoleType::Text)]);
    rules.passes = vec![];
    let mapped = map(&rules, "amount,memo\n1,a\n-2,b,c\n", "amount,memo\n1,a\nx,-bad\n").unwrap();
    let text = String::from_utf8(rejected(&mapped, ResultFormat::Csv)).unwrap();
    let (header, lines) = text.split_once('\n').unwrap();
    assert_eq!(header, "side,row,line,column,reason,values,raw");
    let (ragged, misfit) = lines.split_once('\n').unwrap();
    assert!(ragged.starts_with("left,2,3,,"), "{ragged}");
    assert!(ragged.ends_with(",{},\"'-2,b,c\""), "{ragged}");
    assert_eq!(
        misfit,
        "right,2,3,amount,`x` is not a number,\"{\"\"amount\"\":\"\"x\"\",\"\"memo\"\":\"\"-bad\"\"}\",\n"
    );
    let json: Value = serde_json::from_slice(&rejected(&mapped, ResultFormat::Json)).unwrap();
    assert_eq!((&json[0]["raw"], &json[0]["values"]), (&json!("-2,b,c"), &json!({})));
    assert_eq!(
        json[1],
        json!({
            "side": "right", "row": 2, "line": 3, "column": "amount", "reason": "`x` is not a number",
            "values": {"amount": "x", "memo": "-bad"}, "raw": null,
        })
    );
}

#[test]
fn stored_matches_are_those_of_the_wire() {
    let fixture = fixture();
    let mut file = Vec::new();
    results(&fixture).write_matches_parquet(&mut file).unwrap();
    let reader = Reader::from_bytes(Bytes::from(file)).unwrap();
    let page = reader.page(0, &Filter::default(), 10).unwrap();
    let id = ReconciliationId::from_uuid("018f0000-0000-7000-8000-000000000001".parse().unwrap());
    let wire: Vec<Value> =
        page.into_iter().map(|found| serde_json::to_value(found.into_wire(id)).unwrap()).collect();
    let mut expected: Value =
        serde_json::from_str(&written(|out| results(&fixture).write_matches_json(out))).unwrap();
    for (found, expected) in wire.iter().zip(expected.as_array_mut().unwrap()) {
        let expected = expected.as_object_mut().unwrap();
        expected.remove("match");
        expected.insert("id".into(), found["id"].clone());
        expected.insert("version".into(), 1.into());
        assert_eq!(found.as_object().unwrap(), &*expected);
    }
    assert_eq!(wire.len(), 2);
    assert_ne!(wire[0]["id"], wire[1]["id"]);
}

#[test]
fn pages_go_on_after_a_number_and_are_filtered() {
    let mut fixture = fixture();
    let first = fixture.2.matches[0].clone();
    let row = |number: u32| {
        let mut found = first.clone();
        found.pass = u16::from(number > 80_000);
        found.status =
            if number.is_multiple_of(1_000) { MatchStatus::Suggested } else { MatchStatus::Confirmed };
        if number.is_multiple_of(3) {
            found.right.push(1);
        }
        found
    };
    fixture.2.matches = (1..=100_000).map(row).collect();
    let mut file = Vec::new();
    results(&fixture).write_matches_parquet(&mut file).unwrap();
    let reader = Reader::from_bytes(file.into()).unwrap();
    let numbers = |after, filter: &Filter, limit| {
        reader.page(after, filter, limit).unwrap().iter().map(|found| found.number).collect::<Vec<_>>()
    };
    let all = Filter::default();
    assert_eq!(numbers(0, &all, 3), [1, 2, 3]);
    assert_eq!(numbers(3, &all, 2), [4, 5]);
    assert_eq!(numbers(99_998, &all, 50), [99_999, 100_000]);
    assert!(numbers(100_000, &all, 50).is_empty());
    let suggested = Filter { pass: None, status: Some(MatchStatus::Suggested) };
    assert_eq!(numbers(1_000, &suggested, 2), [2_000, 3_000]);
    let second = Filter { pass: Some("second".into()), status: Some(MatchStatus::Suggested) };
    assert_eq!(numbers(0, &second, 2), [81_000, 82_000]);
    assert!(numbers(0, &Filter { pass: Some("none".into()), status: None }, 2).is_empty());
    let three = &reader.page(2, &all, 1).unwrap()[0];
    assert_eq!((three.left.len(), three.right.len(), three.right[1].row), (1, 2, 2));
    // Every match is found once, over all row groups.
    let (mut after, mut count) = (0, 0);
    loop {
        let page = numbers(after, &all, 7_000);
        let Some(last) = page.last() else { break };
        (after, count) = (*last, count + page.len());
    }
    assert_eq!(count, 100_000);
}
