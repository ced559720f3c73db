//! The stories, told through the real binary. One test binary links once and runs in parallel.

mod support;

mod kit;

mod history;
mod people;
mod records;
mod windows;
