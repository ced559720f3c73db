//! The report: rows of the views as one HTML page that needs no other file. Pure: no I/O, no clock.

mod chart;
mod format;
mod page;
mod people;
mod section;
mod sections;
mod table;

pub(crate) use page::{Heading, render};
