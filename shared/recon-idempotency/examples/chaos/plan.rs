//! What is tried: every store, in each form of an effect that it has, killed and panicking at each point.

use clap::ValueEnum;

use crate::stores::Kind;

/// A place in the code where a process may end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Point {
    pub(crate) label: &'static str,
    /// Its name among the fail points.
    pub(crate) name: &'static str,
}

/// In the order in which a request passes them.
pub(crate) static POINTS: [Point; 10] = [
    Point { label: "before claim", name: "idempotency-before-claim" },
    Point { label: "after claim", name: "idempotency-after-claim" },
    Point { label: "before effect", name: "before-effect" },
    Point { label: "after effect", name: "after-effect" },
    Point { label: "before complete", name: "idempotency-before-complete" },
    Point { label: "after complete", name: "idempotency-after-complete" },
    Point { label: "before commit", name: "before-commit" },
    Point { label: "after commit", name: "after-commit" },
    Point { label: "before send", name: "before-send" },
    Point { label: "after send", name: "after-send" },
];

/// How a handler has its effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// In the transaction that has the key
    Local,
    /// In the statement that has the key
    OneStatement,
    /// In another database, under a claim, by a derived id
    Remote,
    /// Wrong: in another database, under a claim, by an id of its own
    RandomId,
    /// Wrong: in another database, once the claim is completed
    AnswersFirst,
}

/// How the process ends, or what of it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The process, by `kill -9`
    Kill,
    /// The task, by a panic
    Panic,
}

/// One try.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cell {
    pub(crate) store: Kind,
    pub(crate) form: Form,
    pub(crate) end: End,
    pub(crate) point: &'static Point,
}

impl Form {
    pub(crate) const FAULTY: [Self; 2] = [Self::RandomId, Self::AnswersFirst];

    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::OneStatement => "one-statement",
            Self::Remote => "remote",
            Self::RandomId => "random-id",
            Self::AnswersFirst => "answers-first",
        }
    }

    /// Whether a request in this form to this store passes a point.
    fn passes(self, store: Kind, point: &Point) -> bool {
        let commit = point.label.ends_with("commit");
        match self {
            Self::Local if store.has_steps() => true,
            // Claim, effect and answer are committed with the one statement or request.
            Self::Local | Self::OneStatement => commit || point.label.ends_with("send"),
            // A store commits by itself.
            Self::Remote | Self::RandomId | Self::AnswersFirst => !commit,
        }
    }
}

impl End {
    pub(crate) const ALL: [Self; 2] = [Self::Kill, Self::Panic];

    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Kill => "kill -9",
            Self::Panic => "panic",
        }
    }
}

/// Every try that must come out right.
pub(crate) fn cells() -> Vec<Cell> {
    let forms = Kind::ALL.iter().flat_map(|store| store.forms().iter().map(|form| (*store, *form)));
    let rows = forms.flat_map(|(store, form)| End::ALL.map(|end| (store, form, end)));
    rows.flat_map(|(store, form, end)| row(store, form, end)).collect()
}

/// Tries of handlers that are wrong, of which some must not come out right, and one of a point that its request never passes.
pub(crate) fn faulty_cells() -> Vec<Cell> {
    let never = |point: &&'static Point| !Form::OneStatement.passes(Kind::Postgres, point);
    let unreached = POINTS.iter().find(never).map(|point| Cell {
        store: Kind::Postgres,
        form: Form::OneStatement,
        end: End::Kill,
        point,
    });
    let rows = Form::FAULTY.into_iter().flat_map(|form| row(Kind::Sqlite, form, End::Kill));
    unreached.into_iter().chain(rows).collect()
}

fn row(store: Kind, form: Form, end: End) -> impl Iterator<Item = Cell> {
    let points = POINTS.iter().filter(move |point| form.passes(store, point));
    points.map(move |point| Cell { store, form, end, point })
}
