//! A gate that holds all answers with failures after a number of records.

use tokio::sync::watch;

#[derive(Clone, Copy, Debug, Default)]
struct State {
    /// Records that may still pass; `None` for any number.
    left: Option<u64>,
    /// Answers that wait at the gate.
    waiting: usize,
}

/// Lets a test act in the middle of an answer.
#[derive(Debug, Default)]
pub(crate) struct Gate(watch::Sender<State>);

impl Gate {
    /// Lets `records` more pass, counted over all answers from now on, and then none.
    pub(crate) fn close_after(&self, records: u64) {
        self.0.send_modify(|state| state.left = Some(records));
    }

    pub(crate) fn open(&self) {
        self.0.send_modify(|state| state.left = None);
    }

    /// Waits until some records may pass, and returns their number.
    pub(crate) async fn allowance(&self) -> u64 {
        let allowance = |state: State| state.left.unwrap_or(u64::MAX);
        let free = allowance(*self.0.borrow());
        if free > 0 {
            return free;
        }
        let _waiting = Waiting::new(self);
        let mut changes = self.0.subscribe();
        // The sender is `self`, so the channel cannot close while this waits.
        changes.wait_for(|state| state.left != Some(0)).await.map_or(0, |state| allowance(*state))
    }

    /// Counts records that have passed.
    pub(crate) fn pass(&self, records: u64) {
        if self.0.borrow().left.is_some() {
            self.0.send_modify(|state| state.left = state.left.map(|n| n.saturating_sub(records)));
        }
    }

    /// Waits until an answer is held.
    pub(crate) async fn held(&self) {
        let _ = self.0.subscribe().wait_for(|state| state.waiting > 0).await;
    }
}

/// Counts one answer as waiting, even if its client disconnects meanwhile.
struct Waiting<'a>(&'a Gate);

impl<'a> Waiting<'a> {
    fn new(gate: &'a Gate) -> Self {
        gate.0.send_modify(|state| state.waiting += 1);
        Self(gate)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.0.send_modify(|state| state.waiting -= 1);
    }
}
