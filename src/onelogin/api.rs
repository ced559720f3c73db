//! Calls to the current API: with a token, within the budget, repeated after what may pass.

use std::time::{Duration, Instant};

use reqwest::header::AUTHORIZATION;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::budget::Budget;
use super::envelope::Body;
use super::error::{Count, Error};
use super::resource::Resource;
use super::retry::{self, Decision, Policy};
use super::token::{Token, Tokens};
use super::{Client, ConfigError, Options};

/// A wait within a window keeps its transaction open. One that is longer is left to the caller, who
/// takes the window back meanwhile.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// The current API of one account.
#[derive(Debug)]
pub(super) struct Api {
    pub(super) client: Client,
    pub(super) budget: Budget,
    pub(super) policy: Policy,
    tokens: Tokens,
}

impl Api {
    pub(super) fn new(
        options: &Options,
        client_id: SecretString,
        client_secret: SecretString,
        calls_per_hour: u64,
    ) -> Result<Self, ConfigError> {
        Ok(Self {
            client: Client::new(options)?,
            budget: Budget::new(calls_per_hour),
            policy: options.policy.clone(),
            tokens: Tokens::new(client_id, client_secret)?,
        })
    }

    /// Gets a resource and has its body read, again and again while that may help.
    pub(super) async fn get<T>(
        &self,
        url: &Url,
        of: Resource,
        read: impl Fn(&Body) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let endpoint = endpoint(url);
        let began = Instant::now();
        for attempts in 1.. {
            match self.call(url, &endpoint, of, &read).await {
                Ok(value) => return Ok(value),
                Err(error) => self.wait_or_give_up(error, attempts, began.elapsed()).await?,
            }
        }
        unreachable!("the policy ends the attempts")
    }

    async fn wait_or_give_up(
        &self,
        error: Error,
        attempts: u32,
        spent: Duration,
    ) -> Result<(), Error> {
        // Of our own share of calls only the caller can grant more.
        let is_not_ours =
            error.is_of_the_span() || matches!(error, Error::Spent { by: Count::Own(_), .. });
        let Some(failure) = error.failure().filter(|_| !is_not_ours) else {
            return Err(error);
        };
        match retry::decide(failure, attempts, spent, &self.policy, fastrand::f64()) {
            Decision::Wait(wait) if wait <= LONGEST_WAIT => {
                tracing::warn!(
                    error = %crate::chain(&error), attempt = attempts,
                    "trying again in {:.1} s", wait.as_secs_f64()
                );
                self.client.meter.count_retry();
                tokio::time::sleep(wait).await;
                Ok(())
            }
            // The caller may wait so long, and decides by itself.
            Decision::Wait(_) => Err(error),
            Decision::GiveUp => Err(Error::GaveUp { attempts, source: Box::new(error) }),
        }
    }

    /// One call. A token that is refused is renewed, once: it may have been revoked, or have ended
    /// earlier than it said.
    async fn call<T>(
        &self,
        url: &Url,
        endpoint: &str,
        of: Resource,
        read: &impl Fn(&Body) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let token = self.tokens.get(&self.client, &self.budget, None).await?;
        match self.call_with(&token, url, endpoint, of).await.and_then(|body| read(&body)) {
            Err(Error::Refused { status: 401, .. }) => {
                tracing::debug!("the token was refused: asking for a new one");
                let token = self.tokens.get(&self.client, &self.budget, Some(token.number)).await?;
                self.client.meter.count_retry();
                self.call_with(&token, url, endpoint, of).await.and_then(|body| read(&body))
            }
            other => other,
        }
    }

    async fn call_with(
        &self,
        token: &Token,
        url: &Url,
        endpoint: &str,
        of: Resource,
    ) -> Result<Body, Error> {
        self.budget.take()?;
        let bearer = format!("bearer {}", token.value.expose_secret());
        let request = self.client.http.get(url.clone()).header(AUTHORIZATION, bearer);
        let body = self.client.body(request, endpoint, of).await?;
        self.budget.heed(&body.headers);
        Ok(body)
    }
}

/// A URL without its query, for messages.
fn endpoint(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.into()
}
