//! The resources of the APIs, and the likely causes of their refusals.

/// The resource that a request is for: errors of each have other causes and other ways out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resource {
    /// The deprecated endpoint of failed provisioning.
    Legacy,
    /// A token.
    Token,
    /// Events and their types.
    Events,
    /// People.
    Users,
}

impl Resource {
    pub(super) fn why_refused(self) -> &'static str {
        match self {
            Self::Legacy => {
                "the likely cause is the API key in ONELOGIN_API_KEY, which a superuser or the \
                 account owner finds under Settings > API > View Legacy API Key"
            }
            Self::Token => {
                "the likely cause is ONELOGIN_CLIENT_ID or ONELOGIN_CLIENT_SECRET, or that the \
                 account lives in another region: --base-url is https://api.us.onelogin.com, \
                 https://api.eu.onelogin.com or https://YOUR-SUBDOMAIN.onelogin.com"
            }
            Self::Events => {
                "a token was given, so the likely cause is the scope of the API credential: it must \
                 be \"Read All\" (Developers > API Credentials)"
            }
            Self::Users => {
                "a token was given, so the likely cause is the scope of the API credential: it must \
                 be \"Read All\" (Developers > API Credentials), or at least \"Read Users\" as well"
            }
        }
    }

    pub(super) fn why_unexpected(self) -> &'static str {
        match self {
            Self::Legacy => {
                "check --base-url; if the account no longer has the deprecated v1 API, migrate to \
                 the events API: set ONELOGIN_CLIENT_ID and ONELOGIN_CLIENT_SECRET, and it starts \
                 where this sync stopped"
            }
            Self::Token | Self::Events | Self::Users => {
                "check --base-url, which names the account's region: https://api.us.onelogin.com, \
                 https://api.eu.onelogin.com or https://YOUR-SUBDOMAIN.onelogin.com"
            }
        }
    }
}

/// A hint at what a status may mean for this resource.
pub(super) fn hint(status: u16, of: Resource) -> &'static str {
    match (status, of) {
        (500, Resource::Token) => {
            ", unless the user who made the API credential was deleted: OneLogin answers so then, \
             and a new credential helps"
        }
        _ => "",
    }
}
