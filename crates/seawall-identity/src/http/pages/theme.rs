//! What the pages look like: one stylesheet, made once, with the operator's own after it; and a logo.

use std::{fs::File, io::Read, path::Path};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::config::{Colour, PageSettings};
use crate::sessions::digest;

const STYLE: &str = include_str!("style.css");

/// The largest file of an operator, in bytes.
const LARGEST: u64 = 256 * 1024;

/// What pages look like.
#[derive(Clone, Debug)]
pub struct Theme {
    /// Whether there are pages beside those that links in mail lead to.
    pub(super) enabled: bool,
    /// What they call the application.
    pub(super) title: String,
    pub(super) style: Served,
    pub(super) logo: Option<Served>,
}

/// A file as browsers get it.
#[derive(Clone, Debug)]
pub(super) struct Served {
    pub(super) kind: &'static str,
    pub(super) bytes: Vec<u8>,
    /// What changes with its bytes, so that browsers can keep it.
    pub(super) version: String,
}

/// A file that cannot be shown.
#[derive(Debug, thiserror::Error)]
#[error("{key} in [identity.pages] names {path}, which cannot be shown: {reason}")]
pub struct ThemeError {
    key: &'static str,
    path: String,
    reason: String,
}

impl Theme {
    /// Reads the files, whose paths begin in `directory`. `application` is what the application is called
    /// where nothing else is said.
    ///
    /// # Errors
    /// [`ThemeError`] when a file cannot be read, is too large or of a kind that no browser shows.
    pub fn load(settings: &PageSettings, application: &str, directory: &Path) -> Result<Self, ThemeError> {
        let own = settings.stylesheet_file.as_ref().map(|file| read("stylesheet_file", &directory.join(file)));
        let logo = settings.logo_file.as_ref().map(|file| {
            let kind = kind(file)?;
            Ok(Served::new(kind, read("logo_file", &directory.join(file))?))
        });
        let (own, logo) = (own.transpose()?, logo.transpose()?);
        let mut style = coloured(settings.colour).into_bytes();
        style.extend(own.unwrap_or_default());
        Ok(Self {
            enabled: settings.enabled,
            title: settings.title.clone().unwrap_or_else(|| application.to_owned()),
            style: Served::new("text/css; charset=utf-8", style),
            logo,
        })
    }

    /// Whether there are pages beside those that links in mail lead to.
    #[must_use]
    pub const fn enabled(&self) -> bool {
        self.enabled
    }
}

impl Served {
    pub(super) fn new(kind: &'static str, bytes: Vec<u8>) -> Self {
        let version = URL_SAFE_NO_PAD.encode(digest(&bytes)).chars().take(16).collect();
        Self { kind, bytes, version }
    }
}

fn coloured(colour: Colour) -> String {
    format!(":root{{--button:{};--on-button:{}}}\n{STYLE}\n", colour.text(), colour.readable())
}

fn kind(name: &str) -> Result<&'static str, ThemeError> {
    let ending = Path::new(name).extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
    match ending.as_deref() {
        Some("svg") => Ok("image/svg+xml"),
        Some("png") => Ok("image/png"),
        Some("webp") => Ok("image/webp"),
        Some("jpg" | "jpeg") => Ok("image/jpeg"),
        _ => {
            let reason = "its name ends neither .svg, .png, .webp nor .jpg".to_owned();
            Err(ThemeError { key: "logo_file", path: name.to_owned(), reason })
        }
    }
}

fn read(key: &'static str, path: &Path) -> Result<Vec<u8>, ThemeError> {
    let failed = |reason: String| ThemeError { key, path: path.display().to_string(), reason };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| failed(error.to_string()))?;
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(|error| failed(error.to_string()))?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > LARGEST {
        return Err(failed(format!("it is larger than {} KiB", LARGEST / 1024)));
    }
    Ok(bytes)
}
