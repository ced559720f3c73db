//! A Postgres URL: what may stand in it, and whether the way to the server is encrypted.

use std::error::Error as _;
use std::fmt::Write;
use std::fs;
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

const UNESCAPED: &str = "its password has a character that needs a %-escape: write %2F for /, %3F for ?, \
    %23 for #, %40 for @, %25 for % and %20 for a space";

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
        || Error::Url("write postgres://user:password@host:5432/name, with %-escapes".to_owned());
    if has_unescaped_password(text) {
        return Err(Error::Url(UNESCAPED.to_owned()));
    }
    let text = &without_empty_host(text);
    if !text.contains("://") {
        return Err(unusable());
    }
    let url = Url::parse(text).map_err(|_| unusable())?;
    check_mode_of_environment(std::env::var("PGSSLMODE").ok().as_deref())?;
    let mut names_statements = true;
    let mut has_root = std::env::var_os("PGSSLROOTCERT").is_some();
    for (name, value) in url.query_pairs() {
        if !PARAMETERS.contains(&&*name) && !name.starts_with("options[") {
            return Err(Error::Url(unknown_parameter(&name)));
        }
        check_value(&name, &value)?;
        names_statements &= !(name == "statement-cache-capacity" && value == "0");
        has_root |= ["sslrootcert", "ssl-root-cert", "ssl-ca"].contains(&&*name);
    }
    let mut options = PgConnectOptions::from_str(text).map_err(|_| unusable())?;
    // An IPv6 address has brackets in a URL only.
    if let Some(address) = options.get_host().strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        options = options.clone().host(address);
    }
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

/// Finds a password with a character that ends the host's part of a URL. The rest of the password would be
/// taken for a path or a query, and be shown as such.
fn has_unescaped_password(text: &str) -> bool {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, after) = rest.split_at(end);
    let Some((before, _)) = after.split_once('@') else { return authority.contains(' ') };
    if authority.contains('@') {
        return false;
    }
    let port = authority.rsplit_once(':').map(|(_, port)| port);
    let is_port = port.is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
    // `?application_name=a@b` is a parameter, `/456@host` the end of a password.
    port.is_some() && !(is_port && before.contains('='))
}

/// Writes a user before an empty host (`postgres://me@/db?host=/run`), which libpq takes and the parser of
/// URLs does not, as parameters.
fn without_empty_host(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, after) = rest.split_at(end);
    let Some(login) = authority.strip_suffix('@') else { return text.to_owned() };
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    let mut url = format!("{scheme}://{after}{}", if after.contains('?') { '&' } else { '?' });
    // A space is `+` in a query only, and `+` is `%2B`.
    for (name, value) in [("user", user), ("password", password)] {
        if !value.is_empty() {
            let _ = write!(url, "{name}={}&", value.replace('+', "%2B").replace('&', "%26"));
        }
    }
    url.trim_end_matches(['&', '?']).to_owned()
}

/// Refuses what the driver would refuse without a reason, or only when it connects.
fn check_value(name: &str, value: &str) -> Result<(), Error> {
    match name {
        "sslmode" | "ssl-mode" if PgSslMode::from_str(value).is_err() => Err(Error::Url(format!(
            "its parameter `{name}` must be disable, allow, prefer, require, verify-ca or verify-full"
        ))),
        "sslrootcert" | "ssl-root-cert" | "ssl-ca" | "sslcert" | "ssl-cert" | "sslkey"
        | "ssl-key" => {
            let is_pem = value.contains("-----BEGIN");
            let read = if is_pem { Ok(()) } else { fs::read(value).map(drop) };
            read.map_err(|error| {
                Error::Url(format!(
                    "cannot read the file that its parameter `{name}` names: {error}"
                ))
            })
        }
        "port" | "statement-cache-capacity" if value.parse::<u16>().is_err() => {
            Err(Error::Url(format!("its parameter `{name}` must be a number up to 65535")))
        }
        _ => Ok(()),
    }
}

/// The driver takes a misspelled mode for none, and so would not check the server's certificate.
fn check_mode_of_environment(mode: Option<&str>) -> Result<(), Error> {
    match mode {
        Some(mode) if !mode.is_empty() && PgSslMode::from_str(mode).is_err() => Err(Error::Url(
            "the environment's PGSSLMODE must be disable, allow, prefer, require, verify-ca or verify-full"
                .to_owned(),
        )),
        _ => Ok(()),
    }
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
    use sqlx::ConnectOptions;

    use super::*;

    fn mode(url: &str, is_insecure: bool) -> Result<&'static str, String> {
        read(url, is_insecure).map(|url| url.tls.mode).map_err(|error| error.to_string())
    }

    #[test]
    fn a_misspelled_value_is_named() {
        for name in ["port", "statement-cache-capacity"] {
            let error = mode(&format!("postgres://me@localhost/db?{name}=x"), false).unwrap_err();
            assert!(error.contains(&format!("`{name}` must be a number")), "{error}");
        }
        assert!(check_mode_of_environment(Some("verify-ful")).is_err());
        for mode in [None, Some(""), Some("verify-full")] {
            assert!(check_mode_of_environment(mode).is_ok(), "{mode:?}");
        }
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
                "postgres://me@db.example/db?sslmode=require&sslrootcert=Cargo.toml",
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
    fn a_password_that_needs_escapes_is_refused_and_not_repeated() {
        for url in [
            "postgres://me:Hunter2/x@db.example/db",
            "postgres://me:Hunter2?x@db.example/db",
            "postgres://me:Hun#ter2@db.example/db",
            "postgres://me:22/Hunter2@db.example/db",
            "postgres://me:Hunter 2@db.example/db",
        ] {
            let error = mode(url, false).unwrap_err();
            assert!(error.contains("%2F") && !error.contains("unter"), "{url}: {error}");
        }
        for url in [
            "postgres://me:Hunter2%2Fx@localhost/db",
            "postgres://me:Hun@ter2@localhost/db",
            "postgres://localhost:5432/db?application_name=a@b",
        ] {
            assert!(mode(url, false).is_ok(), "{url}");
        }
    }

    #[test]
    fn a_host_may_be_an_address_a_folder_or_missing() {
        let read = |url| read(url, false).unwrap().options;
        assert_eq!(read("postgres://me@[::1]:5433/db").get_host(), "::1");
        let options = read("postgres://me:a%2Fb+c@/db?host=/run/pg&port=5433");
        assert_eq!(options.get_socket().unwrap().to_str(), Some("/run/pg"));
        assert_eq!((options.get_username(), options.get_port()), ("me", 5433));
        assert_eq!(options.get_database(), Some("db"));
        assert!(options.to_url_lossy().as_str().contains("a%2Fb%2Bc"), "{options:?}");
        let options = read("postgres://me@/db");
        assert_eq!((options.get_username(), options.get_database()), ("me", Some("db")));
        assert_ne!(options.get_host(), "");
    }

    #[test]
    fn a_value_that_cannot_be_used_is_refused_with_the_reason() {
        let error = mode("postgres://db.example/db?sslmode=verify", false).unwrap_err();
        assert!(error.contains("`sslmode` must be") && error.contains("verify-full"), "{error}");
        let error = mode("postgres://localhost/db?sslrootcert=none.pem", false).unwrap_err();
        assert!(error.contains("`sslrootcert`") && error.contains("No such file"), "{error}");
    }

    #[test]
    fn without_a_statement_cache_no_statement_is_named() {
        let names = |url| read(url, false).unwrap().names_statements;
        assert!(names("postgres://localhost/db"));
        assert!(names("postgres://localhost/db?statement-cache-capacity=10"));
        assert!(!names("postgres://localhost/db?statement-cache-capacity=0"));
    }
}
