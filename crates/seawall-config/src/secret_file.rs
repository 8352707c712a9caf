//! Secrets that are kept in files of their own: `token_file = "/run/secrets/token"`.

use std::{
    io,
    path::{Path, PathBuf},
};

use seawall_core::settings::Raw;

use crate::{
    check,
    diagnostics::{Code, Diagnostic, Problems},
    layer::Content,
    merge::{Cell, Merged},
    words,
};

/// Largest file that can hold a secret, in bytes.
const LARGEST: usize = 64 * 1024;

/// Where files are and how they are read.
pub(crate) struct Files<'a> {
    /// The directory that relative paths start from.
    pub(crate) directory: PathBuf,
    pub(crate) read: &'a dyn Fn(&Path) -> io::Result<String>,
}

/// Reads every secret that a file holds, if no later layer took its place.
pub(crate) fn read_all(merged: &mut Merged, files: &Files<'_>, problems: &mut Problems) {
    for (name, sheet) in &mut merged.sections {
        read_sheet(name, sheet.values_mut(), files, problems);
    }
    for (name, entries) in &mut merged.entries {
        for entry in entries {
            read_sheet(&format!("{name}.{}", entry.name), entry.sheet.values_mut(), files, problems);
        }
    }
    for route in &mut merged.routes {
        for (name, sheet) in &mut route.sheets {
            read_sheet(name, sheet.values_mut(), files, problems);
        }
    }
}

fn read_sheet<'c>(table: &str, cells: impl Iterator<Item = &'c mut Cell>, files: &Files<'_>, problems: &mut Problems) {
    for cell in cells {
        let Content::File(path) = &cell.content else { continue };
        let full = files.directory.join(path);
        let key = if table.is_empty() { cell.field.key.to_owned() } else { format!("{table}.{}", cell.field.key) };
        let content = match (files.read)(&full) {
            Ok(text) if text.len() > LARGEST => {
                problems.add(|| unusable(cell, &key, &format!("{} is larger than 64 KiB", full.display())));
                Content::Wrong
            }
            Ok(text) => checked(cell, &key, &full, text, problems),
            Err(error) => {
                problems.add(|| unusable(cell, &key, &reason(&full, &error)));
                Content::Wrong
            }
        };
        cell.file = Some(path.clone());
        cell.content = content;
    }
}

fn checked(cell: &Cell, key: &str, path: &Path, mut text: String, problems: &mut Problems) -> Content {
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    let raw = Raw::Text(text);
    let faults = check::faults(cell.field, &raw);
    for fault in &faults {
        problems.add(|| unusable(cell, key, &format!("{}: {}", path.display(), fault.reason)));
    }
    if faults.is_empty() { Content::Given(raw) } else { Content::Wrong }
}

fn unusable(cell: &Cell, key: &str, reason: &str) -> Diagnostic {
    Diagnostic::new(Code::SecretFile, format!("{key}: {reason}")).at_value(&cell.place, "named here").help(format!(
        "the file holds the secret and nothing else; a relative path starts at the configuration file. {}",
        words::field_help(cell.field)
    ))
}

fn reason(path: &Path, error: &io::Error) -> String {
    let path = path.display();
    match error.kind() {
        io::ErrorKind::NotFound => format!("the file {path} does not exist"),
        io::ErrorKind::PermissionDenied => format!("the file {path} may not be read by this user"),
        io::ErrorKind::IsADirectory => format!("{path} is a directory"),
        io::ErrorKind::InvalidData => format!("the file {path} is not UTF-8 text"),
        _ => format!("the file {path} cannot be read: {error}"),
    }
}
