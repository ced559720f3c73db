use proptest::prelude::*;

use super::*;

const JANE: [&str; 5] = ["Jane Roe", "Jane", "Roe", "jane.roe@example.com", "jroe7"];
const WILL: [&str; 5] =
    ["Will Grant", "Will", "Grant", "will.grant@corp.example.co.uk", "wgrant12"];

fn text(text: &str, names: &[&str]) -> String {
    ErrorText::of(Some(text), names).text
}

#[test]
fn what_differs_from_person_to_person_is_replaced() {
    for (raw, expected) in [
        (
            "Jane Roe already exists. Take over the account?",
            "<name> already exists. Take over the account?",
        ),
        ("User JANE.ROE@example.com not found", "User <email> not found"),
        ("Roe, Jane (jroe7) is locked", "<name> (<name>) is locked"),
        ("uid=jroe7,ou=People,dc=example,dc=com: error 32", "<name>: error <n>"),
        ("CN=Mary Ann Poe,OU=x,DC=y already exists", "<name> already exists"),
        ("  two\n\n  lines\t", "two lines"),
        ("Resource 2819c223-7f76-453a-919d-413861904646 not found", "Resource <id> not found"),
        ("cross-reference id: 00e30000001KzAb", "cross-reference id: <id>"),
        ("installation ID 8151472.", "installation ID <n>."),
        ("404 Not Found: user 10543463", "404 Not Found: user <n>"),
        ("user 345 not found (404)", "user <n> not found (404)"),
        ("HTTP/1.1 503: retry after 120 seconds", "HTTP/<n> 503: retry after <n> seconds"),
        (
            r#"{"code":429,"id":"345","message":"at 14:05"}"#,
            r#"{"code":429,"id":"<n>","message":"at <n>"}"#,
        ),
        ("at 2026-01-02T10:30:00.123Z, -17 and +3", "at <n>, <n> and <n>"),
        (
            "-321 Both, 0x1F, E0000047, AADSTS700016, x509",
            "<n> Both, <n>, E0000047, AADSTS700016, x509",
        ),
        ("https://a.example.com/x?id=1, 10.0.0.1:443 and [::1]:80", "<url>, <host> and <host>"),
        ("hostname \"scim.example.com\" is wrong", "hostname \"<host>\" is wrong"),
        ("username_not_allowed (user=admin7)", "username_not_allowed (user=<name>)"),
        (
            "User name 'mpoe' is invalid: 'not unique'",
            "User name '<name>' is invalid: 'not unique'",
        ),
        (r#"{"userName":"mpoe","error":"taken"}"#, r#"{"userName":"<name>","error":"taken"}"#),
        (r#"{"username":"taken"}"#, r#"{"username":"taken"}"#),
        ("User Mary Poe does not exist", "User <name> does not exist"),
        ("Mary Poe could not be loaded", "<name> could not be loaded"),
        ("User Not Authenticated", "User Not Authenticated"),
        ("Service Unavailable is not a name", "Service Unavailable is not a name"),
        (
            "java.net.SocketTimeoutException: Read timed out",
            "java.net.SocketTimeoutException: Read timed out",
        ),
        ("error.user.name_in_use", "error.user.name_in_use"),
    ] {
        assert_eq!(text(raw, &JANE), expected, "{raw}");
    }
}

#[test]
fn a_name_is_complete_and_no_ordinary_term() {
    for (raw, names, expected) in [
        ("invalid_grant: will be retried", &WILL[..], "invalid_grant: will be retried"),
        ("WILL GRANT is gone", &WILL, "<name> is gone"),
        ("Roesler and janet", &JANE, "Roesler and janet"),
        ("jane_roe, jane.roe", &JANE, "<name>"),
        ("用户李雷已存在", &["李雷"], "用户<name>已存在"),
        ("ÉMILE Zola", &["émile"], "<name> Zola"),
        ("E\u{301}MILE Zola", &["émile"], "<name> Zola"),
        ("Émile Zola", &["e\u{301}mile"], "<name> Zola"),
        ("cafe\u{301} is closed", &["Jane"], "café is closed"),
        ("the id of <id>", &["id", "the"], "the id of <id>"),
        ("see https://x.example/jane", &JANE, "see <url>"),
        ("GET https://x.example/u?email=jane.roe@example.com", &JANE, "GET <url>"),
        ("JaneRoe, roejane and RoeJane7", &JANE, "<name> and <name><n>"),
        ("J. Roe, Roe, J. and plan J. Smith", &JANE, "<name> and plan J. Smith"),
        ("will grant access, Will Grant", &["Will Grant"], "will grant access, <name>"),
        ("User, Will and Will_User, will.user", &["Will", "User"], "<name> and <name>"),
        ("Roe will be created, as Roe Will", &["Will", "Roe"], "<name> will be created, as <name>"),
        ("the user will wait", &["Will", "User"], "the user will wait"),
        ("took too long; Long, Mary is gone", &["Mary", "Long"], "took too long; <name> is gone"),
        ("Lena Weber", &["Lena", "Weber-Kranz"], "<name>"),
        ("O’Brien, O'BRIEN, OBrien, O&#39;Brien", &["O'Brien"], "<name>"),
        (r#"{"m":"Jos\u00e9 Garc\u00eda"}"#, &["José", "García"], r#"{"m":"<name>"}"#),
        ("Jose Garcia, JOSÉ GARCÍA", &["José", "García"], "<name>"),
        ("Jean de la Cruz: de la mano", &["Jean de la Cruz"], "<name>: de la mano"),
    ] {
        assert_eq!(text(raw, names), expected, "{raw}");
    }
    assert_eq!(in_sentence("Jane Roe could not be deleted in Wiki"), Some("Jane Roe"));
    assert_eq!(in_sentence("Internal provisioning error"), None);
}

#[test]
fn a_name_that_becomes_known_later_is_replaced_in_a_normalised_text() {
    for (raw, names) in [
        ("login jroe12 is taken", &["jroe12"][..]),
        ("login JR4411 is taken", &["jr4411"]),
        ("login j_roe3 is taken", &["Jane", "Roe", "j_roe3"]),
        ("login Jane Roe is taken", &["Roe, Jane"]),
    ] {
        for known in [&[][..], &names[..names.len() - 1]] {
            let before = text(raw, known);
            let after = ErrorText::without(&before, &KnownNames::new(names.to_vec()))
                .map_or(before, |error| error.text);
            assert_eq!(after, "login <name> is taken", "{raw} of {names:?}, {known:?} known");
        }
    }
    for names in [&["e1", "n7"][..], &["e", "404"], &["Bob"]] {
        let known = KnownNames::new(names.to_vec());
        assert_eq!(ErrorText::without("error e<n> of <n>", &known), None, "{names:?}");
    }
}

#[test]
fn no_text_has_a_fingerprint_of_its_own() {
    let none = ErrorText::of(None, &[]);
    assert_eq!(none, ErrorText::of(Some(" \n"), &JANE));
    assert_eq!((none.text.as_str(), none.fingerprint.as_str()), ("", "e3b0c44298fc1c14"));
    assert_ne!(none.fingerprint, ErrorText::of(Some("null"), &[]).fingerprint);
}

#[test]
fn a_long_text_is_cut_between_two_terms() {
    let cut = text(&"ab jane.roe@example.com ".repeat(1_000), &[]);
    assert!(cut.len() <= LONGEST && cut.len() > LONGEST - 20 && cut.ends_with('…'), "{cut}");
    assert!(cut.trim_end_matches('…').split(' ').all(|term| term == "ab" || term == "<email>"));
    assert!(text(&"x".repeat(100_000), &[]).len() <= LONGEST);
    assert!(text(&"ä".repeat(100_000), &[]).len() <= LONGEST);
}

#[test]
fn a_cache_returns_the_same() {
    let mut cache = ErrorTexts::default();
    for n in 0..2 * REMEMBERED {
        for raw in [format!("user {n} of Jane Roe: {}", "x".repeat(n % 7)), "timed out".to_owned()]
        {
            assert_eq!(cache.of(Some(&raw), &JANE), &ErrorText::of(Some(&raw), &JANE));
        }
    }
    assert!(cache.0.len() <= REMEMBERED);
}

/// An error with places for what differs.
const SENTENCES: [&str; 6] = [
    "User {name} ({mail}) already exists in {url}",
    "{name} could not be suspended: {host} answered 503 after {number} seconds",
    r#"{"status":"404","detail":"Resource {uuid} of {login} not found"}"#,
    "401 Unauthorized: token of {login} expired at {number}",
    "CN={name},OU=People: problem {number} ({mail})",
    "{name}: {host}:443 failed to respond; ticket {uuid}",
];

fn filled(sentence: &str, names: [&str; 5], [host, url, number, uuid]: [&str; 4]) -> String {
    sentence
        .replace("{name}", names[0])
        .replace("{mail}", names[3])
        .replace("{login}", names[4])
        .replace("{host}", host)
        .replace("{url}", url)
        .replace("{number}", number)
        .replace("{uuid}", uuid)
}

#[test]
fn two_people_with_one_error_have_one_text() {
    for sentence in SENTENCES {
        let uuid = "2819c223-7f76-453a-919d-413861904646";
        let jane = filled(sentence, JANE, ["scim.example.com", "https://a.example/1", "7", uuid]);
        let uuid = "00000000-0000-4000-8000-00000000000A";
        let will =
            filled(sentence, WILL, ["10.1.2.3", "http://b.example:80/x/y?z", "1234567", uuid]);
        let text = text(&jane, &JANE);
        assert_eq!(text, self::text(&will, &WILL), "{sentence}");
        assert_eq!(text, self::text(&text, &JANE), "{sentence}");
        for name in JANE {
            assert!(!text.to_lowercase().contains(&name.to_lowercase()), "{name} in {text}");
        }
    }
}

/// Texts in which all rules meet.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[ .,:;=/@_+#'\"<>()%-]",
        2 => "[0-9]{1,8}",
        2 => "[a-zA-Z]{1,6}",
        1 => "[a-f0-9]{4,12}",
        1 => prop::sample::select(vec![
            "<n>", "<name>", "<id>", "404", "user", "User", "Jane Roe", "name", "example.com", "cn=", "://",
            "AADSTS", "E0000047", "0x", "T", "Z", "was", "seconds", "id", "x509", "\u{2028}", "é", "李",
        ]).prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn normalising_twice_changes_nothing(raw in pieces()) {
        let once = text(&raw, &[]);
        prop_assert_eq!(&text(&once, &[]), &once, "{}", raw);
        prop_assert!(once.len() <= LONGEST);
    }

    #[test]
    fn no_text_is_too_strange(raw in ".{0,200}", name in ".{0,20}") {
        let once = text(&raw, &[&name]);
        prop_assert!(!once.contains('\n') && once.len() <= LONGEST);
    }
}
