//! Twins: the same failure from several sources. The better source keeps it, and the others refer to it.

mod pair;

use std::collections::HashMap;
use std::mem;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::event::{Attempt, Event, EventRow, Interned};
use crate::model::Operation;
use crate::store::bulk::{Columns, Row, Shared, Statement};
use crate::store::tx::Tx;
use pair::{APART, pair};

/// Time around a failure that is looked up. Most failures then have all that may matter around them.
const AROUND: TimeDelta = TimeDelta::seconds(2);

const NEAR: Statement = Statement::new(include_str!("sql/attempts_near.sql"));
const NEAR_WITHOUT_USER: Statement =
    Statement::new(include_str!("sql/attempts_near_without_user.sql"));
const LINK: Statement = Statement::new(include_str!("sql/twins_link.sql"));

/// The values that twins share: user and operation, and whether an attempt was made.
pub(super) type Group = (Option<i64>, Operation, bool);

pub(super) fn group_of(attempt: &Attempt) -> Group {
    (attempt.user_id, attempt.operation, attempt.is_skipped)
}

/// A failure, and the failure that it is a twin of.
pub(super) type Link = (Uuid, Option<Uuid>);

/// Splits failures of one group, in the order of time, where no twin can be on the other side.
pub(super) fn chains<'a>(attempts: &'a [&'a Attempt]) -> impl Iterator<Item = &'a [&'a Attempt]> {
    attempts.chunk_by(|a, b| b.at - a.at <= APART)
}

/// Pairs failures while they are read, user by user and in the order of time.
#[derive(Debug, Default)]
pub(super) struct Pairing {
    /// Events that a later one may still be near to.
    held: Vec<Event>,
    links: Vec<Link>,
}

impl Pairing {
    /// Holds an event, and returns those before it if none of them can be its twin.
    pub(super) fn take(&mut self, event: Event) -> Vec<Event> {
        let is_apart = self.held.last().is_some_and(|last| {
            last.user_id() != event.user_id() || event.at() - last.at() > APART
        });
        let paired = if is_apart { self.end() } else { Vec::new() };
        self.held.push(event);
        paired
    }

    /// Pairs the events that are held, and returns them.
    pub(super) fn end(&mut self) -> Vec<Event> {
        if let [Event::Attempt(alone)] = &mut self.held[..] {
            // Most are.
            if alone.twin_of.take().is_some() {
                self.links.push((alone.id, None));
            }
            return mem::take(&mut self.held);
        }
        let mut groups: HashMap<Group, Vec<&Attempt>> = HashMap::new();
        for event in &self.held {
            if let Event::Attempt(attempt) = event {
                groups.entry(group_of(attempt)).or_default().push(attempt);
            }
        }
        let mut changed = HashMap::new();
        for chain in groups.values().flat_map(|group| chains(group)) {
            let twins = chain.iter().zip(pair(chain));
            let new = twins.filter(|(attempt, twin_of)| attempt.twin_of != *twin_of);
            changed.extend(new.map(|(attempt, twin_of)| (attempt.id, twin_of)));
        }
        for event in &mut self.held {
            if let Event::Attempt(attempt) = event
                && let Some(twin_of) = changed.get(&attempt.id)
            {
                attempt.twin_of = *twin_of;
            }
        }
        self.links.extend(changed);
        mem::take(&mut self.held)
    }

    /// The failures that are another one's twin than is stored.
    pub(super) fn links(self) -> Vec<Link> {
        self.links
    }
}

/// A span around a failure, in which its twins may be.
#[derive(Debug, Clone, Copy)]
struct Span {
    group: Group,
    /// The time of the failure.
    at: DateTime<Utc>,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
}

struct StampedSpan<'a>(&'a Shared<()>, &'a Span);

impl Row for StampedSpan<'_> {
    fn write(&self, columns: &mut impl Columns) {
        let Self(account, span) = self;
        columns.shared_text(account);
        columns.number(span.group.0);
        columns.text(Some(span.group.1.as_str()));
        columns.time(Some(span.from));
        columns.time(Some(span.to));
    }
}

struct StampedLink<'a>(&'a Shared<()>, &'a Link);

impl Row for StampedLink<'_> {
    fn write(&self, columns: &mut impl Columns) {
        columns.shared_text(self.0);
        columns.id(Some(self.1.0));
        columns.id(self.1.1);
    }
}

impl Tx {
    /// Pairs the failures around those that changed, and returns those that are another one's twin than
    /// before, with that.
    pub(super) async fn pair_around(
        &mut self,
        account: &Shared<()>,
        changed: impl IntoIterator<Item = (Group, DateTime<Utc>)>,
        texts: &mut Interned,
    ) -> Result<Vec<(Attempt, Option<Uuid>)>, sqlx::Error> {
        let around = |(group, at)| Span { group, at, from: at - AROUND, to: at + AROUND };
        let mut open: Vec<Span> = changed.into_iter().map(around).collect();
        let mut links = HashMap::new();
        // A chain of failures may be of any length; each round reads twice as much of it.
        while !open.is_empty() {
            let near = self.attempts_near(account, &open, texts).await?;
            let mut open_again = Vec::new();
            for span in &open {
                let Some(group) = near.get(&span.group) else { continue };
                let group: Vec<&Attempt> = group.iter().collect();
                let is_around = |chain: &&[&Attempt]| {
                    chain.first().is_some_and(|first| first.at - APART <= span.at)
                        && chain.last().is_some_and(|last| last.at + APART >= span.at)
                };
                for chain in chains(&group).filter(is_around) {
                    let is_complete = chain.iter().all(|attempt| {
                        span.from <= attempt.at - APART && attempt.at + APART <= span.to
                    });
                    if !is_complete {
                        let wider = (span.to - span.from) / 2;
                        let (from, to) = (span.from - wider, span.to + wider);
                        open_again.push(Span { from, to, ..*span });
                        continue;
                    }
                    for (attempt, twin_of) in chain.iter().zip(pair(chain)) {
                        if attempt.twin_of != twin_of {
                            links.insert(attempt.id, ((*attempt).clone(), twin_of));
                        }
                    }
                }
            }
            open = open_again;
        }
        Ok(links.into_values().collect())
    }

    /// The failures in these spans, by group and in the order of time.
    async fn attempts_near(
        &mut self,
        account: &Shared<()>,
        spans: &[Span],
        texts: &mut Interned,
    ) -> Result<HashMap<Group, Vec<Attempt>>, sqlx::Error> {
        let (with_user, without): (Vec<Span>, Vec<Span>) =
            spans.iter().partition(|span| span.group.0.is_some());
        let mut rows: Vec<EventRow> =
            self.fetch_rows(NEAR, &with_user, |span| StampedSpan(account, span)).await?;
        let others: Vec<EventRow> =
            self.fetch_rows(NEAR_WITHOUT_USER, &without, |span| StampedSpan(account, span)).await?;
        rows.extend(others);
        let mut groups: HashMap<Group, Vec<Attempt>> = HashMap::new();
        for row in rows {
            if let Event::Attempt(attempt) = Event::read(&row, texts) {
                groups.entry(group_of(&attempt)).or_default().push(attempt);
            }
        }
        for group in groups.values_mut() {
            group.sort_unstable_by_key(|attempt| (attempt.at, attempt.id));
            // Spans overlap.
            group.dedup_by_key(|attempt| attempt.id);
        }
        Ok(groups)
    }

    /// Stores whose twins failures are.
    pub(super) async fn link_twins(
        &mut self,
        account: &Shared<()>,
        links: &[Link],
    ) -> Result<(), sqlx::Error> {
        self.execute_rows(LINK, links, |link| StampedLink(account, link)).await.map(drop)
    }
}
