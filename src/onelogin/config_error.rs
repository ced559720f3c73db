//! Settings that no request can be made with.

use crate::redact::Outside;

/// The reason why a source cannot be set up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The base URL cannot be read.
    #[error("the base URL is not a URL; it looks like https://api.onelogin.com")]
    NotAUrl {
        /// Reason.
        #[source]
        source: url::ParseError,
    },
    /// The base URL is neither http nor https.
    #[error("the base URL begins with {}:, and must begin with https:", Outside(scheme))]
    Scheme {
        /// Scheme of the URL.
        scheme: String,
    },
    /// Plain http to another machine.
    #[error(
        "plain http to {} would send the credentials readable; use https, or --allow-http on \
         a network of your own",
        Outside(host)
    )]
    PlainHttp {
        /// The host.
        host: String,
    },
    /// The base URL has a user name or password in it.
    #[error(
        "the base URL has a user name or password in it; credentials have settings of their own"
    )]
    CredentialsInUrl,
    /// The base URL has a query or a fragment.
    #[error("the base URL has a query or a fragment; only a host and a path prefix belong there")]
    QueryInUrl,
    /// The API key cannot be one.
    #[error(
        "the API key is empty, or has a space, a line break or a colon in it; check that \
         ONELOGIN_API_KEY holds the key and nothing else"
    )]
    ApiKey,
    /// The client id or secret cannot be one.
    #[error(
        "the client id or secret is empty, or has a space, a line break or a colon in it; check that \
         ONELOGIN_CLIENT_ID and ONELOGIN_CLIENT_SECRET hold nothing else"
    )]
    Client,
    /// The HTTP client cannot be made.
    #[error("the HTTP client cannot start; the likely cause is a machine without CA certificates")]
    Http {
        /// Reason.
        #[source]
        source: reqwest::Error,
    },
}
