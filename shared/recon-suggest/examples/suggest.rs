//! Prints suggested rules for two files: `cargo run -p recon-suggest --example suggest -- LEFT RIGHT`.
use recon_domain::ReadOptions;
use recon_formats::{Keep, TextReader, mapping::Input};
use std::path::Path;
fn main() {
    let paths: Vec<String> = std::env::args().skip(1).collect();
    let open = |path: &str| {
        TextReader::open(Path::new(path), &ReadOptions::default(), &Keep::Columns(Vec::new())).unwrap()
    };
    let (mut l, mut r) = (open(&paths[0]), open(&paths[1]));
    let found = recon_suggest::suggest(
        Input { source: &mut l, options: ReadOptions::default() },
        Input { source: &mut r, options: ReadOptions::default() },
        &|| true,
    )
    .unwrap();
    println!("{}", recon_suggest::to_toml(&found));
    println!("{:?} {:?} rules: {}", found.expected, found.sample, found.rules.is_some());
}
