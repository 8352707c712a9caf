//! Words that others know of a user: a password must not mostly consist of them.

/// Shorter words are in too many good passwords to say anything.
const LEAST_CHARACTERS: usize = 3;
const MOST_BYTES: usize = 320;
const MOST_WORDS: usize = 32;

/// What is known of who chooses a password: names, the e-mail address, the site.
#[derive(Clone, Debug, Default)]
pub struct PasswordContext {
    words: Vec<String>,
}

impl PasswordContext {
    /// Nothing is known.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With a user name or another name of the user.
    #[must_use]
    pub fn name(self, name: &str) -> Self {
        self.with(name)
    }

    /// With what stands before the `@`.
    #[must_use]
    pub fn email(self, email: &str) -> Self {
        self.with(email.rsplit_once('@').map_or(email, |(local, _)| local))
    }

    /// With the site's name or host.
    #[must_use]
    pub fn site(self, site: &str) -> Self {
        self.with(site)
    }

    /// The text and the words in it. Beyond 32 words no more are taken.
    fn with(mut self, text: &str) -> Self {
        if text.len() <= MOST_BYTES {
            let small = text.to_lowercase();
            let words = small.split(|character: char| !character.is_alphanumeric());
            for word in [small.as_str()].into_iter().chain(words) {
                let known = self.words.iter().any(|other| other == word);
                if word.chars().count() >= LEAST_CHARACTERS && !known && self.words.len() < MOST_WORDS {
                    self.words.push(word.to_owned());
                }
            }
        }
        self
    }

    /// Whether more than half of the characters of a password, in small letters, belong to such words.
    pub(super) fn makes_up(&self, small: &str) -> bool {
        let mut covered = vec![false; small.len()];
        for word in &self.words {
            for (begin, found) in small.match_indices(word.as_str()) {
                covered.iter_mut().skip(begin).take(found.len()).for_each(|byte| *byte = true);
            }
        }
        let all = small.chars().count();
        let of_words = small.char_indices().filter(|(place, _)| covered.get(*place) == Some(&true)).count();
        of_words * 2 > all
    }
}
