//! Rows of both sides, few enough to try things on, chosen so that rows that belong together are both there.

mod choose;
mod source;

use recon_contract::SampledRows;
use recon_domain::{ReadOptions, RuleSet, Side};
use recon_formats::mapping::Input;
use recon_formats::{BatchSource, Keep, Profile, TextBatch, TextColumn};

use crate::Error;
use crate::evidence::Findings;
use crate::kind::KindOf;
use crate::score::SCORE_MAX;
use choose::Choice;
pub(crate) use source::SampleSource;

/// The most rows of a side that are looked at closely.
pub const SAMPLE_ROWS_MAX: usize = 50_000;
/// The most cells of a side that are looked at closely: of a file with many columns fewer rows.
pub const SAMPLE_CELLS_MAX: usize = 600_000;
/// The most rows of a side, from the first on, among which those are chosen.
pub const SCANNED_ROWS_MAX: u64 = 1_000_000;
/// The most bytes of cells of a side that are held.
pub const SAMPLE_BYTES_MAX: usize = 128 * 1024 * 1024;
/// The most columns of a side that are looked at, from the first on.
pub const SAMPLE_COLUMNS_MAX: usize = 40;

/// Whether to go on.
pub(crate) type GoOn<'a> = &'a (dyn Fn() -> bool + Sync);

/// Some rows of a side, or all of them.
#[derive(Debug)]
pub(crate) struct Sample {
    /// The columns that are looked at.
    pub(crate) header: Vec<String>,
    /// How many more columns the side has.
    pub(crate) unseen: usize,
    /// What all rows show.
    pub(crate) profile: Profile,
    pub(crate) options: ReadOptions,
    pub(crate) rows: TextBatch,
    /// Whether these are all readable rows.
    pub(crate) complete: bool,
}

impl Sample {
    /// The cells of a column, by its place in the header.
    pub(crate) fn cells(&self, column: usize) -> &TextColumn {
        &self.rows.columns[column]
    }

    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }
}

/// How many rows of both sides are looked at.
pub(crate) fn sampled([left, right]: &[Sample; 2]) -> SampledRows {
    let count = |sample: &Sample| u64::try_from(sample.len()).unwrap_or(u64::MAX);
    SampledRows { left: count(left), right: count(right), complete: left.complete && right.complete }
}

/// Says which columns were not looked at, so that nobody takes silence about them for an answer.
pub(crate) fn tell_unseen(samples: &[Sample; 2], findings: &mut Findings) {
    for (side, sample) in ["left", "right"].into_iter().zip(samples).filter(|(_, sample)| sample.unseen > 0) {
        let text = format!(
            "the {side} file has {} columns; {} were looked at, the last {} after `{}` were not",
            sample.header.len() + sample.unseen,
            sample.header.len(),
            sample.unseen,
            sample.header.last().map_or("", String::as_str)
        );
        findings.tell(format!("/{side}"), text, SCORE_MAX);
    }
}

/// Takes a sample of both sides: all rows up to [`SAMPLE_ROWS_MAX`] and [`SAMPLE_CELLS_MAX`]. Of more, those whose values that look like keys
/// have the smallest hashes, which are the same on both sides; against a small side, those that share a value with it
/// come first.
pub(crate) fn both(left: Input<'_>, right: Input<'_>, go_on: GoOn<'_>) -> Result<[Sample; 2], Error> {
    let first = |input: &Input<'_>| input.source.header().iter().take(SAMPLE_COLUMNS_MAX).cloned().collect();
    let (left_columns, right_columns) = (first(&left), first(&right));
    let left = Opened::new(Side::Left, left, left_columns, go_on)?;
    let right = Opened::new(Side::Right, right, right_columns, go_on)?;
    choose_both(left, right)
}

fn choose_both(mut left: Opened<'_, '_>, mut right: Opened<'_, '_>) -> Result<[Sample; 2], Error> {
    let (left_choice, right_choice) = match (left.is_large(), right.is_large()) {
        (false, false) => (Choice::All, Choice::All),
        (true, false) => (left.choose_like(&mut right)?, Choice::All),
        (false, true) => (Choice::All, right.choose_like(&mut left)?),
        (true, true) => {
            let (one, other) = (left.choose(None)?, right.choose(None)?);
            let common = one.threshold().min(other.threshold());
            (one.below(common), other.below(common))
        }
    };
    Ok([left.take(&left_choice)?, right.take(&right_choice)?])
}

/// A side whose rows are still to be chosen.
struct Opened<'a, 'g> {
    side: Side,
    source: &'a mut dyn BatchSource,
    options: ReadOptions,
    header: Vec<String>,
    profile: Profile,
    go_on: GoOn<'g>,
}

impl<'a, 'g> Opened<'a, 'g> {
    fn new(side: Side, input: Input<'a>, header: Vec<String>, go_on: GoOn<'g>) -> Result<Self, Error> {
        let (source, options) = (input.source, input.options);
        let failed = Error::source(side);
        source.keep(&Keep::Columns(header.clone())).map_err(failed)?;
        let watch = |_: u64, _: u64| go_on();
        let profile = source.profile(&watch).map_err(failed)?.ok_or(Error::Cancelled)?;
        Ok(Self { side, source, options, header, profile, go_on })
    }

    /// What the columns are, in the order in which batches have them.
    fn kinds(&self) -> Vec<KindOf> {
        let known = self.header.iter().filter_map(|name| self.profile.column(name));
        known.map(|column| KindOf::of(column, &self.profile, &self.options)).collect()
    }

    /// The most rows that are taken.
    fn rows_max(&self) -> usize {
        SAMPLE_ROWS_MAX.min(SAMPLE_CELLS_MAX / self.header.len().max(1)).max(1)
    }

    fn is_large(&self) -> bool {
        self.profile.rows > u64::try_from(self.rows_max()).unwrap_or(u64::MAX)
    }

    /// Reads from the first row on until `each` has enough or the rows that are scanned at most are over.
    fn scan(&mut self, mut each: impl FnMut(&TextBatch) -> bool) -> Result<(), Error> {
        let failed = Error::source(self.side);
        self.source.keep(&Keep::Columns(self.header.clone())).map_err(failed)?;
        let mut scanned = 0;
        while scanned < SCANNED_ROWS_MAX {
            if !(self.go_on)() {
                return Err(Error::Cancelled);
            }
            let Some(batch) = self.source.next_batch().map_err(failed)? else { break };
            scanned += u64::try_from(batch.len()).unwrap_or(u64::MAX);
            if !each(&batch) {
                break;
            }
        }
        Ok(())
    }

    /// Chooses among many rows; rows with one of these hashes come first.
    fn choose(&mut self, wanted: Option<std::collections::HashSet<u64>>) -> Result<Choice, Error> {
        let mut builder = choose::Builder::new(self.kinds(), self.rows_max(), wanted);
        self.scan(|batch| {
            builder.add(batch);
            true
        })?;
        Ok(builder.finish())
    }

    fn choose_like(&mut self, small: &mut Opened<'_, '_>) -> Result<Choice, Error> {
        let mut hashes = choose::Hashes::new(small.kinds());
        small.scan(|batch| {
            hashes.add(batch);
            true
        })?;
        self.choose(Some(hashes.finish()))
    }

    /// Takes the chosen rows.
    fn take(mut self, choice: &Choice) -> Result<Sample, Error> {
        let rows_max = self.rows_max();
        let columns = vec![TextColumn::default(); self.header.len()];
        let mut rows = TextBatch { columns, ..TextBatch::default() };
        let mut bytes = 0;
        self.scan(|batch| {
            for row in 0..batch.len() {
                if rows.len() == rows_max || bytes > SAMPLE_BYTES_MAX {
                    return false;
                }
                if choice.has(batch, row) {
                    bytes += copy(batch, row, &mut rows);
                }
            }
            true
        })?;
        let complete = u64::try_from(rows.len()) == Ok(self.profile.rows);
        let unseen = self.source.header().len().saturating_sub(self.header.len());
        let Self { header, profile, options, .. } = self;
        Ok(Sample { header, unseen, profile, options, rows, complete })
    }
}

/// Copies a row and returns how many bytes it has.
fn copy(from: &TextBatch, row: usize, to: &mut TextBatch) -> usize {
    to.rows.push(from.rows[row]);
    to.lines.push(from.lines[row]);
    to.contents.push(from.contents[row]);
    let cells = from.columns.iter().zip(&mut to.columns);
    cells
        .map(|(from, to)| {
            let cell = from.get(row);
            to.push(cell);
            cell.len()
        })
        .sum()
}

/// A sample for rules that are known: of the columns that they name, however many there are.
pub(crate) fn of_rules(
    rules: &RuleSet,
    left: Input<'_>,
    right: Input<'_>,
    go_on: GoOn<'_>,
) -> Result<[Sample; 2], Error> {
    let columns = [Side::Left, Side::Right].map(|side| {
        let named = rules.roles.iter().flat_map(|role| role.sources[side as usize].columns());
        let mut columns: Vec<String> = named.map(str::to_owned).collect();
        columns.sort_unstable();
        columns.dedup();
        columns
    });
    let [left_columns, right_columns] = columns;
    let left = Opened::new(Side::Left, left, left_columns, go_on)?;
    let right = Opened::new(Side::Right, right, right_columns, go_on)?;
    choose_both(left, right)
}
