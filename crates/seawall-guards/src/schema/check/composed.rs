//! Schemas made of schemas. All of them look at the same value, and what any of them names is known.

use super::{
    super::{
        at::At,
        instance::Instance,
        node::{Composed, Condition, NodeId},
    },
    Check, UnknownFields,
    seen::Seen,
    strip::{Record, all_named, each_whole},
};

impl<'v> Check<'_, 'v> {
    pub(super) fn composed(
        &mut self,
        composed: &Composed,
        value: &Instance<'v>,
        at: &At<'_>,
        mut seen: Option<&mut Seen>,
    ) -> bool {
        let mut passes = true;
        for id in composed.reference.iter().chain(&composed.all_of) {
            passes &= self.node(*id, value, at, seen.as_deref_mut());
        }
        if !composed.any_of.is_empty() {
            passes &= self.any_of(&composed.any_of, value, at, seen.as_deref_mut());
        }
        if !composed.one_of.is_empty() {
            passes &= self.one_of(&composed.one_of, value, at, seen.as_deref_mut());
        }
        if let Some(id) = composed.not
            && self.asks(|check| check.node(id, value, at, None))
        {
            passes = self.wrong(at, value, "not", "a value that a certain form does not fit");
        }
        if let Some(condition) = &composed.condition {
            passes &= self.condition(condition, value, at, seen.as_deref_mut());
        }
        if let Instance::Object(map) = value {
            for (_, id) in composed.with_field.iter().filter(|(name, _)| map.get(name).is_some()) {
                passes &= self.node(*id, value, at, seen.as_deref_mut());
            }
        }
        passes
    }

    /// Looks through one alternative; what it names counts only when it holds.
    fn alternative(
        &mut self,
        id: NodeId,
        value: &Instance<'v>,
        at: &At<'_>,
        seen: Option<&Seen>,
    ) -> Option<Option<Seen>> {
        if !self.nodes.kinds(id).has(value.kinds()) {
            return None;
        }
        let mut own = seen.map(Seen::fresh);
        self.quietly(|check| check.node(id, value, at, own.as_mut())).then_some(own)
    }

    fn any_of(&mut self, branches: &[NodeId], value: &Instance<'v>, at: &At<'_>, mut seen: Option<&mut Seen>) -> bool {
        let (mut holds, records) = (false, self.records.len());
        for id in branches {
            let Some(own) = self.alternative(*id, value, at, seen.as_deref()) else { continue };
            holds = true;
            match (seen.as_deref_mut(), own) {
                (Some(seen), Some(own)) => seen.add(&own),
                // Nobody asks what else would hold.
                _ if self.manner.unknown == UnknownFields::Allow => break,
                _ if self.records.get(records..).is_none_or(each_whole) => break,
                _ => {}
            }
        }
        holds || self.none_holds("anyOf", branches, value, at, seen)
    }

    fn one_of(&mut self, branches: &[NodeId], value: &Instance<'v>, at: &At<'_>, seen: Option<&mut Seen>) -> bool {
        let mut holding = Vec::new();
        let records = self.records.len();
        for id in branches {
            let Some(own) = self.alternative(*id, value, at, seen.as_deref()) else { continue };
            holding.push((own, self.records.split_off(records)));
        }
        if holding.len() > 1 && self.manner.unknown != UnknownFields::Allow {
            // An alternative that leaves fields unnamed does not hold where unknown fields are refused.
            let whole = |(own, records): &(Option<Seen>, Vec<Record<'v>>)| {
                let named = seen.as_deref().zip(own.as_ref()).is_none_or(|(seen, own)| seen.all_with(own));
                named && all_named(records)
            };
            if holding.iter().filter(|own| whole(own)).count() == 1 {
                holding.retain(whole);
            }
        }
        match (holding.pop(), holding.is_empty()) {
            (Some((own, records)), true) => {
                self.records.extend(records);
                if let (Some(seen), Some(own)) = (seen, own) {
                    seen.add(&own);
                }
                true
            }
            (Some(_), false) => {
                if let Some(seen) = seen {
                    seen.mark_all();
                }
                self.unsure |= !self.quiet;
                self.wrong(at, value, "oneOf", "a value that only one of several forms fits")
            }
            (None, _) => self.none_holds("oneOf", branches, value, at, seen),
        }
    }

    /// Says what is wrong when no alternative holds: with the one that was meant, when that can be told.
    fn none_holds(
        &mut self,
        rule: &'static str,
        branches: &[NodeId],
        value: &Instance<'v>,
        at: &At<'_>,
        seen: Option<&mut Seen>,
    ) -> bool {
        if let Some(seen) = seen {
            seen.mark_all();
        }
        if self.quiet {
            return false;
        }
        self.unsure = true;
        let mut meant = branches.iter().filter(|id| self.could_be(**id, value));
        match (meant.next(), meant.next()) {
            (Some(id), None) => {
                let before = self.faults.list().len();
                let records = self.records.len();
                let _fails_again = self.apart(|check| check.node(*id, value, at, None));
                self.records.truncate(records);
                if self.faults.list().len() > before || self.faults.more() {
                    return false;
                }
                self.wrong(at, value, rule, "a value of a certain form")
            }
            _ => {
                let forms = branches.len();
                self.fault(|spot| spot.fault(at, rule, format!("a value that one of {forms} forms fits"), value))
            }
        }
    }

    /// Whether an alternative may be the one that was meant: its kind fits, and so do its fields with listed values.
    fn could_be(&self, id: NodeId, value: &Instance<'_>) -> bool {
        if !self.nodes.kinds(id).has(value.kinds()) {
            return false;
        }
        let Instance::Object(map) = value else { return true };
        let Some(fields) = &self.nodes.get(self.nodes.behind(id)).fields else { return true };
        fields.named.iter().all(|name| {
            let field = name.node.map(|node| self.nodes.get(self.nodes.behind(node)));
            let Some(listed) = field.and_then(|field| field.one_of_values.as_ref()) else { return true };
            match map.get(&name.name) {
                Some(found) => listed.iter().any(|one| Instance::from(found).same(one)),
                None => true,
            }
        })
    }

    fn condition(
        &mut self,
        condition: &Condition,
        value: &Instance<'v>,
        at: &At<'_>,
        mut seen: Option<&mut Seen>,
    ) -> bool {
        let holds = self.asks(|check| check.node(condition.when, value, at, None));
        if holds && self.manner.unknown != UnknownFields::Allow {
            // It names fields, but who only asks for one does not say that there are no others.
            let (mut own, records) = (seen.as_deref().map(Seen::fresh), self.records.len());
            self.quietly(|check| check.node(condition.when, value, at, own.as_mut()));
            self.records.iter_mut().skip(records).for_each(Record::names_only);
            if let (Some(seen), Some(own)) = (seen.as_deref_mut(), own) {
                seen.add_names(&own);
            }
        }
        match if holds { condition.then } else { condition.otherwise } {
            Some(id) => self.node(id, value, at, seen),
            None => true,
        }
    }
}
