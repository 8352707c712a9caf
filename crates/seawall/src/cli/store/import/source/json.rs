//! JSON lines: an object on each. Lists are joined by commas, objects are kept as JSON, as Keycloak's credentials are.

use std::{io, path::Path};

use seawall_identity::import::Fault;
use serde_json::{Map, Value};

use super::{
    Record,
    text::{MOST_BYTES, Place, TextFile},
};

/// Lines that are looked at for names of columns.
const LOOKED_AT: usize = 100;

/// Bytes of a batch, when its rows are long.
const MOST_BATCH: usize = 4 * 1024 * 1024;

/// A file.
pub(in super::super) struct JsonLines {
    file: TextFile,
    columns: Vec<String>,
    chosen: Vec<String>,
}

impl JsonLines {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let mut file = TextFile::open(path)?;
        let begin = file.place();
        let mut columns: Vec<String> = Vec::new();
        let mut line = Vec::new();
        for _ in 0..LOOKED_AT {
            line.clear();
            if !file.line(&mut line)? {
                break;
            }
            let names = object(&line).into_iter().flat_map(|fields| fields.into_iter().map(|(name, _)| name));
            for name in names {
                if !columns.contains(&name) {
                    columns.push(name);
                }
            }
        }
        file.go_to(begin)?;
        Ok(Self { file, columns, chosen: Vec::new() })
    }

    pub(super) fn path(&self) -> &Path {
        self.file.path()
    }

    pub(super) fn columns(&self) -> &[String] {
        &self.columns
    }

    pub(super) fn choose(&mut self, columns: &[String]) {
        self.chosen = columns.to_vec();
    }

    pub(super) fn go_on(&mut self, position: &str) -> io::Result<Option<()>> {
        Place::parse(position).map(|place| self.file.go_to(place)).transpose()
    }

    pub(super) fn next(&mut self, most: usize) -> io::Result<Vec<Record>> {
        let (mut records, mut bytes) = (Vec::new(), 0);
        let mut line = Vec::new();
        while records.len() < most && bytes < MOST_BATCH {
            let place = self.file.place();
            line.clear();
            if !self.file.line(&mut line)? {
                break;
            }
            bytes += line.len();
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let shown = format!("line {}", place.line);
            let cells = self.cells(&line);
            records.push(Record { position: place.text(), place: shown, after: self.file.place().text(), cells });
        }
        Ok(records)
    }

    pub(super) fn raw(&mut self, position: &str) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        if self.go_on(position)?.is_some() {
            self.file.line(&mut line)?;
        }
        if line.last() != Some(&b'\n') {
            line.push(b'\n');
        }
        Ok(line)
    }

    fn cells(&self, line: &[u8]) -> Result<Vec<Option<String>>, Fault> {
        if line.len() as u64 >= MOST_BYTES {
            return Err(Fault::new("row", "the row has more than 1 MiB"));
        }
        let fields = object(line)
            .ok_or_else(|| Fault::new("row", "the line is no JSON object; one object stands on each line"))?;
        Ok(self.chosen.iter().map(|name| fields.get(name).and_then(cell)).collect())
    }
}

fn object(line: &[u8]) -> Option<Map<String, Value>> {
    serde_json::from_slice(line).ok()
}

fn cell(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(text.clone()),
        Value::Array(items) => Some(items.iter().filter_map(cell).collect::<Vec<_>>().join(",")),
        other => Some(other.to_string()),
    }
}
