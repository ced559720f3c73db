use super::*;
use proptest::prelude::*;
use serde_json::Value;

/// Splits a body given in chunks of the given sizes, repeated; the elements and the outcome.
fn split(body: &[u8], sizes: &[usize]) -> (Vec<String>, Result<(), Malformed>) {
    let mut splitter = Splitter::new();
    let mut elements = Vec::new();
    let mut sink = |raw: &[u8]| elements.push(String::from_utf8(raw.to_vec()).unwrap());
    let mut rest = body;
    let mut sizes = sizes.iter().cycle();
    while !rest.is_empty() {
        let (chunk, tail) = rest.split_at(rest.len().min(*sizes.next().unwrap()));
        if let Err(malformed) = splitter.feed(chunk, &mut sink) {
            return (elements, Err(malformed));
        }
        rest = tail;
    }
    let outcome = splitter.finish();
    (elements, outcome)
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
fn what_is_no_array_is_named_with_its_place() {
    let unexpected = |found, expected, offset| Malformed::Unexpected { found, expected, offset };
    let cases: &[(&str, Malformed)] = &[
        ("[1]x", Malformed::TrailingData { offset: 3 }),
        ("[1] []", Malformed::TrailingData { offset: 4 }),
        ("[1 2]", unexpected(b'2', "a comma or `]`", 3)),
        ("[{}{}]", unexpected(b'{', "a comma or `]`", 3)),
        ("[{}}]", unexpected(b'}', "a comma or `]`", 3)),
        ("[,1]", unexpected(b',', "an element", 1)),
        ("[1,]", unexpected(b']', "an element", 3)),
        ("[1,,2]", unexpected(b',', "an element", 3)),
        ("[}", unexpected(b'}', "an element", 1)),
    ];
    for (body, malformed) in cases {
        for size in [1, 2, usize::MAX] {
            assert_eq!(split(body.as_bytes(), &[size]).1, Err(malformed.clone()), "{body}");
        }
    }
}

#[test]
fn another_body_is_described_by_its_kind() {
    let kind_of = |body: &[u8]| match split(body, &[usize::MAX]).1 {
        Err(Malformed::NotAnArray { kind }) => kind,
        other => panic!("expected NotAnArray, got {other:?}"),
    };
    assert_eq!(kind_of(b"\n <!DOCTYPE html>\n<html>"), "a web page");
    assert_eq!(kind_of(b"{\"status\":1}"), "a JSON object with the key status");
    assert_eq!(kind_of(b"\xEF\xBBx[]"), "plain text", "half a byte order mark");
}

#[test]
fn an_element_above_the_limit_is_refused_and_one_at_the_limit_is_not() {
    for size in [64 * 1024, usize::MAX] {
        let body = |inner: usize| format!("[\"{}\"]", "x".repeat(inner)).into_bytes();
        let (elements, outcome) = split(&body(MAX_ELEMENT - 2), &[size]);
        assert_eq!((elements.len(), outcome), (1, Ok(())));
        let (elements, outcome) = split(&body(MAX_ELEMENT - 1), &[size]);
        assert!(elements.is_empty());
        assert!(matches!(outcome, Err(Malformed::ElementTooLarge { .. })), "{outcome:?}");
    }
}

#[test]
fn memory_is_bounded_by_one_element() {
    let mut splitter = Splitter::new();
    splitter.feed(b"[", &mut |_| {}).unwrap();
    for _ in 0..100_000 {
        splitter.feed(b"{\"id\":1,\"a\":\"", &mut |_| {}).unwrap();
        splitter.feed(b"b\"},", &mut |_| {}).unwrap();
    }
    assert!(splitter.held.capacity() < 128, "{}", splitter.held.capacity());
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
    fn any_array_cut_anywhere_comes_out_whole(
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
            let (given, outcome) = split(&body.as_bytes()[..length], &[7]);
            prop_assert_eq!(outcome, Err(Malformed::Truncated { bytes: length as u64 }));
            // A number at the cut may be a part of one; it must not come out.
            prop_assert_eq!(&given[..], &elements[..given.len()]);
        }
    }

    #[test]
    fn no_bytes_make_it_panic_and_no_cut_changes_the_outcome(
        body in r#"\[?[\[\]{},:"\\ 1x\xEF]{0,40}"#,
        sizes in prop::collection::vec(1_usize..6, 1..4),
    ) {
        let whole = split(body.as_bytes(), &[usize::MAX]);
        let cut = split(body.as_bytes(), &sizes);
        if matches!(whole.1, Err(Malformed::NotAnArray { .. })) {
            // Only the excerpt depends on the chunk.
            let named = matches!(cut.1, Err(Malformed::NotAnArray { .. }));
            prop_assert!(named);
        } else {
            prop_assert_eq!(cut, whole);
        }
    }
}
