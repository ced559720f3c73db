//! Calls to the current API: with a token, within the budget, repeated where that may help.

use std::time::Duration;

use reqwest::header::AUTHORIZATION;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::call_budget::CallBudget;
use super::client::{Client, Incoming, Purpose};
use super::error::{Cause, Error};
use super::retry::{Attempts, Decision, Policy, Retry};
use super::token::{Token, Tokens};
use super::{ConfigError, Options};

/// A wait within a window keeps its transaction open. A longer one is left to the caller, who rolls
/// the window back meanwhile.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// The current API, as one account is logged in to it.
#[derive(Debug)]
pub(super) struct AccountApi {
    pub(super) client: Client,
    pub(super) budget: CallBudget,
    pub(super) policy: Policy,
    pub(super) tokens: Tokens,
}

impl AccountApi {
    pub(super) fn new(
        options: &Options,
        client_id: SecretString,
        client_secret: SecretString,
        calls_per_hour: u64,
    ) -> Result<Self, ConfigError> {
        Ok(Self {
            client: Client::new(options)?,
            budget: CallBudget::new(calls_per_hour),
            policy: options.policy.clone(),
            tokens: Tokens::new(client_id, client_secret)?,
        })
    }

    /// Gets a resource and has its body read, again and again while that may help.
    pub(super) async fn get<'a, T>(
        &'a self,
        url: &Url,
        purpose: Purpose,
        read: impl AsyncFn(Incoming<'a>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut attempts = Attempts::begin(&self.policy);
        loop {
            let purpose = Purpose { attempt: attempts.made() + 1, ..purpose };
            // Boxed: it holds a page, and its size would be that of every future around it.
            match Box::pin(self.call(url, purpose, &read)).await {
                Ok(value) => return Ok(value),
                Err(error) => self.wait_or_give_up(error, &mut attempts).await?,
            }
        }
    }

    async fn wait_or_give_up(
        &self,
        error: Error,
        attempts: &mut Attempts<'_>,
    ) -> Result<(), Error> {
        if error.class().of_window {
            return Err(error);
        }
        match attempts.failed(&error) {
            Decision::Wait { wait, .. } if wait <= LONGEST_WAIT => {
                attempts.log_retry(&error, wait);
                self.client.meter.count_retry();
                tokio::time::sleep(wait).await;
                Ok(())
            }
            // The caller may wait that long, and decides by itself.
            Decision::Wait { .. } | Decision::Narrow => Err(error),
            Decision::GiveUp if error.class().retry == Retry::Never => Err(error),
            Decision::GiveUp => {
                let attempts = attempts.made();
                Err(Cause::GaveUp { attempts, source: Box::new(error) }.into())
            }
        }
    }

    /// Makes one call. A token that is refused is renewed, once: it may have been revoked, or have
    /// ended earlier than announced.
    async fn call<'a, T>(
        &'a self,
        url: &Url,
        purpose: Purpose,
        read: &impl AsyncFn(Incoming<'a>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let token = self.token(purpose.attempt, None).await?;
        match self.call_with(&token, url, purpose, read).await {
            Err(error) if error.is_unauthorized() => {
                tracing::debug!("token refused: requesting a new one");
                let token = self.token(purpose.attempt, Some(token.number)).await?;
                self.client.meter.count_retry();
                self.call_with(&token, url, purpose, read).await
            }
            other => other,
        }
    }

    /// The current token, or a new one in place of the one that was refused.
    async fn token(&self, attempt: u32, refused: Option<u32>) -> Result<Token, Error> {
        self.tokens.get(&self.client, &self.budget, attempt, refused).await
    }

    async fn call_with<'a, T>(
        &'a self,
        token: &Token,
        url: &Url,
        purpose: Purpose,
        read: &impl AsyncFn(Incoming<'a>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.budget.spend()?;
        let bearer = format!("bearer {}", token.value.expose_secret());
        let request = self.client.http.get(url.clone()).header(AUTHORIZATION, bearer);
        let purpose = Purpose { calls_left: Some(self.budget.left()), ..purpose };
        let incoming = self.client.send(url, request, purpose).await?;
        self.budget.read_limits(incoming.headers());
        read(incoming).await
    }
}
