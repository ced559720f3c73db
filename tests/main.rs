//! The stories: tests of the real binary. One test binary links once and runs in parallel.

mod support;

mod bodies;
mod clocks;
mod commands;
mod databases;
mod docs;
mod events;
mod facts;
mod faults;
mod files;
mod gathering;
mod history;
mod image;
mod kit;
mod language;
mod loading;
mod log;
mod memory;
mod messages;
mod people;
mod places;
mod poolers;
mod property;
mod questions;
mod readme;
mod records;
mod refusals;
mod roles;
mod runs;
mod schema;
mod secrets;
mod servers;
mod stopping;
mod views;
mod windows;
