//! The matrix as a table, or as JSON.

use std::time::Duration;

use comfy_table::{LineStyle, Table, TableStyle};
use serde_json::{Value, json};

use crate::cell::{Outcome, Run};
use crate::plan::{End, Form, POINTS};
use crate::stores::Kind;

/// A line under the header, and no other.
const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// Something wrong that a matrix has to find.
pub(crate) struct Fault {
    label: &'static str,
    /// How it was found.
    pub(crate) found: Option<String>,
}

/// What became of the tries that must not come out right.
pub(crate) fn faults(faulty: &[Run]) -> Vec<Fault> {
    let faulty_forms = Form::FAULTY.into_iter().map(|form| {
        let mut runs = faulty.iter().filter(|run| run.cell.form == form);
        let found = runs.find_map(|run| match run.outcome {
            Outcome::Effects(effects) => {
                Some(format!("{effects} effects, {} {}", run.cell.end.label(), run.cell.point.label))
            }
            Outcome::Ok | Outcome::Unreached | Outcome::Failed(_) => None,
        });
        Fault { label: form.label(), found }
    });
    let unreached = faulty.iter().find(|run| run.outcome == Outcome::Unreached);
    let found = unreached.map(|run| format!("{}, {}", name(run), words(&run.outcome)));
    faulty_forms.chain([Fault { label: "a point that nothing passes", found }]).collect()
}

pub(crate) fn print(runs: &[Run], faulty: &[Run], took: Duration) {
    println!("{}", table(runs));
    for run in runs.iter().filter(|run| run.outcome != Outcome::Ok) {
        println!("FAIL {}: {}", name(run), words(&run.outcome));
    }
    for fault in faults(faulty) {
        match fault.found {
            Some(found) => println!("found as it should be: {}, by {found}", fault.label),
            None => println!("NOT FOUND: {}", fault.label),
        }
    }
    let failed = runs.iter().filter(|run| run.outcome != Outcome::Ok).count();
    println!("{} ok, {failed} failed, {:.0} s", runs.len() - failed, took.as_secs_f64());
}

/// A row for each store, form and end that was tried; `-` where a request passes no such point.
fn table(runs: &[Run]) -> Table {
    let mut table = Table::new();
    table.load_style(STYLE);
    let head = ["store", "effect", "end"].into_iter().map(str::to_owned);
    table.set_header(head.chain(POINTS.iter().map(|point| point.label.replace(' ', "\n"))));
    for (store, form, end) in rows() {
        let is = |run: &&Run| (run.cell.store, run.cell.form, run.cell.end) == (store, form, end);
        let tried: Vec<_> = runs.iter().filter(is).collect();
        if tried.is_empty() {
            continue;
        }
        let mut cells = vec![store.label(), form.label(), end.label()];
        cells.extend(POINTS.iter().map(|point| {
            let run = tried.iter().find(|run| run.cell.point == point);
            run.map_or("-", |run| if run.outcome == Outcome::Ok { "ok" } else { "FAIL" })
        }));
        table.add_row(cells);
    }
    table
}

fn rows() -> impl Iterator<Item = (Kind, Form, End)> {
    let forms = Kind::ALL.iter().flat_map(|store| store.forms().iter().map(|form| (*store, *form)));
    forms.flat_map(|(store, form)| End::ALL.map(|end| (store, form, end)))
}

fn name(run: &Run) -> String {
    let cell = &run.cell;
    format!("{} {}, {} {}", cell.store.label(), cell.form.label(), cell.end.label(), cell.point.label)
}

fn words(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Ok => "ok".to_owned(),
        Outcome::Effects(effects) => format!("{effects} effects"),
        Outcome::Unreached => "the point was never reached".to_owned(),
        Outcome::Failed(reason) => reason.clone(),
    }
}

pub(crate) fn json(runs: &[Run], faulty: &[Run], took: Duration) -> Value {
    let cell = |run: &Run| {
        json!({
            "store": run.cell.store.label(), "effect": run.cell.form.label(), "end": run.cell.end.label(),
            "point": run.cell.point.label, "ok": run.outcome == Outcome::Ok, "outcome": words(&run.outcome),
            "milliseconds": u64::try_from(run.took.as_millis()).unwrap_or(u64::MAX),
        })
    };
    let faults = faults(faulty).into_iter();
    let faults: Vec<_> = faults.map(|fault| json!({ "fault": fault.label, "found": fault.found })).collect();
    json!({
        "cells": runs.iter().map(cell).collect::<Vec<_>>(),
        "faults": faults,
        "seconds": took.as_secs(),
    })
}
