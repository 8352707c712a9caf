//! The table of stored passwords that others have made: `tests/fixtures/generate.py`.

/// One row.
#[derive(Debug)]
pub(crate) struct Fixture {
    pub(crate) format: &'static str,
    pub(crate) password: &'static str,
    pub(crate) stored: &'static str,
}

/// All rows.
pub(crate) fn all() -> Vec<Fixture> {
    let table = include_str!("../fixtures/passwords.tsv");
    let rows = table.lines().map(|line| {
        let [format, _maker, password, stored] = line.split('\t').collect::<Vec<_>>().try_into().expect("four columns");
        Fixture { format, password, stored }
    });
    rows.collect()
}
