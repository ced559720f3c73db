//! The requests for a list of users: as many users at once as the server takes, and fewer where it refuses.
//!
//! A refused request is halved. If all of its users come in smaller requests, the server takes fewer at once,
//! and further requests are as small. If one user is refused alone, that one is the cause, and further
//! requests are as large as before. No user who came is requested again.

/// Users refused alone, with no other answer yet, after which the server refuses whatever is requested.
const REFUSED_AT_FIRST: usize = 3;
/// Users refused alone in one run. Each costs about six calls, so the rest waits for the next run.
const MOST_REFUSED: usize = 20;

/// Users to request, and the requests that were refused so far.
#[derive(Debug)]
pub(super) struct Parts {
    ids: Vec<i64>,
    /// Number of users who came, or were refused alone.
    done: usize,
    /// Users to request at once.
    size: usize,
    /// Most users who came at once.
    taken: usize,
    /// End of the part that is requested at once if nothing is refused.
    part_end: usize,
    /// Refused requests that contain the next user, the largest first.
    open: Vec<Refused>,
    /// Users who were refused alone.
    refused: Vec<i64>,
    has_answer: bool,
}

/// A refused request, whose users are requested in halves.
#[derive(Debug, Clone, Copy)]
struct Refused {
    start: usize,
    end: usize,
    /// True if a user in it was refused alone, which explains the refusal.
    is_explained: bool,
}

impl Refused {
    fn len(&self) -> usize {
        self.end - self.start
    }
}

impl Parts {
    pub(super) fn new(ids: Vec<i64>, at_once: usize) -> Self {
        Self {
            part_end: at_once.min(ids.len()),
            ids,
            done: 0,
            size: at_once.max(1),
            taken: 0,
            open: Vec::new(),
            refused: Vec::new(),
            has_answer: false,
        }
    }

    /// The users to request next; empty at the end.
    pub(super) fn next(&self) -> &[i64] {
        &self.ids[self.done..self.next_end()]
    }

    fn next_end(&self) -> usize {
        match self.open.last() {
            Some(open) if open.start == self.done => open.start + open.len() / 2,
            Some(open) => open.end,
            None => self.part_end.min(self.done + self.size),
        }
    }

    /// Users to request at once, as far as is known now.
    pub(super) fn at_once(&self) -> usize {
        self.size
    }

    /// Users who came, as far as the server has them, or were refused.
    pub(super) fn done(&self) -> usize {
        self.done
    }

    /// Users who neither came nor were refused.
    pub(super) fn left(&self) -> usize {
        self.ids.len() - self.done
    }

    /// Users who were refused alone.
    pub(super) fn refused(&self) -> &[i64] {
        &self.refused
    }

    /// Returns whether some request of the run was answered, so that a refusal is due to what it requested.
    pub(super) fn has_answer(&self) -> bool {
        self.has_answer
    }

    /// Returns whether it is time to find out whether the server answers any request.
    pub(super) fn is_doubtful(&self) -> bool {
        let refused = self.refused.len();
        !self.has_answer && refused > 0 && (refused >= REFUSED_AT_FIRST || self.left() == 0)
    }

    /// Returns whether the rest has to wait for the next run.
    pub(super) fn has_too_many_refused(&self) -> bool {
        self.refused.len() >= MOST_REFUSED
    }

    /// Some of the users left, to find out whether the server refuses whatever is requested.
    pub(super) fn samples(&self) -> Vec<i64> {
        let left = &self.ids[self.done..];
        // The smallest id is not too large, and the last one has least to do with those refused.
        let mut samples: Vec<i64> =
            left.iter().min().into_iter().chain(left.last()).copied().collect();
        samples.dedup();
        samples
    }

    /// Notes that a user came who was requested before others.
    pub(super) fn sample_came(&mut self, id: i64) {
        self.answered();
        if let Some(place) = self.ids[self.done..].iter().position(|&left| left == id) {
            self.ids.remove(self.done + place);
            self.part_end -= usize::from(self.done + place < self.part_end);
        }
        self.pass(self.done);
    }

    /// Notes that the next users came.
    pub(super) fn came(&mut self) {
        let end = self.next_end();
        self.taken = self.taken.max(end - self.done);
        self.answered();
        self.pass(end);
    }

    /// Notes that the server answers requests, so that users refused alone were the cause.
    fn answered(&mut self) {
        self.has_answer = true;
        self.open.retain(|open| !open.is_explained);
    }

    /// Notes that only some of the next users came, so that all of them are requested again, fewer at once.
    pub(super) fn came_in_part(&mut self) {
        self.has_answer = true;
        self.shrink(self.next_end() - self.done);
    }

    /// Notes that the request for the next users was refused.
    pub(super) fn refuse(&mut self) {
        let open = Refused { start: self.done, end: self.next_end(), is_explained: false };
        if open.len() > 1 {
            self.open.push(open);
            return;
        }
        self.refused.push(self.ids[self.done]);
        for open in &mut self.open {
            open.is_explained = true;
        }
        if self.has_answer {
            self.answered();
        }
        self.pass(open.end);
    }

    /// Goes on after the users before `end`.
    fn pass(&mut self, end: usize) {
        self.done = end;
        while let Some(open) = self.open.pop_if(|open| open.end <= end) {
            if !open.is_explained {
                self.shrink(open.len());
            }
        }
        if self.done == self.part_end {
            self.part_end = self.ids.len().min(self.done + self.size);
        }
    }

    /// Requests fewer users at once, because this many were too many.
    fn shrink(&mut self, too_many: usize) {
        let taken = if self.taken < too_many { self.taken } else { 0 };
        self.size = self.size.min(taken.max(too_many / 2)).max(1);
        // Larger requests were refused for the same reason.
        self.open.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A simulated run.
    struct Run {
        calls: usize,
        came: Vec<i64>,
        refused: Vec<i64>,
        left: usize,
        has_answer: bool,
    }

    /// Requests users 1 to `users` from a server that takes `most` at once and none of `poison`.
    fn run(users: i64, most: usize, poison: &[i64]) -> Run {
        let ids: Vec<i64> = (1..=users).collect();
        let mut parts = Parts::new(ids, 50);
        let (mut calls, mut came) = (0, Vec::new());
        let is_refused =
            |next: &[i64]| next.len() > most || next.iter().any(|id| poison.contains(id));
        loop {
            if parts.is_doubtful() {
                let samples = parts.samples();
                let answered = samples.iter().position(|&id| !is_refused(&[id]));
                calls += answered.map_or(samples.len(), |place| place + 1);
                let Some(place) = answered else { break };
                came.push(samples[place]);
                parts.sample_came(samples[place]);
            }
            let next = parts.next().to_vec();
            if next.is_empty() || parts.has_too_many_refused() {
                break;
            }
            calls += 1;
            if is_refused(&next) {
                parts.refuse();
            } else {
                came.extend(next);
                parts.came();
            }
        }
        came.sort_unstable();
        let (left, has_answer) = (parts.left(), parts.has_answer());
        Run { calls, came, refused: parts.refused().to_vec(), left, has_answer }
    }

    fn all_but(users: i64, poison: &[i64]) -> Vec<i64> {
        (1..=users).filter(|id| !poison.contains(id)).collect()
    }

    #[test]
    fn one_refused_user_costs_few_calls_wherever_it_stands() {
        for users in 2..=50 {
            for poison in 1..=users {
                let run = run(users, 50, &[poison]);
                assert_eq!(run.came, all_but(users, &[poison]), "each once");
                assert_eq!((&run.refused[..], run.left), (&[poison][..], 0));
                let halvings = users.ilog2() + u32::from(users.count_ones() > 1);
                let most = 2 * halvings as usize + 1;
                assert!(run.calls <= most, "{poison} of {users}: {} calls", run.calls);
            }
        }
    }

    #[test]
    fn a_refused_user_makes_no_later_request_smaller() {
        // 137 of the ids 100 to 229.
        let run = run(130, 50, &[38]);
        assert_eq!((run.came, run.refused), (all_but(130, &[38]), vec![38]));
        assert!(run.calls <= 13 + 2, "{}", run.calls);
    }

    #[test]
    fn a_server_that_takes_fewer_users_refuses_nobody_and_gets_fewer() {
        for most in 1..=50 {
            let run = run(500, most, &[]);
            assert_eq!((run.came, run.refused), (all_but(500, &[]), vec![]), "{most}");
            // It may get half of what it takes, after some attempts.
            let fewest = 500_usize.div_ceil(most);
            assert!(run.calls <= 2 * fewest + 15, "{most}: {} calls", run.calls);
        }
        assert_eq!(run(60, 8, &[]).calls, 3 + 9 + 2);
    }

    #[test]
    fn refused_users_are_found_on_a_server_that_takes_fewer_too() {
        for most in [1, 3, 7, 8, 10, 25] {
            for poison in [&[1, 2][..], &[17], &[49, 51], &[60], &[5, 17, 29, 41, 53]] {
                let run = run(60, most, poison);
                assert_eq!((run.came, &run.refused[..]), (all_but(60, poison), poison), "{most}");
            }
        }
    }

    #[test]
    fn a_server_that_refuses_everything_gets_few_calls() {
        for users in 1..=500 {
            let run = run(users, 0, &[]);
            assert!(run.calls <= 12 && !run.has_answer, "{users}: {} calls", run.calls);
            assert_eq!(run.refused, (1..=users.min(3)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn refused_users_at_the_beginning_block_nobody() {
        for (poison, users) in [(3, 4), (3, 50), (3, 51), (10, 60), (19, 130)] {
            let poison: Vec<i64> = (1..=poison).collect();
            let run = run(users, 50, &poison);
            assert_eq!((run.came, run.refused), (all_but(users, &poison), poison), "{users}");
        }
    }

    #[test]
    fn a_run_ends_after_some_refused_users() {
        let poison: Vec<i64> = (51..=500).collect();
        let run = run(500, 50, &poison);
        assert_eq!(run.came, all_but(50, &[]));
        assert_eq!((run.refused.len(), run.left), (MOST_REFUSED, 430));
        assert!(run.calls <= 6 * MOST_REFUSED, "{}", run.calls);
    }
}
