//! Whole days of runs through the program's own pure functions: accounts of 1 to 48,000 pages per day, runs from
//! every five minutes to daily. Time is in seconds, a page has 50 events and takes a quarter of a second.

mod account;
mod job;
mod late;
mod reference;
mod runs;
mod special;
mod tables;
