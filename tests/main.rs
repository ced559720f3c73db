//! The stories, told through the real binary. One test binary links once and runs in parallel.

mod support;

mod databases;
mod faults;
mod history;
mod kit;
mod people;
mod records;
mod refusals;
mod runs;
mod windows;
