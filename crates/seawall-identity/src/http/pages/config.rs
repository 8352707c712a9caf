//! Section `[identity.pages]`.

use seawall_core::settings::{BadSetting, Field, Literal, Raw, Section, Setting, Shape, Values};

const ENABLED: Field<bool> = Field::new(
    "enabled",
    Literal::Flag(true),
    "Whether Seawall shows pages of its own under `PREFIX/auth/pages/` where people sign in, and see and change their account. Off, they are not there, and a browser without a session is answered 401 as programs are; the two pages that links in mail lead to stay.",
)
.needs_restart();
const TITLE: Field<String> = Field::new(
    "title",
    Literal::Unset,
    "What the pages call the application. Unset, it is `authenticator_name` of `[identity]`.",
)
.needs_restart();
const COLOUR: Field<Colour> = Field::new(
    "colour",
    Literal::Text("#1f5fbf"),
    "The colour of buttons, as \"#rrggbb\". What stands on it is black or white, whichever is easier to read.",
)
.needs_restart();
const LOGO_FILE: Field<String> = Field::new(
    "logo_file",
    Literal::Unset,
    "A picture that stands above the pages: a file that ends .svg, .png, .webp or .jpg, of 256 KiB at most. Read at the start.",
)
.needs_restart();
const STYLESHEET_FILE: Field<String> = Field::new(
    "stylesheet_file",
    Literal::Unset,
    "A stylesheet that is applied after Seawall's own, of 256 KiB at most. It can load nothing but the logo. Read at the start.",
)
.needs_restart();

/// The section.
pub static SECTION: Section = Section::new(
    "identity.pages",
    "The pages where people sign in, and see and change their account.",
    &[ENABLED.spec(), TITLE.spec(), COLOUR.spec(), LOGO_FILE.spec(), STYLESHEET_FILE.spec()],
);

/// What the section says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageSettings {
    /// Whether there are pages.
    pub enabled: bool,
    /// What they call the application.
    pub title: Option<String>,
    /// The colour of buttons.
    pub colour: Colour,
    /// The file with the picture.
    pub logo_file: Option<String>,
    /// The file with a stylesheet.
    pub stylesheet_file: Option<String>,
}

impl PageSettings {
    /// Reads it.
    ///
    /// # Errors
    /// [`BadSetting`] when they are not checked settings of the section.
    pub fn read(values: &Values) -> Result<Self, BadSetting> {
        Ok(Self {
            enabled: values.get(&ENABLED)?,
            title: values.find(&TITLE)?,
            colour: values.get(&COLOUR)?,
            logo_file: values.find(&LOGO_FILE)?,
            stylesheet_file: values.find(&STYLESHEET_FILE)?,
        })
    }
}

/// A colour, in sRGB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour([u8; 3]);

impl Colour {
    /// As a stylesheet has it.
    #[must_use]
    pub fn text(self) -> String {
        let Self([red, green, blue]) = self;
        format!("#{red:02x}{green:02x}{blue:02x}")
    }

    /// Black or white, whichever differs more from it: by at least 4.58, more than WCAG 2.2 asks for (1.4.3).
    #[must_use]
    pub fn readable(self) -> &'static str {
        let luminance = self.luminance();
        let (on_white, on_black) = (1.05 / (luminance + 0.05), (luminance + 0.05) / 0.05);
        if on_white >= on_black { "#ffffff" } else { "#000000" }
    }

    /// The relative luminance (WCAG 2.2).
    fn luminance(self) -> f64 {
        let linear = |part: u8| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        let Self([red, green, blue]) = self;
        0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
    }
}

impl Setting for Colour {
    const SHAPE: Shape = Shape::Text("colour", "#1f5fbf");

    fn read(raw: &Raw) -> Result<Self, String> {
        let Raw::Text(text) = raw else { return Err(format!("expected text, found {}", raw.kind())) };
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.is_ascii());
        let part = |at: usize| u8::from_str_radix(digits?.get(at..at + 2)?, 16).ok();
        let sound = digits.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        match (sound, part(0), part(2), part(4)) {
            (true, Some(red), Some(green), Some(blue)) => Ok(Self([red, green, blue])),
            _ => Err(format!("\"{}\" is no colour; write one as \"#1f5fbf\"", text.escape_debug())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_six_digits_and_what_stands_on_them_can_be_read() {
        let read = |text: &str| Colour::read(&Raw::Text(text.to_owned()));
        for (text, on_it) in
            [("#000000", "#ffffff"), ("#FFFFFF", "#000000"), ("#1f5fbf", "#ffffff"), ("#ffcc00", "#000000")]
        {
            let colour = read(text).unwrap();
            assert_eq!((colour.text(), colour.readable()), (text.to_lowercase(), on_it));
        }
        for bad in ["", "red", "#fff", "#12345g", "1f5fbf", "#+1+1+1", "#1f5fb\u{e9}"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
