//! A tree as JSON again, and without some of its values.

use std::collections::{BTreeMap, BTreeSet};

use super::tree::{Inside, Node, Tree, What};

impl Tree {
    /// The document as text, without white space: keys in their order, numbers as they were written.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut out = String::with_capacity(self.texts.len() + self.nodes.len() * 4);
        // Where each array or object that is open begins and ends, and how it is closed.
        let mut open: Vec<(usize, usize, char)> = Vec::new();
        for (place, node) in self.nodes.iter().enumerate() {
            close(&mut out, &mut open, place);
            if let Some((begin, _, bracket)) = open.last() {
                if place > begin + 1 {
                    out.push(',');
                }
                if *bracket == '}' {
                    quote(&mut out, self.text(node.key));
                    out.push(':');
                }
            }
            match node.what {
                What::Null => out.push_str("null"),
                What::Flag(flag) => out.push_str(if flag { "true" } else { "false" }),
                What::Number(span) => out.push_str(self.text(span)),
                What::Text(span) => quote(&mut out, self.text(span)),
                What::Array(inside) => {
                    out.push('[');
                    open.push((place, inside.end, ']'));
                }
                What::Object(inside) => {
                    out.push('{');
                    open.push((place, inside.end, '}'));
                }
            }
        }
        close(&mut out, &mut open, self.nodes.len());
        out
    }

    /// The document without the values at these places, each with the place of what it stands in.
    pub(crate) fn without(&self, gone: &[(usize, usize)]) -> Self {
        let places: BTreeSet<usize> = gone.iter().map(|(place, _)| *place).collect();
        let mut fewer: BTreeMap<usize, usize> = BTreeMap::new();
        for (_, of) in gone {
            *fewer.entry(*of).or_default() += 1;
        }
        let mut kept: Vec<(usize, Node)> = Vec::with_capacity(self.nodes.len());
        // Where each value went; those that are gone, to what comes behind them.
        let mut moved = Vec::with_capacity(self.nodes.len() + 1);
        let mut left_out = 0;
        for (place, node) in self.nodes.iter().enumerate() {
            moved.push(kept.len());
            if places.contains(&place) {
                left_out = left_out.max(node.behind(place));
            }
            if place >= left_out {
                kept.push((place, *node));
            }
        }
        moved.push(kept.len());
        let own = |place: usize, inside: Inside| Inside {
            count: inside.count - fewer.get(&place).copied().unwrap_or_default(),
            end: moved.get(inside.end).copied().unwrap_or_default(),
        };
        let nodes = kept.into_iter().map(|(place, node)| {
            let what = match node.what {
                What::Array(inside) => What::Array(own(place, inside)),
                What::Object(inside) => What::Object(own(place, inside)),
                other => other,
            };
            Node { what, ..node }
        });
        Self { nodes: nodes.collect(), texts: self.texts.clone() }
    }
}

/// Ends what ends before this place.
fn close(out: &mut String, open: &mut Vec<(usize, usize, char)>, place: usize) {
    while let Some((_, _, bracket)) = open.pop_if(|(_, end, _)| *end <= place) {
        out.push(bracket);
    }
}

fn quote(out: &mut String, text: &str) {
    out.push_str(&serde_json::Value::from(text).to_string());
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_tree_is_written_as_it_was_read() {
        for text in [r#"{"b":[1,-2.50e3,{}],"a":{"c":null,"d":[[],[true]]},"":"\"\n"}"#, "[]", "7", r#""a""#] {
            let value: Value = serde_json::from_str(text).unwrap();
            let tree = Tree::from(&value);
            assert_eq!(serde_json::from_str::<Value>(&tree.to_json()).unwrap(), value);
            assert_eq!(Value::from(tree.root()), value);
        }
    }

    #[test]
    fn what_is_taken_out_is_gone_with_all_inside_and_nothing_else_is() {
        let tree = Tree::from(&json!({"a": {"b": [1, {"c": 2}], "d": 3}, "e": [4], "f": 5}));
        // 0 {, 1 a, 2 b, 3 1, 4 {, 5 c, 6 d, 7 e, 8 4, 9 f
        for (gone, left) in [
            (&[(2, 1)][..], json!({"a": {"d": 3}, "e": [4], "f": 5})),
            (&[(1, 0), (5, 4)], json!({"e": [4], "f": 5})),
            (&[(5, 4), (9, 0)], json!({"a": {"b": [1, {}], "d": 3}, "e": [4]})),
            (&[], json!({"a": {"b": [1, {"c": 2}], "d": 3}, "e": [4], "f": 5})),
        ] {
            let rest = tree.without(gone);
            assert_eq!(Value::from(rest.root()), left, "{gone:?}");
            assert_eq!(rest, rest.without(&[]), "its counts and ends are right");
            assert_eq!(serde_json::from_str::<Value>(&rest.to_json()).unwrap(), left);
        }
    }
}
