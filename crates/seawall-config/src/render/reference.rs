//! The reference: one Markdown table for each section.

use std::fmt::Write as _;

use seawall_core::settings::FieldSpec;

use crate::{
    schema::{ROUTE, Schema, file_key},
    top, words,
};

const HEAD: &str = "\
# Configuration reference

Later layers win: defaults, the preset, the file, `.env`, environment variables (`SEAWALL__SECTION__KEY`, or
`SEAWALL__KEY` for keys at the top), the command line. A secret `x` can be kept in a file of its own with `x_file`.
";

/// The reference as Markdown.
#[must_use]
pub fn reference(schema: &Schema) -> String {
    let mut out = HEAD.to_owned();
    for section in &schema.sections {
        let title =
            if section.name.is_empty() { "Keys at the top".to_owned() } else { format!("`[{}]`", section.name) };
        let _ = write!(out, "\n## {title}\n\n{}\n", section.documentation);
        if section.routes {
            out.push_str("\nA route may differ.\n");
        }
        fields(&mut out, section.fields);
        if let Some(entries) = section.entries {
            let _ = write!(out, "\n### `[{}.NAME]`\n\nNamed entries of `[{}]`.\n", section.name, section.name);
            fields(&mut out, entries);
        }
    }
    routes(&mut out, schema);
    presets(&mut out, schema);
    aliases(&mut out, schema);
    out
}

fn fields(out: &mut String, fields: &[FieldSpec]) {
    if fields.is_empty() {
        return;
    }
    out.push_str("\n| Key | Value | Default | Between | Change | What it does |\n|---|---|---|---|---|---|\n");
    for field in fields {
        let key = if field.secret() {
            format!("`{}` or `{}`", field.key, file_key(field.key))
        } else {
            format!("`{}`", field.key)
        };
        let default = words::default(field).map_or_else(|| "not set".to_owned(), |default| format!("`{default}`"));
        let between = field.between.map(|(least, most)| format!("{least} and {most}")).unwrap_or_default();
        let change = if field.reloadable { "reload" } else { "restart" };
        let cells = [&key, &words::form(&field.shape), &default, &between, change, field.documentation];
        let cells: Vec<_> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
        let _ = writeln!(out, "| {} |", cells.join(" | "));
    }
}

fn routes(out: &mut String, schema: &Schema) {
    let names = words::names(schema.tables().filter(|section| section.routes).map(|section| section.name));
    let _ = write!(
        out,
        "\n## `[{ROUTE}.\"METHOD /path\"]`\n\nA route's table is named by its methods (divided by `|`; none means any) \
         and its path, in which `{{name}}` stands for one segment and a final `*` for everything below. It may hold \
         `{}` for the whole route, and these sections: {names}.\n",
        top::ROUTE_MODE.key
    );
}

fn presets(out: &mut String, schema: &Schema) {
    if schema.presets.is_empty() {
        return;
    }
    out.push_str("\n## Presets\n");
    for preset in &schema.presets {
        let _ = write!(
            out,
            "\n### `{}`\n\n{}\n\n```toml\n{}\n```\n",
            preset.name,
            preset.documentation,
            preset.toml.trim()
        );
    }
}

fn aliases(out: &mut String, schema: &Schema) {
    if schema.aliases.is_empty() {
        return;
    }
    out.push_str("\n## Variables with names of their own\n\n| Variable | Stands for |\n|---|---|\n");
    for alias in &schema.aliases {
        let _ = writeln!(out, "| `{}` | `{}` in `[{}]` |", alias.variable, alias.key, alias.section);
    }
}
