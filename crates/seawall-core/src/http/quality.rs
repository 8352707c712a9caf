//! Weights in lists of what a client would rather have (RFC 9110 section 12.4.2).

/// The weight of a parameter such as `q=0.5`, in thousandths; nothing when it is not a weight.
#[must_use]
pub fn weight(parameter: &[u8]) -> Option<u16> {
    let at = parameter.iter().position(|&byte| byte == b'=')?;
    let (name, value) = parameter.split_at_checked(at)?;
    if !name.trim_ascii().eq_ignore_ascii_case(b"q") {
        return None;
    }
    let [b'=', value @ ..] = value else { return None };
    let (whole, digits) = match value.trim_ascii() {
        [whole @ (b'0' | b'1')] => (*whole, &b""[..]),
        [whole @ (b'0' | b'1'), b'.', digits @ ..] => (*whole, digits),
        _ => return None,
    };
    if digits.len() > 3 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let thousandths = digits.iter().zip([100, 10, 1]).map(|(digit, place)| u16::from(digit - b'0') * place).sum();
    match (whole, thousandths) {
        (b'0', thousandths) => Some(thousandths),
        (_, 0) => Some(1_000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_read_in_thousandths_and_nothing_else_is() {
        let read = [
            ("q=0", 0),
            ("q=1", 1_000),
            ("Q=0.5", 500),
            ("q=0.05", 50),
            ("q=0.001", 1),
            ("q=1.000", 1_000),
            (" q = 0.2 ", 200),
        ];
        for (parameter, thousandths) in read {
            assert_eq!(weight(parameter.as_bytes()), Some(thousandths), "{parameter}");
        }
        for parameter in ["", "q", "q=", "=1", "q=2", "q=1.5", "q=0.0001", "q=.5", "q=-1", "q=0.x", "v=1", "q=1=1"] {
            assert_eq!(weight(parameter.as_bytes()), None, "{parameter}");
        }
    }
}
