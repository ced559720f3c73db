//! Faults that wait for their requests.

use std::collections::{HashMap, VecDeque};

use super::Fault;
use crate::endpoint::Endpoint;

/// Faults to come: those for failures in general, and those for one endpoint.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    pub(crate) general: Waiting,
    at: HashMap<Endpoint, Waiting>,
}

/// The queue, one fault per request, and the fault of every request after it.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    pub(crate) queue: VecDeque<Fault>,
    pub(crate) always: Option<Fault>,
}

impl Faults {
    pub(crate) fn at(&mut self, endpoint: Endpoint) -> &mut Waiting {
        self.at.entry(endpoint).or_default()
    }

    /// Takes the fault of the next request to `endpoint`.
    pub(crate) fn next(&mut self, endpoint: Endpoint) -> Option<Fault> {
        let is_data = endpoint.is_data();
        let here = self.at.entry(endpoint).or_default();
        if let Some(fault) = here.queue.pop_front() {
            return Some(fault);
        }
        let queued = if is_data { self.general.queue.pop_front() } else { None };
        queued.or(here.always).or(self.general.always.filter(|_| is_data))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_of_an_endpoint_go_first_and_general_ones_are_for_data() {
        let mut faults = Faults::default();
        faults.general.queue.extend([Fault::Empty, Fault::Html]);
        faults.general.always = Some(Fault::Reset);
        faults.at(Endpoint::Events).queue.push_back(Fault::Gone);
        faults.at(Endpoint::Events).always = Some(Fault::Stall);
        let expected = [Fault::Gone, Fault::Empty, Fault::Html, Fault::Stall];
        assert_eq!(expected.map(|_| faults.next(Endpoint::Events)), expected.map(Some));
        assert_eq!(faults.next(Endpoint::Legacy), Some(Fault::Reset));
        assert_eq!(faults.next(Endpoint::Token), None);
    }
}
