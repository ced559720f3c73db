//! A report as its reader sees it.

use regex::Regex;

/// The HTML of a report.
pub(super) struct Page {
    pub(super) html: String,
}

impl Page {
    pub(super) fn new(html: String) -> Self {
        Self { html }
    }

    /// The text between the tags.
    pub(super) fn text(&self) -> String {
        text(&self.html)
    }

    /// The value beside a name at the top of the page.
    #[track_caller]
    pub(super) fn fact(&self, name: &str) -> String {
        let found = between(&self.html, &format!("<dt>{name}</dt><dd>"), "</dd>");
        text(found.first().unwrap_or_else(|| panic!("no {name}")))
    }

    /// The five large numbers: name and value.
    #[track_caller]
    pub(super) fn figures(&self) -> [[String; 2]; 5] {
        let list = between(&self.html, "<dl class=\"figures\">", "</dl>")[0];
        let figures: Vec<[String; 2]> = between(list, "<dt>", "<small>")
            .into_iter()
            .map(|figure| {
                let (name, value) = figure.split_once("</dt><dd>").expect("name and value");
                [text(name), text(value)]
            })
            .collect();
        figures.try_into().expect("five of them")
    }

    /// The rows of a table of a section.
    pub(super) fn table(&self, section: &str, place: usize) -> Vec<String> {
        let section = between(&self.html, &format!("<section id=\"{section}\""), "</section>")[0];
        rows(between(section, "<table>", "</table>")[place])
    }

    /// All tables, and the sentences in place of those without rows.
    pub(super) fn tables(&self) -> String {
        let part = Regex::new(concat!(
            r#"(?s)<h3>.*?</h3>|<p class="(?:empty|excerpt)">.*?</p>|<table>.*?</table>"#,
            r"|<figcaption>.*?</figcaption>"
        ));
        let part = part.expect("a pattern");
        let mut lines = Vec::new();
        for section in between(&self.html, "<section ", "</section>") {
            let title = between(section, "<h2 ", "</h2>")[0];
            lines.push(format!("# {}", text(title.split_once('>').expect("a title").1)));
            for part in part.find_iter(section) {
                lines.extend(lines_of(part.as_str()));
            }
        }
        lines.join("\n") + "\n"
    }
}

/// A table with its caption and heading, or the sentence in its place.
fn lines_of(part: &str) -> Vec<String> {
    let captions = between(part, "<caption>", "</caption>");
    let Some(caption) = captions.first() else { return vec![text(part)] };
    let heading = between(part, "<thead>", "</thead>")[0].replace("</th><th", "</th> | <th");
    let mut lines = vec![format!("## {}", text(caption)), text(&heading)];
    lines.extend(rows(part));
    lines
}

/// The cells of each row, with notices and second lines in brackets.
fn rows(table: &str) -> Vec<String> {
    let body = between(table, "<tbody>", "</tbody>")[0];
    let rows = between(body, "<tr>", "</tr>").into_iter().map(|row| {
        let row = row
            .replace("</td><td", "</td> | <td")
            .replace("<small>", " (")
            .replace("</small>", ")");
        text(&row)
    });
    rows.collect()
}

/// The parts between two texts, wherever both are.
fn between<'a>(text: &'a str, begin: &str, end: &str) -> Vec<&'a str> {
    text.split(begin).skip(1).filter_map(|rest| rest.split(end).next()).collect()
}

/// HTML without tags, its references replaced, and blanks folded.
fn text(html: &str) -> String {
    let tags = Regex::new(r"(?s)<(style|script)>.*?</(style|script)>|<[^>]*>").expect("a pattern");
    let text = tags.replace_all(html, "");
    let references =
        [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&")];
    let text = references.iter().fold(text.into_owned(), |text, (from, to)| text.replace(from, to));
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
