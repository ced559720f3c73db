//! Secrets come from the environment or from a file that it names, never from a flag: flags are
//! seen by every user of the machine.

use std::env;
use std::fs;

use anyhow::{Context, anyhow};
use secrecy::SecretString;

use super::Failed;
use crate::exit::Exit;

/// Reads `NAME`, or the file that `NAME_FILE` names. The former wins; empty is not set.
pub(super) fn read(name: &str) -> Result<SecretString, Failed> {
    find(name).map_err(|error| Failed::new(Exit::Configuration, error))
}

fn find(name: &str) -> anyhow::Result<SecretString> {
    let not_empty = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    if let Some(value) = not_empty(name) {
        return Ok(value.into());
    }
    let by_file = format!("{name}_FILE");
    let Some(path) = not_empty(&by_file) else {
        return Err(anyhow!(
            "no credentials: set {name}, or {by_file} to the name of a file that holds it; to see \
             the program at work without an account, run `onelogin-sync demo`"
        ));
    };
    let text = fs::read_to_string(&path)
        .with_context(|| format!("cannot read the file {path} that {by_file} names"))?;
    // Editors and `echo` end a file with a line break, which is no part of the secret.
    Ok(text.trim_end_matches(['\r', '\n']).into())
}
