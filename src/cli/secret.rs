//! Secrets, from the environment or from a file that it names. Never from a flag, because every user
//! of the machine can see flags. Each is registered for redaction when it is read.

use std::env::{self, VarError};
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, anyhow, bail};
use secrecy::SecretString;

use super::Failed;
use crate::exit::Exit;
use crate::redact::{self, Outside};

/// More is no secret but the wrong file.
const LONGEST_FILE: u64 = 64 * 1024;
/// Minimum length of a client id to redact; a shorter one may be ordinary text.
const LONG_ID: usize = 16;
/// Everybody may read a file that has this bit.
const OTHERS_READ: u32 = 0o004;

/// Returns true if `NAME` or `NAME_FILE` is set. An empty variable counts as not set.
pub(super) fn is_set(name: &str) -> bool {
    not_empty(name).is_some() || not_empty(&by_file(name)).is_some()
}

/// Reads `NAME`, or the file that `NAME_FILE` names. The former wins.
pub(super) fn read(name: &str) -> Result<SecretString, Failed> {
    let secret = find(name).and_then(|found| found.ok_or_else(|| missing(name)));
    secret.map(Into::into).map_err(|error| Failed::new(Exit::Configuration, error))
}

fn missing(name: &str) -> anyhow::Error {
    if let Err(VarError::NotUnicode(_)) = env::var(name) {
        return anyhow!("{name} is set to bytes that are not UTF-8; check how it was written");
    }
    anyhow!("no {name}: set it, or {} to the path of a file that holds it", by_file(name))
}

/// Reads `NAME`, or the file that `NAME_FILE` names, for a client id. It is no secret by itself, but a long
/// one beside the secret in Base64 would point at it.
pub(super) fn read_id(name: &str) -> Result<SecretString, Failed> {
    let id = find_setting(name)?.ok_or_else(|| Failed::new(Exit::Configuration, missing(name)))?;
    if id.chars().count() >= LONG_ID {
        redact::register(&id);
    }
    Ok(id.into())
}

/// Reads a setting that may hold a secret, such as a URL with a password. `None` if it is not set.
pub(super) fn find_setting(name: &str) -> Result<Option<String>, Failed> {
    let found = match not_empty(name) {
        Some(value) => Ok(Some(value)),
        None => find_file(name),
    };
    found.map_err(|error| Failed::new(Exit::Configuration, error))
}

fn find(name: &str) -> anyhow::Result<Option<String>> {
    let found = match not_empty(name) {
        Some(value) => Some(value),
        None => find_file(name)?,
    };
    if let Some(secret) = &found {
        let length = secret.chars().count();
        if (1..redact::SHORTEST).contains(&length) {
            bail!(
                "{name} has {length} characters, and a secret of fewer than {} cannot be kept out of \
                 messages; check that it holds the complete secret",
                redact::SHORTEST
            );
        }
        redact::register(secret);
    }
    Ok(found)
}

fn find_file(name: &str) -> anyhow::Result<Option<String>> {
    let by_file = by_file(name);
    let Some(path) = not_empty(&by_file) else { return Ok(None) };
    let text = read_file(Path::new(&path))
        .with_context(|| format!("cannot read the file {} that {by_file} names", Outside(&path)))?;
    // Editors and `echo` end a file with a line break, which is no part of the secret.
    Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()))
}

fn read_file(path: &Path) -> anyhow::Result<String> {
    let file = File::open(path)?;
    let mode = file.metadata()?.permissions().mode();
    let is_file = file.metadata()?.is_file();
    let mut text = String::new();
    file.take(LONGEST_FILE + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LONGEST_FILE {
        bail!("it is longer than {} KiB, so it is not a secret", LONGEST_FILE / 1024);
    }
    if is_file && mode & OTHERS_READ != 0 {
        let shown = path.display();
        tracing::warn!("everybody on this machine may read {}; run: chmod o-r {0}", Outside(shown));
    }
    Ok(text)
}

fn by_file(name: &str) -> String {
    format!("{name}_FILE")
}

fn not_empty(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}
