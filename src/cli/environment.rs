//! The environment: variables that are set to nothing, misspelled, or hold a value that cannot be used.

use std::env;
use std::ffi::{OsStr, OsString};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command};

use crate::redact::{Outside, clean};

/// The variables of this program that no flag has. Each may have `_FILE` after its name.
const SECRETS: [&str; 3] = ["ONELOGIN_API_KEY", "ONELOGIN_CLIENT_ID", "ONELOGIN_CLIENT_SECRET"];
const PREFIX: &str = "ONELOGIN_";
/// Letters that a misspelled name has too many, too few, wrong or in another order.
const MISSPELLED: usize = 2;
/// A less similar name (Jaro-Winkler, 0 to 1) is no help.
const SIMILAR: f64 = 0.8;

/// Forgets a variable that is set to nothing: schedulers pass variables on that nobody has filled in.
pub(super) fn forget_empty(arg: Arg) -> Arg {
    let is_empty = arg.get_env().and_then(env::var_os).is_some_and(|value| value.is_empty());
    if is_empty { arg.env(None) } else { arg }
}

/// Warns of variables that look like this program's and are not.
pub(super) fn warn_of_unknown(command: &Command) {
    let mut known: Vec<String> = SECRETS.iter().map(|&name| name.to_owned()).collect();
    known.extend(SECRETS.iter().map(|name| format!("{name}_FILE")));
    known.extend(command.get_subcommands().flat_map(Command::get_arguments).filter_map(variable));
    known.extend(command.get_arguments().filter_map(variable));
    warn_of_misspelled_database();
    for (name, value) in env::vars_os() {
        let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else { continue };
        if value.is_empty() || known.iter().any(|known| known == name) {
            continue;
        }
        let similarity = |known: &&String| strsim::jaro_winkler(known, name);
        // ONELOGIN_DATABASE_URL is DATABASE_URL.
        let without_prefix = known.iter().find(|known| name.strip_prefix(PREFIX) == Some(known));
        let nearest = known.iter().max_by(|a, b| similarity(a).total_cmp(&similarity(b)));
        let nearest = nearest.filter(|nearest| similarity(nearest) >= SIMILAR);
        let name = Outside(name);
        if let Some(nearest) = without_prefix.or(nearest) {
            tracing::warn!("{name} is no variable of this program; is {nearest} meant?");
        } else {
            tracing::warn!("{name} is no variable of this program");
        }
    }
}

/// Warns of a variable that is nearly called like that of the database: without that one, the run would write to
/// a file in the current folder.
fn warn_of_misspelled_database() {
    const NAMES: [&str; 2] = ["DATABASE_URL", "DATABASE_URL_FILE"];
    let is_flag = |given: OsString| given.to_string_lossy().starts_with("--database-url");
    if NAMES.iter().any(|name| env::var_os(name).is_some()) || env::args_os().any(is_flag) {
        return;
    }
    let names = env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    for name in names {
        let is_near = |known: &&&str| strsim::damerau_levenshtein(known, &name) <= MISSPELLED;
        if let Some(meant) = NAMES.iter().find(is_near) {
            tracing::warn!("{} is no variable of this program; is {meant} meant?", Outside(&name));
        }
    }
}

fn variable(arg: &Arg) -> Option<String> {
    arg.get_env().and_then(OsStr::to_str).map(str::to_owned)
}

/// Rewrites a usage error: a value from the environment is reported by the name of its variable, and no
/// value with a secret in it.
pub(super) fn explain(mut error: clap::Error, command: &mut Command) -> clap::Error {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        _ => None,
    };
    let (flag, value) = (text(ContextKind::InvalidArg), text(ContextKind::InvalidValue));
    let flag = flag.map(|flag| source_of(command, &flag).unwrap_or_else(|| clean(&flag)));
    let value = value.map(|value| clean(&value));
    if let (ErrorKind::ValueValidation, Some(flag), Some(value)) = (error.kind(), &flag, &value) {
        let reason =
            std::error::Error::source(&error).map_or_else(String::new, ToString::to_string);
        let text = format!("invalid value '{value}' for '{flag}': {}", clean(&reason));
        return command.error(ErrorKind::ValueValidation, text);
    }
    for (kind, text) in [(ContextKind::InvalidArg, flag), (ContextKind::InvalidValue, value)] {
        if let Some(text) = text {
            error.insert(kind, ContextValue::String(text));
        }
    }
    error
}

/// The variable that gave a flag its value, if the command line did not.
fn source_of(command: &Command, flag: &str) -> Option<String> {
    let all =
        command.get_subcommands().flat_map(Command::get_arguments).chain(command.get_arguments());
    let long = flag.split([' ', '=', '[']).next()?;
    let is_it = |arg: &&Arg| arg.get_long() == long.strip_prefix("--") && arg.get_env().is_some();
    let arg = all.into_iter().find(is_it)?;
    let with_value = format!("{long}=");
    let is_given = |given: &std::ffi::OsString| {
        let given = given.to_string_lossy();
        given == long || given.starts_with(&with_value)
    };
    let is_in_environment = arg.get_env().and_then(env::var_os).is_some();
    (is_in_environment && !env::args_os().any(|given| is_given(&given))).then(|| variable(arg))?
}
