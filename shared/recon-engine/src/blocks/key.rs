//! Keys of blocks: several columns as one number, exactly.

use rayon::prelude::*;

use super::Keyed;
use crate::Cancelled;
use crate::input::Input;
use crate::number::{count, index};
use crate::progress::Watch;

/// Gives classes of both sides keys that are equal exactly if the currency (where it counts) and the
/// cells of these roles are. Classes with an empty cell among them are left out.
///
/// The cells are put one after the other in as few bits as their column needs. What no longer fits 64
/// bits is numbered anew, in the order of its values.
pub(crate) fn keys(
    input: &Input<'_>,
    roles: &[usize],
    currency: bool,
    classes: [&[u32]; 2],
    watch: &Watch<'_>,
) -> Result<[Vec<Keyed>; 2], Cancelled> {
    watch.ask()?;
    let full = |side: usize, class: u32| {
        roles.iter().all(|role| input.column(side, *role).code(index(class)).is_some())
    };
    let mut keyed = [0, 1].map(|side| {
        let classes = classes[side].par_iter().filter(|class| full(side, **class));
        classes.map(|class| (0_u64, *class)).collect::<Vec<Keyed>>()
    });
    let mut bits = 0;
    if currency {
        let code = |side, class| currency_code(input.currency(side, class).as_str());
        add(&mut keyed, &mut bits, code, watch)?;
    }
    for role in roles {
        let code = |side, class| input.column(side, *role).code(index(class)).unwrap_or(i128::MIN);
        add(&mut keyed, &mut bits, code, watch)?;
    }
    watch.ask()?;
    Ok(keyed)
}

/// Three letters as a number.
fn currency_code(code: &str) -> i128 {
    code.bytes().fold(0, |number, letter| number * 26 + i128::from(letter.saturating_sub(b'A')))
}

/// Adds a column to the keys, which use their lowest `bits`.
fn add(
    keyed: &mut [Vec<Keyed>; 2],
    bits: &mut u32,
    code: impl Fn(usize, u32) -> i128 + Sync,
    watch: &Watch<'_>,
) -> Result<(), Cancelled> {
    watch.ask()?;
    let codes =
        |side: usize| keyed[side].par_iter().map(|(_, class)| code(side, *class)).collect::<Vec<i128>>();
    let codes = [0, 1].map(codes);
    let all = || codes[0].par_iter().chain(&codes[1]);
    let (Some(least), Some(most)) = (all().min(), all().max()) else { return Ok(()) };
    let range = most.wrapping_sub(*least).cast_unsigned();
    let needed = u128::BITS - range.leading_zeros();
    if needed + *bits <= u64::BITS {
        append(keyed, *bits, |side, place| {
            u64::try_from(codes[side][place].wrapping_sub(*least).cast_unsigned()).unwrap_or(u64::MAX)
        });
        *bits += needed;
        return Ok(());
    }
    watch.ask()?;
    let known = numbered(keyed[0].par_iter().chain(&keyed[1]).map(|(key, _)| *key).collect());
    for side in keyed.iter_mut() {
        side.par_iter_mut().for_each(|(key, _)| *key = number_of(&known, key));
    }
    watch.ask()?;
    let values = numbered(all().copied().collect());
    watch.ask()?;
    *bits = width(known.len());
    append(keyed, *bits, |side, place| number_of(&values, &codes[side][place]));
    *bits += width(values.len());
    Ok(())
}

fn append(keyed: &mut [Vec<Keyed>; 2], bits: u32, code: impl Fn(usize, usize) -> u64 + Sync) {
    for (side, classes) in keyed.iter_mut().enumerate() {
        classes.par_iter_mut().enumerate().for_each(|(place, (key, _))| {
            *key |= code(side, place).checked_shl(bits).unwrap_or(0);
        });
    }
}

fn numbered<T: Ord + Send>(mut values: Vec<T>) -> Vec<T> {
    values.par_sort_unstable();
    values.dedup();
    values
}

fn number_of<T: Ord>(values: &[T], value: &T) -> u64 {
    count(values.partition_point(|other| other < value))
}

fn width(values: usize) -> u32 {
    usize::BITS - values.leading_zeros()
}
