//! A person in one cell.

use super::table::Cell;
use crate::store::report::{LatestFailure, Leaver};

/// The columns of a person. All but the id are `None` in a report without people.
struct Person<'a> {
    user_id: Option<i64>,
    display_name: Option<&'a str>,
    firstname: Option<&'a str>,
    lastname: Option<&'a str>,
    username: Option<&'a str>,
    email: Option<&'a str>,
}

impl Person<'_> {
    /// The best name there is, with the e-mail address and the id below it.
    fn cell(&self) -> Cell {
        let id = self.user_id.map_or_else(|| "no user".to_owned(), |id| format!("user {id}"));
        let names: Vec<&str> = [self.firstname, self.lastname].into_iter().flatten().collect();
        let full_name = (!names.is_empty()).then(|| names.join(" "));
        let own = |text: Option<&str>| text.map(str::to_owned);
        let name = own(self.display_name)
            .or(full_name)
            .or_else(|| own(self.username))
            .or_else(|| own(self.email));
        let Some(name) = name else { return Cell::text(&id) };
        let email = self.email.filter(|email| *email != name);
        let detail: Vec<&str> = email.into_iter().chain([id.as_str()]).collect();
        Cell::text(&name).with_detail(Some(&detail.join(", ")))
    }
}

macro_rules! person {
    ($row:expr) => {
        Person {
            user_id: $row.user_id,
            display_name: $row.display_name.as_deref(),
            firstname: $row.firstname.as_deref(),
            lastname: $row.lastname.as_deref(),
            username: $row.username.as_deref(),
            email: $row.email.as_deref(),
        }
        .cell()
    };
}

pub(super) fn of_leaver(leaver: &Leaver) -> Cell {
    person!(leaver)
}

pub(super) fn of_failure(failure: &LatestFailure) -> Cell {
    person!(failure)
}
