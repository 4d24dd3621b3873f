//! The steps of text normalisation.

use recon_domain::Normalize;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::canonical_combining_class;

/// Combining classes from here on are marks above, below and beside letters: accents. Lower classes are
/// vowel signs and other parts of a script that words need.
const ACCENT_CLASS_MIN: u8 = 200;

/// The most words a legal form is spelt in, as in `s. r. o.`.
const FORM_WORDS_MAX: usize = 4;

/// Legal forms of companies, in lower case and without dots.
const LEGAL_FORMS: &[&str] = &[
    "ab",
    "ag",
    "aps",
    "as",
    "asa",
    "bhd",
    "bv",
    "bvba",
    "ca",
    "co",
    "company",
    "corp",
    "corporation",
    "cv",
    "doo",
    "dd",
    "eg",
    "ei",
    "eirl",
    "ek",
    "ev",
    "eurl",
    "gbr",
    "ggmbh",
    "gmbh",
    "inc",
    "incorporated",
    "kft",
    "kg",
    "kgaa",
    "kk",
    "lda",
    "limited",
    "llc",
    "llp",
    "lp",
    "ltd",
    "ltda",
    "mbh",
    "nv",
    "ohg",
    "oy",
    "oyj",
    "plc",
    "private",
    "pt",
    "pte",
    "pty",
    "pvt",
    "sa",
    "sarl",
    "sas",
    "sasu",
    "sca",
    "scs",
    "sdn",
    "se",
    "sl",
    "slu",
    "snc",
    "spa",
    "spzoo",
    "sprl",
    "srl",
    "sro",
    "ug",
    "zrt",
];

/// Words that join two legal forms.
const JOINING_WORDS: &[&str] = &["and", "et", "und"];

/// Applies one step.
pub(super) fn apply(step: Normalize, text: &mut String) {
    match step {
        Normalize::Trim => trim(text),
        Normalize::Upper if text.is_ascii() => text.make_ascii_uppercase(),
        Normalize::Upper => *text = text.to_uppercase(),
        Normalize::Lower if text.is_ascii() => text.make_ascii_lowercase(),
        Normalize::Lower => *text = text.to_lowercase(),
        Normalize::Alphanumeric => text.retain(char::is_alphanumeric),
        Normalize::StripLeadingZeros => strip_leading_zeros(text),
        Normalize::Accents if text.is_ascii() => {}
        Normalize::Accents => *text = without_accents(text),
        Normalize::LegalSuffixes => strip_legal_suffixes(text),
        Normalize::Whitespace => collapse_whitespace(text),
    }
}

fn trim(text: &mut String) {
    text.truncate(text.trim_end().len());
    let start = text.len() - text.trim_start().len();
    text.drain(..start);
}

/// Of zeros alone the last one stays: a zero is a value, an empty cell is none.
fn strip_leading_zeros(text: &mut String) {
    let zeros = text.len() - text.trim_start_matches('0').len();
    let start = if zeros == text.len() { zeros.saturating_sub(1) } else { zeros };
    text.drain(..start);
}

fn collapse_whitespace(text: &mut String) {
    let single = |pair: &[u8]| pair != b"  ";
    if text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
        && text.as_bytes().windows(2).all(single)
    {
        return;
    }
    let mut collapsed = String::with_capacity(text.len());
    for character in text.chars() {
        if !character.is_whitespace() {
            collapsed.push(character);
        } else if !collapsed.ends_with(' ') {
            collapsed.push(' ');
        }
    }
    *text = collapsed;
}

fn without_accents(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.nfd().filter(|mark| canonical_combining_class(*mark) < ACCENT_CLASS_MIN) {
        match undecomposed(character) {
            Some(letters) => plain.push_str(letters),
            None => plain.push(character),
        }
    }
    plain.nfc().collect()
}

/// Letters that Unicode does not take apart, as files without accents write them.
fn undecomposed(letter: char) -> Option<&'static str> {
    let letters = match letter {
        'ß' => "ss",
        'ẞ' => "SS",
        'æ' => "ae",
        'Æ' => "AE",
        'œ' => "oe",
        'Œ' => "OE",
        'ø' => "o",
        'Ø' => "O",
        'ł' => "l",
        'Ł' => "L",
        'đ' => "d",
        'Đ' => "D",
        'ħ' => "h",
        'Ħ' => "H",
        'ı' => "i",
        _ => return None,
    };
    Some(letters)
}

/// Takes legal forms off the end, one after the other; never the whole text.
fn strip_legal_suffixes(text: &mut String) {
    while let Some(end) = end_without_form(text) {
        text.truncate(end);
    }
}

/// Where the text ends once the legal form at its end is gone.
fn end_without_form(text: &str) -> Option<usize> {
    let core = text.trim_end_matches(is_filler);
    let (mut form, mut end) = (String::new(), core.len());
    for count in 0..FORM_WORDS_MAX {
        let before = core[..end].trim_end_matches(is_filler);
        let start = before.rfind(is_separator).map_or(0, |at| at + separator_len(before, at));
        let word: String = before[start..].chars().filter(|c| c.is_alphanumeric()).collect();
        // Only a form spelt letter by letter goes on over several words.
        if start == 0 || (count > 0 && word.chars().count() > 2) {
            return None;
        }
        form.insert_str(0, &word.to_lowercase());
        end = start;
        if LEGAL_FORMS.contains(&form.as_str()) {
            return remaining(&core[..start]);
        }
    }
    None
}

/// The length of what is left before a legal form; `None` if that is nothing.
fn remaining(before: &str) -> Option<usize> {
    let mut kept = before.trim_end_matches(is_filler);
    for joint in JOINING_WORDS {
        let shorter = kept.len().checked_sub(joint.len()).filter(|at| kept.is_char_boundary(*at));
        if let Some(at) = shorter
            && kept[at..].eq_ignore_ascii_case(joint)
            && kept[..at].ends_with(is_separator)
        {
            kept = kept[..at].trim_end_matches(is_filler);
        }
    }
    kept.chars().any(char::is_alphanumeric).then_some(kept.len())
}

fn is_separator(character: char) -> bool {
    character.is_whitespace() || character == ','
}

fn separator_len(text: &str, at: usize) -> usize {
    text[at..].chars().next().map_or(1, char::len_utf8)
}

fn is_filler(character: char) -> bool {
    character.is_whitespace() || matches!(character, '.' | ',' | ';' | '&' | '+' | '-' | '(' | ')')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(step: Normalize, cases: &[(&str, &str)]) {
        for (given, expected) in cases {
            let mut text = (*given).to_owned();
            apply(step, &mut text);
            assert_eq!(text, *expected, "{step}: {given:?}");
        }
    }

    #[test]
    fn every_step_does_what_it_is_called() {
        check(Normalize::Trim, &[(" \u{a0}a b\t", "a b"), ("   ", ""), ("", "")]);
        check(Normalize::Upper, &[("aé1", "AÉ1"), ("straße", "STRASSE")]);
        check(Normalize::Lower, &[("AbC", "abc"), ("ÄÖ", "äö")]);
        check(Normalize::Alphanumeric, &[("A-1/é ü", "A1éü"), ("--", "")]);
        check(Normalize::StripLeadingZeros, &[("0012", "12"), ("000", "0"), ("1001", "1001"), ("", "")]);
        check(Normalize::Accents, &[("Crème Brûlée", "Creme Brulee"), ("Łódź", "Lodz"), ("Weiß", "Weiss")]);
        check(Normalize::Accents, &[("हिन्दी", "हिन्दी"), ("がぎ", "がぎ"), ("plain", "plain")]);
        check(Normalize::Whitespace, &[("a  b\t\nc", "a b c"), (" a ", " a "), ("a\u{2003}b", "a b")]);
    }

    #[test]
    fn legal_forms_go_from_the_end_only() {
        check(
            Normalize::LegalSuffixes,
            &[
                ("Acme Ltd.", "Acme"),
                ("ACME, INC", "ACME"),
                ("Müller GmbH & Co. KG", "Müller"),
                ("Müller und Co", "Müller"),
                ("Novák s. r. o.", "Novák"),
                ("Dupont S.A.R.L.", "Dupont"),
                ("Maersk A/S", "Maersk"),
                ("Inc Magazine", "Inc Magazine"),
                ("GmbH", "GmbH"),
                ("Costco", "Costco"),
                ("The Bread Company Bakery", "The Bread Company Bakery"),
                ("Foo Pty Ltd", "Foo"),
                ("", ""),
            ],
        );
    }
}
