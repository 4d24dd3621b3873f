//! Names of columns.

use std::collections::HashSet;

/// Makes names that are there, and each once; says what it changed.
pub(super) fn unique(names: Vec<String>, mut evidence: Option<&mut Vec<String>>) -> Vec<String> {
    let mut taken: HashSet<String> = names.iter().filter(|name| !name.is_empty()).cloned().collect();
    let mut seen = HashSet::new();
    let mut result = Vec::with_capacity(names.len());
    for (index, name) in names.into_iter().enumerate() {
        let number = index + 1;
        let (base, first) = if name.is_empty() { ("column".to_owned(), number) } else { (name.clone(), 2) };
        if !name.is_empty() && seen.insert(name.clone()) {
            result.push(name);
            continue;
        }
        let free =
            (first..).map(|suffix| format!("{base}_{suffix}")).find(|candidate| !taken.contains(candidate));
        let unique = free.unwrap_or(base);
        if let Some(evidence) = evidence.as_deref_mut() {
            evidence.push(match name.as_str() {
                "" => format!("column {number} has no name and is called `{unique}`"),
                name => format!("column {number} is a second `{name}` and is called `{unique}`"),
            });
        }
        taken.insert(unique.clone());
        seen.insert(unique.clone());
        result.push(unique);
    }
    result
}
