//! What sections demand between their fields and in an environment, located at what was written.

use seawall_core::{
    Environment,
    settings::{Complaint, Section, Situation, Values},
};

use crate::{
    diagnostics::{Code, Diagnostic, Problems},
    layer::{Content, variable_of},
    merge::{self, Merged, Sheet},
    place::Place,
    schema::{Schema, file_key},
    words,
};

/// Asks every section, for the global values, for each entry and for each route that changes something.
pub(crate) fn check(schema: &Schema, merged: &Merged, environment: Environment, problems: &mut Problems) {
    let nothing = Sheet::new();
    for section in &schema.sections {
        let sheet = merged.sections.get(section.name).unwrap_or(&nothing);
        let entries = merged.entries.get(section.name).map(Vec::as_slice).unwrap_or_default();
        let situation = Situation { environment, written: !sheet.is_empty() || !entries.is_empty() };
        let values = merge::over(Values::defaults(section), sheet);
        let complaints = if merge::wrong(sheet) { Vec::new() } else { (section.demands)(&values, &situation) };
        for complaint in &complaints {
            problems.add(|| {
                let header = merged.headers.get(section.name).map(|place| (place, "in this section"));
                Scene { section, entry: None, sheet, table: header }.diagnostic(complaint)
            });
        }
        let fields = section.entries.unwrap_or_default();
        for entry in entries.iter().filter(|entry| !merge::wrong(&entry.sheet)) {
            let values = merge::over(Values::of_defaults(fields), &entry.sheet);
            for complaint in (section.entry_demands)(&entry.name, &values, &situation) {
                let table = Some((&entry.place, "in this entry"));
                let scene = Scene { section, entry: Some(&entry.name), sheet: &entry.sheet, table };
                problems.add(|| scene.diagnostic(&complaint));
            }
        }
        if !merge::wrong(sheet) {
            routes(section, merged, &values, &situation, &complaints, problems);
        }
    }
}

/// A route's own values may break a demand that the global ones keep.
fn routes(
    section: &Section,
    merged: &Merged,
    global: &Values,
    situation: &Situation,
    known: &[Complaint],
    problems: &mut Problems,
) {
    for route in &merged.routes {
        let Some(sheet) = route.sheets.get(section.name).filter(|sheet| !merge::wrong(sheet)) else { continue };
        let values = merge::over(global.clone(), sheet);
        for complaint in (section.demands)(&values, &Situation { written: true, ..*situation }) {
            let own = complaint.key.is_some_and(|key| sheet.contains_key(key));
            if own || !known.contains(&complaint) {
                let scene = Scene { section, entry: None, sheet, table: Some((&route.place, "in this route")) };
                problems.add(|| scene.diagnostic(&complaint));
            }
        }
    }
}

/// Where a complaint may point.
struct Scene<'a> {
    section: &'a Section,
    entry: Option<&'a str>,
    sheet: &'a Sheet,
    table: Option<(&'a Place, &'a str)>,
}

impl Scene<'_> {
    fn diagnostic(&self, complaint: &Complaint) -> Diagnostic {
        let subject = match complaint.key {
            Some(key) => words::path(self.section, self.entry, key),
            None => words::path(self.section, self.entry, ""),
        };
        let what = self.discreet(&complaint.what);
        let message = if subject.is_empty() { what } else { format!("{subject}: {what}") };
        let help = self.discreet(&complaint.help);
        let diagnostic = Diagnostic::new(Code::Demand, message);
        match (complaint.key.and_then(|key| self.sheet.get(key)), self.table) {
            (Some(cell), _) => diagnostic.help(help).at_value(&cell.place, "this value"),
            (None, Some((place, label))) => diagnostic.help(help).at_key(place, label),
            (None, None) => {
                diagnostic.help(format!("{}{}", help.trim_end_matches('.'), self.where_to_write(complaint.key)))
            }
        }
    }

    /// Nothing that was written can be pointed at, so this says where the missing value goes.
    fn where_to_write(&self, key: Option<&str>) -> String {
        let Some(field) = key.and_then(|key| self.section.field(key)) else { return String::new() };
        let key = field.key;
        let file = if field.secret() { format!(" or {}", file_key(key)) } else { String::new() };
        let variable = variable_of(self.section, key);
        format!("; write it as {key}{file} in {}, or set {variable}", words::section(self.section))
    }

    /// The sentence without any secret of the table.
    fn discreet(&self, sentence: &str) -> String {
        let secrets = self.sheet.values().filter(|cell| words::hidden(&cell.field.shape));
        secrets.fold(sentence.to_owned(), |sentence, cell| match &cell.content {
            Content::Given(raw) => words::without(&sentence, raw),
            Content::File(_) | Content::Wrong => sentence,
        })
    }
}
