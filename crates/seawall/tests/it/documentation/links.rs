//! Every relative link leads to a file that is there, and to a heading in it.

use std::path::{Component, Path, PathBuf};

use super::markdown::{Page, pages};
use crate::applications::tools::repository;

#[test]
fn every_relative_link_leads_somewhere() {
    let pages = pages();
    let mut broken = Vec::new();
    let mut followed = 0;
    for page in &pages {
        for (line, target) in page.links() {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            followed += 1;
            if let Err(why) = follow(&pages, page, &target) {
                broken.push(format!("{}:{line}: {target}: {why}", page.path.display()));
            }
        }
    }
    assert!(followed > 20, "only {followed} links were found");
    assert!(broken.is_empty(), "broken links:\n{}", broken.join("\n"));
}

fn follow(pages: &[Page], from: &Page, target: &str) -> Result<(), &'static str> {
    let (path, heading) = target.split_once('#').map_or((target, None), |(path, heading)| (path, Some(heading)));
    let file = if path.is_empty() { from.path.clone() } else { resolve(from.path.parent(), path) };
    if !repository().join(&file).exists() {
        return Err("there is no such file");
    }
    let Some(heading) = heading else { return Ok(()) };
    let page = pages.iter().find(|page| page.path == file).ok_or("it is no Markdown file with headings")?;
    if page.anchors().iter().any(|anchor| anchor == heading) { Ok(()) } else { Err("it has no such heading") }
}

/// The path without `..`, relative to the repository.
fn resolve(folder: Option<&Path>, path: &str) -> PathBuf {
    let mut resolved = PathBuf::new();
    for part in folder.unwrap_or(Path::new("")).join(path).components() {
        match part {
            Component::ParentDir => {
                resolved.pop();
            }
            Component::CurDir => {}
            part => resolved.push(part),
        }
    }
    resolved
}
