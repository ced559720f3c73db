use std::collections::HashMap;
use std::fmt::Write;
use std::fs;

use serde::Deserialize;

use super::*;
use crate::normalize::error_text::ErrorText;

/// 266 errors of 53 apps, each with the class that a person gave it.
const LABELLED: &str = include_str!("../../tests/fixtures/error_texts.jsonl");
/// 900 errors of other apps, written by somebody who did not know the rules, and some that rules had mistaken.
const OF_OUR_OWN: &str = include_str!("../../tests/fixtures/error_texts_of_our_own.jsonl");
const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/error-classes.md");

#[derive(Deserialize)]
struct Labelled {
    text: String,
    class: Class,
    retryable: Retryable,
}

/// A third of the texts, chosen by a hash, by which the rules are measured.
fn is_held_out(text: &str) -> bool {
    Sha256::digest(text)[0].is_multiple_of(3)
}

fn read(file: &str) -> Vec<Labelled> {
    file.lines().map(|line| serde_json::from_str(line).expect("a labelled text")).collect()
}

fn labelled(held_out: bool) -> Vec<Labelled> {
    read(LABELLED).into_iter().filter(|text| is_held_out(&text.text) == held_out).collect()
}

#[derive(Default, Clone, Copy)]
struct Score {
    right: u32,
    given: u32,
    wanted: u32,
}

impl Score {
    fn precision(self) -> f64 {
        f64::from(self.right) / f64::from(self.given.max(1))
    }

    fn recall(self) -> f64 {
        f64::from(self.right) / f64::from(self.wanted.max(1))
    }
}

fn normalised(texts: &[Labelled]) -> Vec<String> {
    texts.iter().map(|labelled| ErrorText::of(Some(&labelled.text), &[]).text).collect()
}

fn classes<'a>(rules: &'a ErrorRules, texts: &[String]) -> Vec<Verdict<'a>> {
    rules.classify(&texts.iter().map(String::as_str).collect::<Vec<_>>())
}

/// The scores of all classes, and of all texts at the end.
fn scores(texts: &[Labelled]) -> Vec<(&'static str, Score)> {
    let rules = ErrorRules::built_in();
    let mut scores: HashMap<Class, Score> = HashMap::new();
    let normalised = normalised(texts);
    for ((labelled, text), given) in texts.iter().zip(&normalised).zip(classes(&rules, &normalised))
    {
        let given = given.class;
        scores.entry(given).or_default().given += 1;
        scores.entry(labelled.class).or_default().wanted += 1;
        if given == labelled.class {
            scores.entry(given).or_default().right += 1;
        } else {
            println!("{} instead of {}: {text}", given.as_str(), labelled.class.as_str());
        }
    }
    let of = |class: Class| scores.get(&class).copied().unwrap_or_default();
    let all = Class::ALL.map(of).iter().fold(Score::default(), |sum, score| Score {
        right: sum.right + score.right,
        given: sum.given + score.given,
        wanted: sum.wanted + score.wanted,
    });
    let classes = Class::ALL.map(|class| (class.as_str(), of(class)));
    classes.into_iter().chain([("all", all)]).collect()
}

#[test]
fn at_least_85_of_100_texts_get_their_class_and_70_of_each_class() {
    for held_out in [true, false] {
        for (class, score) in scores(&labelled(held_out)) {
            let limit = if class == "all" { 0.85 } else { 0.7 };
            assert!(score.wanted > 0, "{class} has no text");
            assert!(score.precision() >= limit && score.recall() >= limit, "{class}");
        }
    }
}

#[test]
fn the_texts_of_our_own_keep_their_classes() {
    for (class, score) in scores(&read(OF_OUR_OWN)) {
        assert!(score.precision() >= 0.9 && score.recall() >= 0.9, "{class}");
    }
}

#[test]
fn the_documentation_has_the_scores_of_the_texts_held_out() {
    let mut table = String::from("| class | texts | precision | recall |\n|---|---|---|---|\n");
    for (class, score) in scores(&labelled(true)) {
        let (precision, recall) = (score.precision(), score.recall());
        writeln!(table, "| {class} | {} | {precision:.2} | {recall:.2} |", score.wanted).unwrap();
    }
    let docs = fs::read_to_string(DOCS).expect("docs/error-classes.md");
    assert!(docs.contains(&table), "docs/error-classes.md lacks this table:\n{table}");
}

#[test]
fn what_needs_a_person_is_never_retried_at_once() {
    let rules = ErrorRules::built_in();
    let all: Vec<Labelled> = read(LABELLED).into_iter().chain(read(OF_OUR_OWN)).collect();
    for (labelled, given) in all.iter().zip(classes(&rules, &normalised(&all))) {
        let is_safe = given.retryable != Retryable::Yes || labelled.retryable != Retryable::No;
        assert!(is_safe, "{}", labelled.text);
    }
    for rule in &rules.rules {
        assert!(
            rule.retryable != Retryable::Yes || rule.class == Class::Timeout,
            "{}",
            rule.pattern
        );
    }
}

#[test]
fn each_built_in_pattern_compiles() {
    for rule in ErrorRules::built_in().rules {
        rule.compile().unwrap_or_else(|error| panic!("{error}"));
    }
}

#[test]
fn no_text_is_unknown_and_each_class_has_an_action() {
    let texts = ["", "error", "null", "-", "Provisioning failed"];
    let given: Vec<Class> =
        ErrorRules::built_in().classify(&texts).iter().map(|verdict| verdict.class).collect();
    assert_eq!(given, [Class::Unknown; 5]);
    for class in Class::ALL {
        assert!(!class.action().is_empty());
        let json = format!("\"{}\"", class.as_str());
        assert_eq!(serde_json::from_str::<Class>(&json).ok(), Some(class));
    }
}

#[test]
fn own_rules_come_first_and_change_the_version() {
    let own = |pattern: &str, action: &str| {
        let text = format!(
            "version = 7\n[[rule]]\npattern = '{pattern}'\nclass = \"permission\"\nretryable = \"later\"\n{action}"
        );
        ErrorRules::with_own(&text).unwrap()
    };
    let rules = own("TIMED Ö", "action = \"Call Jo\"");
    let expected =
        Verdict { class: Class::Permission, retryable: Retryable::Later, action: "Call Jo" };
    let verdicts = rules.classify(&["it timed out", "it timed ö out"]);
    assert_eq!(verdicts[0].class, Class::Timeout);
    assert_eq!(verdicts[1], expected);
    assert_eq!(own("timed", "").classify(&["timed"])[0].action, Class::Permission.action());

    assert!(rules.version().starts_with("7+2:"), "{}", rules.version());
    assert_ne!(rules.version(), own("other", "").version());
    assert!(ErrorRules::built_in().version().starts_with("2:"));
    assert_eq!(ErrorRules::built_in().version(), ErrorRules::built_in().version());
}

#[test]
fn a_defect_is_reported_with_its_line() {
    let rule = |rest: &str| format!("# first\n\n[[rule]]\n{rest}");
    for (text, line, part) in [
        (rule("pattern = 'a('\nclass = \"timeout\"\nretryable = \"yes\""), 4, "unclosed group"),
        (rule("pattern = 'a'\nclass = \"slow\"\nretryable = \"yes\""), 5, "slow"),
        (rule("pattern = 'a'\nclass = \"timeout\"\nretryable = \"maybe\""), 6, "maybe"),
        (rule("pattern = 'a'\nclass = \"timeout\"\nretry = \"yes\""), 6, "retry"),
        (rule("pattern = ''\nclass = \"timeout\"\nretryable = \"yes\""), 4, "1 to"),
        (rule("pattern = 'a'\nclass = \"timeout\"\nretryable = \"no\"\naction = ' '"), 7, "empty"),
        (rule("pattern = 'a'\nretryable = \"no\""), 3, "class"),
        ("version = [".to_owned(), 1, ""),
        ("rules = 1".to_owned(), 1, "rules"),
    ] {
        let error = ErrorRules::with_own(&text).unwrap_err();
        assert_eq!(error.line, line, "{text}: {error}");
        assert!(error.to_string().contains(part), "{error}");
    }
}

/// A person may be called as any term of an error.
#[test]
fn a_person_whose_name_is_a_term_of_an_error_leaves_its_class() {
    let rules = ErrorRules::built_in();
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for Labelled { text, .. } in read(LABELLED) {
        let of = |names: &[&str]| ErrorText::of(Some(&text), names).text;
        for term in text.split(|c: char| !c.is_alphabetic()).filter(|term| term.len() > 1) {
            let replaced = of(&["Mary", term]);
            if replaced != of(&[]) {
                with.push(of(&[]));
                without.push(replaced);
            }
        }
    }
    let verdicts = classes(&rules, &with).into_iter().zip(classes(&rules, &without));
    let changed: Vec<&String> = verdicts
        .zip(&without)
        .filter(|((with, without), _)| {
            (with.class, with.retryable) != (without.class, without.retryable)
        })
        .map(|(_, text)| text)
        .collect();
    println!("{} texts", without.len());
    assert!(changed.is_empty(), "{changed:#?}");
}
