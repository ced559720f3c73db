//! The part of a server's message that may be shown: terms of a fixed list. All others are left out, since
//! they may name a person or be a secret that somebody echoes.

/// Terms of a message that are looked at.
const MOST_TERMS: usize = 40;
const LEFT_OUT: &str = "…";

/// Terms of messages about parameters. The numbers are limits of types.
const TERMS: &[&str] = &[
    "2147483647",
    "9223372036854775807",
    "<",
    "<=",
    "=",
    ">",
    ">=",
    "a",
    "after",
    "an",
    "and",
    "are",
    "argument",
    "arguments",
    "array",
    "at",
    "bad",
    "be",
    "before",
    "between",
    "by",
    "can",
    "cannot",
    "comma",
    "could",
    "created_at",
    "cursor",
    "date",
    "dates",
    "day",
    "days",
    "does",
    "error",
    "event_type_id",
    "exceed",
    "exceeded",
    "exceeds",
    "exist",
    "expected",
    "failed",
    "few",
    "fewer",
    "field",
    "fields",
    "for",
    "format",
    "found",
    "future",
    "greater",
    "has",
    "have",
    "hour",
    "hours",
    "id",
    "ids",
    "in",
    "input",
    "integer",
    "invalid",
    "is",
    "iso8601",
    "items",
    "large",
    "least",
    "length",
    "less",
    "limit",
    "list",
    "long",
    "many",
    "maximum",
    "minimum",
    "missing",
    "more",
    "most",
    "must",
    "no",
    "not",
    "number",
    "numbers",
    "of",
    "only",
    "or",
    "out",
    "page",
    "pagination",
    "parameter",
    "parameters",
    "past",
    "positive",
    "query",
    "range",
    "request",
    "requests",
    "required",
    "resource",
    "separated",
    "since",
    "size",
    "small",
    "sort",
    "string",
    "supported",
    "than",
    "that",
    "the",
    "this",
    "time",
    "timestamp",
    "to",
    "too",
    "type",
    "unexpected",
    "unknown",
    "unsupported",
    "until",
    "user",
    "user_ids",
    "users",
    "valid",
    "validation",
    "value",
    "values",
    "were",
    "with",
    "within",
    "wrong",
    "xor",
];

/// Quotes a message, with an ellipsis in place of what is left out; `None` if nothing is left to quote.
pub(super) fn of(message: &str) -> Option<String> {
    let mut shown: Vec<&str> = Vec::new();
    let mut known = 0;
    let mut terms = message.split_whitespace();
    for term in terms.by_ref().take(MOST_TERMS) {
        let bare = term.trim_matches(|c| "\"'`.,:;!()[]".contains(c));
        if TERMS.contains(&&*bare.to_ascii_lowercase()) {
            known += 1;
            shown.push(bare);
        } else if shown.last() != Some(&LEFT_OUT) {
            shown.push(LEFT_OUT);
        }
    }
    if terms.next().is_some() && shown.last() != Some(&LEFT_OUT) {
        shown.push(LEFT_OUT);
    }
    (known > 1).then(|| format!("\"{}\"", shown.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_about_a_parameter_is_quoted() {
        for (message, quoted) in [
            ("Integer value must be <= 2147483647", "Integer value must be <= 2147483647"),
            ("too many user_ids", "too many user_ids"),
            ("\"user_ids\" is invalid.", "user_ids is invalid"),
            ("user 31137 is not valid", "user … is not valid"),
        ] {
            assert_eq!(of(message), Some(format!("\"{quoted}\"")));
        }
        assert!(of(&"is ".repeat(100)).unwrap().ends_with("is …\""));
    }

    #[test]
    fn no_name_number_or_secret_is_quoted() {
        for message in
            ["", "Ada Byte ada.byte@example.com", "user", "\u{1b}[31m", "31137", "bearer s3cret"]
        {
            assert_eq!(of(message), None, "{message}");
        }
        let quoted = of("user Ada Byte <ada@example.com> is not found with s3cret").unwrap();
        assert_eq!(quoted, "\"user … is not found with …\"");
    }
}
