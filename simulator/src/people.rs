//! Who failed, and in which app: the cast of the made-up history.

use super::failures::print;
use super::history::{Choice, dice};

/// A name as JSON text without its quotes, and as it appears in an e-mail address.
type Name = (&'static str, &'static str);

/// Letters beyond ASCII, an apostrophe, quotes and an emoji: what real directories hold.
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
pub(super) const FIRST_USER_ID: u64 = 30_000_000;
pub(super) const FIRST_APP_ID: u64 = 360_000;
/// How long one of the people whose e-mail changes keeps an address: 20 days, in seconds.
const ADDRESS_LASTS: i64 = 20 * 86_400;

/// An app by its name, and by its part of a URL (`lux.onelogin.com/sales`).
pub(super) struct App {
    pub(super) name: &'static str,
    pub(super) path: &'static str,
}

const fn app(name: &'static str, path: &'static str) -> App {
    App { name, path }
}

/// The apps, those that fail most often first.
pub(super) const APPS: [App; 12] = [
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

/// The zone in which the dates of a person's failures are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Zone {
    /// -0800, and -0700 in summer.
    Pacific,
    Utc,
    /// +0530.
    India,
}

/// A person of the directory.
pub(super) struct Person {
    pub(super) number: u64,
    pub(super) first: Name,
    pub(super) last: Name,
    pub(super) zone: Zone,
    /// One in 50 has no username.
    pub(super) has_username: bool,
    domain: usize,
    /// For one in five: how far the person is into their first address, in seconds.
    moves: Option<i64>,
}

/// Person `number` of the directory that `seed` makes.
pub(super) fn person(seed: u64, number: u64) -> Person {
    let mut dice = dice(seed, Choice::Person, number);
    Person {
        number,
        first: FIRST_NAMES[dice.usize(..FIRST_NAMES.len())],
        last: LAST_NAMES[dice.usize(..LAST_NAMES.len())],
        zone: match dice.u32(..10) {
            0..7 => Zone::Pacific,
            7..9 => Zone::Utc,
            _ => Zone::India,
        },
        has_username: dice.u32(..50) != 0,
        domain: dice.usize(..DOMAINS.len()),
        moves: (dice.u32(..5) == 0).then(|| dice.i64(..ADDRESS_LASTS)),
    }
}

impl Person {
    pub(super) fn id(&self) -> u64 {
        FIRST_USER_ID + self.number
    }

    /// The domain of the person's e-mail at a time, in Unix seconds: some people change it.
    fn domain_at(&self, at: i64) -> &'static str {
        let addresses = DOMAINS.len();
        let moved = self.moves.map_or(0, |phase| (at + phase).div_euclid(ADDRESS_LASTS));
        let moved = usize::try_from(moved.unsigned_abs()).unwrap_or(0) % addresses;
        DOMAINS[(self.domain + moved) % addresses]
    }

    /// Appends the person's e-mail at a time, in Unix seconds, as a JSON string.
    pub(super) fn write_email(&self, at: i64, out: &mut Vec<u8>) {
        let (first, last, number) = (self.first.1, self.last.1, self.number);
        print(out, format_args!("\"{first}.{last}.{number}@{}\"", self.domain_at(at)));
    }

    /// Appends the name the person logs in with as JSON: a string, or `null`.
    pub(super) fn write_username(&self, out: &mut Vec<u8>) {
        if !self.has_username {
            return out.extend_from_slice(b"null");
        }
        let (first, last, number) = (self.first.1, self.last.1, self.number);
        let initial = first.get(..1).unwrap_or_default();
        print(out, format_args!("\"{initial}{last}{number}\""));
    }
}
