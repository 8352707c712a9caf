//! What may follow a value, and what that means.

use super::{super::Points, MOST_TOKENS, Token, first_tokens};

/// What follows a value.
#[derive(Debug)]
pub(super) struct Tail<'a> {
    tokens: [Token; MOST_TOKENS],
    count: usize,
    hidden: bool,
    /// Whether a quote ended the value.
    quoted: bool,
    value: &'a [u8],
    rest: usize,
}

impl<'a> Tail<'a> {
    pub(super) fn read(after: &[u8], quoted: bool, value: &'a [u8]) -> Self {
        let (tokens, count, hidden) = first_tokens(after);
        Self { tokens, count, hidden, quoted, value, rest: after.len() }
    }

    fn at(&self, place: usize) -> Token {
        self.tokens.get(place).copied().unwrap_or(Token::End)
    }

    /// The first place from here that is none of these.
    fn past(&self, place: usize, these: &[Token]) -> usize {
        (place..self.count).find(|&place| !these.contains(&self.at(place))).unwrap_or(self.count)
    }

    fn within(&self, token: Token) -> bool {
        self.tokens.contains(&token)
    }

    /// Whether the value is what one parameter holds, and no prose or program that a quote happens to stand in.
    fn short_value(&self) -> bool {
        self.value.len() <= 64 && !self.value.iter().any(|byte| b"=<>{}[\n`$".contains(byte))
    }

    pub(super) fn points(&self) -> Points {
        let mut points = Points::default();
        let first = self.past(0, &[Token::Close, Token::Other]);
        let adjacent = self.at(0) != Token::Other;
        if !adjacent || first > 8 {
            return points;
        }
        match self.at(first) {
            Token::Logic => self.logic(first + 1, &mut points),
            Token::Union => self.union(first + 1, &mut points),
            Token::Semicolon => self.stacked(first + 1, &mut points),
            Token::Comment if self.quoted && self.short_value() => points.add("sql_comment", 5),
            Token::Comment if first > 0 || self.hidden => points.add("sql_comment", 3),
            Token::Clause => self.clause(first, &mut points),
            Token::Into if self.at(first + 1) == Token::File => points.add("sql_file", 6),
            Token::Operator | Token::Comparison | Token::Comma => self.joined(first, &mut points),
            Token::Select if self.value == b"(" => self.subquery(first, &mut points),
            Token::Danger | Token::Function if first == 0 && self.rest > 4 && self.at(1) == Token::Open => {
                let weight = match (self.at(first), self.quoted) {
                    (Token::Danger, true) => 5,
                    (Token::Danger, false) if self.within(Token::Function) => 5,
                    (Token::Function, true) | (Token::Danger, false) => 3,
                    _ => 0,
                };
                points.add("sql_call", weight);
            }
            Token::Statement if self.at(first + 1) == Token::Delay && self.at(first + 2) == Token::Text => {
                points.add("sql_wait", 6);
            }
            Token::Statement if self.value.is_empty() && self.at(first + 1) == Token::Danger => {
                points.add("sql_statement", 6);
            }
            _ => {}
        }
        if points.sum > 0 {
            self.aggravate(first, &mut points);
        }
        points
    }

    /// `or 1=1`, `and sleep(5)`, `or name like 'a`.
    fn logic(&self, place: usize, points: &mut Points) {
        let place = self.past(place, &[Token::Open, Token::Not, Token::Operator]);
        let (left, next) = (self.at(place), self.at(place + 1));
        let literal =
            |token| matches!(token, Token::Number | Token::Text | Token::OpenText | Token::Constant | Token::Variable);
        let ends = |token| matches!(token, Token::Comment | Token::End | Token::Semicolon | Token::Close);
        let operand = self.past(place + 2, &[Token::Open, Token::Not, Token::Comparison, Token::Operator]);
        let right = self.at(operand);
        match left {
            _ if literal(left) && next == Token::Comparison => {
                let weight = if literal(right) || right == Token::Danger { 6 } else { 4 };
                points.add("sql_tautology", weight + u8::from(self.quoted));
            }
            _ if literal(left) && matches!(next, Token::Comment | Token::Clause | Token::Union) => {
                points.add("sql_tautology", 6);
            }
            Token::Constant if ends(next) => points.add("sql_tautology", 5),
            Token::Number | Token::Text | Token::OpenText if self.quoted && ends(next) => {
                points.add("sql_tautology", 5);
            }
            Token::Danger if next == Token::Open => points.add("sql_call", 7),
            Token::Function if next == Token::Open => points.add("sql_call", if self.quoted { 6 } else { 5 }),
            Token::Function if self.within(Token::Comparison) && self.quoted => points.add("sql_call", 5),
            Token::Select => points.add("sql_subquery", 6),
            Token::Word if next == Token::Comparison && (literal(right) || right == Token::Select) => {
                points.add("sql_condition", if self.quoted { 5 } else { 3 });
            }
            Token::Word if next == Token::Comment && self.quoted => points.add("sql_condition", 4),
            _ => {}
        }
    }

    /// `union all select 1, 2`.
    fn union(&self, place: usize, points: &mut Points) {
        let select = self.past(place, &[Token::All, Token::Open]);
        if self.at(select) != Token::Select {
            return;
        }
        let what = self.past(select + 1, &[Token::All, Token::Open, Token::Not]);
        let next = self.at(what + 1);
        let weight = match self.at(what) {
            Token::Word | Token::Catalogue
                if matches!(next, Token::Comma | Token::From | Token::Open | Token::Comment | Token::End) =>
            {
                6
            }
            Token::Word | Token::End | Token::All => 2,
            _ => 7,
        };
        points.add("sql_union", weight);
    }

    /// `; drop table users`.
    fn stacked(&self, place: usize, points: &mut Points) {
        let (first, second, third) = (self.at(place), self.at(place + 1), self.at(place + 2));
        let follows = match (first, second) {
            (Token::Comment, _) if self.quoted && self.short_value() => return points.add("sql_comment", 5),
            (
                Token::Statement,
                Token::Object
                | Token::Danger
                | Token::Into
                | Token::From
                | Token::Variable
                | Token::Open
                | Token::Delay
                | Token::Function
                | Token::Comment
                | Token::End
                | Token::Semicolon
                | Token::Text,
            )
            | (Token::Danger, Token::Open) => true,
            (Token::Statement, Token::Word) => third != Token::Word,
            (Token::Select, next) => {
                next == Token::Danger
                    || next == Token::Function
                    || self.within(Token::From)
                    || self.within(Token::Comment)
            }
            _ => false,
        };
        if follows && self.short_value() {
            points.add("sql_stacked", 7);
        }
    }

    /// `order by 10 --`.
    fn clause(&self, first: usize, points: &mut Points) {
        let by = self.at(first + 1) == Token::By;
        let place = self.past(first + usize::from(by) + 1, &[Token::Number, Token::Comma]);
        let numbered = place > first + usize::from(by) + 1;
        let weight = match self.at(place) {
            Token::Comment | Token::Logic | Token::Union => 5 * u8::from(numbered || by),
            Token::End => 5 * u8::from(by && numbered),
            Token::Word => {
                let compares = self.within(Token::Logic) && self.within(Token::Comparison) && self.quoted;
                5 * u8::from(by && (self.within(Token::Comment) || compares))
            }
            Token::Open => 5 * u8::from(by && (self.within(Token::Select) || self.within(Token::Comment))),
            Token::Into | Token::Clause => 4 * u8::from(numbered),
            Token::Danger | Token::Function => 4 * u8::from(by),
            _ => 0,
        };
        if weight > 0 {
            points.add("sql_clause", weight);
        }
    }

    /// `||(select …)`, `-sleep(5)`, `,(select …)`, `='`.
    fn joined(&self, first: usize, points: &mut Points) {
        let place = self.past(first, &[Token::Operator, Token::Comparison, Token::Comma, Token::Open, Token::Not]);
        match self.at(place) {
            Token::Select if self.quoted || self.at(place.saturating_sub(1)) == Token::Open => {
                points.add("sql_subquery", 6);
            }
            Token::Danger if self.at(place + 1) == Token::Open => points.add("sql_call", 6),
            Token::Function if self.at(place + 1) == Token::Open && self.quoted && self.short_value() => {
                points.add("sql_call", 5);
            }
            Token::Function if self.at(place + 1) == Token::Open && self.within(Token::Select) => {
                points.add("sql_call", 5);
            }
            Token::Danger if self.within(Token::Open) => points.add("sql_call", 5),
            Token::Number | Token::Text | Token::OpenText | Token::Constant if self.quoted && self.short_value() => {
                let next = self.at(place + 1);
                if matches!(next, Token::Comment | Token::Union | Token::Comparison) && first == 0 {
                    points.add("sql_condition", 6);
                } else if next == Token::Logic && first == 0 {
                    points.add("sql_condition", 4);
                } else if matches!(self.at(first), Token::Comparison) && next == Token::End && self.value.is_empty() {
                    points.add("sql_condition", 5);
                }
            }
            _ => {}
        }
    }

    /// `(select …)` as the whole value.
    fn subquery(&self, first: usize, points: &mut Points) {
        let called =
            (first..self.count).any(|place| self.at(place) == Token::Danger && self.at(place + 1) == Token::Open);
        if called || self.within(Token::Catalogue) {
            points.add("sql_subquery", 6);
        }
    }

    /// What makes a finding worse.
    fn aggravate(&self, first: usize, points: &mut Points) {
        let later = |token| (first + 1..self.count).any(|place| self.at(place) == token);
        if later(Token::Comment) {
            points.add("sql_comment", 1);
        }
        if self.hidden {
            points.add("sql_hidden", 2);
        }
        if later(Token::Catalogue) {
            points.add("sql_catalogue", 3);
        }
        if later(Token::Danger) {
            points.add("sql_call", 3);
        }
        if later(Token::Union) && later(Token::Select) {
            points.add("sql_union", 5);
        }
    }
}
