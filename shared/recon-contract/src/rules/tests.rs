use proptest::prelude::*;
use recon_domain::{
    Ambiguous, Cardinality, Day, Decimal, FilterTest, MatchStatus, Measure, Normalize, RoleType, Side,
    Source, Tolerance,
};
use serde_json::json;

use super::*;
use crate::problem::FieldError;

/// The whole shape, in one document.
pub(super) const EXAMPLE: &str = r#"
default_currency = "EUR"
[left]
decimal_mark = ","

[columns.amount]
left = "Betrag"
right = "amt"
type = "decimal"
negate = "right"
[columns.currency]
left = "Währung"
right = "ccy"
type = "text"
[columns.date]
left = "Value date"
right = "posted_on"
type = "date"
left_format = "%d/%m/%Y"
[columns.reference]
left = "Reference"
right = "ref_no"
type = "text"
extract = 'INV-?(\d+)'
values = { "N/A" = "" }
normalize = ["trim", "upper", "alphanumeric", "strip_leading_zeros"]
[columns.description]
left = "Text"
right = "memo"
type = "text"

[calendars.bank]
weekend = ["sat", "sun"]
holidays = ["2026-12-25"]

[[passes]]
name = "reference"
equal = ["reference", "amount"]

[[passes]]
name = "amount near date"
where = [{ side = "left", column = "description", matches = "(?i)card" }]
within = [
  { column = "amount", absolute = "0.02", percent = "0.1" },
  { column = "date", days_before = 1, days_after = 3, calendar = "bank" },
]
similar = [{ column = "description", at_least = 8500, measure = "token_set" }]
ambiguous = "suggest"
outcome = "confirm"
"#;

/// Columns of every type, for the faults of passes.
const COLUMNS: &str = "
calendars.bank = {}
columns.amount = { left = 'A', right = 'a', type = 'decimal' }
columns.date = { left = 'D', right = 'd', type = 'date' }
columns.at = { left = 'T', right = 't', type = 'timestamp' }
columns.count = { left = 'N', right = 'n', type = 'integer' }
columns.name = { left = 'X', right = 'x', type = 'text' }
";

fn pass(fields: &str) -> String {
    format!("{COLUMNS}\n[[passes]]\nname = 'p'\n{fields}")
}

fn column(fields: &str) -> String {
    format!("columns.c = {{ {fields} }}\npasses = [{{ name = 'p', equal = ['c'] }}]")
}

#[track_caller]
fn faults(document: &str) -> Vec<FieldError> {
    from_toml(document).err().map_or_else(Vec::new, |errors| errors.0)
}

/// The document has these faults and no others.
#[track_caller]
fn check(document: &str, expected: &[(&str, FieldCode)]) {
    let found = faults(document);
    let places: Vec<_> = found.iter().map(|fault| (fault.pointer.as_str(), fault.code)).collect();
    assert_eq!(places, expected, "{document}\n{}", RuleErrors(found.clone()));
}

/// The document has one fault, and this is its text.
#[track_caller]
fn check_detail(document: &str, expected: &str) {
    let found: Vec<String> = faults(document).iter().map(ToString::to_string).collect();
    assert_eq!(found, [expected], "{document}");
}

#[test]
fn the_example_becomes_a_rule_set() {
    let rules = from_toml(EXAMPLE).unwrap();
    assert_eq!(rules.default_currency.unwrap().as_str(), "EUR");
    assert_eq!(rules.options[0].decimal_mark, Some(','));
    assert_eq!(rules.options[1], ReadOptions::default());
    let names: Vec<&str> = rules.roles.iter().map(|role| role.name.as_str()).collect();
    assert_eq!(names, ["amount", "currency", "date", "reference", "description"]);
    assert_eq!(rules.roles[0].negate, [false, true]);
    assert_eq!(rules.roles[2].formats, [Some("%d/%m/%Y".to_owned()), None]);
    let reference = &rules.roles[3];
    assert_eq!(reference.sources[1], Source::Column("ref_no".into()));
    assert_eq!(reference.extract.as_ref().unwrap().as_str(), r"INV-?(\d+)");
    assert_eq!(reference.values, [("N/A".to_owned(), String::new())]);
    let steps = [Normalize::Trim, Normalize::Upper, Normalize::Alphanumeric, Normalize::StripLeadingZeros];
    assert_eq!(reference.normalize, steps);
    let holiday = Day::from(jiff::civil::date(2026, 12, 25));
    assert_eq!(
        rules.calendars[0].ordinal(holiday),
        rules.calendars[0].ordinal(Day::from_number(holiday.number() - 1))
    );

    assert_eq!(rules.passes[0].equal, [rules.role("reference").unwrap(), rules.role("amount").unwrap()]);
    assert_eq!(rules.passes[0].cardinality, Cardinality::OneToOne);
    let pass = &rules.passes[1];
    assert_eq!((pass.ambiguous, pass.outcome), (Ambiguous::Suggest, MatchStatus::Confirmed));
    assert_eq!(
        (pass.filters[0].side, pass.filters[0].role),
        (Some(Side::Left), rules.role("description").unwrap())
    );
    let Tolerance::Amount { below, above } = &pass.within[0].tolerance else { panic!("{pass:?}") };
    let expected: [Decimal; 2] = ["0.02".parse().unwrap(), "0.1".parse().unwrap()];
    assert_eq!(below, above);
    assert_eq!([below.absolute, below.percent], expected);
    let days = &pass.within[1].tolerance;
    assert!(matches!(days, Tolerance::Days { before: 1, after: 3, calendar: Some(0) }), "{days:?}");
    assert_eq!((pass.similar[0].at_least, pass.similar[0].measure), (8500, Measure::TokenSet));
}

#[test]
fn what_is_left_out_has_its_default() {
    let rules = from_toml(&pass(
        "within = [{ column = 'date', days_after = 2 }]\nsimilar = [{ column = 'name', at_least = 1 }]",
    ));
    let rules = rules.unwrap();
    let pass = &rules.passes[0];
    assert_eq!((pass.ambiguous, pass.outcome), (Ambiguous::Suggest, MatchStatus::Confirmed));
    assert_eq!(pass.similar[0].measure, Measure::TokenSet);
    let days = &pass.within[0].tolerance;
    assert!(matches!(days, Tolerance::Days { before: 0, after: 2, calendar: None }), "{days:?}");
    // A calendar that says nothing has the usual weekend: 1970-01-01 was a Thursday.
    let ordinals = [1, 2, 3, 4].map(|day| rules.calendars[0].ordinal(Day::from_number(day)));
    assert_eq!(ordinals, [1, 1, 1, 2]);
}

#[test]
fn one_direction_takes_amounts_and_percentages() {
    let rules = from_toml(&pass(
        "within = [{ column = 'amount', above = '0.5%' }, { column = 'count', below = '2' }]",
    ));
    let within = rules.unwrap().passes[0].within.clone();
    let Tolerance::Amount { below, above } = &within[0].tolerance else { panic!("{within:?}") };
    assert_eq!((*below, above.absolute), (recon_domain::Allowance::default(), Decimal::default()));
    assert_eq!(above.percent, "0.5".parse().unwrap());
    let Tolerance::Amount { below, above } = &within[1].tolerance else { panic!("{within:?}") };
    assert_eq!((below.absolute, *above), ("2".parse().unwrap(), recon_domain::Allowance::default()));
}

#[test]
fn tests_of_where_are_read_by_the_type_of_their_column() {
    let fields = "equal = ['name']
        where = [
          { column = 'name', is = 'x' }, { column = 'name', is_not = 'y', side = 'right' },
          { column = 'amount', at_least = '-1.50' }, { column = 'count', at_most = '7' },
          { column = 'date', is = 2026-03-02 }, { column = 'at', is = '2026-03-02T01:00:00+01:00' },
          { column = 'count', is = '007' },
        ]";
    let filters = from_toml(&pass(fields)).unwrap().passes[0].filters.clone();
    let shown: Vec<String> = filters
        .iter()
        .map(|filter| match &filter.test {
            FilterTest::Is(text) => format!("is {text}"),
            FilterTest::IsNot(text) => format!("is not {text}"),
            FilterTest::AtLeast(least) => format!("at least {least}"),
            FilterTest::AtMost(most) => format!("at most {most}"),
            FilterTest::Matches(pattern) => format!("matches {pattern}"),
        })
        .collect();
    let expected = [
        "is x",
        "is not y",
        "at least -1.50",
        "at most 7",
        "is 2026-03-02",
        "is 2026-03-02T00:00:00Z",
        "is 7",
    ];
    assert_eq!(shown, expected);
    assert_eq!((filters[0].side, filters[1].side), (None, Some(Side::Right)));
}

#[test]
fn no_text_asks_for_empty_cells_of_every_type() {
    let columns = ["name", "amount", "count", "date", "at"];
    for (test, is_not) in [("is", false), ("is_not", true)] {
        let conditions = columns.map(|column| format!("{{ column = '{column}', {test} = '' }}")).join(", ");
        let rules = from_toml(&pass(&format!("equal = ['name']\nwhere = [{conditions}]"))).unwrap();
        let filters = &rules.passes[0].filters;
        assert_eq!(filters.len(), columns.len());
        for filter in filters {
            let (text, read_as_is_not) = match &filter.test {
                FilterTest::Is(text) => (text, false),
                FilterTest::IsNot(text) => (text, true),
                other => panic!("{other:?}"),
            };
            assert_eq!((text.as_str(), read_as_is_not), ("", is_not), "{:?}", filter.role);
        }
    }
    // A blank is a value like others, and other tests have no empty value.
    check(
        &pass(
            "equal = ['name']\nwhere = [{ column = 'amount', is = ' ' }, { column = 'amount', at_least = '' }]",
        ),
        &[
            ("/passes/0/where/0/is", FieldCode::Malformed),
            ("/passes/0/where/1/at_least", FieldCode::Malformed),
        ],
    );
}

#[test]
fn debit_and_credit_columns_make_an_amount() {
    let rules = from_toml(&column(
        "left_debit = 'Soll', left_credit = 'Haben', right = 'amt', type = 'decimal', negate = 'both'",
    ));
    let role = &rules.unwrap().roles[0];
    assert_eq!(role.sources[0], Source::DebitCredit { debit: "Soll".into(), credit: "Haben".into() });
    assert_eq!(role.negate, [true, true]);
}

#[test]
fn the_currency_may_be_on_one_side_only() {
    let document = |fields: &str| {
        format!("{COLUMNS}\ncolumns.currency = {{ {fields} }}\npasses = [{{ name = 'p', equal = ['name'] }}]")
    };
    let rules = from_toml(&document("left = 'ccy', type = 'text'")).unwrap();
    assert_eq!(rules.roles.last().unwrap().sources, [Source::Column("ccy".into()), Source::Absent]);
    use FieldCode::{Missing, WrongColumnType};
    check(&document("type = 'text'"), &[("/columns/currency", Missing), ("/columns/currency", Missing)]);
    check(&document("left = 'ccy', type = 'integer'"), &[("/columns/currency/type", WrongColumnType)]);
}

#[test]
fn faults_of_the_document_as_a_whole() {
    use FieldCode::{Malformed, Missing, TooMany, UnknownField, WrongType};
    check("", &[("", Missing), ("", Missing)]);
    check("columns = {}\npasses = []", &[("/columns", Missing), ("/passes", Missing)]);
    check("columns = 1\npasses = 'x'", &[("/columns", WrongType), ("/passes", WrongType)]);
    check(
        &format!("{}\ndefault_currency = 'EURO'", column("left = 'a', right = 'b', type = 'text'")),
        &[("/default_currency", Malformed)],
    );
    check(
        &format!("{}\ndefault_currency = 978", column("left = 'a', right = 'b', type = 'text'")),
        &[("/default_currency", WrongType)],
    );
    check_detail(&format!("pases = 1\n{EXAMPLE}"), "/pases: unknown field `pases`, did you mean `passes`?");
    check(&format!("x.y = 1\n{EXAMPLE}"), &[("/x", UnknownField)]);
    check(
        &format!("right.delimeter = ';'\nright.quote = 1\n{EXAMPLE}"),
        &[("/right/delimeter", UnknownField), ("/right/quote", WrongType)],
    );
    let many: String =
        (0..65).map(|n| format!("columns.c{n} = {{ left = 'a', right = 'b', type = 'text' }}\n")).collect();
    check(
        &format!("{many}\npasses = [{{ name = 'p', equal = [] }}]"),
        &[("/columns", TooMany), ("/passes/0", Missing)],
    );
    let passes: String = (0..33).map(|n| format!("[[passes]]\nname = 'p{n}'\nequal = ['name']\n")).collect();
    check(&format!("{COLUMNS}\n{passes}"), &[("/passes", TooMany)]);
    let patterns: String = (0..33)
        .map(|n| format!("columns.c{n} = {{ left = 'a', right = 'b', type = 'text', extract = '(' }}\n"))
        .collect();
    check(&format!("{patterns}\npasses = [{{ name = 'p', equal = ['c1'] }}]"), &[("", TooMany)]);
    assert_eq!(from_json(&json!(7)).unwrap_err().0[0].code, WrongType);
}

#[test]
fn faults_of_toml_have_line_and_column() {
    for (document, line_and_column) in [
        ("a = 1\nb = ", "line 2, column "),
        ("default_currency = \"EUR\"\ndefault_currency = \"USD\"", "line 2, column 1: "),
        ("ä = ü", "line 1, column "),
        ("[[passes]]\nname = \"x", "line 2, column "),
    ] {
        let found = faults(document);
        assert_eq!(
            (found.len(), found[0].code, found[0].pointer.as_str()),
            (1, FieldCode::Syntax, ""),
            "{document}"
        );
        let detail = &found[0].detail;
        assert!(detail.starts_with(line_and_column) && !detail.contains('\n'), "{detail}");
    }
    assert_eq!(faults(&" ".repeat(5_000_000))[0].code, FieldCode::TooMany);
}

#[test]
fn faults_of_columns() {
    use FieldCode::{Conflict, Malformed, Missing, UnknownField, WrongColumnType, WrongType};
    let text = "left = 'a', right = 'b', type = 'text'";
    let number = "left = 'a', right = 'b', type = 'decimal'";
    check("columns.c = 'x'\npasses = [{ name = 'p', equal = ['c'] }]", &[("/columns/c", WrongType)]);
    check(&column("left = 'a', right = 'b'"), &[("/columns/c", Missing)]);
    check_detail(
        &column("left = 'a', right = 'b', type = 'decimel'"),
        "/columns/c/type: unknown column type `decimel`, did you mean `decimal`?",
    );
    check(&column("left = 'a', type = 'text'"), &[("/columns/c", Missing)]);
    check(&column("type = 'text'"), &[("/columns/c", Missing), ("/columns/c", Missing)]);
    check(
        &column("left = '', right = 1, type = 'text'"),
        &[("/columns/c/left", Malformed), ("/columns/c/right", WrongType)],
    );
    check_detail(
        &column(&format!("{text}, rigth = 'c'")),
        "/columns/c/rigth: unknown field `rigth`, did you mean `right`?",
    );
    check(&column(&format!("{text}, kind = 'c'")), &[("/columns/c/kind", UnknownField)]);
    check(
        &column(&format!("{text}, left_debit = 'd', left_credit = 'e'")),
        &[("/columns/c/left_debit", Conflict), ("/columns/c/left_debit", WrongColumnType)],
    );
    check(&column("left_debit = 'd', right = 'b', type = 'decimal'"), &[("/columns/c/left_debit", Missing)]);
    check(
        &column("left_credit = 'd', right = 'b', type = 'decimal'"),
        &[("/columns/c/left_credit", Missing)],
    );
    check(
        &column("left_debit = 'd', left_credit = 'd', right = 'b', type = 'decimal'"),
        &[("/columns/c/left_debit", Conflict)],
    );
    check(&column(&format!("{text}, negate = 'left'")), &[("/columns/c/negate", WrongColumnType)]);
    check_detail(
        &column(&format!("{number}, negate = 'rihgt'")),
        "/columns/c/negate: unknown side `rihgt`, did you mean `right`?",
    );
    check(&column(&format!("{number}, negate = true")), &[("/columns/c/negate", WrongType)]);
    check(
        &column(&format!("{number}, left_format = '%d.%m.%Y'")),
        &[("/columns/c/left_format", WrongColumnType)],
    );
    check(
        &column(&format!("{number}, extract = 'x', values = {{ a = 'b' }}, normalize = ['trim']")),
        &[
            ("/columns/c/extract", WrongColumnType),
            ("/columns/c/values", WrongColumnType),
            ("/columns/c/normalize", WrongColumnType),
        ],
    );
}

#[test]
fn faults_of_text_steps() {
    use FieldCode::{Conflict, Malformed, TooMany, UnknownWord, WrongType};
    let text = "left = 'a', right = 'b', type = 'text'";
    check(&column(&format!("{text}, extract = '(a)(b)'")), &[("/columns/c/extract", Conflict)]);
    check(&column(&format!("{text}, extract = '(a'")), &[("/columns/c/extract", Malformed)]);
    check(&column(&format!("{text}, extract = '\\w{{1000}}'")), &[("/columns/c/extract", TooMany)]);
    check(&column(&format!("{text}, extract = '{}'", "x".repeat(1025))), &[("/columns/c/extract", TooMany)]);
    check(&column(&format!("{text}, values = {{ 'a/b' = 1 }}")), &[("/columns/c/values/a~1b", WrongType)]);
    check(
        &column(&format!(
            "{text}, values = {{ {} }}",
            (0..1001).map(|n| format!("k{n} = '',")).collect::<String>()
        )),
        &[("/columns/c/values", TooMany)],
    );
    check(
        &column(&format!("{text}, normalize = ['trim', 'uper', 3]")),
        &[("/columns/c/normalize/1", UnknownWord), ("/columns/c/normalize/2", WrongType)],
    );
    check(
        &column(&format!("{text}, normalize = [{}]", "'trim',".repeat(17))),
        &[("/columns/c/normalize", TooMany)],
    );
}

#[test]
fn names_of_columns_are_visible_and_free() {
    use FieldCode::{Conflict, Malformed};
    let document = |name: &str, kind: &str| {
        format!(
            "{COLUMNS}\ncolumns.\"{name}\" = {{ left = 'a', right = 'b', type = '{kind}' }}\npasses = [{{ name = 'p', equal = ['name'] }}]"
        )
    };
    check(&document("kundennr. (alt)", "text"), &[]);
    check(&document("", "text"), &[("/columns/", Malformed)]);
    check(&document(" x", "text"), &[("/columns/ x", Malformed)]);
    check(&document("a\\u0007", "text"), &[("/columns/a\u{7}", Malformed)]);
    let long = "x".repeat(65);
    check(&document(&long, "text"), &[(&format!("/columns/{long}"), Malformed)]);
    check(&document("row", "text"), &[("/columns/row", Conflict)]);
}

#[test]
fn reserved_columns_have_their_type() {
    use FieldCode::WrongColumnType;
    for (name, kind, fits) in [
        ("amount", "integer", true),
        ("amount", "text", false),
        ("date", "timestamp", true),
        ("date", "text", false),
        ("currency", "decimal", false),
    ] {
        let document = format!(
            "columns.{name} = {{ left = 'a', right = 'b', type = '{kind}' }}\npasses = [{{ name = 'p', equal = ['{name}'] }}]"
        );
        let place = format!("/columns/{name}/type");
        let expected = [(place.as_str(), WrongColumnType)];
        check(&document, if fits { &[] } else { &expected });
    }
}

#[test]
fn date_formats_must_say_a_whole_date() {
    let document = |kind: &str, format: &str| {
        column(&format!("left = 'a', right = 'b', type = '{kind}', right_format = '{format}'"))
    };
    for format in ["%d/%m/%Y", "%Y%m%d", "%m/%d/%y", "%d %B %Y", "%d.%m.%Y %H:%M:%S"] {
        check(&document("date", format), &[]);
    }
    for format in ["%Y-%m-%dT%H:%M:%S%z", "%s", "%d.%m.%Y %H:%M"] {
        check(&document("timestamp", format), &[]);
    }
    for format in ["", "%", "%d.%m", "%!", "dd.mm.yyyy", "%H:%M", "%d.%d.%Y"] {
        check(&document("date", format), &[("/columns/c/right_format", FieldCode::Malformed)]);
    }
}

#[test]
fn faults_of_calendars() {
    use FieldCode::{Duplicate, Malformed, OutOfRange, TooMany, UnknownField, UnknownWord, WrongType};
    let check_calendar = |calendar: &str, expected: &[(&str, FieldCode)]| {
        let document =
            format!("{}\ncalendars.bank = {calendar}", column("left = 'a', right = 'b', type = 'text'"));
        check(&document, expected);
    };
    check_calendar("{ weekend = [], holidays = [2026-12-25] }", &[]);
    check_calendar("7", &[("/calendars/bank", WrongType)]);
    check_calendar("{ hollidays = [] }", &[("/calendars/bank/hollidays", UnknownField)]);
    check_calendar(
        "{ weekend = ['saturday', 'sun', 'sun', 1] }",
        &[
            ("/calendars/bank/weekend/0", UnknownWord),
            ("/calendars/bank/weekend/2", Duplicate),
            ("/calendars/bank/weekend/3", WrongType),
        ],
    );
    check_calendar(
        "{ weekend = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] }",
        &[("/calendars/bank", OutOfRange)],
    );
    check_calendar("{ weekend = 'sat' }", &[("/calendars/bank/weekend", WrongType)]);
    check_calendar(
        "{ holidays = ['25.12.2026', '2026-02-30', '2026-12-25T00:00:00', 5] }",
        &[
            ("/calendars/bank/holidays/0", Malformed),
            ("/calendars/bank/holidays/1", Malformed),
            ("/calendars/bank/holidays/2", Malformed),
            ("/calendars/bank/holidays/3", WrongType),
        ],
    );
    check_calendar(
        &format!("{{ holidays = [{}] }}", "'2026-12-25',".repeat(10_001)),
        &[("/calendars/bank/holidays", TooMany)],
    );
    let many: String = (0..17).map(|n| format!("calendars.c{n} = {{}}\n")).collect();
    check(&format!("{many}{}", column("left = 'a', right = 'b', type = 'text'")), &[("/calendars", TooMany)]);
    check(
        &format!("calendars.' ' = {{}}\n{}", column("left = 'a', right = 'b', type = 'text'")),
        &[("/calendars/ ", Malformed)],
    );
}

#[test]
fn faults_of_passes() {
    use FieldCode::{Duplicate, Malformed, Missing, NotSupportedYet, OutOfRange, UnknownWord, WrongType};
    check(&format!("passes = [7]\n{COLUMNS}"), &[("/passes/0", WrongType)]);
    check(&format!("passes = [{{ equal = ['name'] }}]\n{COLUMNS}"), &[("/passes/0", Missing)]);
    check(
        &format!("passes = [{{ name = ' ', equal = ['name'] }}]\n{COLUMNS}"),
        &[("/passes/0/name", Malformed)],
    );
    check(
        &format!("{}[[passes]]\nname = 'p'\nequal = ['name']", pass("equal = ['amount']\n")),
        &[("/passes/1/name", Duplicate)],
    );
    check(&pass(""), &[("/passes/0", Missing)]);
    check(&pass("equal = []\nwhere = [{ column = 'name', is = 'x' }]"), &[("/passes/0", Missing)]);
    check_detail(
        &pass("similar = [{ column = 'name', at_least = 9000 }]"),
        "/passes/0: has only `similar` and would compare every left entry with every right one; add an `equal` or a `within`",
    );
    check_detail(
        &pass("equal = ['name']\nambiguous = 'forbidden'"),
        "/passes/0/ambiguous: unknown treatment of ambiguity `forbidden`, did you mean `forbid`?",
    );
    check_detail(
        &pass("equal = ['name']\noutcome = 'confirmed'"),
        "/passes/0/outcome: unknown outcome `confirmed`, did you mean `confirm`?",
    );
    check(&pass("equal = ['name']\noutcome = 1"), &[("/passes/0/outcome", WrongType)]);
    check(&pass("equal = ['name']\ncardinality = 'one_to_two'"), &[("/passes/0/cardinality", UnknownWord)]);
    check(
        &pass("equal = ['name']\ncombine = 'sum'\nsearch_items_max = 0"),
        &[("/passes/0/combine", UnknownWord), ("/passes/0/search_items_max", OutOfRange)],
    );
    check(&pass("equal = ['name']\ncardinality = 'one_to_one'"), &[]);
    let fields = "cardinality = 'one_to_many'\ncombine = 'search'\nsearch_items_max = 40\nwithin = [{ column = 'date', days_before = 5, days_after = 0 }]";
    check(
        &pass(fields),
        &[
            ("/passes/0/cardinality", NotSupportedYet),
            ("/passes/0/combine", NotSupportedYet),
            ("/passes/0/search_items_max", NotSupportedYet),
        ],
    );
}

#[test]
fn faults_of_equal() {
    use FieldCode::{Duplicate, Missing, TooMany, WrongType};
    check_detail(
        &pass("equal = ['amout']"),
        "/passes/0/equal/0: no column of these rules is named `amout`, did you mean `amount`?",
    );
    check_detail(
        &pass("equal = ['reference']"),
        "/passes/0/equal/0: no column of these rules is named `reference`; there are: amount, date, at, count, name",
    );
    check(
        &pass("equal = ['name', 'name', 7]"),
        &[("/passes/0/equal/1", Duplicate), ("/passes/0/equal/2", WrongType)],
    );
    check(&pass("equal = 'name'"), &[("/passes/0/equal", WrongType)]);
    check(&pass(&format!("equal = [{}]", "'name',".repeat(17))), &[("/passes/0/equal", TooMany)]);
    check(
        "passes = [{ name = 'p', equal = ['name'] }]",
        &[("", Missing), ("/passes/0/equal/0", FieldCode::UnknownRole)],
    );
}

#[test]
fn faults_of_tolerances() {
    use FieldCode::{
        Conflict, Duplicate, Malformed, Missing, OutOfRange, UnknownCalendar, UnknownField, UnknownRole,
        WrongColumnType, WrongType,
    };
    let check_within = |fields: &str, expected: &[(&str, FieldCode)]| {
        let at: Vec<_> =
            expected.iter().map(|(place, code)| (format!("/passes/0/within/0{place}"), *code)).collect();
        let at: Vec<_> = at.iter().map(|(place, code)| (place.as_str(), *code)).collect();
        check(&pass(&format!("within = [{{ {fields} }}]")), &at);
    };
    check_within("absolute = '1'", &[("", Missing)]);
    check_within("column = 'amout', absolute = '1'", &[("/column", UnknownRole)]);
    check_within("column = 'name', absolute = '1'", &[("/column", WrongColumnType)]);
    check_within("column = 'amount'", &[("", Missing)]);
    check_within("column = 'amount', absolut = '1'", &[("/absolut", UnknownField), ("", Missing)]);
    check_within("column = 'amount', absolute = '-1'", &[("/absolute", OutOfRange)]);
    check_within("column = 'amount', absolute = '0,02'", &[("/absolute", Malformed)]);
    check_within("column = 'amount', absolute = 0.02", &[("/absolute", WrongType)]);
    check_within("column = 'amount', absolute = nan", &[("/absolute", Malformed)]);
    check_within("column = 'amount', absolute = true", &[("/absolute", WrongType)]);
    check_within("column = 'count', absolute = '0.5'", &[("/absolute", OutOfRange)]);
    check_within("column = 'count', absolute = '1.0'", &[]);
    check_within("column = 'amount', percent = '100.01'", &[("/percent", OutOfRange)]);
    check_within("column = 'amount', percent = '-0.1'", &[("/percent", OutOfRange)]);
    check_within("column = 'amount', percent = '0.1234567'", &[("/percent", OutOfRange)]);
    check_within("column = 'amount', percent = '5%'", &[("/percent", Malformed)]);
    check_within("column = 'amount', percent = '100'", &[]);
    check_within("column = 'amount', above = '101%'", &[("/above", OutOfRange)]);
    check_within("column = 'amount', below = '%'", &[("/below", Malformed)]);
    check_within(
        "column = 'amount', below = 'x', above = '-1'",
        &[("/below", Malformed), ("/above", OutOfRange)],
    );
    check_within("column = 'amount', below = '1', absolute = '1'", &[("/below", Conflict)]);
    check_within("column = 'amount', absolute = '1', days_after = 1", &[("/days_after", WrongColumnType)]);
    check_within("column = 'date'", &[("", Missing)]);
    check_within("column = 'date', absolute = '1', days_after = 1", &[("/absolute", WrongColumnType)]);
    check_within("column = 'date', days_before = -1", &[("/days_before", OutOfRange)]);
    check_within("column = 'date', days_before = 3651", &[("/days_before", OutOfRange)]);
    check_within("column = 'date', days_after = 1.5", &[("/days_after", OutOfRange)]);
    check_within("column = 'at', days_after = '1'", &[("/days_after", WrongType)]);
    check_within("column = 'date', days_after = 1, calendar = 'bnak'", &[("/calendar", UnknownCalendar)]);
    let twice = "{ column = 'date', days_after = 1 }";
    check(&pass(&format!("within = [{twice}, {twice}]")), &[("/passes/0/within/1/column", Duplicate)]);
    check(
        &pass(&format!("equal = ['date']\nwithin = [{twice}]")),
        &[("/passes/0/within/0/column", Duplicate)],
    );
    check_detail(
        &pass("within = [{ column = 'amount', absolute = 0.02 }]"),
        "/passes/0/within/0/absolute: a decimal is written as a text: \"0.02\"",
    );
}

#[test]
fn faults_of_likeness() {
    use FieldCode::{Duplicate, Missing, OutOfRange, UnknownField, UnknownWord, WrongColumnType, WrongType};
    let check_similar = |fields: &str, expected: &[(&str, FieldCode)]| {
        let at: Vec<_> =
            expected.iter().map(|(place, code)| (format!("/passes/0/similar/0{place}"), *code)).collect();
        let at: Vec<_> = at.iter().map(|(place, code)| (place.as_str(), *code)).collect();
        check(&pass(&format!("equal = ['amount']\nsimilar = [{fields}]")), &at);
    };
    check_similar("{ column = 'name', at_least = 10000, measure = 'edit' }", &[]);
    check_similar("7", &[("", WrongType)]);
    check_similar("{ at_least = 1 }", &[("", Missing)]);
    check_similar("{ column = 'name' }", &[("", Missing)]);
    check_similar("{ column = 'amount', at_least = 1 }", &[("/column", WrongColumnType)]);
    check_similar("{ column = 'name', at_least = 10001 }", &[("/at_least", OutOfRange)]);
    check_similar("{ column = 'name', at_least = 1, measure = 'jaro' }", &[("/measure", UnknownWord)]);
    check_similar("{ column = 'name', at_least = 1, mesure = 'edit' }", &[("/mesure", UnknownField)]);
    let twice = "{ column = 'name', at_least = 1 }";
    check(
        &pass(&format!("equal = ['amount']\nsimilar = [{twice}, {twice}]")),
        &[("/passes/0/similar/1/column", Duplicate)],
    );
    check(
        &pass(&format!("equal = ['name']\nsimilar = [{twice}]")),
        &[("/passes/0/similar/0/column", Duplicate)],
    );
}

#[test]
fn faults_of_where() {
    use FieldCode::{
        Conflict, Malformed, Missing, TooMany, UnknownField, UnknownWord, WrongColumnType, WrongType,
    };
    let check_where = |fields: &str, expected: &[(&str, FieldCode)]| {
        let at: Vec<_> =
            expected.iter().map(|(place, code)| (format!("/passes/0/where/0{place}"), *code)).collect();
        let at: Vec<_> = at.iter().map(|(place, code)| (place.as_str(), *code)).collect();
        check(&pass(&format!("equal = ['name']\nwhere = [{fields}]")), &at);
    };
    check_where("'name'", &[("", WrongType)]);
    check_where("{ is = 'x' }", &[("", Missing)]);
    check_where("{ column = 'name' }", &[("", Missing)]);
    check_where("{ column = 'name', si = 'x' }", &[("/si", UnknownField), ("", Missing)]);
    check_where("{ column = 'name', is = 'x', side = 'lefty' }", &[("/side", UnknownWord)]);
    check_where("{ column = 'amount', at_least = '1', at_most = '2' }", &[("/at_most", Conflict)]);
    check_where("{ column = 'name', at_least = '1' }", &[("/at_least", WrongColumnType)]);
    check_where("{ column = 'amount', matches = '1' }", &[("/matches", WrongColumnType)]);
    check_where("{ column = 'name', matches = '' }", &[("/matches", Malformed)]);
    check_where("{ column = 'name', matches = '[' }", &[("/matches", Malformed)]);
    check_where("{ column = 'amount', at_least = 'x' }", &[("/at_least", Malformed)]);
    check_where("{ column = 'amount', is = '1,5' }", &[("/is", Malformed)]);
    check_where("{ column = 'count', is_not = '1.5' }", &[("/is_not", Malformed)]);
    check_where("{ column = 'date', is = '1.3.2026' }", &[("/is", Malformed)]);
    check_where("{ column = 'at', is = '2026-03-01' }", &[("/is", Malformed)]);
    check_where("{ column = 'name', is = 7 }", &[("/is", WrongType)]);
    check(
        &pass(&format!("equal = ['name']\nwhere = [{}]", "{ column = 'name', is = 'x' },".repeat(17))),
        &[("/passes/0/where", TooMany)],
    );
}

#[test]
fn a_fault_in_a_column_draws_no_others_after_it() {
    let document = "
columns.amount = { left = 'a', right = 'b', type = 'decimel' }
columns.name = { left = 'a', type = 'text' }
passes = [{ name = 'p', equal = ['name'], within = [{ column = 'amount', absolute = '1' }] }]";
    check(
        document,
        &[("/columns/amount/type", FieldCode::UnknownWord), ("/columns/name", FieldCode::Missing)],
    );
}

#[test]
fn columns_that_a_file_does_not_have_are_named_with_the_nearest() {
    let rules = from_toml(EXAMPLE).unwrap();
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let left = names(&["Betrag", "Währung", "Value date", "Reference", "Text"]);
    let right = names(&["amt", "ccy", "posted_on", "ref_no", "memo", "memo"]);
    let misspelt = names(&["Währung", "Value date", "betrag EUR", "Reference", "Text"]);
    let errors = check_columns(&rules, &misspelt, &right).unwrap_err();
    let expected = "/columns/amount/left: the left file has no column `Betrag`; the nearest is `betrag EUR`\n\
        /columns/description/right: the right file has 2 columns `memo`, so it is not clear which is meant";
    assert_eq!(errors.to_string(), expected);
    assert_eq!(check_columns(&rules, &left, &right[..5]), Ok(()));
    let errors = check_columns(&rules, &left, &[]).unwrap_err().0;
    assert_eq!(errors.len(), 5);
    assert_eq!(errors[0].detail, "the right file has no column `amt`; it has none at all");

    let rules =
        from_toml(&column("left_debit = 'Soll', left_credit = 'Haben', right = 'b', type = 'decimal'"))
            .unwrap();
    let errors = check_columns(&rules, &names(&["Sol", "Habe"]), &names(&["b"])).unwrap_err();
    let expected = "/columns/c/left_debit: the left file has no column `Soll`; the nearest is `Sol`\n\
        /columns/c/left_credit: the left file has no column `Haben`; the nearest is `Habe`";
    assert_eq!(errors.to_string(), expected);
}

#[test]
fn conditions_are_named_by_their_column() {
    let rules = from_toml(EXAMPLE).unwrap();
    for (pass, condition, name) in [
        (0, Condition::Currency, "currency"),
        (0, Condition::Equal(1), "equal:amount"),
        (1, Condition::Within(1), "within:date"),
        (1, Condition::Similar(0), "similar:description"),
        (1, Condition::Filter(0), "where:description"),
        (9, Condition::Equal(0), "equal:?"),
    ] {
        assert_eq!(condition_name(&rules, pass, condition), name);
    }
}

#[test]
fn json_and_toml_say_the_same() {
    let document = toml_to_json(EXAMPLE).unwrap();
    let rules = from_toml(EXAMPLE).unwrap();
    for other in [from_json(&document).unwrap(), from_toml(&to_toml(&document)).unwrap()] {
        assert_eq!(format!("{other:?}"), format!("{rules:?}"));
    }
    assert_eq!(rules.roles[1].kind, RoleType::Text);
}

#[test]
fn toml_is_written_the_way_a_person_would() {
    let document = json!({
        "columns": {"a b": {"left": "x", "extract": "INV-(\\d+)", "negate": null}},
        "default_currency": "EUR",
        "calendars": {},
        "passes": [{"name": "p", "within": [{"column": "a b", "percent": "1"}, {"column": "c", "days_after": 1}]}],
    });
    let expected = r#"default_currency = "EUR"

[columns."a b"]
left = "x"
extract = 'INV-(\d+)'

[calendars]

[[passes]]
name = "p"
within = [
  { column = "a b", percent = "1" },
  { column = "c", days_after = 1 },
]
"#;
    assert_eq!(to_toml(&document), expected);
    assert_eq!(to_toml(&json!("x")), "");
}

/// JSON without `null`, which TOML cannot say.
fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e9..1e9_f64).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[a-z_]{1,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 48, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((key(), inner), 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// The document's own words often enough to get behind the first check.
fn key() -> impl Strategy<Value = String> {
    const WORDS: [&str; 20] = [
        "columns",
        "passes",
        "calendars",
        "left",
        "right",
        "type",
        "name",
        "equal",
        "within",
        "similar",
        "where",
        "column",
        "absolute",
        "percent",
        "above",
        "days_after",
        "at_least",
        "is",
        "holidays",
        "weekend",
    ];
    prop_oneof![4 => prop::sample::select(&WORDS[..]).prop_map(str::to_owned), 1 => any::<String>()]
}

fn json_object() -> impl Strategy<Value = Value> {
    prop::collection::vec((key(), json_value()), 0..6)
        .prop_map(|fields| Value::Object(fields.into_iter().collect()))
}

proptest! {
    #[test]
    fn any_json_is_read_without_a_panic_and_every_fault_has_a_place_in_it(document in json_object()) {
        if let Err(errors) = from_json(&document) {
            prop_assert!(!errors.0.is_empty());
            for error in errors.0 {
                prop_assert!(document.pointer(&error.pointer).is_some(), "{error}");
            }
        }
    }

    #[test]
    fn any_text_is_read_without_a_panic(text in any::<String>(), head in 0..EXAMPLE.len()) {
        let _ = from_toml(&text);
        let cut: String = EXAMPLE.chars().take(head).chain(text.chars()).collect();
        let _ = from_toml(&cut);
    }

    #[test]
    fn toml_written_reads_back(document in json_object()) {
        prop_assert_eq!(toml_to_json(&to_toml(&document)).unwrap(), document);
    }
}

#[test]
fn json_that_is_none_or_says_a_thing_twice_is_refused_with_its_place() {
    let fault = |text: &str| parse_json(text).unwrap_err().to_string();
    assert_eq!(fault("{"), "EOF while parsing an object at line 1 column 1");
    let twice = "{\"passes\": [{\"name\": \"a\",\n \"equal\": [], \"name\": \"b\"}]}";
    assert!(
        fault(twice).starts_with("/passes/0/name: the field `name` is repeated at line 2"),
        "{}",
        fault(twice)
    );
    assert_eq!(parse_json("{\"passes\": []}").unwrap(), json!({"passes": []}));
}
