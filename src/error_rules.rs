//! The class of an error, by rules on its normalised text.
//!
//! Pure: a class depends on the text and the rules alone. The rules are a file in the binary; a file of the
//! user's comes first.

mod file;
mod spelling;

use regex::bytes::{Regex, RegexBuilder};
use sha2::{Digest, Sha256};

pub(crate) use file::RulesError;

const BUILT_IN: &str = include_str!("error_rules/error_rules.toml");

/// The kind of an error, which decides who has to act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Class {
    /// The app refuses the credentials of the connector.
    Authentication,
    /// The connector lacks a right.
    Permission,
    /// No licence or seat is left.
    LicenceLimit,
    /// The account is there already, or another one has its name.
    Duplicate,
    /// The app does not accept a value.
    ValidationMapping,
    /// The account, or something that it refers to, is not there.
    NotFound,
    /// There were too many calls.
    RateLimited,
    /// The app did not answer in time.
    Timeout,
    /// The app cannot be reached.
    Connection,
    /// The app failed by itself.
    ApplicationError,
    /// OneLogin failed before it called the app.
    OneloginInternal,
    /// No rule matches.
    Unknown,
}

impl Class {
    /// All classes.
    #[cfg(test)]
    pub(crate) const ALL: [Self; 12] = [
        Self::Authentication,
        Self::Permission,
        Self::LicenceLimit,
        Self::Duplicate,
        Self::ValidationMapping,
        Self::NotFound,
        Self::RateLimited,
        Self::Timeout,
        Self::Connection,
        Self::ApplicationError,
        Self::OneloginInternal,
        Self::Unknown,
    ];

    /// The text stored in `error_texts.error_class`.
    #[must_use]
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Authentication => "authentication",
            Self::Permission => "permission",
            Self::LicenceLimit => "licence_limit",
            Self::Duplicate => "duplicate",
            Self::ValidationMapping => "validation_mapping",
            Self::NotFound => "not_found",
            Self::RateLimited => "rate_limited",
            Self::Timeout => "timeout",
            Self::Connection => "connection",
            Self::ApplicationError => "application_error",
            Self::OneloginInternal => "onelogin_internal",
            Self::Unknown => "unknown",
        }
    }

    /// The recommended action, unless a rule has another one.
    #[must_use]
    pub(crate) fn action(self) -> &'static str {
        match self {
            Self::Authentication => {
                "Renew or re-authorise the credentials of the app's connector in OneLogin, then retry all \
                 failed users of the app"
            }
            Self::Permission => {
                "Give the connector's account in the app the missing right, role or scope, then retry"
            }
            Self::LicenceLimit => "Free or buy licences in the app, then retry",
            Self::Duplicate => {
                "Find the account in the app and link it, or change the login; do not create a second one"
            }
            Self::ValidationMapping => {
                "Correct the user's data, or the app's mapping of the field, then retry that user"
            }
            Self::NotFound => {
                "The account is not in the app: for a leaver confirm that and close the case; otherwise \
                 unlink it and create it again"
            }
            Self::RateLimited => {
                "Wait for the next retry; if it repeats, spread mass changes or request a higher limit"
            }
            Self::Timeout => {
                "Retry once; if many users of the app fail, treat it as an incident of the app"
            }
            Self::Connection => {
                "Check network, DNS, certificate and the status of the app; retry when it answers again"
            }
            Self::ApplicationError => {
                "Retry later; if it stays, open a ticket with the vendor of the app, with text and time"
            }
            Self::OneloginInternal => {
                "Retry from OneLogin; if it stays, check the app's settings there and open a ticket with \
                 OneLogin"
            }
            Self::Unknown => "Read the error in the app's own log",
        }
    }
}

/// Advice on when to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Retryable {
    /// At once.
    Yes,
    /// After a while.
    Later,
    /// After a person has acted.
    No,
}

impl Retryable {
    /// The text stored in `error_texts.retryable`.
    #[must_use]
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::Later => "later",
            Self::No => "no",
        }
    }
}

/// The class of an error with what follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Verdict<'a> {
    /// The kind of error.
    pub(crate) class: Class,
    /// The time to try again.
    pub(crate) retryable: Retryable,
    /// A sentence for the person who handles it; never empty.
    pub(crate) action: &'a str,
}

/// Rules in the order in which they are tried.
#[derive(Debug)]
pub(crate) struct ErrorRules {
    rules: Vec<Rule>,
    version: String,
}

#[derive(Debug)]
struct Rule {
    pattern: String,
    class: Class,
    retryable: Retryable,
    action: Option<String>,
    /// Letters outside ASCII in either case are equal. It costs more time, and the built-in rules need it not.
    is_unicode: bool,
}

impl Rule {
    fn compile(&self) -> Result<Regex, regex::Error> {
        RegexBuilder::new(&self.pattern).case_insensitive(true).unicode(self.is_unicode).build()
    }

    fn verdict(&self) -> Verdict<'_> {
        let action = self.action.as_deref().unwrap_or(self.class.action());
        Verdict { class: self.class, retryable: self.retryable, action }
    }
}

impl ErrorRules {
    /// The rules in the binary.
    ///
    /// # Panics
    /// Never: a test reads them.
    #[must_use]
    pub(crate) fn built_in() -> Self {
        Self::read(None).expect("the built-in rules are valid")
    }

    /// The user's rules, then those in the binary.
    ///
    /// # Errors
    /// [`RulesError`], with the line of the first defect.
    pub(crate) fn with_own(own: &str) -> Result<Self, RulesError> {
        Self::read(Some(own))
    }

    fn read(own: Option<&str>) -> Result<Self, RulesError> {
        let mut hash = Sha256::new();
        let (mut rules, mut versions) = (Vec::new(), Vec::new());
        for text in own.into_iter().chain([BUILT_IN]) {
            let file = file::read(text, text != BUILT_IN)?;
            hash.update(text);
            rules.extend(file.rules);
            versions.extend(file.version);
        }
        // The hash notices a change whose author has not raised the version.
        let hash = hash.finalize();
        let version = format!(
            "{}:{:02x}{:02x}{:02x}{:02x}",
            versions.join("+"),
            hash[0],
            hash[1],
            hash[2],
            hash[3]
        );
        Ok(Self { rules, version })
    }

    /// Changes whenever a rule changes.
    #[must_use]
    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    /// The classes of normalised texts, in their order. Rule by rule, so that one pattern is compiled and held
    /// at a time: all of them would take 5 MB.
    #[must_use]
    pub(crate) fn classify(&self, texts: &[&str]) -> Vec<Verdict<'_>> {
        let class = Class::Unknown;
        let unknown = Verdict { class, retryable: Retryable::No, action: class.action() };
        let mut verdicts = vec![unknown; texts.len()];
        let spelled: Vec<_> = texts.iter().map(|text| spelling::spelled_out(text)).collect();
        let mut left: Vec<usize> = (0..texts.len()).collect();
        for rule in &self.rules {
            if left.is_empty() {
                break;
            }
            // Patterns of the user were compiled when they were read; a test compiles the built-in ones.
            let Ok(pattern) = rule.compile() else { continue };
            left.retain(|&place| {
                let finds = |text: &str| pattern.is_match(text.as_bytes());
                let is_match = finds(texts[place]) || spelled[place].as_deref().is_some_and(finds);
                if is_match {
                    verdicts[place] = rule.verdict();
                }
                !is_match
            });
        }
        verdicts
    }
}

#[cfg(test)]
mod tests;
