//! A gate in every response, closed after so many records until it is released.

use tokio::sync::watch;

#[derive(Clone, Copy, Debug, Default)]
struct State {
    /// Records that may still pass; none = any number.
    left: Option<u64>,
    /// Responses that wait at the gate.
    waiting: usize,
}

/// Where responses pause, so that a test can act in the middle of one.
#[derive(Debug, Default)]
pub(super) struct Gate(watch::Sender<State>);

impl Gate {
    /// Lets `records` more pass, over all responses from now on, and then none.
    pub(super) fn close_after(&self, records: u64) {
        self.0.send_modify(|state| state.left = Some(records));
    }

    pub(super) fn open(&self) {
        self.0.send_modify(|state| state.left = None);
    }

    /// Waits until some records may pass, and says how many.
    pub(super) async fn allowance(&self) -> u64 {
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

    /// Counts records that passed.
    pub(super) fn pass(&self, records: u64) {
        if self.0.borrow().left.is_some() {
            self.0.send_modify(|state| state.left = state.left.map(|n| n.saturating_sub(records)));
        }
    }

    /// Waits until a response is held.
    pub(super) async fn held(&self) {
        let _ = self.0.subscribe().wait_for(|state| state.waiting > 0).await;
    }
}

/// Counts one response as waiting, also when its client goes away meanwhile.
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
