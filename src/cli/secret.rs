//! Secrets, from the environment or from a file that it names. Never from a flag, because every user
//! of the machine can see flags.

use std::env;
use std::fs;

use anyhow::{Context, anyhow};
use secrecy::SecretString;

use super::Failed;
use crate::exit::Exit;

/// Returns true if `NAME` or `NAME_FILE` is set. An empty variable counts as not set.
pub(super) fn is_set(name: &str) -> bool {
    not_empty(name).is_some() || not_empty(&by_file(name)).is_some()
}

/// Reads `NAME`, or the file that `NAME_FILE` names. The former wins.
pub(super) fn read(name: &str) -> Result<SecretString, Failed> {
    find(name).map_err(|error| Failed::new(Exit::Configuration, error))
}

fn find(name: &str) -> anyhow::Result<SecretString> {
    if let Some(value) = not_empty(name) {
        return Ok(value.into());
    }
    let by_file = by_file(name);
    let Some(path) = not_empty(&by_file) else {
        return Err(anyhow!("no {name}: set it, or {by_file} to the name of a file that holds it"));
    };
    let text = fs::read_to_string(&path)
        .with_context(|| format!("cannot read the file {path} that {by_file} names"))?;
    // Editors and `echo` end a file with a line break, which is no part of the secret.
    Ok(text.trim_end_matches(['\r', '\n']).into())
}

fn by_file(name: &str) -> String {
    format!("{name}_FILE")
}

fn not_empty(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}
