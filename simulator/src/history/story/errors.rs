//! Error texts in the style of real applications. `%user%` is the person's name, `%login%` their name
//! in the app, `%id%` the number of their account.

/// Everyday errors of each app, in the order of the list of apps.
const EVERYDAY: [&[&str]; 12] = [
    &[
        "409 Conflict: a user with the userName %login% exists already",
        "The connection timed out after 30 seconds",
        "400 Bad Request: the attribute manager refers to no user",
        "429 Too Many Requests: try again in 30 seconds",
    ],
    &[
        "403 userRateLimitExceeded: too many requests for this minute, please try again later",
        "404 notFound: Resource Not Found: userKey %login%",
        "412 preconditionFailed: the account of %login% is still being created",
    ],
    &[
        "UNABLE_TO_LOCK_ROW: unable to obtain exclusive access to this record: %id%",
        "REQUIRED_FIELD_MISSING: Required fields are missing: [ProfileId]",
        "DUPLICATE_USERNAME: the username %login% exists already in this org or in another one",
    ],
    &["ratelimited: retry after 30 seconds", "invalid_email: %login%", "user_not_found"],
    &["user_not_found: %login% is no member of the team", "internal_error: please try again later"],
    &[
        "RecordInvalid: Email: %login% is already being used by another user",
        "504 Gateway Timeout: PUT https://support.example.com/api/v2/users/%id%.json",
    ],
    &[
        "Request_BadRequest: Invalid value specified for property 'mailNickname' of resource 'User'",
        "The request was canceled because it took longer than the service allows",
        "Authorization_RequestDenied: Insufficient privileges to complete the operation",
    ],
    &["401 Bad credentials: the token of the connector was revoked", "502 Bad Gateway"],
    &[
        "The group jira-users is read-only in this directory",
        "java.net.SocketTimeoutException: Read timed out",
    ],
    &[
        "LDAP error 53: unwilling to perform: the password of \"%user%\" is too short",
        "LDAP error 68: entry already exists: uid=%login%,ou=people,dc=example,dc=com",
    ],
    &["connect to wiki.example.com:8443 failed: Connection refused", "SSL certificate has expired"],
    &[
        "The record of employee %id% is locked by another session",
        "Cost centre is closed for postings",
    ],
];

/// Outages: the app, and what its clients got.
pub(super) const OUTAGES: [(usize, &str); 4] = [
    (1, "503 backendError: the service is currently unavailable"),
    (3, "503 Service Unavailable: upstream connect error or disconnect before headers"),
    (6, "503 ServiceUnavailable: the directory is temporarily unavailable"),
    (2, "SERVER_UNAVAILABLE: this instance is busy, please wait and try again"),
];

/// Limits of licences: the app, and its error.
pub(super) const LICENCES: [(usize, &str); 3] = [
    (5, "RecordInvalid: all agents that your plan includes are in use; buy more seats"),
    (7, "422 Unprocessable: no seats left, purchase at least one more to add %login%"),
    (3, "exceeded_max_members: this plan holds no more active people"),
];

/// The app whose mappings change.
pub(super) const MAPPED_APP: usize = 6;
/// Its errors after a change, another one in each chapter.
pub(super) const MAPPINGS: [&str; 6] = [
    "Request_BadRequest: Invalid value specified for property 'usageLocation' of resource 'User'",
    "Request_BadRequest: Invalid value specified for property 'employeeType' of resource 'User'",
    "Request_BadRequest: the value of property 'department' is longer than 64 characters",
    "Request_BadRequest: Invalid value specified for property 'preferredLanguage' of resource 'User'",
    "Request_BadRequest: A value is required for property 'companyName' of resource 'User'",
    "Request_BadRequest: the property 'onPremisesImmutableId' may not be changed",
];

/// Apps in which leavers cannot be suspended before a person acts, and their errors.
pub(super) const LEAVERS: [(usize, &str); 3] = [
    (2, "INSUFFICIENT_ACCESS: %user% is the default owner of leads and cannot be deactivated"),
    (3, "cannot_update_primary_owner: the primary owner of a workspace may not be deactivated"),
    (7, "403 Forbidden: %login% is the last owner of an organisation and cannot be suspended"),
];

/// The app that is set to do nothing when a person leaves.
pub(super) const DO_NOTHING_APP: usize = 11;
/// The app whose connector is switched off in the second half of each chapter.
pub(super) const SILENT_APP: usize = 10;
/// The app that contractors lose together.
pub(super) const CONTRACTORS_APP: usize = 4;

/// An everyday error of an app, or none: one failure in twelve has no text.
pub(super) fn everyday(app: usize, rng: &mut fastrand::Rng) -> Option<&'static str> {
    let texts = EVERYDAY[app];
    let text = texts[rng.usize(..texts.len())];
    (rng.u32(..12) > 0).then_some(text)
}
