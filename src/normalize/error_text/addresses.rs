//! Addresses: of mail, of the web and of machines.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Longest address: a longer run of characters is none.
const LONGEST: usize = 254;

/// Endings of a host with at least one dot.
const DOMAINS: &[&str] = &[
    "biz",
    "co",
    "com",
    "corp",
    "dev",
    "edu",
    "eu",
    "example",
    "gov",
    "info",
    "io",
    "lan",
    "local",
    "localdomain",
    "localhost",
    "mil",
    "net",
    "org",
    "test",
];
/// Endings of a host with at least two dots: `user.id` is the name of a field.
const COUNTRIES: &[&str] = &[
    "app", "ar", "at", "au", "be", "br", "ca", "ch", "cl", "cloud", "cn", "cz", "de", "dk", "es",
    "fi", "fr", "gr", "hk", "hu", "ie", "il", "in", "internal", "it", "jp", "kr", "lu", "mx", "nl",
    "no", "nz", "pl", "pt", "ro", "se", "sg", "sk", "tr", "tw", "ua", "uk", "us", "za",
];
/// Beginnings of names of classes and of errors, which have dots too.
const NOT_HOSTS: [&str; 7] = ["com", "err", "error", "java", "javax", "net", "org"];

/// The address that a text begins with: its length and its placeholder. A number of a port belongs to it.
pub(super) fn address(text: &str) -> Option<(usize, &'static str)> {
    url(text)
        .map(|length| (length, "<url>"))
        .or_else(|| ip_v6(text).map(|length| (length, "<host>")))
        .or_else(|| term(text))
}

/// A URL, or a path of at least two parts.
fn url(text: &str) -> Option<usize> {
    let scheme = head(text).find(|c: char| !c.is_ascii_alphanumeric() && !"+.-".contains(c))?;
    let is_url = scheme > 1 && text[scheme..].starts_with("://");
    let is_path = text.starts_with('/')
        && text[1..].starts_with(|c: char| c.is_alphanumeric())
        && text[1..scan_end(text)].contains('/');
    if !is_url && !is_path {
        return None;
    }
    let length = text[..scan_end(text)].trim_end_matches(['.', ':', '!', '?', '-']).len();
    (length > scheme).then_some(length)
}

/// As much of a text as an address can take.
fn head(text: &str) -> &str {
    &text[..text.floor_char_boundary(LONGEST)]
}

fn scan_end(text: &str) -> usize {
    text.find(|c: char| c.is_whitespace() || "\"'`<>()[]{},;\\".contains(c)).unwrap_or(text.len())
}

/// An IP address of version 6, in brackets or not.
fn ip_v6(text: &str) -> Option<usize> {
    let inner = text.strip_prefix('[').unwrap_or(text);
    let part = |b: &u8| b.is_ascii_hexdigit() || b":.".contains(b);
    let length = inner.bytes().take(46).take_while(part).count();
    let run = inner[..length].trim_end_matches('.');
    let is_address = run.matches(':').count() > 1 && run.parse::<Ipv6Addr>().is_ok();
    let mut end = text.len() - inner.len() + run.len();
    if inner.len() < text.len() {
        end = text.len() - text[end..].strip_prefix(']')?.len();
        end += port(&text[end..]);
    }
    is_address.then_some(end)
}

/// A mail address, an IP address or the name of a host.
fn term(text: &str) -> Option<(usize, &'static str)> {
    let text = head(text);
    let run = &text[..text.find(|c| !is_of_mail(c)).unwrap_or(text.len())];
    let run = trimmed(run);
    if is_mail(run) {
        return Some((run.len(), "<email>"));
    }
    let port = port(&text[run.len()..]);
    let is_host = run.parse::<Ipv4Addr>().is_ok() || is_host(run) || port > 0 && is_dotted(run);
    is_host.then_some((run.len() + port, "<host>"))
}

/// Checks whether a character may be part of an e-mail address.
pub(super) fn is_of_mail(c: char) -> bool {
    c.is_alphanumeric() || "._-+@".contains(c)
}

/// Checks whether a run of such characters is an address.
pub(super) fn is_mail(run: &str) -> bool {
    let run = run.trim_start_matches(|c: char| !c.is_alphanumeric());
    trimmed(run).contains('@')
}

fn trimmed(run: &str) -> &str {
    run.trim_end_matches(['.', '-', '+', '@', '_'])
}

/// The length of `:443`.
fn port(text: &str) -> usize {
    let Some(number) = text.strip_prefix(':') else { return 0 };
    let digits = number.bytes().take_while(u8::is_ascii_digit).count();
    let is_end = !number[digits..].starts_with(|c: char| c.is_alphanumeric());
    if (2..=5).contains(&digits) && is_end { text.len() - number.len() + digits } else { 0 }
}

fn is_dotted(run: &str) -> bool {
    run == "localhost"
        || run.contains('.')
            && run.split('.').all(|label| {
                !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-')
            })
            && run.contains(char::is_alphabetic)
}

fn is_host(run: &str) -> bool {
    let Some((before, ending)) = run.rsplit_once('.') else { return run == "localhost" };
    let has = |list: &[&str]| list.binary_search(&ending.to_ascii_lowercase().as_str()).is_ok();
    // `System.Net` is no host, but `EXAMPLE.NET` is one.
    let is_one_case = ending.chars().all(char::is_lowercase) || !run.contains(char::is_lowercase);
    let first = before.split('.').next().unwrap_or_default();
    is_one_case
        && (has(DOMAINS) || before.contains('.') && has(COUNTRIES))
        && is_dotted(run)
        && !NOT_HOSTS.contains(&first)
}

/// Checks whether a text ends within the name of a class or of an error, whose rest is no host either.
pub(super) fn ends_in_name(text: &str) -> bool {
    if !text.ends_with('.') {
        return false;
    }
    let text = &text[text.floor_char_boundary(text.len().saturating_sub(LONGEST))..];
    let run = text.rsplit(|c| !is_of_mail(c)).next().unwrap_or_default();
    run.split('.').next().is_some_and(|first| NOT_HOSTS.contains(&first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_of_a_name_with_dots_is_no_host() {
        assert!(ends_in_name("failed: error.update."));
        for text in ["failed: error.update", "mail.update.", "an error. ", ""] {
            assert!(!ends_in_name(text), "{text}");
        }
    }

    #[test]
    fn lists_are_sorted() {
        assert!(DOMAINS.is_sorted() && COUNTRIES.is_sorted());
    }

    #[test]
    fn addresses_end_where_they_end() {
        for (text, length, placeholder) in [
            ("https://api.example.com/v1/users?x=1, then", 36, "<url>"),
            ("https://lux.onelogin.com/api.", 28, "<url>"),
            ("/scim/v2/Users/7 failed", 16, "<url>"),
            ("jane.roe+x@example.co.uk: no", 24, "<email>"),
            ("jörg@bücher.example", 21, "<email>"),
            ("scim.example.com:443 failed", 20, "<host>"),
            ("10.0.0.1:8080", 13, "<host>"),
            ("2001:db8::1 down", 11, "<host>"),
            ("[::1]:443", 9, "<host>"),
            ("localhost:5432", 14, "<host>"),
            ("EXAMPLE.NET", 11, "<host>"),
            ("tenant.example.co.uk", 20, "<host>"),
            ("proxy.intra:3128 refused", 16, "<host>"),
        ] {
            assert_eq!(address(text), Some((length, placeholder)), "{text}");
        }
        for text in [
            "/title>",
            "and/or",
            "http: no",
            "java.net.SocketTimeoutException",
            "System.Net",
            "error.user.name.invalid",
            "user.id",
            "e.g.",
            "1.2.3",
            "14:05:33",
            "Net::ReadTimeout",
            "user_info.email",
            "@mention",
            "code:443",
            "",
        ] {
            assert_eq!(address(text), None, "{text}");
        }
    }
}
