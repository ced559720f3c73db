//! Which base URLs are accepted: credentials go nowhere they could be read on the way.

use url::{Host, Url};

use super::config_error::ConfigError;

/// Reads and checks a base URL.
pub(super) fn parse(text: &str, allow_http: bool) -> Result<Url, ConfigError> {
    let url = Url::parse(text.trim()).map_err(|source| ConfigError::NotAUrl { source })?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(ConfigError::Scheme { scheme: url.scheme().to_owned() });
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(ConfigError::CredentialsInUrl);
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(ConfigError::QueryInUrl);
    }
    if url.scheme() == "http" && !allow_http && !is_loopback(&url) {
        return Err(ConfigError::PlainHttp { host: url.host_str().unwrap_or_default().to_owned() });
    }
    Ok(url)
}

/// Checks whether the URL stays on this machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_and_loopback_are_accepted() {
        for text in [
            "https://api.onelogin.com",
            "https://api.onelogin.com:8443/",
            " https://proxy.example/onelogin/ ",
            "http://localhost:8080",
            "http://LOCALHOST",
            "http://127.0.0.1:1",
            "http://127.9.9.9",
            "http://[::1]:80",
        ] {
            assert!(parse(text, false).is_ok(), "{text}");
        }
    }

    #[test]
    fn plain_http_leaves_the_machine_only_when_allowed() {
        for text in [
            "http://api.onelogin.com",
            "http://localhost.example",
            "http://127.0.0.1.example",
            "http://128.0.0.1",
            "http://0.0.0.0",
            "http://[::2]",
            "http://[::ffff:127.0.0.1]",
        ] {
            assert!(matches!(parse(text, false), Err(ConfigError::PlainHttp { .. })), "{text}");
            assert!(parse(text, true).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_is_no_base_url_is_named_and_a_password_is_not_repeated() {
        let error = |text| parse(text, true).unwrap_err();
        assert!(matches!(error("api.onelogin.com"), ConfigError::NotAUrl { .. }));
        assert!(matches!(error(""), ConfigError::NotAUrl { .. }));
        assert!(matches!(error("https://"), ConfigError::NotAUrl { .. }));
        assert!(matches!(error("ftp://api.onelogin.com"), ConfigError::Scheme { .. }));
        assert!(matches!(error("file:///etc"), ConfigError::Scheme { .. }));
        for text in ["https://u@h.example", "https://u:hunter2@h.example", "https://:hunter2@h"] {
            let error = error(text);
            assert!(matches!(error, ConfigError::CredentialsInUrl), "{text}");
            assert!(!format!("{error} {error:?}").contains("hunter2"));
        }
        for text in ["https://h.example?key=1", "https://h.example/#a", "https://h.example/?"] {
            assert!(matches!(error(text), ConfigError::QueryInUrl), "{text}");
        }
    }
}
