//! What the test of the language looks for.

/// A pattern of words that readers outside the project would stumble over.
pub(super) struct Pattern {
    pub(super) on: On,
    pub(super) regex: &'static str,
    pub(super) instead: &'static str,
    pub(super) example: &'static str,
}

/// The part of a file that a pattern is looked for in.
#[derive(Clone, Copy)]
pub(super) enum On {
    /// The words of texts and identifiers, in lower case.
    Words,
    /// The file as it is.
    Source,
    /// The first lines of doc comments.
    Docs,
}

const fn words(regex: &'static str, instead: &'static str, example: &'static str) -> Pattern {
    Pattern { on: On::Words, regex, instead, example }
}

const fn source(regex: &'static str, instead: &'static str, example: &'static str) -> Pattern {
    Pattern { on: On::Source, regex, instead, example }
}

/// Names of the contract and terms of other fields, as `Words` shows them.
pub(super) const EXEMPT: [&str; 31] = [
    "high water mark",
    "mark age",
    "mark written",
    "marks and runs", // a migration
    "byte order mark",
    "question mark",
    "quotation mark",
    "foreign key",
    "foreign table",
    "foreign links", // a flag of the simulator
    "asked at",
    "word for word",
    "word by word",
    "pass word",
    "limit is met",
    "behind a pooler",
    "behind a proxy",
    "behind the feature",
    "behind the default feature",
    "clock is behind",
    "behind:1h",   // a flag of the simulator
    "date-behind", // a fault of the simulator
    "is behind ours",
    "clock behind",
    "behind its name", // printed; of a suffix
    "\"behind\"",      // a value of the flag `--date` of the simulator
    "date behind",
    "header::behind",
    "behind(duration)",
    "foreign-links",         // a flag of the simulator
    "take over the account", // a simulated text
];

pub(super) const PATTERNS: &[Pattern] = &[
    // Speech.
    words(r"\bwords?\b", "details, value, text", "the newest word on a person"),
    words(r"\b(say|says|said|saying|unsaid)\b", "state, show, report, print", "what it said"),
    words(r"\b(tell|tells|told|telling)\b", "show, report, distinguish", "fn told()"),
    words(r"\b(hear|hears|heard)\b", "observe", "people.hear(user)"),
    words(r"\bmet\b", "seen, known", "whom this run has met"),
    words(r"\bstrangers?\b", "unseen", "fn strangers()"),
    words(r"\bnews\b", "pending updates", "fn news()"),
    words(r"\bdeeds?\b", "event, parsed event", "struct Deed"),
    words(r"\basked\b", "requested, selected", "what was asked for"),
    words(r"\btroubles?\b", "attempts, failure", "struct Trouble"),
    words(r"\bheed(s|ed|ing)?\b", "read, apply", "budget.heed(limits)"),
    // Terms that the field has better ones for.
    words(r"\bmarks?\b", "watermark", "moves the mark"),
    words(r"\b(take|takes|taken|took|taking) turns\b|\bby turns\b", "alternate", "they take turns"),
    words(r"\bwhole windows?\b", "complete windows", "whole windows are kept"),
    words(r"\bforeign\b", "unexpected (response)", "Error::Foreign"),
    words(r"\b(is|are|was|were) (all )?spent\b", "exhausted, used up", "calls are spent"),
    words(r"\b(put|puts|putting|kept|keep|keeps|set|sets) aside\b", "reject", "fn put_aside()"),
    words(r"\b(take|takes|taken|took|taking)( it| them| that)? back\b", "roll back", "TakeBack"),
    words(
        r"\b(take|takes|taken|took|taking|go|goes|going|went|gone) over\b",
        "continue from, migrate",
        "fn take_over()",
    ),
    words(r"\bbehind\b", "after, past", "the rows and what stands behind them"),
    words(r"\bso many\b", "n, count", "so many of them"),
    words(r"\banew\b", "again, rebuild", "measured anew"),
    words(r"\bknown rows?\b", "unchanged row", "a known row"),
    words(r"\blast words\b", "record the end", "const LAST_WORDS"),
    // "Per", which German has no word for.
    words(
        r"\b(rows?|events|failures|bytes|people|texts|lines?|columns|values|instructions|allocations|arrays?|windows|megabytes|mb|ms|one|two|[0-9]+([.,][0-9]+)*) an? (page|statement|call|batch|person|window|run|round|record|row|event|user|account|table|column|failure|request|measurement|source|app|unit|key)\b",
        "per",
        "250 rows a statement",
    ),
    // `None` is a value; "none" is not.
    source(
        r"\bnone (when|if|where|for|until|while|unless|after)\b",
        "`None` if, not set",
        "none when never",
    ),
    // The subject comes first.
    source(
        r"(?:^|[.;:] |/// |//! |// |-- )(Of|Whom|Whose) ",
        "a sentence that begins with its subject",
        "// Of a batch they stand first.",
    ),
    Pattern {
        on: On::Docs,
        regex: r#"(?m)^(///|//!|""") ?(What|How|Whether|Where|Who|Whom|Whose|Why|Of|When)\b"#,
        instead: "a noun phrase, or a verb in the third person",
        example: "/// Whether it is so.",
    },
    // Types under their old names.
    source(
        r"\b(struct|enum|type) (Word|People|Said|Deed|Asked|Reading|Texts|Text|Stamp|Behind|Whole|Seen|Turns|TakeBack|Trouble|Standing|Ending|Copy|From|Option|Spent|Foreign|Count|Settled|Repeated)\b",
        "the name in the list of renames",
        "pub(super) struct Turns {",
    ),
];
