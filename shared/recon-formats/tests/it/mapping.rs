//! Stage two.

use recon_domain::{Currency, DateOrder, Normalize, ReadOptions, Role, RoleType, RuleSet, Side, Source};
use recon_engine::Column;
use recon_formats::Mapped;
use recon_formats::mapping::Error;
use regex::Regex;

use super::{map, map_sources, open, role, rules};

/// The values of a column of the left table, empty cells as `-`.
fn left(mapped: &Mapped, column: usize) -> Vec<String> {
    let value = |entry| mapped.left.columns[column].text(entry, &mapped.texts).unwrap_or_else(|| "-".into());
    (0..mapped.left.len()).map(value).collect()
}

/// Row, line, column and reason of what the left side lost.
fn lost(mapped: &Mapped) -> Vec<(u32, u64, Option<&str>, &str)> {
    let lost = |rejection: &'_ recon_formats::Rejection| (rejection.row, rejection.line);
    mapped.rejections[0]
        .iter()
        .map(|rejection| {
            let (row, line) = lost(rejection);
            (row, line, rejection.column.as_deref(), rejection.reason.as_str())
        })
        .collect()
}

/// A file with a column of these cells and one that keeps rows from being blank.
fn file(column: &str, cells: &[&str]) -> String {
    let rows: String = cells.iter().map(|cell| format!("\"{cell}\";x\n")).collect();
    format!("{column};other\n{rows}")
}

fn with(change: impl Fn(&mut RuleSet), roles: Vec<Role>) -> RuleSet {
    let mut rules = rules(roles);
    change(&mut rules);
    rules
}

#[test]
fn numbers_take_the_mark_that_fits_most_cells() {
    let rules = rules(vec![role("amount", RoleType::Decimal)]);
    let check = |cells: &[&str], values: &[&str]| {
        let mapped = map(&rules, &file("amount", cells), &file("amount", &["1"])).unwrap();
        assert_eq!(left(&mapped, 0), values, "{cells:?}");
    };
    check(&["1.234,56", "2,50", "3"], &["1234.56", "2.50", "3.00"]);
    check(&["1,234.56", "2.50", "3"], &["1234.56", "2.50", "3.00"]);
    check(&["1'234.56", "(2.50)", "3.00-", "4 000.00"], &["1234.56", "-2.50", "-3.00", "4000.00"]);
    check(&["1.234", "12,5"], &["1234.00", "12.50"]);
    check(&["0.001", "1"], &["0.001", "1.000"]);
}

#[test]
fn a_mark_that_cannot_be_told_is_assumed_and_that_is_said() {
    let mut roles = vec![role("amount", RoleType::Decimal)];
    let read = |roles: Vec<Role>, text: &str| {
        let mapped = map(&rules(roles), text, "amount,rate\n1.5,2.5\n2.5,3.5\n").unwrap();
        (left(&mapped, 0), mapped.readings[0][0].clone())
    };
    let (values, reading) = read(roles.clone(), "amount,rate\n\"1,234\",\"0,5\"\n\"2,500\",\"1,5\"\n");
    assert_eq!((values, reading.assumed), (vec!["1234.00".into(), "2500.00".into()], true));
    assert!(reading.text.contains("assumed") && reading.text.contains("`decimal_mark`"), "{}", reading.text);
    // Another column of the file knows.
    roles.push(role("rate", RoleType::Decimal));
    let (values, reading) = read(roles, "amount,rate\n\"1,234\",\"0,5\"\n\"2,500\",\"1,5\"\n");
    assert_eq!(values, ["1.234", "2.500"]);
    assert!(reading.assumed && reading.text.contains("from the column `rate`"), "{}", reading.text);
}

#[test]
fn told_marks_and_orders_are_believed() {
    let roles = || vec![role("amount", RoleType::Decimal), role("date", RoleType::Date)];
    let text = "amount;date\n1.234;01.02.2026\n5.678;03.04.2026\n";
    let check = |change: &dyn Fn(&mut ReadOptions), expected: [&str; 2]| {
        let rules = with(|rules| change(&mut rules.options[0]), roles());
        let mapped = map(&rules, text, text).unwrap();
        assert_eq!([left(&mapped, 0)[0].as_str(), left(&mapped, 1)[0].as_str()], expected);
    };
    check(&|_| {}, ["1234.00", "2026-02-01"]);
    check(&|options| options.decimal_mark = Some('.'), ["1.234", "2026-02-01"]);
    check(&|options| options.thousands_mark = Some(','), ["1.234", "2026-02-01"]);
    check(&|options| options.thousands_mark = Some('.'), ["1234.00", "2026-02-01"]);
    check(&|options| options.date_order = Some(DateOrder::Mdy), ["1234.00", "2026-01-02"]);
}

#[test]
fn date_orders_are_those_that_fit_most_rows() {
    let rules = rules(vec![role("date", RoleType::Date)]);
    let check = |cells: &[&str], values: &[&str], assumed: bool| {
        let mapped = map(&rules, &file("date", cells), &file("date", &["2026-01-01"])).unwrap();
        assert_eq!(left(&mapped, 0), values, "{cells:?}");
        assert_eq!(mapped.readings[0][0].assumed, assumed, "{}", mapped.readings[0][0].text);
    };
    check(&["13.02.2026", "01.02.2026"], &["2026-02-13", "2026-02-01"], false);
    check(&["02/13/2026", "02/01/2026"], &["2026-02-13", "2026-02-01"], false);
    check(&["2026-02-13", "20260201", ""], &["2026-02-13", "2026-02-01", "-"], false);
    check(&["01.02.2026", "03.04.2026"], &["2026-02-01", "2026-04-03"], true);
    check(&["13 Feb 2026", "1 February 2026"], &["2026-02-13", "2026-02-01"], true);
}

#[test]
fn one_odd_date_in_many_is_rejected_and_more_stop_the_run() {
    let rules = rules(vec![role("date", RoleType::Date)]);
    let mut cells = vec!["13/02/2026"; 200];
    cells[4] = "02/14/2026";
    cells[7] = "soon";
    let mapped = map(&rules, &file("date", &cells), &file("date", &["2026-01-01"])).unwrap();
    assert_eq!(
        lost(&mapped),
        [
            (5, 6, Some("date"), "`02/14/2026` is not a date in the order dmy, in which the column is read"),
            (8, 9, Some("date"), "`soon` is not a date"),
        ]
    );
    (cells[9], cells[10]) = ("02/15/2026", "02/16/2026");
    let error = map(&rules, &file("date", &cells), &file("date", &["2026-01-01"])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the left column `date` mixes date orders: `13/02/2026` on line 2 fits only dmy, `02/14/2026` on line 6 \
         only mdy; say `date_order` in the file's options, or a format in the rules"
    );
}

#[test]
fn mixed_decimal_marks_stop_the_run_too() {
    let rules = rules(vec![role("amount", RoleType::Decimal)]);
    let cells = ["1,50", "2,50", "3,50", "4.50"];
    let error = map(&rules, &file("amount", &cells), &file("amount", &["1"])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the left column `amount` mixes decimal marks: `1,50` on line 2 fits only ,, `4.50` on line 5 only .; \
         say `decimal_mark` in the file's options"
    );
}

#[test]
fn formats_read_dates_and_times() {
    let mut date = role("date", RoleType::Date);
    date.formats[0] = Some("%d %b, %Y".into());
    let mut time = role("time", RoleType::Timestamp);
    time.formats[0] = Some("%d/%m/%Y %H:%M %z".into());
    let rules = rules(vec![date, time]);
    let text = "date;time\n02 Mar, 2026;02/03/2026 10:30 +0100\n2026-03-02;02/03/2026 10:30 +0100\n02 Mar, 2026;10:30\n";
    let mapped = map(&rules, text, "date;time\n2026-03-02;2026-03-02 10:30\n").unwrap();
    assert_eq!(
        (left(&mapped, 0), left(&mapped, 1)),
        (vec!["2026-03-02".into()], vec!["2026-03-02T09:30:00Z".into()])
    );
    assert_eq!(
        lost(&mapped),
        [
            (2, 3, Some("date"), "`2026-03-02` does not fit the format `%d %b, %Y`"),
            (3, 4, Some("time"), "`10:30` does not fit the format `%d/%m/%Y %H:%M %z`"),
        ]
    );
}

#[test]
fn debits_and_credits_become_one_signed_amount() {
    let mut amount = role("amount", RoleType::Decimal);
    amount.sources[0] = Source::DebitCredit { debit: "Soll".into(), credit: "Haben".into() };
    amount.negate[1] = true;
    let rules = rules(vec![amount]);
    let text = "Text;Soll;Haben\na;12,50;\nb;;3,00\nc;1,00;5,00\nd;;\ne;x;1,00\nf;1,00;y\n";
    let mapped = map(&rules, text, "text,amount\na,12.50\n").unwrap();
    assert_eq!(left(&mapped, 0), ["-12.50", "3.00", "4.00"]);
    assert_eq!(
        lost(&mapped),
        [
            (4, 5, Some("Soll"), "amount is empty"),
            (5, 6, Some("Soll"), "`x` is not a number"),
            (6, 7, Some("Haben"), "`y` is not a number"),
        ]
    );
    assert_eq!(mapped.right.columns[0].text(0, &mapped.texts).unwrap(), "-12.50");
    let values: Vec<_> =
        mapped.rejections[0][2].values.iter().map(|(name, cell)| format!("{name}={cell}")).collect();
    assert_eq!(values, ["Soll=1,00", "Haben=y"]);
}

#[test]
fn currencies_come_from_the_column_the_options_or_the_rules() {
    let amount = || role("amount", RoleType::Decimal);
    let codes = |mapped: &Mapped| mapped.left.currencies.iter().map(ToString::to_string).collect::<Vec<_>>();
    let text = "amount,ccy\n1,eur\n2,\n3,JPY\n4,euro\n";
    let plain = map(&rules(vec![amount()]), text, text).unwrap();
    assert_eq!(codes(&plain), ["XXX", "XXX", "XXX", "XXX"]);
    let told = with(|rules| rules.default_currency = "GBP".parse().ok(), vec![amount()]);
    assert_eq!(codes(&map(&told, text, text).unwrap()), ["GBP"; 4]);
    let mut currency = role("currency", RoleType::Text);
    currency.sources = [Source::Column("ccy".into()), Source::Absent];
    let both = with(
        |rules| {
            rules.default_currency = "GBP".parse().ok();
            rules.options[0].currency = "CHF".parse().ok();
        },
        vec![amount(), currency],
    );
    let mapped = map(&both, text, text).unwrap();
    assert_eq!(codes(&mapped), ["EUR", "CHF", "JPY"]);
    assert_eq!(left(&mapped, 1), ["EUR", "CHF", "JPY"]);
    assert_eq!(
        lost(&mapped),
        [(4, 5, Some("ccy"), "`euro` is not a currency code of three letters such as EUR")]
    );
    assert_eq!(mapped.right.currencies, ["GBP".parse::<Currency>().unwrap(); 4]);
    assert_eq!(mapped.right.columns[1].text(0, &mapped.texts).unwrap(), "GBP");
}

#[test]
fn a_code_in_the_cell_must_be_the_currency_of_the_row() {
    let rules =
        with(|rules| rules.default_currency = "EUR".parse().ok(), vec![role("amount", RoleType::Decimal)]);
    let text = file("amount", &["EUR 1.50", "2.50 USD", "€3.50"]);
    let mapped = map(&rules, &text, &text).unwrap();
    assert_eq!(left(&mapped, 0), ["1.50", "3.50"]);
    assert_eq!(lost(&mapped), [(2, 3, Some("amount"), "the cell says USD, the row's currency is EUR")]);
}

#[test]
fn the_scale_is_the_larger_of_currency_and_data_on_both_sides() {
    let scale = |rules: &RuleSet, left: &str, right: &str| {
        let mapped = map(rules, left, right).unwrap();
        let scale = |column: &Column| match column {
            Column::Number { scale, .. } => *scale,
            _ => 99,
        };
        assert_eq!(scale(&mapped.left.columns[0]), scale(&mapped.right.columns[0]));
        scale(&mapped.left.columns[0])
    };
    let amount = || vec![role("amount", RoleType::Decimal)];
    let told = |code: &str| with(|rules| rules.default_currency = code.parse().ok(), amount());
    assert_eq!(scale(&told("EUR"), "amount,b\n1,x\n", "amount,b\n2.5000,x\n"), 2);
    assert_eq!(scale(&told("EUR"), "amount,b\n1,x\n", "amount,b\n2.12345,x\n"), 5);
    assert_eq!(scale(&told("JPY"), "amount,b\n1,x\n", "amount,b\n2,x\n"), 0);
    assert_eq!(scale(&told("BHD"), "amount,b\n1,x\n", "amount,b\n2,x\n"), 3);
    let mapped = vec![role("amount", RoleType::Decimal), role("currency", RoleType::Text)];
    assert_eq!(scale(&rules(mapped), "amount,currency\n1,JPY\n", "amount,currency\n2,KWD\n"), 3);
    assert_eq!(
        scale(&rules(vec![role("quantity", RoleType::Decimal)]), "quantity,b\n1,x\n", "quantity,b\n2.5,x\n"),
        1
    );
    assert_eq!(
        scale(&rules(vec![role("quantity", RoleType::Integer)]), "quantity,b\n1,x\n", "quantity,b\n2.0,x\n"),
        0
    );
}

#[test]
fn every_bad_cell_says_why() {
    let number = || vec![role("amount", RoleType::Decimal)];
    let check = |roles: Vec<Role>, column: &str, cells: &[&str], reason: &str| {
        let rules = rules(roles);
        let mapped = map(&rules, &file(column, cells), &file(column, &[cells[0]])).unwrap();
        assert_eq!(lost(&mapped).iter().map(|lost| lost.3).collect::<Vec<_>>(), [reason]);
        assert_eq!(mapped.left.rejected, 1);
        assert_eq!(mapped.left.len() + 1, cells.len());
        assert_eq!(mapped.left.rows, [1]);
    };
    check(number(), "amount", &["1.50", ""], "amount is empty");
    check(number(), "amount", &["1.50", "abc"], "`abc` is not a number");
    let many = "9".repeat(40);
    check(number(), "amount", &["1.50", &many], &format!("`{many}` has more than 27 digits"));
    let large = "9".repeat(27);
    check(number(), "amount", &["1.50", &large], &format!("`{large}` has more than 27 digits"));
    let fine = "0.1234567890123456789";
    check(
        number(),
        "amount",
        &["1.50", fine],
        &format!("`{fine}` has more than 18 digits after the decimal mark"),
    );
    check(vec![role("n", RoleType::Integer)], "n", &["1", "1.5"], "`1.5` is not a whole number");
    check(vec![role("d", RoleType::Date)], "d", &["2026-01-01", "2026-02-30"], "`2026-02-30` is not a date");
    check(
        vec![role("t", RoleType::Timestamp)],
        "t",
        &["2026-01-01 10:00", "10:00"],
        "`10:00` is not a point in time such as 2026-03-31T17:05:00Z",
    );
}

#[test]
fn one_over_fine_amount_does_not_push_out_large_ones() {
    let rules = rules(vec![role("amount", RoleType::Decimal)]);
    let read = |cells: &[&str]| {
        let mapped = map(&rules, &file("amount", cells), &file("amount", &["1"])).unwrap();
        let reasons: Vec<_> = mapped.rejections[0].iter().map(|lost| lost.reason.clone()).collect();
        let scale = match &mapped.left.columns[0] {
            Column::Number { scale, .. } => *scale,
            _ => 99,
        };
        let is_said = mapped.readings[0].iter().any(|reading| reading.text.starts_with("scale "));
        (scale, reasons, is_said)
    };
    let fine = "0.123456789012345678";
    let too_fine =
        |places: u8| vec![format!("`{fine}` has more than {places} digits after the decimal mark")];
    assert_eq!(read(&["123456789012.50", fine]), (15, too_fine(15), true));
    assert_eq!(read(&["123456789012345.50", fine]), (12, too_fine(12), true));
    // Where there is room nothing is lost, and a number that never fits takes none.
    assert_eq!(read(&["123456789.50", fine]), (18, vec![], false));
    let large = "9".repeat(30);
    assert_eq!(
        read(&["1.50", fine, &large]),
        (18, vec![format!("`{large}` has more than 27 digits")], false)
    );
    assert_eq!(read(&["123456789012345678901234.50", "1.123"]), (3, vec![], false));
}

#[test]
fn indian_groups_are_numbers() {
    let rules = rules(vec![role("amount", RoleType::Decimal)]);
    let mapped =
        map(&rules, &file("amount", &["1,23,456.00", "-12,34,567", "1,234"]), &file("amount", &["1"]))
            .unwrap();
    assert_eq!(left(&mapped, 0), ["123456.00", "-1234567.00", "1234.00"]);
}

#[test]
fn twelve_hour_times_are_read_in_dates_and_points_in_time() {
    let rules = rules(vec![role("day", RoleType::Date), role("at", RoleType::Timestamp)]);
    let text = "day,at\n3/14/2026 12:00:00 AM,3/14/2026 2:05 pm\n3/1/2026 2:05 pm,3/14/2026 12:30:00 AM\n3/2/2026 9:30,3/14/2026 13:30 AM\n";
    let mapped = map(&rules, text, text).unwrap();
    assert_eq!(left(&mapped, 0), ["2026-03-14", "2026-03-01"]);
    assert_eq!(left(&mapped, 1), ["2026-03-14T14:05:00Z", "2026-03-14T00:30:00Z"]);
    let reason = "`3/14/2026 13:30 AM` is not a point in time such as 2026-03-31T17:05:00Z";
    assert_eq!(lost(&mapped), [(3, 4, Some("at"), reason)]);
}

#[test]
fn an_rfc_3339_time_is_read_whatever_order_the_file_is_told_to_have() {
    let rules = with(
        |rules| rules.options[0].date_order = Some(DateOrder::Dmy),
        vec![role("at", RoleType::Timestamp)],
    );
    let text = file("at", &["2026-03-14T10:30:00Z", "02.03.2026 10:30", "3/14/2026 10:30"]);
    let mapped = map(&rules, &text, &file("at", &["2026-03-14T10:30:00Z"])).unwrap();
    assert_eq!(left(&mapped, 0), ["2026-03-14T10:30:00Z", "2026-03-02T10:30:00Z"]);
    let reason =
        "`3/14/2026 10:30` is not a point in time in the order dmy, in which the column's dates are read";
    assert_eq!(lost(&mapped), [(3, 4, Some("at"), reason)]);
}

#[test]
fn a_missing_column_says_how_the_header_was_read() {
    let rules = rules(vec![role("amount", RoleType::Decimal)]);
    let error = map(&rules, "Report\n\nbetrag;b\n1,00;x\n", "amount,b\n1,x\n").unwrap_err();
    assert_eq!(
        error.to_string(),
        "the left file has no column `amount`, which the rules name for `amount`; its header was read from line 3, \
         divided by `;`; `header_row` and `delimiter` in the file's options say it otherwise"
    );
}

#[test]
fn a_number_with_the_rarer_mark_is_rejected_alone() {
    let rules = rules(vec![role("amount", RoleType::Decimal)]);
    let mut cells = vec!["1,50"; 150];
    cells[3] = "2.50";
    let mapped = map(&rules, &file("amount", &cells), &file("amount", &["1"])).unwrap();
    assert_eq!(
        lost(&mapped),
        [(4, 5, Some("amount"), "`2.50` is a number only with the decimal mark `.`, the column's is `,`")]
    );
}

#[test]
fn texts_are_prepared_and_shown_as_they_were() {
    let mut reference = role("ref", RoleType::Text);
    reference.extract = Some(Regex::new(r"INV-?(\d+)").unwrap());
    reference.normalize = vec![Normalize::StripLeadingZeros];
    let plain = role("memo", RoleType::Text);
    let rules = with(|rules| rules.options[0].null_values = vec!["n/a".into()], vec![reference, plain]);
    let text = "ref,memo\nINV-0042,a\ninv,n/a\nINV0042,\nn/a,  \n";
    let mapped = map(&rules, text, "ref,memo\nINV-42,a\n").unwrap();
    let Column::Text { ids, shown } = &mapped.left.columns[0] else { panic!("no text") };
    let texts = |ids: &[recon_engine::TextId]| {
        ids.iter().map(|id| mapped.texts.get(*id).unwrap_or("-")).collect::<Vec<_>>()
    };
    assert_eq!(texts(shown.as_ref().unwrap()), ["INV-0042", "inv", "INV0042", "-"]);
    assert!(matches!(&mapped.left.columns[1], Column::Text { shown: None, .. }));
    assert_eq!(left(&mapped, 1), ["a", "-", "-", "-"]);
    let Column::Text { ids: right, .. } = &mapped.right.columns[0] else { panic!("no text") };
    assert_eq!((ids[0] == ids[2], ids[3]), (true, recon_engine::TextId::EMPTY));
    assert_eq!(ids[0], right[0]);
}

#[test]
fn faulty_rows_of_both_kinds_stand_in_file_order() {
    let rules = rules(vec![role("amount", RoleType::Decimal)]);
    let text = "amount,b\n1,x\n2\nabc,x\n3,x,y\n4,x\n";
    let mapped = map(&rules, text, text).unwrap();
    assert_eq!(mapped.left.rows, [1, 5]);
    assert_eq!(
        lost(&mapped).iter().map(|lost| (lost.0, lost.2)).collect::<Vec<_>>(),
        [(2, None), (3, Some("amount")), (4, None)]
    );
    assert_eq!(mapped.left.rejected, 3);
}

#[test]
fn missing_columns_and_stops_are_errors() {
    let rules = rules(vec![role("amount", RoleType::Decimal)]);
    let error = map(&rules, "amount,b\n1,x\n", "amt,b\n1,x\n").unwrap_err();
    assert!(
        matches!(&error, Error::NoColumn { side: Side::Right, column, .. } if column == "amount"),
        "{error}"
    );
    let (mut one, mut other) = (
        open(b"amount,b\n1,x\n", &ReadOptions::default()).unwrap(),
        open(b"amount,b\n1,x\n", &ReadOptions::default()).unwrap(),
    );
    let left = recon_formats::mapping::Input { source: &mut one, options: ReadOptions::default() };
    let right = recon_formats::mapping::Input { source: &mut other, options: ReadOptions::default() };
    let threads = std::num::NonZeroUsize::MIN;
    let stopped = recon_formats::mapping::map_both(&rules, left, right, threads, &|_, _, _| false);
    assert!(matches!(stopped, Err(Error::Cancelled)));
}

#[test]
fn threads_do_not_change_the_tables() {
    let rules = rules(vec![role("amount", RoleType::Decimal), role("text", RoleType::Text)]);
    let rows = |step: u32| -> String {
        (0..2_000).map(|row| format!("{row}.5,text {}\n", row * step % 777)).collect()
    };
    let (left, right) = (format!("amount,text\n{}", rows(3)), format!("amount,text\n{}", rows(5)));
    let run = |threads| {
        let options = ReadOptions::default();
        let (mut left, mut right) =
            (open(left.as_bytes(), &options).unwrap(), open(right.as_bytes(), &options).unwrap());
        let mapped = map_sources(&rules, &mut left, &mut right, threads).unwrap();
        format!("{:?} {:?}", mapped.left, mapped.right)
    };
    assert!(run(1) == run(2), "the tables differ");
}
