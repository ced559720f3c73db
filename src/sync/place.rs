//! The OneLogin that a watermark belongs to: its host, and the account's own id. Another one would be
//! read from a watermark that is not its own.

use super::Error;
use super::session::Session;
use crate::redact::Outside;
use crate::source::SourceKind;
use crate::window::Watermark;

/// Compares the host with the one that was read so far, before anything is fetched.
pub(super) fn check(run: &Session<'_>) -> Result<(), Error> {
    let Some(host) = run.source.host() else { return Ok(()) };
    match &run.read_from {
        Some(stored) => check_host(run, run.run.origin.source, stored, &host),
        None if run.tally().watermark != Watermark::default() => {
            tracing::info!(
                "the watermark has no host yet; from now on it belongs to {}",
                Outside(&host)
            );
            Ok(())
        }
        None => Ok(()),
    }
}

/// Compares the host with that of the legacy sync, from which the events API continues. OneLogin has
/// other hosts for it.
pub(super) fn check_continued(run: &Session<'_>, legacy: Option<&str>) -> Result<(), Error> {
    match (legacy, run.source.host()) {
        (Some(stored), Some(host)) if !(is_onelogin(stored) && is_onelogin(&host)) => {
            check_host(run, SourceKind::Legacy, stored, &host)
        }
        _ => Ok(()),
    }
}

fn check_host(run: &Session<'_>, from: SourceKind, stored: &str, host: &str) -> Result<(), Error> {
    if stored == host {
        return Ok(());
    }
    if run.job.moved {
        tracing::info!("the account has moved from {} to {}", Outside(stored), Outside(host));
        return Ok(());
    }
    let account = run.run.origin.account.clone();
    Err(Error::OtherHost { account, from, stored: stored.to_owned(), host: host.to_owned() })
}

fn is_onelogin(host: &str) -> bool {
    host.ends_with(".onelogin.com")
}
