use super::*;

fn file(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::TempDir::new().unwrap();
    let path = directory.path().join("saved.json");
    std::fs::write(&path, bytes).unwrap();
    (directory, path)
}

fn read(text: impl AsRef<[u8]>) -> Result<(SourceKind, Vec<String>), SavedError> {
    let (_directory, path) = file(text.as_ref());
    let saved = Saved::open(&path)?;
    let mut records = Vec::new();
    let mut sink = |element: Element<'_>| match element {
        Element::Text(text) => records.push(String::from_utf8_lossy(text).into_owned()),
        Element::TooLarge { bytes, .. } => records.push(format!("{bytes} bytes")),
    };
    let mut read = saved.records()?;
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    while runtime.block_on(read.next(&mut sink))? {}
    Ok((saved.kind(), records))
}

#[test]
fn the_kind_of_the_records_and_their_number_are_recognised() {
    use SourceKind::{Events, Legacy, Webhook};
    for (text, kind, records) in [
        (r#"[{"id":1,"user":{"id":7}}, {"id":2}]"#, Legacy, 2),
        (r#"[{}, {"id":1,"created_at":"x"}]"#, Legacy, 2),
        ("[]", Legacy, 0),
        ("[]\n[]\n", Legacy, 0),
        (r#"{"data":[]}"#, Events, 0),
        ("{\"data\":[]}\n{\"data\":[]}\n", Events, 0),
        (r#"{"status":{},"pagination":{},"data":[{"id":1,"event_type_id":64}]}"#, Events, 1),
        ("{\n  \"data\": [\n {\"id\":1,\"event_type_id\":64},{\"id\":2}\n]\n}\n", Events, 2),
        ("\u{FEFF}{\n\"data\":[\n{\"event_type_id\":64}\n]}", Events, 1),
        ("{\"data\":[]}\n{\"data\":[{\"id\":1,\"event_type_id\":64}]}\n", Events, 1),
        (r#"[{"data":[{"id":1,"event_type_id":64}]}]"#, Events, 1),
        (r#"{"records":[{"id":1,"event_type_id" : 64}]}"#, Events, 1),
        (r#"{"events":[{"event_timestamp":"x"},{"event_timestamp":"y"}]}"#, Webhook, 2),
        (r#"[{"uuid":"a","event_timestamp":"x","event_type_id":64}]"#, Webhook, 1),
        (
            "{\"event_timestamp\":\"x\"}\n\n{\"event\":{\"event_timestamp\":\"y\"}}\r\n{broken\n",
            Webhook,
            3,
        ),
        (
            "[{\"event_timestamp\":\"x\"}]\n[{\"event_timestamp\":\"y\"},{\"event_timestamp\":\"z\"}]\n",
            Webhook,
            3,
        ),
        ("{\"event_timestamp\":\"17\" x\"}\n{\"event_timestamp\":\"y\"}\n", Webhook, 2),
        (
            "{\"event_timestamp\":\"x}\n{\"event_timestamp\":\"y\"}\n{\"event_timestamp\":\"z\"}",
            Webhook,
            3,
        ),
        // A cut line is one of its own.
        ("[{\"event_timestamp\":\"x\"}]\n[{\"event_timestamp\":\"y\"},{\"event\n", Webhook, 3),
    ] {
        let (seen, found) = read(text).unwrap();
        assert_eq!((seen, found.len()), (kind, records), "{text}: {found:?}");
    }
}

#[test]
fn a_wrapped_delivery_is_handed_out_without_its_wrapping() {
    let (_, records) = read(r#"[{"event":{"event_timestamp":"x"},"a":1}]"#).unwrap();
    assert_eq!(records, [r#"{"event_timestamp":"x"}"#]);
    let (_, records) = read(r#"[{"event":"x","event_timestamp":"x"}]"#).unwrap();
    assert_eq!(records, [r#"{"event":"x","event_timestamp":"x"}"#]);
}

#[test]
fn a_file_of_something_else_differs_from_a_broken_one() {
    for text in [
        "",
        " \n\n",
        "id,created_at\n1,2",
        "<html>",
        "7",
        "{}",
        "[1,2]",
        r#"[{"a":1},{"b":2}]"#,
        "{\"a\":1}\n{\"b\":2}\n",
        r#"[{"id":1}]"#,
        r#""id":"created_at""#,
        "[",
        "\u{FEFF}",
        r#"[{"text":"{\"event_timestamp\":1}"}]"#,
    ] {
        let error = read(text).map(|read| panic!("{text}: {read:?}")).unwrap_err();
        assert!(matches!(error, SavedError::NoRecords { .. }), "{text}: {error:?}");
    }
    for text in [
        "[{\"id\":1,\"user\":1}",
        "[{\"id\":1,\"user\":1}] [",
        "{\n\"data\":[{\"id\":1,\"user\":1}",
    ] {
        let error = read(text).map(|read| panic!("{text}: {read:?}")).unwrap_err();
        assert!(matches!(error, SavedError::Broken { .. }), "{text}: {error:?}");
    }
    let missing = Saved::open(Path::new("nowhere/saved.json")).err().unwrap();
    assert!(matches!(missing, SavedError::Io { .. }) && missing.to_string().contains("nowhere"));
}

#[test]
fn utf_16_is_named_with_the_way_out() {
    let text = r#"[{"id":1,"created_at":"x"}]"#;
    let units = |bom: &str| format!("{bom}{text}").encode_utf16().collect::<Vec<_>>();
    for bom in ["", "\u{FEFF}"] {
        for bytes in [
            units(bom).into_iter().flat_map(u16::to_le_bytes).collect::<Vec<_>>(),
            units(bom).into_iter().flat_map(u16::to_be_bytes).collect(),
        ] {
            let error = read(bytes).unwrap_err();
            assert!(matches!(error, SavedError::Utf16 { .. }), "{error:?}");
            assert!(error.to_string().contains("iconv"), "{error}");
        }
    }
}

#[test]
fn a_file_has_no_limit_on_its_records_and_one_of_them_is_cut_short() {
    let record = r#"{"id":1,"created_at":"x"}"#;
    let large = format!(r#"{{"id":2,"created_at":"{}"}}"#, "x".repeat(HEAD));
    let length = large.len();
    for text in [
        format!("[{record},{large},{record}]"),
        format!("{{\"data\":[{record},{large},{record}]}}"),
        format!("{record}\n{large}\n{record}\n"),
    ] {
        let (_, records) = read(text).unwrap();
        assert_eq!(records, [record, &format!("{length} bytes"), record]);
    }
    // The only record, of which the beginning shows what it is.
    let (kind, records) = read(format!("[{large}]")).unwrap();
    assert_eq!((kind, records.len()), (SourceKind::Legacy, 1));
}

#[test]
fn the_records_of_a_file_can_be_had_once() {
    let (_directory, path) = file(b"[]");
    let saved = Saved::open(&path).unwrap();
    assert!(saved.records().is_ok());
    assert!(matches!(saved.records().err(), Some(SavedError::Io { .. })));
}

#[test]
fn values_between_commas_are_read_one_by_one() {
    let record = r#"{"id":1,"event_type_id":61}"#;
    for text in [
        format!("{record},\n{record}"),
        format!("{record},\n{record},\n"),
        format!("{record} , {record},{record},"),
        format!("{record},\r\n{record},\r\n{record}"),
    ] {
        let (kind, records) = read(&text).unwrap();
        let count = text.matches("61").count();
        assert_eq!((kind, records), (SourceKind::Events, vec![record.to_owned(); count]), "{text}");
    }
}

#[test]
fn records_within_an_unknown_object_are_not_taken_for_one_record() {
    let record = r#"{"id":1,"event_type_id":61,"created_at":"x"}"#;
    for text in [
        format!(r#"{{"Records":[{record},{record}]}}"#),
        format!(r#"{{"data":{{"events":[{record}]}}}}"#),
        format!(r#"{{"result":{{"data":[{record}]}}}}"#),
        format!(r#"{{"1":{record},"2":{record}}}"#),
        format!("{{\"hits\":[{record}]}}\n{{\"hits\":[{record}]}}\n"),
        format!(r#"{{"hits":[{}]}}"#, vec![record; HEAD / record.len()].join(",")),
        r#"{"result":[{"id":1,"created_at":"x"}]}"#.to_owned(),
    ] {
        let error = read(&text).map(|read| panic!("{text:.99}: {read:?}")).unwrap_err();
        assert!(matches!(error, SavedError::NoRecords { .. }), "{text:.99}: {error:?}");
    }
    // Only the first one lacks its type, and is rejected alone.
    for first in [r#"{"id":1}"#, r#"{"id":1,"previous":{"event_type_id":61}}"#] {
        for text in [format!("[{first},{record}]"), format!("{first}\n{record}\n")] {
            assert_eq!(read(&text).unwrap().1.len(), 2, "{text}");
        }
    }
}

#[test]
fn an_error_that_was_saved_is_no_empty_page() {
    for text in [
        r#"{"status":{"error":true,"code":401,"message":"Authentication Failure"},"data":[]}"#,
        r#"{"statusCode":500,"message":"x","data":[]}"#,
        r#"{"message":"Forbidden","data":[]}"#,
    ] {
        let error = read(text).map(|read| panic!("{text}: {read:?}")).unwrap_err();
        assert!(error.to_string().contains("an error of the API"), "{error}");
    }
}
