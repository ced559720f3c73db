//! The database's URL: where it comes from, and the password in it.

use std::env;

use anyhow::anyhow;
use clap::parser::ValueSource;
use percent_encoding::percent_decode_str;

use super::{Failed, secret};
use crate::exit::Exit;
use crate::redact;

const VARIABLE: &str = "DATABASE_URL";
/// Variables that may hold a URL with a password, of the database and of proxies, or a password.
const URLS: [&str; 9] = [
    VARIABLE,
    "ONELOGIN_BASE_URL",
    "ONELOGIN_LEGACY_BASE_URL",
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
];
const PASSWORD: &str = "PGPASSWORD";

/// Registers the passwords that stand in the environment, before anything is printed.
pub(super) fn register_environment() {
    for url in URLS.iter().filter_map(|name| env::var(name).ok()) {
        for password in passwords(&url) {
            redact::register(&password);
        }
    }
    if let Ok(password) = env::var(PASSWORD) {
        redact::register(&password);
    }
}

/// Decides which URL to use: the flag, its variable, a file that another names, or the default.
///
/// # Errors
/// If the file cannot be read, or the password cannot be kept out of messages.
pub(super) fn url(given: String, source: Option<ValueSource>) -> Result<String, Failed> {
    let is_given = !matches!(source, None | Some(ValueSource::DefaultValue));
    let url = match secret::find_setting(VARIABLE)? {
        Some(found) if !is_given => found,
        _ => given,
    };
    let passwords = passwords(&url);
    for password in &passwords {
        redact::register(password);
    }
    let from_environment = env::var(PASSWORD).ok();
    let shortest = passwords.iter().chain(&from_environment).map(|p| p.chars().count()).min();
    if shortest.is_some_and(|length| (1..redact::SHORTEST).contains(&length)) {
        let error = anyhow!(
            "the database's password has fewer than {} characters, so it cannot be kept out of \
             messages; set a longer one",
            redact::SHORTEST
        );
        return Err(Failed::new(Exit::Configuration, error));
    }
    if source == Some(ValueSource::CommandLine) && passwords.iter().any(|p| !p.is_empty()) {
        tracing::warn!(
            "the password in --database-url is shown in the list of processes; set DATABASE_URL, \
             DATABASE_URL_FILE or PGPASSFILE instead"
        );
    }
    Ok(url)
}

/// The passwords in a URL, as written and decoded. A URL that is read wrongly may have its password
/// anywhere between the user's name and the last `@`.
fn passwords(url: &str) -> Vec<String> {
    let rest = url.split_once(':').map_or(url, |(_, rest)| rest.trim_start_matches('/'));
    let mut passwords = Vec::new();
    if let Some((login, _)) = rest.rsplit_once('@')
        && let Some((_, password)) = login.split_once(':')
    {
        passwords.push(password.to_owned());
    }
    let query = rest.split_once('?').map_or("", |(_, query)| query);
    passwords.extend(
        query
            .split('&')
            .filter_map(|pair| pair.strip_prefix("password=").map(|value| value.replace('+', " "))),
    );
    let decoded = passwords.iter().map(|p| percent_decode_str(p).decode_utf8_lossy().into_owned());
    let decoded: Vec<String> = decoded.collect();
    passwords.extend(decoded);
    passwords
}

#[cfg(test)]
mod tests {
    use super::passwords;

    #[test]
    fn a_password_is_found_wherever_a_url_has_it() {
        for (url, password) in [
            ("postgres://me:hunter2@db/x", "hunter2"),
            ("postgres://me:hun/ter2@db/x", "hun/ter2"),
            ("postgres://me:hun@ter2@db/x", "hun@ter2"),
            ("postgres://me:hun%2Fter2@db/x", "hun/ter2"),
            ("postgres://me@db/x?password=hunter%32", "hunter2"),
            ("postgres:/me:hunter2@db/x", "hunter2"),
        ] {
            assert!(passwords(url).iter().any(|p| p == password), "{url}: {:?}", passwords(url));
        }
        for url in ["postgres://me@db/x", "sqlite:a.db", "postgres://db:5432/x?sslmode=require"] {
            assert_eq!(passwords(url), Vec::<String>::new(), "{url}");
        }
    }
}
