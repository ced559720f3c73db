//! Servers that lead from page to page in other ways than the documented one: no event is missing without an
//! error, and no server is read for ever.

use std::sync::{Arc, Mutex};

use onelogin_simulator::EventRecord;

use super::after;
use crate::support::api::parameter;
use crate::support::onelogin::at;
use crate::support::program::{Finished, Program};
use crate::support::responder::{Responder, response};
use crate::support::tables::{Db, on_both};

const JSON: &str = "application/json";
const FIRST: &str = "2026-03-15T00:30:00Z";
const SINCE: &str = "2026-03-15";
const UNTIL: &str = "2026-03-20";
/// Events per page.
const PAGE: usize = 50;

/// A request for events, and what the server has for it.
struct Request {
    /// All events of the span and the types.
    events: Vec<String>,
    /// The number of events before those of the page: the value of `after_cursor`, or `page` pages.
    skipped: usize,
    has_cursor: bool,
    /// The number of requests for events, this one included.
    number: usize,
    /// The number of requests by a cursor since the last one without.
    by_cursor: usize,
}

impl Request {
    fn page(&self) -> &[String] {
        let from = self.skipped.min(self.events.len());
        &self.events[from..self.events.len().min(from + PAGE)]
    }

    /// The number of events before those of the next page, if there are any.
    fn next(&self) -> Option<usize> {
        let next = self.skipped + PAGE;
        (next < self.events.len()).then_some(next)
    }
}

/// A page with the text of its pagination, which may be empty.
fn page(events: &[String], pagination: &str) -> String {
    let events = events.join(",");
    response(200, JSON, &format!(r#"{{{pagination}"data":[{events}]}}"#))
}

fn cursor(value: &str, link: &str) -> String {
    format!(r#""pagination":{{"after_cursor":{value},"next_link":{link}}},"#)
}

const NO_CURSOR: &str = r#""pagination":{"after_cursor":null,"next_link":null},"#;

/// A server of events, and the queries that it got.
struct Server {
    responder: Responder,
    queries: Arc<Mutex<Vec<String>>>,
}

type Answer = fn(&Request) -> String;

impl Server {
    fn start(events: Vec<EventRecord>, answer: Answer) -> Self {
        let queries = Arc::new(Mutex::new(Vec::new()));
        let got = Arc::clone(&queries);
        let responder = Responder::start(move |request| {
            let target = request.split(' ').nth(1).unwrap_or_default();
            let (path, query) = target.split_once('?').unwrap_or((target, ""));
            match path {
                "/api/1/events" => {}
                "/api/1/events/types" => return page(&[], ""),
                _ => return response(200, JSON, r#"{"access_token":"t0ken","expires_in":36000}"#),
            }
            let mut queries = got.lock().expect("no test has failed in it");
            queries.push(query.to_owned());
            answer(&read(&queries, &events))
        });
        Self { responder, queries }
    }

    fn calls(&self) -> usize {
        self.queries.lock().expect("no test has failed in it").len()
    }

    /// Runs `sync` of the five days.
    fn sync(&self, db: &Db, arguments: &[&str]) -> Finished {
        self.sync_until(db, UNTIL, arguments)
    }

    fn sync_until(&self, db: &Db, until: &str, arguments: &[&str]) -> Finished {
        let common = ["sync", "--format", "json", "--refresh-people", "never"];
        let span = ["--since", SINCE, "--until", until, "--retry-for", "3s"];
        let program = Program::new(&[&common[..], &span, arguments].concat());
        let program = program.env("DATABASE_URL", db.url());
        let program = program.env("ONELOGIN_BASE_URL", self.responder.url());
        let program = program.env("ONELOGIN_CLIENT_ID", "some-client");
        program.env("ONELOGIN_CLIENT_SECRET", "some-secret").run()
    }
}

fn read(queries: &[String], events: &[EventRecord]) -> Request {
    let query = queries.last().expect("the request");
    let (since, until) =
        ["since", "until"].map(|name| parameter(query, name).expect("a time")).into();
    let span = at(&since)..=at(&until);
    let types = parameter(query, "event_type_id").expect("types");
    let types: Vec<i64> = types.split(',').map(|id| id.parse().expect("a number")).collect();
    let selected = events.iter().filter(|event| {
        span.contains(&at(&event.created_at)) && types.contains(&event.event_type_id)
    });
    let number_of = |name| parameter(query, name).and_then(|value| value.parse::<usize>().ok());
    let by_page = number_of("page").map(|page| (page - 1) * PAGE);
    let has_cursor = |query: &&String| {
        ["after_cursor", "page"].iter().any(|name| parameter(query, name).is_some())
    };
    Request {
        events: selected.map(EventRecord::to_json).collect(),
        skipped: number_of("after_cursor").or(by_page).unwrap_or_default(),
        has_cursor: has_cursor(&query),
        number: queries.len(),
        by_cursor: queries.iter().rev().take_while(has_cursor).count(),
    }
}

/// Failures, one per this many minutes.
fn failures(count: i64, minutes: i64) -> Vec<EventRecord> {
    let at = |n| after(FIRST, n * minutes * 60_000);
    (0..count).map(|n| EventRecord::new(1 + n, at(n), 61 + n % 5, 7)).collect()
}

/// All of these events are loaded, from whichever pages.
fn loads_all(db: &Db, events: Vec<EventRecord>, answer: Answer) -> Server {
    let count = events.len();
    let server = Server::start(events, answer);

    let finished = server.sync(db, &[]).expect_code(0);

    assert_eq!(db.count("provisioning_failures"), count, "{finished}");
    server
}

on_both!(a_cursor_that_only_the_link_has_is_followed, |db| {
    let server = loads_all(db, failures(230, 30), |request| {
        let link = request.next().map(|next| {
            format!(r#""https://elsewhere.example/api/1/events?limit=5&after_cursor={next}""#)
        });
        let link = link.unwrap_or_else(|| "null".to_owned());
        page(request.page(), &cursor("null", &link))
    });
    let queries = server.queries.lock().expect("no test has failed in it");
    assert!(queries.iter().all(|query| !query.contains("limit")), "{queries:?}");
});

on_both!(a_page_number_that_only_the_link_has_is_followed, |db| {
    loads_all(db, failures(230, 30), |request| {
        let next =
            request.next().map(|next| format!(r#""/api/1/events?page={}""#, next / PAGE + 1));
        page(request.page(), &cursor(r#""""#, &next.unwrap_or_else(|| r#""""#.to_owned())))
    });
});

on_both!(an_empty_page_with_a_cursor_and_a_link_does_not_end_a_window, |db| {
    loads_all(db, failures(230, 30), |request| {
        let link = r#""/api/1/events?after_cursor=x""#;
        let next = request.next();
        // The page at every cursor is empty at first, and has another one for the same place.
        if request.has_cursor && !request.number.is_multiple_of(2) {
            let again = format!("\"0{}\"", request.skipped);
            return page(&[], &cursor(&again, link));
        }
        next.map_or_else(
            || page(request.page(), NO_CURSOR),
            |next| page(request.page(), &cursor(&next.to_string(), link)),
        )
    });
});

on_both!(full_pages_without_pagination_are_read_by_smaller_windows, |db| {
    let server = loads_all(db, failures(230, 30), |request| {
        page(&request.events[..request.events.len().min(PAGE)], "")
    });
    assert!(server.calls() <= 25, "{} calls", server.calls());
});

on_both!(a_second_of_more_than_a_page_without_pagination_is_an_error, |db| {
    let server = Server::start(failures(60, 0), |request| {
        page(&request.events[..request.events.len().min(PAGE)], "")
    });

    let finished = server.sync(db, &[]).expect_code(76);

    assert!(finished.stderr.contains("a full page of 50 events"), "{finished}");
    assert!(server.calls() < 40, "{} calls", server.calls());
    assert_eq!(db.count("provisioning_failures"), 0);
});

on_both!(a_page_without_content_after_a_cursor_is_requested_again, |db| {
    loads_all(db, failures(230, 30), |request| {
        if request.has_cursor && request.number.is_multiple_of(2) {
            return response(204, JSON, "");
        }
        let next = request.next().map(|next| cursor(&next.to_string(), "null"));
        page(request.page(), next.as_deref().unwrap_or(NO_CURSOR))
    });
});

on_both!(pages_without_content_after_a_cursor_are_an_error, |db| {
    let server = Server::start(failures(230, 30), |request| {
        if request.has_cursor {
            return response(204, JSON, "");
        }
        page(request.page(), &cursor("50", "null"))
    });

    let finished = server.sync(db, &["--max-attempts", "2"]).expect_code(69);

    assert!(finished.stderr.contains("incomplete"), "{finished}");
    assert_eq!(db.count("provisioning_failures"), 0);
});

on_both!(a_server_that_takes_no_notice_of_its_new_cursors_ends_the_run, |db| {
    let server = Server::start(failures(230, 30), |request| {
        page(
            &request.events[..request.events.len().min(PAGE)],
            &cursor(&format!("\"c{}\"", request.number), "null"),
        )
    });

    let finished = server.sync(db, &[]).expect_code(76);

    assert!(finished.stderr.contains("ignores after_cursor"), "{finished}");
    assert_eq!(server.calls(), 2);
});

on_both!(a_full_page_that_repeats_itself_and_its_cursor_is_not_the_last, |db| {
    let server = loads_all(db, failures(230, 30), |request| {
        let first = &request.events[..request.events.len().min(PAGE)];
        let is_last = request.events.len() <= PAGE;
        page(first, &if is_last { NO_CURSOR.to_owned() } else { cursor("\"after-50\"", "null") })
    });
    assert!(server.calls() <= 40, "{} calls", server.calls());
});

on_both!(empty_pages_with_ever_new_cursors_come_to_an_end, |db| {
    let server = Server::start(failures(1, 30), |request| {
        page(&[], &cursor(&format!("\"c{}\"", request.number), r#""/api/1/events?after_cursor=x""#))
    });

    let finished = server.sync_until(db, "2026-03-15T00:00:04Z", &[]).expect_code(76);

    assert!(finished.stderr.contains("in a row were empty"), "{finished}");
    assert!(server.calls() < 200, "{} calls", server.calls());
});

on_both!(one_cursor_that_leads_to_page_after_page_is_followed, |db| {
    loads_all(db, failures(230, 30), |request| {
        let from = (request.by_cursor * PAGE).min(request.events.len());
        let to = (from + PAGE).min(request.events.len());
        let is_last = to == request.events.len();
        let next = if is_last { NO_CURSOR.to_owned() } else { cursor("\"session\"", "null") };
        page(&request.events[from..to], &next)
    });
});

on_both!(a_full_page_with_the_cursor_of_an_earlier_page_is_not_the_last, |db| {
    let server = loads_all(db, failures(300, 20), |request| {
        let next = request.next().map(|next| if next == 3 * PAGE { PAGE } else { next });
        let next = next.map(|next| cursor(&next.to_string(), "null"));
        page(request.page(), next.as_deref().unwrap_or(NO_CURSOR))
    });
    assert!(server.calls() <= 60, "{} calls", server.calls());
});

on_both!(an_empty_page_with_the_cursor_of_an_earlier_page_is_not_the_last, |db| {
    loads_all(db, failures(300, 20), |request| {
        let link = r#""/api/1/events?after_cursor=50""#;
        if request.skipped == 2 * PAGE {
            return page(&[], &cursor("50", link));
        }
        let next = request.next().map(|next| cursor(&next.to_string(), link));
        page(request.page(), next.as_deref().unwrap_or(NO_CURSOR))
    });
});

on_both!(a_full_last_page_may_repeat_its_own_cursor, |db| {
    let server = loads_all(db, failures(100, 30), |request| {
        let next = request.next().unwrap_or(request.skipped);
        let next = if request.events.len() <= PAGE {
            NO_CURSOR.to_owned()
        } else {
            cursor(&next.to_string(), "null")
        };
        page(request.page(), &next)
    });
    assert!(server.calls() <= 6, "{} calls", server.calls());
});

// Regression: a page of fewer than 50 events was taken for the last one, although its link named another.
on_both!(a_page_with_a_link_that_cannot_be_read_is_not_the_last, |db| {
    let answers: [Answer; 4] = [
        |request| {
            smaller_page(
                request,
                r#"null,"next_link":"https://x.example/api/1/events?starting_after=X""#,
            )
        },
        |request| smaller_page(request, r#"null,"next_link":"/api/v1/events?after_cursor=X""#),
        |request| smaller_page(request, r#"["X"],"next_link":null"#),
        |request| smaller_page(request, r#"null,"has_more":true,"next_cursor":"X""#),
    ];
    for answer in answers {
        let server = loads_all(&db.another(), failures(120, 60), answer);
        assert!(server.calls() <= 25, "{} calls", server.calls());
    }
});

on_both!(pages_of_25_without_pagination_are_read_by_smaller_windows, |db| {
    let server = loads_all(db, failures(120, 60), |request| {
        page(&request.events[..request.events.len().min(25)], "")
    });
    assert!(server.calls() <= 25, "{} calls", server.calls());
});

/// At most 25 events, and a pagination that names another page if there are more.
fn smaller_page(request: &Request, more: &str) -> String {
    let events = &request.events[..request.events.len().min(25)];
    let is_last = events.len() == request.events.len();
    let more = format!(r#""pagination":{{"after_cursor":{more}}},"#);
    page(events, if is_last { NO_CURSOR } else { &more })
}

// Regression: an error that came as an empty page ended the window.
on_both!(an_error_beside_an_empty_list_is_not_the_last_page, |db| {
    let answers: [Answer; 3] = [
        |request| last_page(request, r#""statusCode":500,"message":"x","name":"E","#),
        |request| last_page(request, r#""message":"Internal server error","#),
        |request| last_page(request, r#""errors":["x"],"#),
    ];
    for answer in answers {
        let db = db.another();
        let server = Server::start(failures(230, 30), answer);

        let finished = server.sync(&db, &["--max-attempts", "2"]);

        assert!(matches!(finished.code, Some(69 | 76)), "{finished}");
        assert_eq!(db.count("provisioning_failures"), 0, "{finished}");
        assert_eq!(db.rows("select count(scanned_through) from watermarks"), [["0"]]);
    }
});

on_both!(an_empty_list_alone_at_a_cursor_is_not_the_last_page, |db| {
    // Windows of one page have no cursor.
    let server = loads_all(db, failures(230, 30), |request| last_page(request, ""));
    assert!(server.calls() <= 40, "{} calls", server.calls());
});

// Regression: a link to the page itself, and a message beside a page, are no sign of more or of an error.
on_both!(a_page_that_links_to_itself_is_the_last, |db| {
    let answers: [Answer; 3] = [
        |request| {
            let itself = r#"null,"next_link":"/api/1/events?since=a&until=b""#;
            page(&request.events, &format!(r#""pagination":{{"after_cursor":{itself}}},"#))
        },
        |request| {
            page(&request.events, r#""message":"Events found","pagination":{"has_more":false},"#)
        },
        |request| page(&request.events, r#""code":200,"message":"Events found","#),
    ];
    for answer in answers {
        let server = loads_all(&db.another(), failures(9, 30), answer);
        assert!(server.calls() <= 3, "{} calls", server.calls());
    }
});

on_both!(ten_events_of_a_second_are_no_full_page, |db| {
    let ten = (0..10).map(|n| EventRecord::new(1 + n, at(FIRST), 61, 7)).collect();
    loads_all(db, ten, |request| page(&request.events, ""));
});

/// The page at a cursor has no events, but this.
fn last_page(request: &Request, instead: &str) -> String {
    if request.has_cursor {
        return page(&[], instead);
    }
    let next = request.next().map(|next| cursor(&next.to_string(), "null"));
    page(request.page(), next.as_deref().unwrap_or(NO_CURSOR))
}

on_both!(a_window_whose_cursor_expired_is_read_again, |db| {
    loads_all(db, failures(230, 30), |request| {
        if request.number == 3 {
            let refusal =
                r#"{"status":{"error":true,"code":400,"message":"Invalid pagination cursor"}}"#;
            return response(400, JSON, refusal);
        }
        let next = request.next().map(|next| cursor(&next.to_string(), "null"));
        page(request.page(), next.as_deref().unwrap_or(NO_CURSOR))
    });
});

on_both!(a_page_without_events_whose_status_is_an_error_is_no_empty_window, |db| {
    let answers: [(Answer, i32); 4] = [
        (|_| page(&[], r#""status":{"error":"true","code":500},"#), 69),
        (|_| page(&[], r#""status":{"error":false,"code":503},"#), 69),
        (|_| page(&[], r#""status":{"error":"rate_limit_exceeded"},"#), 69),
        (|_| page(&[], r#""status":"error","#), 76),
    ];
    for (answer, code) in answers {
        let server = Server::start(failures(3, 30), answer);

        server.sync(db, &["--max-attempts", "2"]).expect_code(code);

        let read = "select count(scanned_through) from watermarks";
        assert_eq!(db.rows(read), [["0"]], "{code}");
    }
});
