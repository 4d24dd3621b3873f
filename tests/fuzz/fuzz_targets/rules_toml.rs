//! Any text is a rule document or names its faults; what is read can be written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use recon_contract::rules;

fuzz_target!(|text: &str| {
    let Ok(document) = rules::toml_to_json(text) else { return };
    match rules::from_json(&document) {
        Ok(rules) => {
            let written = rules::to_toml(&document);
            let again = rules::from_toml(&written).unwrap_or_else(|faults| panic!("{faults}\n{written}"));
            assert_eq!(format!("{again:?}"), format!("{rules:?}"), "{written}");
        }
        Err(faults) => assert!(!faults.0.is_empty()),
    }
});
