//! Rust source cut into lines of code, comment and string literals, so that a rule can look at one and not be misled by another.

/// One line of a source file.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// The line without comments; the characters inside string and character literals are replaced by `s`.
    pub(crate) code: String,
    /// The comment on the line, with its slashes.
    pub(crate) comment: String,
    /// The string literals that begin on the line, without quotes.
    pub(crate) strings: Vec<String>,
}

impl Line {
    pub(crate) fn has_code(&self) -> bool {
        !self.code.trim().is_empty()
    }
}

/// Cuts a source file into lines.
pub(crate) fn lines(text: &str) -> Vec<Line> {
    let mut scanner = Scanner { characters: text.chars().collect(), at: 0, lines: vec![Line::default()] };
    while let Some(character) = scanner.peek(0) {
        match (character, scanner.peek(1)) {
            ('/', Some('/')) => scanner.line_comment(),
            ('/', Some('*')) => scanner.block_comment(),
            ('"', _) => scanner.string(),
            ('r', Some('"' | '#')) => scanner.raw_string(),
            ('\'', _) => scanner.character_or_lifetime(),
            _ => scanner.code(),
        }
    }
    scanner.lines
}

/// Which lines belong to an item under `#[cfg(test)]`.
pub(crate) fn test_lines(lines: &[Line]) -> Vec<bool> {
    let mut marked = vec![false; lines.len()];
    let mut item: Option<Item> = None;
    for (line, mark) in lines.iter().zip(&mut marked) {
        let code = line.code.trim();
        if item.is_none() && (code.starts_with("#[cfg(test)]") || code.starts_with("#[cfg(all(test")) {
            item = Some(Item { depth: 0 });
        }
        if let Some(open) = &mut item {
            *mark = true;
            if open.ends_in(code) {
                item = None;
            }
        }
    }
    marked
}

/// An item that is being read: how many brackets are open in it.
struct Item {
    depth: usize,
}

impl Item {
    fn ends_in(&mut self, code: &str) -> bool {
        for character in code.chars() {
            match character {
                '{' | '(' | '[' => self.depth += 1,
                ')' | ']' => self.depth = self.depth.saturating_sub(1),
                '}' => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth == 0 {
                        return true;
                    }
                }
                ';' if self.depth == 0 => return true,
                _ => {}
            }
        }
        false
    }
}

struct Scanner {
    characters: Vec<char>,
    at: usize,
    lines: Vec<Line>,
}

impl Scanner {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.characters.get(self.at + ahead).copied()
    }

    /// Moves over one character and gives it to `keep` with the line it stands on; a line feed begins the next line instead.
    fn take(&mut self, keep: impl FnOnce(&mut Line, char)) {
        let Some(character) = self.peek(0) else { return };
        self.at += 1;
        if character == '\n' {
            self.lines.push(Line::default());
        } else if let Some(line) = self.lines.last_mut() {
            keep(line, character);
        }
    }

    fn code(&mut self) {
        self.take(|line, character| line.code.push(character));
    }

    fn hidden(&mut self) {
        self.take(|line, _| line.code.push('s'));
    }

    fn comment(&mut self) {
        self.take(|line, character| line.comment.push(character));
    }

    fn line_comment(&mut self) {
        while self.peek(0).is_some_and(|character| character != '\n') {
            self.comment();
        }
    }

    fn block_comment(&mut self) {
        let mut depth = 0_usize;
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some('/'), Some('*')) => {
                    depth += 1;
                    self.comment();
                }
                (Some('*'), Some('/')) => {
                    depth = depth.saturating_sub(1);
                    self.comment();
                }
                (None, _) => return,
                _ => {}
            }
            self.comment();
            if depth == 0 {
                return;
            }
        }
    }

    fn string(&mut self) {
        self.code();
        let (start, line) = (self.at, self.lines.len() - 1);
        while let Some(character) = self.peek(0) {
            if character == '"' {
                break;
            }
            self.hidden();
            if character == '\\' {
                self.hidden();
            }
        }
        self.end_string(start, line, 0);
    }

    fn raw_string(&mut self) {
        let hashes = self.characters.iter().skip(self.at + 1).take_while(|character| **character == '#').count();
        let after_word = self.lines.last().is_some_and(|line| ends_in_word(&line.code));
        if after_word || self.peek(1 + hashes) != Some('"') {
            return self.code();
        }
        for _ in 0..hashes + 2 {
            self.code();
        }
        let (start, line) = (self.at, self.lines.len() - 1);
        let closes = |scanner: &Self| (1..=hashes).all(|ahead| scanner.peek(ahead) == Some('#'));
        while self.peek(0).is_some_and(|character| character != '"' || !closes(self)) {
            self.hidden();
        }
        self.end_string(start, line, hashes);
    }

    fn end_string(&mut self, start: usize, line: usize, hashes: usize) {
        let content = self.characters.iter().take(self.at).skip(start).collect();
        if let Some(line) = self.lines.get_mut(line) {
            line.strings.push(content);
        }
        for _ in 0..=hashes {
            self.code();
        }
    }

    fn character_or_lifetime(&mut self) {
        let literal_length = match (self.peek(1), self.peek(2)) {
            (Some('\\'), _) => {
                self.characters.iter().skip(self.at + 3).position(|character| *character == '\'').map(|more| more + 2)
            }
            (Some(_), Some('\'')) => Some(1),
            _ => None,
        };
        self.code();
        if let Some(length) = literal_length {
            for _ in 0..length {
                self.hidden();
            }
            self.code();
        }
    }
}

/// Whether a raw string cannot begin here because an `r` would belong to the word before it; `b` and `c` prefixes are no such word.
fn ends_in_word(code: &str) -> bool {
    let word_length =
        code.chars().rev().take_while(|character| character.is_alphanumeric() || *character == '_').count();
    let prefixed = word_length == 1 && code.ends_with(['b', 'c']);
    word_length > 0 && !prefixed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(text: &str) -> Vec<String> {
        lines(text).into_iter().map(|line| line.code).collect()
    }

    #[test]
    fn strings_and_comments_are_told_from_code() {
        let parts = lines("let a = \"// no { comment\"; // yes \"no string\"\n/* { /* nested */ } */ b");
        assert_eq!(parts[0].code, "let a = \"sssssssssssssss\"; ");
        assert_eq!(parts[0].comment, "// yes \"no string\"");
        assert_eq!(parts[0].strings, ["// no { comment"]);
        assert_eq!(parts[1].code, " b");
    }

    #[test]
    fn escapes_raw_strings_and_lifetimes_do_not_confuse_the_scanner() {
        assert_eq!(codes(r#"a("\"", '"', '\'', '\u{7b}') 'x b"#), [r#"a("ss", 's', 'ss', 'ssssss') 'x b"#]);
        assert_eq!(codes("f(r#\"a\"b\"#, br\"\\\") r#type"), ["f(r#\"sss\"#, br\"s\") r#type"]);
        assert_eq!(codes("for\"x\""), ["for\"s\""]);
        assert_eq!(lines("let a = \"one\ntwo\";").iter().map(|line| line.strings.len()).collect::<Vec<_>>(), [1, 0]);
    }

    #[test]
    fn test_items_are_marked_to_their_end() {
        let text = "fn a() {}\n#[cfg(test)]\nuse b::{c, d};\nfn e() {}\n#[cfg(test)]\nmod tests {\n    fn f(g: [u8; 2]) {}\n}\nfn h() {}\n#[cfg(test)]\nmod tests;\nfn i() {}";
        let marked = test_lines(&lines(text));
        assert_eq!(marked, [false, true, true, false, true, true, true, true, false, true, true, false]);
    }
}
