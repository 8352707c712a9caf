//! W3C Trace Context: the `traceparent` header, read and written.

/// A place in a trace: which trace, which span called, and whether it is sampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// The trace's id; never zero.
    pub trace_id: u128,
    /// The span that sends the request on; never zero.
    pub span_id: u64,
    /// The span that called us, when the trace began before us.
    pub parent_id: Option<u64>,
    /// Whether the spans of this trace are recorded.
    pub sampled: bool,
}

/// Characters of a `traceparent` value.
pub const LENGTH: usize = 55;

impl TraceContext {
    /// A trace that begins here, from 24 random bytes.
    #[must_use]
    pub fn begin(random: [u8; 24], sampled: bool) -> Self {
        let [trace @ .., _, _, _, _, _, _, _, _] = random;
        let [_, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, span @ ..] = random;
        Self {
            trace_id: u128::from_be_bytes(trace).max(1),
            span_id: u64::from_be_bytes(span).max(1),
            parent_id: None,
            sampled,
        }
    }

    /// The trace that `value` continues, with a span of our own from random bits. Nothing when the value is invalid; a
    /// version above ours is read by its first four fields, as the standard says.
    #[must_use]
    pub fn carry_on(value: &[u8], random: u64) -> Option<Self> {
        let text = std::str::from_utf8(value).ok()?;
        let mut fields = text.split('-');
        let (version, trace, parent, flags) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
        let extended = fields.next().is_some();
        if version.len() != 2
            || trace.len() != 32
            || parent.len() != 16
            || flags.len() != 2
            || version == "ff"
            || (extended && version == "00")
        {
            return None;
        }
        let lower_hex = |text: &str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if ![version, trace, parent, flags].into_iter().all(lower_hex) {
            return None;
        }
        let trace_id = u128::from_str_radix(trace, 16).ok().filter(|&id| id != 0)?;
        let parent_id = u64::from_str_radix(parent, 16).ok().filter(|&id| id != 0)?;
        let sampled = u8::from_str_radix(flags, 16).ok()? & 1 == 1;
        Some(Self { trace_id, span_id: random.max(1), parent_id: Some(parent_id), sampled })
    }

    /// The header to send on: version 00.
    #[must_use]
    pub fn header(&self) -> [u8; LENGTH] {
        let mut out = *b"00-00000000000000000000000000000000-0000000000000000-00";
        let (head, span) = out.split_at_mut(36);
        write_hex(self.trace_id.to_be_bytes(), head.get_mut(3..35).unwrap_or_default());
        write_hex(self.span_id.to_be_bytes(), span.get_mut(..16).unwrap_or_default());
        write_hex([u8::from(self.sampled)], span.get_mut(17..).unwrap_or_default());
        out
    }

    /// A trace's id as logs and collectors show it.
    #[must_use]
    pub fn trace_id_hex(trace_id: u128) -> [u8; 32] {
        let mut out = [0; 32];
        write_hex(trace_id.to_be_bytes(), &mut out);
        out
    }
}

fn write_hex<const N: usize>(bytes: [u8; N], out: &mut [u8]) {
    let digit = |nibble: u8| if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 };
    for (byte, place) in bytes.into_iter().zip(out.chunks_exact_mut(2)) {
        place.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_valid_parent_is_carried_on_with_our_span() {
        let context = TraceContext::carry_on(GOOD.as_bytes(), 7).unwrap();
        assert_eq!(context.parent_id, Some(0x00f0_67aa_0ba9_02b7));
        assert_eq!(context.header(), *b"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000007-01");
    }

    #[test]
    fn invalid_parents_are_not_carried_on() {
        let zero_trace = "00-00000000000000000000000000000000-00f067aa0ba902b7-01";
        let zero_span = "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01";
        for bad in [
            "",
            "00",
            zero_trace,
            zero_span,
            &GOOD.to_uppercase(),
            &GOOD.replace("00-4", "ff-4"),
            &format!("{GOOD}-x"),
            &GOOD.replace("-01", "-1"),
        ] {
            assert_eq!(TraceContext::carry_on(bad.as_bytes(), 7), None, "{bad}");
        }
        assert!(
            TraceContext::carry_on(GOOD.replace("00-4", "01-4").replace("-01", "-01-more").as_bytes(), 7).is_some(),
            "a later version is read by its first fields"
        );
    }

    #[test]
    fn a_trace_that_begins_here_reads_back() {
        let begun = TraceContext::begin([9; 24], false);
        let read = TraceContext::carry_on(&begun.header(), 1).unwrap();
        assert_eq!((read.trace_id, read.parent_id, read.sampled), (begun.trace_id, Some(begun.span_id), false));
    }
}
