//! A Postgres URL: what may stand in it, and whether the way to the server is encrypted.

use std::error::Error as _;
use std::net::IpAddr;
use std::str::FromStr;

use sqlx::postgres::{PgConnectOptions, PgSslMode};
use url::Url;

use super::Error;

/// The parameters that the driver reads, by libpq's names first.
const PARAMETERS: [&str; 18] = [
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
    "statement-cache-capacity",
    "ssl-mode",
    "ssl-root-cert",
    "ssl-ca",
    "ssl-cert",
    "ssl-key",
];

/// A URL that may be used.
#[derive(Debug)]
pub(super) struct ServerUrl {
    pub(super) options: PgConnectOptions,
    /// Statements may be named, as they are with a direct connection.
    pub(super) names_statements: bool,
    pub(super) tls: Tls,
}

/// The encryption of a connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tls {
    pub(super) mode: &'static str,
    /// This program requires TLS, because the server is on another machine.
    pub(super) is_required_for_remote: bool,
}

/// Reads a URL. A server on another machine gets TLS, unless that is waived.
///
/// # Errors
/// [`Error::Url`] and [`Error::Unencrypted`].
pub(super) fn read(text: &str, is_insecure: bool) -> Result<ServerUrl, Error> {
    // The driver's error quotes parts of the URL, and so perhaps of the password.
    let unusable =
        || Error::Url("write postgres://user:password@host:5432/name, with % escapes".to_owned());
    let url = Url::parse(text).map_err(|_| unusable())?;
    let mut names_statements = true;
    let mut has_root = std::env::var_os("PGSSLROOTCERT").is_some();
    for (name, value) in url.query_pairs() {
        if !PARAMETERS.contains(&&*name) && !name.starts_with("options[") {
            return Err(Error::Url(unknown_parameter(&name)));
        }
        names_statements &= !(name == "statement-cache-capacity" && value == "0");
        has_root |= ["sslrootcert", "ssl-root-cert", "ssl-ca"].contains(&&*name);
    }
    let mut options = PgConnectOptions::from_str(text).map_err(|_| unusable())?;
    let is_remote = options.get_socket().is_none() && !is_this_machine(options.get_host());
    let is_required_for_remote = is_remote && !is_insecure;
    match options.get_ssl_mode() {
        PgSslMode::Disable | PgSslMode::Allow if is_required_for_remote => {
            return Err(Error::Unencrypted {
                target: options.get_host().to_owned(),
                source: sqlx::Error::Tls("sslmode turns TLS off".into()),
            });
        }
        PgSslMode::Prefer if is_required_for_remote => {
            options = options.ssl_mode(PgSslMode::Require);
        }
        // As libpq does: whoever names a root certificate wants it to be used.
        PgSslMode::Require if has_root => options = options.ssl_mode(PgSslMode::VerifyCa),
        _ => {}
    }
    let tls = Tls { mode: name_of(options.get_ssl_mode()), is_required_for_remote };
    Ok(ServerUrl { options, names_statements, tls })
}

/// Only the name is repeated: a value may be secret.
fn unknown_parameter(name: &str) -> String {
    let nearest = PARAMETERS.iter().find(|known| {
        let shared = known.chars().zip(name.chars()).take_while(|(a, b)| a == b).count();
        shared >= 4
    });
    match nearest {
        Some(known) => format!("its parameter `{name}` is unknown; is `{known}` meant?"),
        None => format!("its parameter `{name}` is unknown; remove it or correct it"),
    }
}

fn is_this_machine(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || host.starts_with('/')
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn name_of(mode: PgSslMode) -> &'static str {
    match mode {
        PgSslMode::Disable => "disable",
        PgSslMode::Allow => "allow",
        PgSslMode::Prefer => "prefer",
        PgSslMode::Require => "require",
        PgSslMode::VerifyCa => "verify-ca",
        PgSslMode::VerifyFull => "verify-full",
    }
}

/// Checks that the server has no TLS. The driver has only a text for it.
pub(super) fn is_without_tls(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Tls(cause) if cause.to_string() == "server does not support TLS")
}

/// Checks that a connection failed because a certificate could not be used.
pub(super) fn is_about_certificate(error: &sqlx::Error) -> bool {
    if matches!(error, sqlx::Error::Tls(_)) {
        return !is_without_tls(error);
    }
    let mut cause = error.source();
    while let Some(error) = cause {
        if error.is::<rustls::Error>() {
            return true;
        }
        cause = match error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(url: &str, is_insecure: bool) -> Result<&'static str, String> {
        read(url, is_insecure).map(|url| url.tls.mode).map_err(|error| error.to_string())
    }

    #[test]
    fn a_server_on_another_machine_gets_tls_unless_that_is_waived() {
        for (url, expected, waived) in [
            ("postgres://me@localhost/db", "prefer", "prefer"),
            ("postgres://me@127.0.0.9/db", "prefer", "prefer"),
            ("postgres://me@[::1]/db", "prefer", "prefer"),
            ("postgres://me@%2Fvar%2Frun/db", "prefer", "prefer"),
            ("postgres:///db?host=/var/run", "prefer", "prefer"),
            ("postgres://me@db.example/db", "require", "prefer"),
            ("postgres://me@10.0.0.1/db?sslmode=prefer", "require", "prefer"),
            ("postgres://me@db.example/db?sslmode=verify-full", "verify-full", "verify-full"),
            (
                "postgres://me@db.example/db?sslmode=require&sslrootcert=ca",
                "verify-ca",
                "verify-ca",
            ),
        ] {
            assert_eq!(mode(url, false).as_deref(), Ok(expected), "{url}");
            assert_eq!(mode(url, true).as_deref(), Ok(waived), "{url} --insecure-database");
        }
        for url in ["postgres://db.example/db?sslmode=disable", "postgres://h/db?ssl-mode=allow"] {
            assert!(mode(url, false).unwrap_err().contains("--insecure-database"), "{url}");
            assert!(mode(url, true).is_ok(), "{url}");
        }
    }

    #[test]
    fn a_misspelled_parameter_is_refused_and_its_value_not_repeated() {
        let error = mode("postgres://db.example/db?sslmod=verify-full", false).unwrap_err();
        assert!(error.contains("`sslmod`") && error.contains("`sslmode`"), "{error}");
        let error = mode("postgres://localhost/db?secret=hunter2", false).unwrap_err();
        assert!(error.contains("`secret`") && !error.contains("hunter2"), "{error}");
    }

    #[test]
    fn without_a_statement_cache_no_statement_is_named() {
        let names = |url| read(url, false).unwrap().names_statements;
        assert!(names("postgres://localhost/db"));
        assert!(names("postgres://localhost/db?statement-cache-capacity=10"));
        assert!(!names("postgres://localhost/db?statement-cache-capacity=0"));
    }
}
