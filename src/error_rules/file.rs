//! The file of rules: TOML, with the line of each defect.

use std::fmt;

use serde::Deserialize;
use toml::Spanned;

use super::{Class, Retryable, Rule};
use crate::redact::clean;

/// Bytes of a compiled pattern: a rule is a line, not a program.
const LARGEST_PATTERN: usize = 10_000;

/// A defect in a file of rules.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RulesError {
    pub(super) line: usize,
    reason: String,
}

impl fmt::Display for RulesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.reason)
    }
}

impl std::error::Error for RulesError {}

/// A file that was read.
pub(super) struct File {
    pub(super) version: Option<String>,
    pub(super) rules: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    version: Option<Version>,
    #[serde(default)]
    rule: Vec<RuleFields>,
}

/// A version is a name; a number is one too.
#[derive(Deserialize)]
#[serde(untagged)]
enum Version {
    Name(String),
    Number(i64),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFields {
    pattern: Spanned<String>,
    class: Class,
    retryable: Retryable,
    action: Option<Spanned<String>>,
}

/// Reads a file. The patterns of a user's file are compiled, to report one that does not.
pub(super) fn read(text: &str, is_own: bool) -> Result<File, RulesError> {
    let fields: Fields = toml::from_str(text).map_err(|error| RulesError {
        line: line(text, error.span().map_or(0, |span| span.start)),
        reason: clean(error.message()),
    })?;
    let version = fields.version.map(|version| match version {
        Version::Name(name) => name,
        Version::Number(number) => number.to_string(),
    });
    let rules = fields.rule.into_iter().map(|fields| rule(text, fields, is_own));
    Ok(File { version, rules: rules.collect::<Result<_, _>>()? })
}

fn rule(text: &str, fields: RuleFields, is_own: bool) -> Result<Rule, RulesError> {
    let defect = |start, reason| RulesError { line: line(text, start), reason };
    let start = fields.pattern.span().start;
    let pattern = fields.pattern.into_inner();
    if pattern.is_empty() || pattern.len() > LARGEST_PATTERN {
        let reason = format!("the pattern must have 1 to {LARGEST_PATTERN} bytes");
        return Err(defect(start, reason));
    }
    if let Some(action) = fields.action.as_ref().filter(|action| action.get_ref().trim().is_empty())
    {
        return Err(defect(action.span().start, "the action is empty: leave it out".to_owned()));
    }
    let rule = Rule {
        pattern,
        class: fields.class,
        retryable: fields.retryable,
        action: fields.action.map(Spanned::into_inner),
        is_unicode: is_own,
    };
    if is_own {
        rule.compile().map_err(|error| {
            // The library repeats the pattern, with a sign below the place; its last line has the reason.
            let message = error.to_string();
            let reason = message.lines().last().unwrap_or_default();
            let reason = clean(reason.trim_start_matches("error: "));
            defect(start, format!("the pattern is no regular expression: {reason}"))
        })?;
    }
    Ok(rule)
}

fn line(text: &str, offset: usize) -> usize {
    text[..text.floor_char_boundary(offset)].matches('\n').count() + 1
}
