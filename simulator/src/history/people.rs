//! People and apps of the generated history.

use super::random::{Choice, rng_for};

/// A name as JSON text without its quotes, and as a part of an e-mail address.
type Name = (&'static str, &'static str);

/// Letters beyond ASCII, an apostrophe, quotes and an emoji, as in real directories.
const FIRST_NAMES: [Name; 20] = [
    ("Johanna", "johanna"),
    ("Tanja", "tanja"),
    ("Jürgen", "juergen"),
    ("Zoë", "zoe"),
    ("伟", "wei"),
    ("Amélie", "amelie"),
    ("Robert \\\"Bob\\\"", "bob"),
    ("Priya", "priya"),
    ("Mohammed", "mohammed"),
    ("Chloe 🦊", "chloe"),
    ("Søren", "soren"),
    ("Ana", "ana"),
    ("Kwame", "kwame"),
    ("Łukasz", "lukasz"),
    ("Grace", "grace"),
    ("Ada", "ada"),
    ("Hiroshi", "hiroshi"),
    ("\\u00c9lodie", "elodie"),
    ("Mary Ann", "maryann"),
    ("Иван", "ivan"),
];
const LAST_NAMES: [Name; 20] = [
    ("Hui", "hui"),
    ("Ono", "ono"),
    ("Müller", "mueller"),
    ("O'Brien", "obrien"),
    ("李", "li"),
    ("García-Márquez", "garcia"),
    ("Nguyễn", "nguyen"),
    ("Smith", "smith"),
    ("Patel", "patel"),
    ("D'Angelo", "dangelo"),
    ("Åkesson", "akesson"),
    ("Kowalski", "kowalski"),
    ("Byte", "byte"),
    ("Okafor", "okafor"),
    ("van der Berg", "vanderberg"),
    ("Null", "null"),
    ("Tanaka", "tanaka"),
    ("Silva", "silva"),
    ("Петров", "petrov"),
    ("King\\/Queen", "kingqueen"),
];
const DOMAINS: [&str; 4] = ["example.com", "example.org", "eu.example.com", "example.net"];
pub(crate) const FIRST_USER_ID: u64 = 30_000_000;
pub(crate) const FIRST_APP_ID: u64 = 360_000;
/// Time for which a person whose e-mail changes keeps an address: 20 days, in seconds.
const ADDRESS_LASTS: i64 = 20 * 86_400;

/// An app: its name, and its part of a URL (`lux.onelogin.com/sales`).
pub(crate) struct App {
    pub(crate) name: &'static str,
    pub(crate) path: &'static str,
}

const fn app(name: &'static str, path: &'static str) -> App {
    App { name, path }
}

/// The apps, those that fail most often first.
pub(crate) const APPS: [App; 12] = [
    app("Sales App", "sales"),
    app("Google Workspace", "google"),
    app("Salesforce", "salesforce"),
    app("Slack", "slack"),
    app("Dropbox Business", "dropbox"),
    app("Zendesk", "zendesk"),
    app("Office 365", "o365"),
    app("GitHub Enterprise", "github"),
    app("Jira \\\"EMEA\\\"", "jira-emea"),
    app("Zürich Portal", "zuerich"),
    app("R&D Wiki", "wiki"),
    app("Payroll in Berlin", "payroll"),
];

/// Time zones in which the dates of a person's failures are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Zone {
    /// -0800, and -0700 in summer.
    Pacific,
    Utc,
    /// +0530.
    India,
}

pub(crate) struct Person {
    pub(crate) number: u64,
    pub(crate) first: Name,
    pub(crate) last: Name,
    pub(crate) zone: Zone,
    /// One in 50 has no username.
    pub(crate) has_username: bool,
    domain: usize,
    /// For one in five: the age of their first address at the Unix epoch, in seconds.
    address_age: Option<i64>,
}

/// Person `number` of the directory of `seed`.
pub(crate) fn person(seed: u64, number: u64) -> Person {
    let mut rng = rng_for(seed, Choice::Person, number);
    Person {
        number,
        first: FIRST_NAMES[rng.usize(..FIRST_NAMES.len())],
        last: LAST_NAMES[rng.usize(..LAST_NAMES.len())],
        zone: match rng.u32(..10) {
            0..7 => Zone::Pacific,
            7..9 => Zone::Utc,
            _ => Zone::India,
        },
        has_username: rng.u32(..50) != 0,
        domain: rng.usize(..DOMAINS.len()),
        address_age: (rng.u32(..5) == 0).then(|| rng.i64(..ADDRESS_LASTS)),
    }
}

impl Person {
    pub(crate) fn id(&self) -> u64 {
        FIRST_USER_ID + self.number
    }

    /// The domain of the person's e-mail at Unix second `at`: it changes for some people.
    pub(crate) fn domain_at(&self, at: i64) -> &'static str {
        let addresses = DOMAINS.len();
        let moved = self.address_age.map_or(0, |age| (at + age).div_euclid(ADDRESS_LASTS));
        let moved = usize::try_from(moved.unsigned_abs()).unwrap_or(0) % addresses;
        DOMAINS[(self.domain + moved) % addresses]
    }
}
