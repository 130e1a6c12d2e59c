//! JSON from outside: bounded in depth before it is parsed.

use serde_json::Value;

/// How deep arrays and objects may nest.
const MAX_DEPTH: usize = 64;

/// Why bytes are no acceptable JSON.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JsonError {
    #[error("it nests deeper than {MAX_DEPTH} levels")]
    TooDeep,
    #[error("it is no JSON: {0}")]
    Syntax(#[from] serde_json::Error),
}

/// Parses JSON of bounded depth.
pub(crate) fn parse(bytes: &[u8]) -> Result<Value, JsonError> {
    if depth(bytes) > MAX_DEPTH {
        return Err(JsonError::TooDeep);
    }
    Ok(serde_json::from_slice(bytes)?)
}

/// The deepest nesting of brackets outside strings. On text that is no JSON it may say anything;
/// the parser has the last word then.
fn depth(bytes: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0_usize);
    let (mut in_string, mut escaped) = (false, false);
    for byte in bytes {
        match (in_string, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_string = !in_string,
            (false, b'[' | b'{') => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            (false, b']' | b'}') => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_bounded_and_strings_do_not_count() {
        let nested = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
        assert!(parse(nested(64).as_bytes()).is_ok());
        assert!(matches!(parse(nested(65).as_bytes()), Err(JsonError::TooDeep)));
        assert!(parse(format!("{:?}", "[".repeat(100)).as_bytes()).is_ok());
        assert!(parse(br#"{"a":"\"[[[","b":[1]}"#).is_ok());
        assert!(matches!(parse(b"{"), Err(JsonError::Syntax(_))));
    }
}
