//! A database: rows in the order of a key, a page in memory at a time.

use seawall_identity::import::{Fault, Fingerprint};
use seawall_store::{
    DatabaseUrl,
    foreign::{ForeignError, ForeignKey, ForeignRow, ForeignSource, ForeignValue, Select},
};
use serde_json::{Map, Value};

use super::Record;

/// Rows of a database.
pub(in super::super) struct Database {
    source: ForeignSource,
    name: String,
    select: String,
    key: Option<String>,
    after: Option<ForeignKey>,
}

impl Database {
    pub(super) async fn open(url: &DatabaseUrl, select: &Select, key: Option<&str>) -> Result<Self, ForeignError> {
        let source = ForeignSource::open(url, select).await?;
        let select = match select {
            Select::Table(name) | Select::Query(name) => name.clone(),
        };
        Ok(Self { source, name: url.to_string(), select, key: key.map(str::to_owned), after: None })
    }

    pub(super) fn columns(&self) -> Vec<String> {
        self.source.columns().map(str::to_owned).collect()
    }

    /// Rows come in the order of the column that was named, of the primary key, or else of the other system's id.
    pub(super) async fn choose(&mut self, columns: &[String], id: Option<&str>) -> Result<(), ForeignError> {
        let names: Vec<&str> = columns.iter().map(String::as_str).collect();
        let key = self.key.as_deref().or(id.filter(|_| self.source.own_key().is_none()));
        self.source.choose(&names, key).await
    }

    pub(super) fn go_on(&mut self, position: &str) -> Option<()> {
        self.after = Some(ForeignKey::parse(position)?);
        Some(())
    }

    pub(super) async fn next(&mut self, most: usize) -> Result<Vec<Record>, ForeignError> {
        let most = u32::try_from(most).unwrap_or(u32::MAX);
        let rows = self.source.page(self.after.as_ref(), most).await?;
        if let Some(last) = rows.last() {
            self.after = Some(last.key.clone());
        }
        Ok(rows.iter().map(|row| self.record(row)).collect())
    }

    pub(super) async fn raw(&mut self, position: &str) -> Result<Vec<u8>, ForeignError> {
        let row = match ForeignKey::parse(position) {
            Some(key) => self.source.row(&key).await?,
            None => None,
        };
        // A row that is gone meanwhile is no user any more.
        let Some(row) = row else { return Ok(Vec::new()) };
        let fields = self.source.chosen().zip(&row.values).map(|(name, value)| (name.to_owned(), json(value)));
        let mut line = Value::Object(Map::from_iter(fields)).to_string().into_bytes();
        line.push(b'\n');
        Ok(line)
    }

    pub(super) fn fingerprint(&self) -> Fingerprint {
        let key = self.source.key().unwrap_or_default();
        Fingerprint::default().with("database").with(&self.name).with(&self.select).with(key)
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) async fn total(&mut self) -> Result<u64, ForeignError> {
        self.source.count().await
    }

    fn record(&self, row: &ForeignRow) -> Record {
        let cell = |(name, value): (&str, &ForeignValue)| {
            let text = value.text().map_err(|_| Fault::new(name, "the value is bytes that are no text"))?;
            Ok(text.filter(|text| !text.is_empty()))
        };
        let (position, shown) = (row.key.to_string(), row.key.shown());
        let place = format!("{} {shown}", self.source.key().unwrap_or("key"));
        let cells = self.source.chosen().zip(&row.values).map(cell).collect();
        Record { after: position.clone(), position, place, cells }
    }
}

fn json(value: &ForeignValue) -> Value {
    match value {
        ForeignValue::Null => Value::Null,
        ForeignValue::Bool(flag) => (*flag).into(),
        ForeignValue::Integer(number) => (*number).into(),
        ForeignValue::Real(number) => (*number).into(),
        ForeignValue::Text(text) => text.as_str().into(),
        ForeignValue::Bytes(bytes) => String::from_utf8_lossy(bytes).into(),
    }
}
