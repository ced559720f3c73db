//! The rooms of this crate know each other in one direction only, as README.md states.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Names in the table of README.md, in its order: `config`, `endpoint`, `history`.
fn rooms(readme: &str) -> Vec<String> {
    let cells = readme.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let names = cells.filter_map(|cell| cell.strip_suffix('/').or(cell.strip_suffix(".rs")));
    names.map(str::to_owned).collect()
}

/// The code of a file without its tests and comments.
fn code(file: &Path) -> String {
    let text = fs::read_to_string(file).expect("a source file");
    let (code, _) = text.split_once("#[cfg(test)]").unwrap_or((&text, ""));
    code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The files of a folder and of the folders in it. A missing folder has no files.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn each_room_knows_only_those_above_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).expect("a readme");
    let rooms = rooms(&readme);
    let entries = fs::read_dir(root.join("src")).expect("a folder");
    let names: BTreeSet<String> = entries
        .filter_map(|entry| {
            entry.expect("an entry").path().file_stem()?.to_str().map(str::to_owned)
        })
        .filter(|name| name != "lib" && name != "tests")
        .collect();
    assert_eq!(rooms.iter().cloned().collect::<BTreeSet<_>>(), names, "the table of README.md");
    for (place, room) in rooms.iter().enumerate() {
        let folder = root.join("src").join(room);
        for file in files(&folder).into_iter().chain([folder.with_extension("rs")]) {
            let text = code(&file);
            assert!(!text.contains("super::super"), "{} leaves its room", file.display());
            for known in text.split("crate::").skip(1) {
                let known = known.split(|c: char| !c.is_alphanumeric() && c != '_').next();
                let known = known.unwrap_or_default();
                let is_above = rooms[..=place].iter().any(|room| room == known);
                assert!(is_above, "{} knows {known}", file.display());
            }
        }
    }
}
