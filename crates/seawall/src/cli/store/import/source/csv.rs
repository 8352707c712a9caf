//! CSV as RFC 4180 has it: quoted fields may hold separators, line breaks and doubled quotes. The separator is that of the header.

use std::{io, path::Path};

use seawall_identity::import::Fault;

use super::{
    Record,
    text::{MOST_BYTES, Place, TextFile},
};

/// Bytes of a batch, when its rows are long.
const MOST_BATCH: usize = 4 * 1024 * 1024;

/// A file with a header, or whose columns were told.
pub(in super::super) struct Csv {
    file: TextFile,
    columns: Vec<String>,
    header: Vec<u8>,
    separator: u8,
    chosen: Vec<usize>,
}

impl Csv {
    pub(super) fn open(path: &Path, told: &[String]) -> io::Result<Self> {
        let mut file = TextFile::open(path)?;
        let begin = file.place();
        let mut header = Vec::new();
        let wrong = |fault: Fault| io::Error::other(format!("its header: {}", fault.reason));
        take(&mut file, &mut header)?.map_err(wrong)?;
        let separator = separator(&header);
        let columns = if told.is_empty() {
            let named = fields(&header, separator).map_err(wrong)?;
            named.into_iter().map(|name| name.trim().to_owned()).collect()
        } else {
            file.go_to(begin)?;
            header.clear();
            told.to_vec()
        };
        Ok(Self { file, columns, header, separator, chosen: Vec::new() })
    }

    pub(super) fn path(&self) -> &Path {
        self.file.path()
    }

    pub(super) fn columns(&self) -> &[String] {
        &self.columns
    }

    pub(super) fn header(&self) -> Vec<u8> {
        ended(self.header.clone())
    }

    pub(super) fn choose(&mut self, columns: &[String]) {
        let place = |name: &String| self.columns.iter().position(|column| column == name);
        self.chosen = columns.iter().filter_map(place).collect();
    }

    pub(super) fn go_on(&mut self, position: &str) -> io::Result<Option<()>> {
        Place::parse(position).map(|place| self.file.go_to(place)).transpose()
    }

    pub(super) fn next(&mut self, most: usize) -> io::Result<Vec<Record>> {
        let (mut records, mut bytes) = (Vec::new(), 0);
        let mut raw = Vec::new();
        while records.len() < most && bytes < MOST_BATCH {
            let place = self.file.place();
            raw.clear();
            let whole = take(&mut self.file, &mut raw)?;
            if raw.is_empty() {
                break;
            }
            bytes += raw.len();
            if raw.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let cells = whole.and_then(|()| self.cells(&raw));
            let shown = format!("line {}", place.line);
            records.push(Record { position: place.text(), place: shown, after: self.file.place().text(), cells });
        }
        Ok(records)
    }

    pub(super) fn raw(&mut self, position: &str) -> io::Result<Vec<u8>> {
        let mut raw = Vec::new();
        if self.go_on(position)?.is_some() {
            // Torn as it may be, it goes back as it is.
            let _whole = take(&mut self.file, &mut raw)?;
        }
        Ok(ended(raw))
    }

    fn cells(&self, raw: &[u8]) -> Result<Vec<Option<String>>, Fault> {
        let fields = fields(raw, self.separator)?;
        if fields.len() != self.columns.len() {
            let reason = format!(
                "the row has {} fields and there are {} columns; quote fields that hold a separator",
                fields.len(),
                self.columns.len()
            );
            return Err(Fault::new("row", reason));
        }
        Ok(self.chosen.iter().map(|&place| fields.get(place).filter(|field| !field.is_empty()).cloned()).collect())
    }
}

/// Takes one row, which ends at a line break outside quotes. After a quote that is never closed it is the first line alone.
fn take(file: &mut TextFile, raw: &mut Vec<u8>) -> io::Result<Result<(), Fault>> {
    let mut first = None;
    while file.line(raw)? {
        if raw.iter().filter(|&&byte| byte == b'"').count() % 2 == 0 {
            let fits = (raw.len() as u64) < MOST_BYTES;
            return Ok(fits.then_some(()).ok_or_else(|| Fault::new("row", "the row has more than 1 MiB")));
        }
        first.get_or_insert((raw.len(), file.place()));
        if raw.len() as u64 >= MOST_BYTES {
            break;
        }
    }
    let Some((length, place)) = first else { return Ok(Ok(())) };
    raw.truncate(length);
    file.go_to(place)?;
    Ok(Err(Fault::new("row", "a quote is opened and never closed; double the quotes inside fields")))
}

/// The fields of a row.
fn fields(raw: &[u8], separator: u8) -> Result<Vec<String>, Fault> {
    let text =
        std::str::from_utf8(raw).map_err(|_| Fault::new("row", "the row is not UTF-8; convert the file first"))?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    let mut rest = text.strip_suffix('\r').unwrap_or(text);
    let mut fields = Vec::new();
    loop {
        let (field, after) = match rest.strip_prefix('"') {
            Some(quoted) => unquoted(quoted)?,
            None => {
                let (field, after) = rest.split_at(rest.find(char::from(separator)).unwrap_or(rest.len()));
                (field.to_owned(), after)
            }
        };
        fields.push(field);
        match after.strip_prefix(char::from(separator)) {
            Some(next) => rest = next,
            None if after.is_empty() => return Ok(fields),
            None => {
                return Err(Fault::new(
                    "row",
                    "something stands behind a closing quote; double the quotes inside fields",
                ));
            }
        }
    }
}

/// A field up to its closing quote, and what follows.
fn unquoted(text: &str) -> Result<(String, &str), Fault> {
    let mut field = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('"') {
        field.push_str(before);
        match after.strip_prefix('"') {
            Some(next) => {
                field.push('"');
                rest = next;
            }
            None => return Ok((field, after)),
        }
    }
    Err(Fault::new("row", "a quote is opened and never closed; double the quotes inside fields"))
}

/// What stands between the names of a header most often.
fn separator(header: &[u8]) -> u8 {
    let count = |separator: u8| header.iter().filter(|&&byte| byte == separator).count();
    [b',', b';', b'\t'].into_iter().rev().max_by_key(|&separator| count(separator)).unwrap_or(b',')
}

fn ended(mut raw: Vec<u8>) -> Vec<u8> {
    if !raw.is_empty() && raw.last() != Some(&b'\n') {
        raw.push(b'\n');
    }
    raw
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<Vec<String>> {
        let directory = seawall_testkit::TemporaryDirectory::new();
        let path = directory.path().join("a.csv");
        std::fs::write(&path, text).unwrap();
        let mut csv = Csv::open(&path, &[]).unwrap();
        csv.choose(&csv.columns.clone());
        let records = csv.next(100).unwrap();
        let shown = |cells: Result<Vec<Option<String>>, Fault>| match cells {
            Ok(cells) => cells.into_iter().map(Option::unwrap_or_default).collect(),
            Err(fault) => vec![format!("! {}", fault.reason)],
        };
        records.into_iter().map(|record| [vec![record.place], shown(record.cells)].concat()).collect()
    }

    #[test]
    fn rows_are_read_as_rfc_4180_has_them() {
        let text = "\u{feff}name,note\r\nann,\"a, \"\"b\"\"\r\nc\"\r\n\r\nbob,\n";
        assert_eq!(read(text), [vec!["line 2", "ann", "a, \"b\"\r\nc"], vec!["line 5", "bob", ""]]);
        assert_eq!(read("name;mail\nann;a,b\n"), [vec!["line 2", "ann", "a,b"]]);
        assert_eq!(read("name\tmail\nann\ta@b\n"), [vec!["line 2", "ann", "a@b"]]);
    }

    #[test]
    fn a_quote_that_is_never_closed_takes_its_own_line_alone() {
        let rows = read("name,note\nann,\"open\nbob,fine\ncid,x,y\n");
        assert!(rows[0][1].contains("never closed"), "{rows:?}");
        assert_eq!(rows[1], ["line 3", "bob", "fine"]);
        assert!(rows[2][1].contains("3 fields and there are 2 columns"), "{rows:?}");
    }
}
