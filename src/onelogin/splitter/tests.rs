use super::*;
use proptest::prelude::*;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// A record, or the first bytes of one above the limit with its length.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Record {
    Text(String),
    TooLarge { head: String, bytes: u64, digest: [u8; 32] },
}

/// Splits a body given in chunks of the given sizes, repeated; the records and the outcome.
fn split_as(shape: Shape, body: &[u8], sizes: &[usize]) -> (Vec<Record>, Result<(), Malformed>) {
    let own = |text: &[u8]| String::from_utf8_lossy(text).into_owned();
    let mut splitter = Splitter::new(shape);
    let mut records = Vec::new();
    let mut sink = |element: Element<'_>| {
        records.push(match element {
            Element::Text(text) => Record::Text(own(text)),
            Element::TooLarge { head, bytes, digest } => {
                Record::TooLarge { head: own(head), bytes, digest }
            }
        });
    };
    let mut rest = body;
    let mut sizes = sizes.iter().cycle();
    while !rest.is_empty() {
        let (chunk, tail) = rest.split_at(rest.len().min(*sizes.next().unwrap()));
        if let Err(malformed) = splitter.feed(chunk, &mut sink) {
            return (records, Err(malformed));
        }
        rest = tail;
    }
    let outcome = splitter.finish(true, &mut sink);
    (records, outcome)
}

/// The same for an array of records within their limit.
fn split(body: &[u8], sizes: &[usize]) -> (Vec<String>, Result<(), Malformed>) {
    let (records, outcome) = split_as(Shape::Array, body, sizes);
    (records.into_iter().map(text).collect(), outcome)
}

fn text(record: Record) -> String {
    match record {
        Record::Text(text) => text,
        Record::TooLarge { .. } => panic!("{record:?}"),
    }
}

/// The records of a body that comes in chunks of every small size, and as a whole.
#[track_caller]
fn records(shape: Shape, body: &str) -> Vec<String> {
    let whole = split_as(shape, body.as_bytes(), &[usize::MAX]);
    for sizes in [vec![1], vec![2], vec![3], vec![7], vec![1, 4]] {
        assert_eq!(split_as(shape, body.as_bytes(), &sizes), whole, "{body} by {sizes:?}");
    }
    assert_eq!(whole.1, Ok(()), "{body}: {:?}", whole.0);
    whole.0.into_iter().map(text).collect()
}

#[test]
fn arrays_come_apart_into_their_elements_however_they_are_cut() {
    let cases: &[(&str, &[&str])] = &[
        ("[]", &[]),
        (" \r\n\t[ \n] \n", &[]),
        ("\u{FEFF} [1]", &["1"]),
        ("[1]", &["1"]),
        ("[ 1 ,\n-2.5e+3,true , null]", &["1", "-2.5e+3", "true", "null"]),
        (
            r#"["a","",  "\\", "\"]", "\\\"" ]"#,
            &[r#""a""#, r#""""#, r#""\\""#, r#""\"]""#, r#""\\\"""#],
        ),
        (r#"[{"a":"}]\"{["} , [[],[{}]],{}]"#, &[r#"{"a":"}]\"{["}"#, "[[],[{}]]", "{}"]),
        ("[{\"a\" :\n1}\n,\n{\"b\":2}\n]\n", &["{\"a\" :\n1}", "{\"b\":2}"]),
        (r#"[{"n":"Zoë 🦀"}]"#, &[r#"{"n":"Zoë 🦀"}"#]),
        // Not valid inside, but each is one element: its reader rejects it, the rest loads.
        (
            "[{\"a\":\"line\nbreak\"},nul,{a b},{,}]",
            &["{\"a\":\"line\nbreak\"}", "nul", "{a b}", "{,}"],
        ),
    ];
    for (body, elements) in cases {
        for sizes in [vec![1], vec![2], vec![3], vec![1, 4], vec![usize::MAX]] {
            let expected = elements.iter().map(ToString::to_string).collect::<Vec<_>>();
            assert_eq!(split(body.as_bytes(), &sizes), (expected, Ok(())), "{body} by {sizes:?}");
        }
    }
}

#[test]
fn a_body_of_another_form_is_distinguished_from_one_that_breaks_off() {
    let unexpected =
        |found: &str| Malformed::Unexpected { expected: "a JSON array", found: found.to_owned() };
    for (body, malformed) in [
        ("<html>", unexpected("a web page (html)")),
        ("{\"data\":[]}", unexpected("a JSON object with the key data")),
        ("null", unexpected("JSON without a record")),
        ("[1]x", Malformed::NotJson { offset: 3 }),
        ("[1] []", Malformed::NotJson { offset: 4 }),
        ("[{\"id\":1}<html>", Malformed::NotJson { offset: 9 }),
        ("", Malformed::Truncated { bytes: 0 }),
        ("[", Malformed::Truncated { bytes: 1 }),
        ("[{\"id\":1},", Malformed::Truncated { bytes: 10 }),
        ("[{\"id\":1}", Malformed::Truncated { bytes: 9 }),
        ("[{\"id\":\"a", Malformed::Truncated { bytes: 9 }),
    ] {
        assert_eq!(split(body.as_bytes(), &[usize::MAX]).1, Err(malformed), "{body}");
    }
}

#[test]
fn a_record_whose_quotes_or_brackets_do_not_match_costs_itself_only() {
    let good = |n: u8| format!(r#"{{"id":{n},"notes":"x, {{[","app":{{"id":1}}}}"#);
    for bad in [
        // An odd quote, an unterminated string, an escaped end.
        r#"{"id":2,"notes":"17" screen","app":{"id":1}}"#,
        r#"{"id":2,"notes":"17" screen [x","app":{"id":1}}"#,
        r#"{"id":2,"app":{"id":1},"notes":"abc}"#,
        r#"{"id":2,"notes":"abc,"app":{"id":1}}"#,
        r#"{"id":2,"notes":"C:\dir\","app":"x"}"#,
        r#"{"id":2,"notes":"a"}{"b","app":{"id":1}}"#,
        r#"{"id":2,"notes":"a" } x ","app":{"id":1}}"#,
        r#"{"id":2,"notes":"a" ] x ","app":{"id":1}}"#,
        r#"{"id":2}}"#,
        r#"{"id":2,"list":[{"a":1},{"a":2}],"notes":"17" x","more":[{"a":1},{"a":2}]}"#,
        r#"{"id":2,"notes":"P "Q" 3","more":[{"a":1},{"a":2}]}"#,
        // No JSON, but its end is plain.
        r#"{"id":2,"notes":"aA"}"#,
        "{\"id\":2,\"notes\":\"a\nb\"}",
        r#"{"id":NaN}"#,
        "{'id':2}",
        "x",
        "",
    ] {
        for separator in [",", " ,\n "] {
            let array = [&good(1), bad, &good(3), &good(4)].join(separator);
            let neighbours = [good(1), good(3), good(4)];
            let found = records(Shape::Array, &format!("[{array}]"));
            assert_eq!(found, [&good(1), bad, &good(3), &good(4)], "{array}");
            let page = format!(r#"{{"data":[{array}],"pagination":{{"after_cursor":null}}}}"#);
            assert_eq!(records(Shape::Page, &page), found, "{page}");
            let page = format!(r#"{{"pagination":{{"after_cursor":null}}, "data" : [{array}] }}"#);
            assert_eq!(records(Shape::Page, &page), found, "{page}");

            // As the last and as the first record.
            for array in [[&good(1), &good(3), &good(4), bad], [bad, &good(1), &good(3), &good(4)]]
            {
                for body in [
                    format!("[{}]", array.join(separator)),
                    format!("[{}]\n", array.join(separator)),
                ] {
                    if bad.is_empty() {
                        continue;
                    }
                    let found = records(Shape::Array, &body);
                    let left: Vec<_> =
                        found.iter().filter(|text| neighbours.contains(text)).collect();
                    assert_eq!(left.len(), 3, "{body}: {found:?}");
                }
            }
        }
    }
}

#[test]
fn a_cut_body_is_no_broken_record_unless_its_end_is_certain() {
    let body = br#"[{"id":1},{"id":2,"notes":"abc}]"#;
    let mut splitter = Splitter::new(Shape::Array);
    let mut records = 0;
    splitter.feed(body, &mut |_| records += 1).unwrap();
    let cut = splitter.finish(false, &mut |_| records += 1);
    assert_eq!((cut, records), (Err(Malformed::Truncated { bytes: 32 }), 1));
    assert_eq!(split(body, &[5]).0.len(), 2);
}

#[test]
fn records_are_found_in_arrays_pages_and_lines_in_any_layout() {
    for (body, expected) in [
        ("", vec![]),
        (" [] ", vec![]),
        (r#"{"a":1}"#, vec![r#"{"a":1}"#]),
        ("\u{FEFF}{\"a\":1}\n\n{\"a\":2}\r\n", vec![r#"{"a":1}"#, r#"{"a":2}"#]),
        (r#"{"a":1}{"a":2}"#, vec![r#"{"a":1}"#, r#"{"a":2}"#]),
        (r#"[{"a":1}][{"a":2}]"#, vec![r#"{"a":1}"#, r#"{"a":2}"#]),
        (r#"[[{"a":1}],[],[{"a":2}]]"#, vec![r#"{"a":1}"#, r#"{"a":2}"#]),
        (
            r#"{"status":{"data":[7]},"data":[{"a":1},{"a":2}],"x":[3]}"#,
            vec![r#"{"a":1}"#, r#"{"a":2}"#],
        ),
        (
            "{\n \"data\" : [\n {\"a\":1}\n ]\n}\n{\"data\":[{\"a\":2}]}",
            vec![r#"{"a":1}"#, r#"{"a":2}"#],
        ),
        (
            r#"[{"data":[{"a":1}]},{"records":[{"a":2}]},{"events":[]}]"#,
            vec![r#"{"a":1}"#, r#"{"a":2}"#],
        ),
        (r#"{"data":{"a":[1]},"x":"data"}"#, vec![r#"{"data":{"a":[1]},"x":"data"}"#]),
        (r#"{"x":"data","y":[1],"database":[1]}"#, vec![r#"{"x":"data","y":[1],"database":[1]}"#]),
    ] {
        assert_eq!(records(Shape::Values, body), expected, "{body}");
    }
}

#[test]
fn a_page_keeps_the_text_around_its_records() {
    let mut splitter = Splitter::new(Shape::Page);
    let body =
        br#"{"status":{"code":200},"data":[{"a":1},{"a":2}],"pagination":{"after_cursor":"b"}}"#;
    for byte in body {
        splitter.feed(&[*byte], &mut |_| ()).unwrap();
    }
    let around = r#"{"status":{"code":200},"data":[],"pagination":{"after_cursor":"b"}}"#;
    assert_eq!(std::str::from_utf8(splitter.page_text()).unwrap(), around);
}

#[test]
fn a_record_above_the_limit_is_known_by_its_beginning_and_its_hash() {
    for size in [64 * 1024, usize::MAX] {
        let record = |bytes: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(bytes - 8));
        let body = |bytes| format!("[{},{{\"a\":1}}]", record(bytes)).into_bytes();
        let (found, outcome) = split(&body(MAX_ELEMENT), &[size]);
        assert_eq!((found.len(), found[0].len(), outcome), (2, MAX_ELEMENT, Ok(())));

        let large = record(MAX_ELEMENT + 1);
        let (found, outcome) = split_as(Shape::Array, &body(MAX_ELEMENT + 1), &[size]);
        assert_eq!((found.len(), outcome), (2, Ok(())));
        assert_eq!(
            found[0],
            Record::TooLarge {
                head: large[..4 * 1024].to_owned(),
                bytes: large.len() as u64,
                digest: Sha256::digest(&large).into(),
            }
        );
    }
}

#[test]
fn an_answer_has_limits_on_its_bytes_and_its_records() {
    let split = |limits, body: &[u8]| {
        let mut splitter = Splitter::limited(Shape::Array, limits);
        splitter.feed(body, &mut |_| ()).and_then(|()| splitter.finish(true, &mut |_| ()))
    };
    let limits = |bytes, records| Limits { bytes, records };
    assert_eq!(split(limits(7, 3), b"[1,2,3]"), Ok(()));
    assert!(matches!(split(limits(6, 3), b"[1,2,3]"), Err(Malformed::TooLarge { .. })));
    assert!(matches!(split(limits(7, 2), b"[1,2,3]"), Err(Malformed::TooLarge { .. })));

    // The real ones: a record more than is allowed.
    let body = |records: u64| format!("[{}0]", "0,".repeat(usize::try_from(records - 1).unwrap()));
    assert_eq!(split(Limits::ANSWER, body(5_000_000).as_bytes()), Ok(()));
    assert!(matches!(
        split(Limits::ANSWER, body(5_000_001).as_bytes()),
        Err(Malformed::TooLarge { .. })
    ));
    assert_eq!(Limits::ANSWER.bytes, 1 << 31);
}

#[test]
fn memory_is_bounded_by_one_record() {
    let mut splitter = Splitter::new(Shape::Array);
    splitter.feed(b"[", &mut |_| ()).unwrap();
    for _ in 0..100_000 {
        splitter.feed(b"{\"id\":1,\"a\":\"", &mut |_| ()).unwrap();
        splitter.feed(b"b\"},", &mut |_| ()).unwrap();
    }
    assert!(splitter.held.capacity() < 128, "{}", splitter.held.capacity());
    for _ in 0..100 {
        splitter.feed(&vec![b'x'; 100_000], &mut |_| ()).unwrap();
    }
    assert!(splitter.held.capacity() < 2 * MAX_ELEMENT, "{}", splitter.held.capacity());
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        r#"[\\"\[\]{},: a]{0,8}"#.prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(r#"[\\"a}]{0,4}"#, inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_array_cut_anywhere_comes_out_complete(
        values in prop::collection::vec(any_value(), 0..6),
        space in r"[ \t\r\n]{0,3}",
        sizes in prop::collection::vec(1_usize..12, 1..6),
    ) {
        let elements = values.iter().map(Value::to_string).collect::<Vec<_>>();
        let body = format!("{space}[{space}{}{space}]", elements.join(&format!("{space},{space}")));
        for sizes in [vec![1], vec![usize::MAX], sizes] {
            prop_assert_eq!(split(body.as_bytes(), &sizes), (elements.clone(), Ok(())));
        }
        for length in 0..body.len() {
            let mut splitter = Splitter::new(Shape::Array);
            let mut given = Vec::new();
            let mut sink = |element: Element<'_>| match element {
                Element::Text(text) => given.push(text.to_vec()),
                Element::TooLarge { .. } => unreachable!("it is small"),
            };
            for chunk in body.as_bytes()[..length].chunks(7) {
                splitter.feed(chunk, &mut sink).unwrap();
            }
            let outcome = splitter.finish(false, &mut sink);
            prop_assert_eq!(outcome, Err(Malformed::Truncated { bytes: length as u64 }));
            // A number at the cut may be a part of one; it must not come out.
            let expected: Vec<_> = elements[..given.len()].iter().map(|e| e.clone().into_bytes()).collect();
            prop_assert_eq!(given, expected);
        }
    }

    #[test]
    fn no_bytes_make_it_panic_and_no_cut_changes_the_outcome(
        body in r#"[\[{]?[\[\]{},:"\\ 1xa\xEF\n]{0,40}"#,
        sizes in prop::collection::vec(1_usize..6, 1..4),
    ) {
        for shape in [Shape::Array, Shape::Page, Shape::Values] {
            let whole = split_as(shape, body.as_bytes(), &[usize::MAX]);
            let cut = split_as(shape, body.as_bytes(), &sizes);
            if matches!(whole.1, Err(Malformed::Unexpected { .. })) {
                // Only the kind depends on the chunk.
                let named = matches!(cut.1, Err(Malformed::Unexpected { .. }));
                prop_assert!(named);
            } else {
                prop_assert_eq!(cut, whole);
            }
        }
    }
}
