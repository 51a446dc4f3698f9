//! Text and tables as HTML.

use std::fmt::{Arguments, Write as _};

/// Adds to a page.
pub(super) fn add(html: &mut String, what: Arguments<'_>) {
    html.write_fmt(what).expect("writing to a String cannot fail");
}

/// Text that is shown as it is, whatever is in it: never markup. Control characters are shown as escapes.
pub(super) fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c if c.is_control() => html.extend(c.escape_default()),
            c => html.push(c),
        }
    }
    html
}

/// A table whose cells say their header too, where the page is narrow. A header that begins with `#` is of numbers.
pub(super) struct Table {
    headers: Vec<(&'static str, bool)>,
    html: String,
}

impl Table {
    pub(super) fn new(headers: &[&'static str]) -> Self {
        let header = |header: &&'static str| (header.trim_start_matches('#'), header.starts_with('#'));
        let headers: Vec<_> = headers.iter().map(header).collect();
        let cell = |(header, is_number): &(&str, bool)| format!("<th{}>{}</th>", class(*is_number), escaped(header));
        let cells: String = headers.iter().map(cell).collect();
        Self { headers, html: format!("<table>\n<thead><tr>{cells}</tr></thead>\n<tbody>\n") }
    }

    pub(super) fn row(&mut self, cells: &[&str]) {
        self.html.push_str("<tr>");
        for ((header, is_number), cell) in self.headers.iter().zip(cells) {
            let class = class(*is_number);
            add(&mut self.html, format_args!("<td{class} data-label=\"{}\">", escaped(header)));
            if !cell.is_empty() {
                add(&mut self.html, format_args!("<bdi>{}</bdi>", escaped(cell)));
            }
            self.html.push_str("</td>");
        }
        self.html.push_str("</tr>\n");
    }

    pub(super) fn finish(self) -> String {
        self.html + "</tbody>\n</table>\n"
    }
}

const fn class(is_number: bool) -> &'static str {
    if is_number { " class=\"number\"" } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_text_becomes_markup() {
        let text = "<script>alert('1')</script> & \"q\" \u{1}\n";
        let html = "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;q&quot; \\u{1}\\n";
        assert_eq!(escaped(text), html);
    }

    #[test]
    fn cells_say_their_header() {
        let mut table = Table::new(&["Code", "#Certificates"]);
        table.row(&["<b>", "1,000"]);
        insta::assert_snapshot!(table.finish(), @r#"
        <table>
        <thead><tr><th>Code</th><th class="number">Certificates</th></tr></thead>
        <tbody>
        <tr><td data-label="Code"><bdi>&lt;b&gt;</bdi></td><td class="number" data-label="Certificates"><bdi>1,000</bdi></td></tr>
        </tbody>
        </table>
        "#);
    }
}
