//! What a request asks for (RFC 9112 section 3.2).

use super::{
    Rule, host,
    octets::{path_length, query_length},
};

/// Whether the target has the form that the method takes, and no byte that must be encoded.
pub(super) fn check(method: &[u8], target: &[u8]) -> Result<(), Rule> {
    if target.contains(&b'#') {
        return Err(Rule::FragmentInTarget);
    }
    match target {
        _ if method == b"CONNECT" => match host::split(target) {
            Some((_, Some(_port))) => Ok(()),
            _ => Err(Rule::TargetForm),
        },
        [b'/', ..] => path_and_query(target),
        b"*" if method == b"OPTIONS" => Ok(()),
        b"*" => Err(Rule::TargetForm),
        _ => absolute(target),
    }
}

fn path_and_query(target: &[u8]) -> Result<(), Rule> {
    match target.get(path_length(target)..).unwrap_or_default() {
        [] => Ok(()),
        [b'?', query @ ..] if query_length(query) == query.len() => Ok(()),
        _ => Err(Rule::InvalidTarget),
    }
}

/// `http://host/path`. Other schemes are asked of forward proxies, which this is not.
fn absolute(target: &[u8]) -> Result<(), Rule> {
    let rest = [&b"http://"[..], b"https://"].iter().find_map(|scheme| {
        let (start, rest) = target.split_at_checked(scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then_some(rest)
    });
    let rest = rest.ok_or(Rule::InvalidTarget)?;
    let end = rest.iter().position(|byte| b"/?".contains(byte)).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end).ok_or(Rule::InvalidTarget)?;
    if host::split(authority).is_none() {
        return Err(Rule::InvalidTarget);
    }
    path_and_query(path)
}
