//! Terms of error messages, to distinguish them from names.

use std::collections::HashSet;
use std::sync::LazyLock;

type Terms = LazyLock<HashSet<&'static str>>;

/// The placeholders that a normalised text may hold.
pub(super) const PLACEHOLDERS: [&str; 6] = ["<name>", "<email>", "<url>", "<host>", "<id>", "<n>"];

/// Terms of messages that could be taken for a name.
static ORDINARY: Terms = LazyLock::new(|| {
    set("\
    a access account action active ad add admin administrator agent all already an and any api app
    application are as at attribute authentication azure bad be blank by can cannot client code
    conflict connection connector could create creation data days delete deleted denied department
    did directory disabled do does domain duplicate email empty entity entry error exception exist
    exists expired failed failure field first for forbidden found from gateway google grant group
    has have host id identity if in inactive internal invalid invited is it item key last ldap
    length licence license limit locked login mailbox manager mandatory mapping matching max
    may member method microsoft missing my name network no not null object of office ok on onelogin
    operation or org organisation organization owner page parameter password patch permission person
    plan policy power profile property provisioning quota rate read reached record remote request
    required resource response role sales salesforce schema scim server service session so status
    subscription success support suspended system taken target task team tenant test the this time
    to token too type unauthorized unavailable unique unknown update user username users validation
    value was we will with workspace you your zone
")
});

/// Further terms of messages, on which the class of an error may depend, those of `error_rules.toml` among them.
static COMMON: Terms = LazyLock::new(|| set(include_str!("common.txt")));

/// Terms before the name, the login or the id of a person.
static PERSON: Terms = LazyLock::new(|| {
    set("\
    account displayname display_name employee familyname first_name firstname givenname identity
    last_name lastname login mailbox mailnickname member nickname person principal samaccountname
    uid upn user user_name username userprincipalname
")
});

/// Terms before an id, so that a number after them is no status.
static BEFORE_ID: Terms = LazyLock::new(|| {
    set("\
    account app customer employee entry group guid id ids installation item job member number object
    organization port record role row seat task team tenant ticket uid user userid
")
});

/// Terms after a quantity, so that a number before them is no status.
static UNITS: Terms = LazyLock::new(|| {
    set("\
    accounts agents attempts bytes calls characters chars days hours licences licenses members
    milliseconds minutes ms people requests s seats sec seconds times users
")
});

/// Terms between the person who begins a sentence and the rest.
static VERBS: Terms = LazyLock::new(|| {
    set("\
    already can cannot could did does doesn has is isn must not was
")
});

/// Names of standards and protocols, whose digits are no number.
static PROTOCOLS: Terms = LazyLock::new(|| {
    set("\
    base64 http1 http2 ipv4 ipv6 kerberos5 md5 oauth1 oauth2 pkcs12 pkcs8 saml1 saml2 scim1 scim2
    sha1 sha256 sha512 ssl2 ssl3 tls1 utf16 utf8 v1 v2 v3 x509
")
});

fn set(terms: &'static str) -> HashSet<&'static str> {
    terms.split_whitespace().collect()
}

fn has(list: &HashSet<&str>, term: &str) -> bool {
    // No entry is longer than this.
    let mut lower = [0; 64];
    let Some(lower) = lower.get_mut(..term.len()) else { return false };
    lower.copy_from_slice(term.as_bytes());
    lower.make_ascii_lowercase();
    std::str::from_utf8(lower).is_ok_and(|lower| list.contains(lower))
}

pub(super) fn is_ordinary(term: &str) -> bool {
    has(&ORDINARY, term)
}

/// Checks whether a person's own name is a term of messages too, so that it counts together with another name only.
pub(super) fn is_common(term: &str) -> bool {
    is_ordinary(term) || has(&COMMON, term)
}

pub(super) fn is_person(term: &str) -> bool {
    has(&PERSON, term)
}

pub(super) fn is_before_id(term: &str) -> bool {
    has(&BEFORE_ID, term)
}

pub(super) fn is_unit(term: &str) -> bool {
    has(&UNITS, term)
}

pub(super) fn is_verb(term: &str) -> bool {
    has(&VERBS, term)
}

pub(super) fn is_protocol(term: &str) -> bool {
    has(&PROTOCOLS, term)
}

/// Checks whether a term is that of a placeholder.
pub(super) fn is_placeholder_term(term: &str) -> bool {
    PLACEHOLDERS.iter().any(|known| known[1..known.len() - 1].eq_ignore_ascii_case(term))
}

/// The placeholder that a text begins with.
pub(super) fn placeholder(text: &str) -> Option<&'static str> {
    PLACEHOLDERS.into_iter().find(|known| text.starts_with(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_term_of_a_list_is_found_in_any_case() {
        for list in [&ORDINARY, &COMMON, &PERSON, &BEFORE_ID, &UNITS, &VERBS, &PROTOCOLS] {
            assert!(list.iter().all(|term| has(list, &term.to_uppercase())), "{list:?}");
        }
        assert!(!is_ordinary("") && !is_ordinary("jane") && !is_ordinary(&"a".repeat(65)));
    }
}
