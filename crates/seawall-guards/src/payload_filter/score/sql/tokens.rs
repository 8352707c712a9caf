//! SQL as tokens, of the dialects of MySQL, PostgreSQL, SQL Server, Oracle and SQLite together.

use super::{super::reader::Reader, lower};

/// What a piece of SQL is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    End,
    Number,
    Text,
    /// A string that does not end.
    OpenText,
    Word,
    /// `@@version`, `@a`.
    Variable,
    /// `or`, `and`, `&&`, `having`, `where`.
    Logic,
    Not,
    /// `=`, `<`, `like`, `in`, `between`, `is`.
    Comparison,
    /// `+`, `-`, `*`, `/`, `||`.
    Operator,
    /// `null`, `true`, `false`.
    Constant,
    Union,
    All,
    Select,
    From,
    /// `order`, `group`, `limit`, `procedure`.
    Clause,
    By,
    Into,
    /// A file: `outfile`, `dumpfile`.
    File,
    /// What a statement begins with, but `select`.
    Statement,
    /// What such a statement is about: `table`, `database`.
    Object,
    /// `delay`.
    Delay,
    /// A function that reads, waits or tells more than a program wants.
    Danger,
    /// A function of another kind.
    Function,
    /// A table that tells of others.
    Catalogue,
    Open,
    Close,
    Comma,
    Semicolon,
    /// A comment until the end.
    Comment,
    Other,
}

/// Whether a word begins or joins SQL where a value may end.
pub(super) fn keyword(word: &[u8]) -> bool {
    matches!(
        of_word(word),
        Token::Logic | Token::Union | Token::Select | Token::Clause | Token::Statement | Token::Not | Token::Danger
    )
}

/// Reads tokens.
#[derive(Debug)]
pub(super) struct Tokens<'a> {
    reader: Reader<'a>,
    comments: u8,
    /// Within `/*!`, whose content MySQL runs.
    conditional: bool,
}

impl<'a> Tokens<'a> {
    pub(super) const fn new(text: &'a [u8]) -> Self {
        Self { reader: Reader::new(text), comments: 0, conditional: false }
    }

    /// Whether comments stood where spaces do.
    pub(super) const fn hidden(&self) -> bool {
        self.comments > 0
    }

    /// A comment that begins here and is not the end: a space.
    fn block_comment(&mut self) -> Option<Token> {
        self.comments = self.comments.saturating_add(1);
        if self.reader.ahead(2) == Some(b'!') {
            self.reader.skip(3);
            self.reader.take(|byte| byte.is_ascii_digit());
            self.conditional = true;
            return None;
        }
        self.reader.skip(2);
        self.reader.past(b"*/");
        self.reader.rest().is_empty().then_some(Token::Comment)
    }

    fn text(&mut self, quote: u8) -> Token {
        self.reader.skip(1);
        loop {
            self.reader.take(|byte| byte != quote && byte != b'\\');
            match self.reader.peek() {
                None => return Token::OpenText,
                Some(b'\\') => self.reader.skip(2),
                Some(_) => {
                    self.reader.skip(1);
                    // Doubled, it stands for itself.
                    if self.reader.peek() != Some(quote) {
                        return Token::Text;
                    }
                    self.reader.skip(1);
                }
            }
        }
    }

    fn sign(&mut self, byte: u8) -> Token {
        let next = self.reader.ahead(1);
        let (length, token) = match (byte, next) {
            (b'|', Some(b'|')) => (2, Token::Operator),
            (b'&', Some(b'&')) => (2, Token::Logic),
            (b'<', Some(b'=' | b'>')) | (b'>' | b'!' | b':', Some(b'=')) => (2, Token::Comparison),
            (b'=' | b'<' | b'>', _) => (1, Token::Comparison),
            (b'!' | b'~', _) => (1, Token::Not),
            (b'+' | b'*' | b'/' | b'%' | b'^' | b'|' | b'&' | b'-', _) => (1, Token::Operator),
            (b'(', _) => (1, Token::Open),
            (b')', _) => (1, Token::Close),
            (b',', _) => (1, Token::Comma),
            (b';', _) => (1, Token::Semicolon),
            _ => (1, Token::Other),
        };
        self.reader.skip(length);
        token
    }
}

impl Iterator for Tokens<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        loop {
            self.reader.take(|byte| byte <= b' ' || byte == 0xa0);
            let (byte, next) = (self.reader.peek()?, self.reader.ahead(1));
            match byte {
                b'/' if next == Some(b'*') => match self.block_comment() {
                    Some(token) => return Some(token),
                    None => continue,
                },
                b'*' if next == Some(b'/') && self.conditional => {
                    self.reader.skip(2);
                    continue;
                }
                b'-' if next == Some(b'-') => {
                    // In MySQL a space has to follow, elsewhere not; `a--1` is arithmetic.
                    if self.reader.ahead(2).is_none_or(|byte| !byte.is_ascii_digit()) {
                        self.reader.skip(usize::MAX / 2);
                        return Some(Token::Comment);
                    }
                    self.reader.skip(2);
                    return Some(Token::Operator);
                }
                b'#' => {
                    self.reader.past(b"\n");
                    return Some(Token::Comment);
                }
                // A form's space.
                b'+' if next.is_some_and(|next| next.is_ascii_alphabetic()) => {
                    self.reader.skip(1);
                    continue;
                }
                b'\'' | b'"' => return Some(self.text(byte)),
                b'`' => {
                    self.reader.skip(1);
                    self.reader.past(b"`");
                    return Some(Token::Word);
                }
                b'@' => {
                    self.reader.take(|byte| byte.is_ascii_alphanumeric() || b"@_.".contains(&byte));
                    return Some(Token::Variable);
                }
                b'0'..=b'9' => {
                    self.reader.take(|byte| byte.is_ascii_alphanumeric() || byte == b'.');
                    return Some(Token::Number);
                }
                b'.' if next.is_some_and(|next| next.is_ascii_digit()) => {
                    self.reader.take(|byte| byte.is_ascii_alphanumeric() || byte == b'.');
                    return Some(Token::Number);
                }
                _ if byte.is_ascii_alphabetic() || byte == b'_' || !byte.is_ascii() => {
                    let word = |byte: u8| byte.is_ascii_alphanumeric() || b"_.$".contains(&byte) || !byte.is_ascii();
                    return Some(of_word(self.reader.take(word)));
                }
                _ => return Some(self.sign(byte)),
            }
        }
    }
}

/// What a word is.
fn of_word(word: &[u8]) -> Token {
    let lower = lower(word);
    match lower.bytes() {
        b"or" | b"and" | b"xor" | b"having" | b"where" => Token::Logic,
        b"not" => Token::Not,
        b"like" | b"rlike" | b"regexp" | b"ilike" | b"in" | b"is" | b"between" | b"glob" | b"sounds" => {
            Token::Comparison
        }
        b"div" | b"mod" | b"collate" => Token::Operator,
        b"null" | b"true" | b"false" => Token::Constant,
        b"union" | b"intersect" | b"except" => Token::Union,
        b"all" | b"distinct" | b"distinctrow" => Token::All,
        b"select" => Token::Select,
        b"from" => Token::From,
        b"order" | b"group" | b"limit" | b"procedure" | b"offset" => Token::Clause,
        b"by" | b"analyse" => Token::By,
        b"into" | b"set" => Token::Into,
        b"outfile" | b"dumpfile" => Token::File,
        b"insert" | b"update" | b"delete" | b"drop" | b"create" | b"alter" | b"truncate" | b"exec" | b"execute"
        | b"declare" | b"shutdown" | b"waitfor" | b"grant" | b"merge" | b"call" | b"attach" | b"begin" | b"prepare"
        | b"copy" => Token::Statement,
        b"delay" => Token::Delay,
        b"table" | b"database" | b"schema" | b"view" | b"trigger" | b"login" | b"index" => Token::Object,
        b"sleep"
        | b"benchmark"
        | b"pg_sleep"
        | b"load_file"
        | b"extractvalue"
        | b"updatexml"
        | b"xp_cmdshell"
        | b"master..xp_cmdshell"
        | b"sp_password"
        | b"sp_executesql"
        | b"load_extension"
        | b"randomblob"
        | b"pg_read_file"
        | b"lo_import"
        | b"xp_dirtree"
        | b"xp_regread"
        | b"sys_eval"
        | b"sys_exec"
        | b"name_const"
        | b"query_to_xml"
        | b"master..xp_dirtree"
        | b"exec_xp"
        | b"getmappingxpath"
        | b"xmltype"
        | b"gtid_subset"
        | b"make_set" => Token::Danger,
        b"ascii" | b"char" | b"chr" | b"concat" | b"concat_ws" | b"group_concat" | b"substring" | b"substr"
        | b"mid" | b"ord" | b"hex" | b"unhex" | b"version" | b"user" | b"database_name" | b"current_user"
        | b"session_user" | b"length" | b"md5" | b"sha1" | b"if" | b"iif" | b"elt" | b"count" | b"floor" | b"rand"
        | b"exists" | b"cast" | b"convert" | b"case" | b"decode" | b"nullif" | b"ifnull" | b"coalesce" | b"left"
        | b"right" | b"lower" | b"upper" | b"bin" | b"exp" | b"sqlite_version" | b"string_agg" | b"json_keys"
        | b"db_name" | b"pow" | b"row" | b"system_user" => Token::Function,
        lower if catalogue(lower) => Token::Catalogue,
        lower if [&b"dbms_"[..], b"utl_"].iter().any(|start| lower.starts_with(start)) => Token::Danger,
        _ => Token::Word,
    }
}

fn catalogue(lower: &[u8]) -> bool {
    [
        &b"information_schema"[..],
        b"sqlite_master",
        b"pg_catalog",
        b"mysql.user",
        b"sysobjects",
        b"all_tables",
        b"pg_shadow",
        b"sys.",
    ]
    .iter()
    .any(|name| lower.starts_with(name))
        || lower.ends_with(b"sysobjects")
}
