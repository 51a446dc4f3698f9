//! Hides passwords in text that people see: configuration, errors, logs. A source query is the user's own SQL and may hold
//! the password of another database.

use std::borrow::Cow;

const HIDDEN: &str = "***";

/// Words that a password follows; longer names that end with one of them, such as `sslpassword`, count too.
const NAMES: [&str; 4] = ["password", "passwd", "passphrase", "pwd"];

/// The text with `***` for every password in it: before the `@` of a URL, as a parameter `password=…`, as SQL's
/// `PASSWORD '…'` or `IDENTIFIED BY '…'`, and as JSON's `"password": "…"`, in any case.
///
/// Errs towards hiding too much: a password may contain what should end it.
#[must_use]
pub fn hide_passwords(text: &str) -> String {
    hide_named(&hide_in_urls(text)).into_owned()
}

/// `user:password@` behind every `://`.
fn hide_in_urls(text: &str) -> Cow<'_, str> {
    let mut shown = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("://").map(|at| at + 3) {
        let (before, authority) = rest.split_at(start);
        shown.push_str(before);
        // The next address is looked at on its own.
        let span = authority.find("://").map_or(authority, |next| &authority[..next]);
        let word = &span[..span.find(char::is_whitespace).unwrap_or(span.len())];
        rest = authority;
        let Some(colon) = word.find(':').filter(|colon| !word[..*colon].contains(['/', '?', '@', '['])) else {
            continue;
        };
        let end = match word.rfind('@') {
            Some(at) if at > colon => at,
            Some(_) => continue,
            None if is_port(&word[colon + 1..]) => continue,
            // A password with a space in it, or text that was cut off.
            None => span.find('@').filter(|at| !span[..*at].contains('\n')).unwrap_or(word.len()),
        };
        shown.push_str(&authority[..=colon]);
        shown.push_str(HIDDEN);
        rest = &authority[end..];
    }
    if shown.is_empty() { Cow::Borrowed(text) } else { Cow::Owned(shown + rest) }
}

/// Whether what follows a host's colon is a port and no password.
fn is_port(text: &str) -> bool {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    text[digits..].is_empty() || (digits > 0 && !text.as_bytes()[digits].is_ascii_alphanumeric())
}

/// The value behind every name of a password.
fn hide_named(text: &str) -> Cow<'_, str> {
    let lower = text.to_ascii_lowercase();
    let mut shown = String::new();
    let mut from = 0;
    while let Some((value, end)) = next_value(text, &lower, from) {
        shown.push_str(&text[from..value]);
        shown.push_str(HIDDEN);
        from = end;
    }
    if from == 0 { Cow::Borrowed(text) } else { Cow::Owned(shown + &text[from..]) }
}

/// Where the next value begins and ends.
fn next_value(text: &str, lower: &str, from: usize) -> Option<(usize, usize)> {
    let mut at = from;
    loop {
        let named = NAMES.iter().filter_map(|name| Some((lower[at..].find(name)? + at, name.len()))).min();
        let identified = lower[at..].find("identified").map(|found| (found + at, "identified".len()));
        let (start, length) = named.into_iter().chain(identified).min()?;
        at = start + length;
        let behind = if lower[start..].starts_with("identified") {
            behind_identified(lower, at)
        } else {
            behind_name(lower, at)
        };
        if let Some(value) = behind {
            let (begin, end) = extent(text, value);
            if end > begin {
                return Some((begin, end));
            }
            at = value;
        }
    }
}

/// Where the value of `password = …`, `"password": …` or `PASSWORD '…'` begins, if one follows.
fn behind_name(lower: &str, at: usize) -> Option<usize> {
    let rest = &lower[at..];
    let behind_quote = rest.trim_start_matches('\\').trim_start_matches(['"', '\'', '`', ']']);
    let spaced = behind_quote.trim_start();
    let separated = ["=>", ":=", "=", ":"].iter().find_map(|separator| spaced.strip_prefix(separator));
    if let Some(value) = separated {
        // Of `%3d` and the like nothing is known; a value that is not there is none.
        return Some(lower.len() - value.trim_start_matches([' ', '\t']).len());
    }
    let is_separate_word = rest.starts_with(char::is_whitespace);
    (is_separate_word && quote(spaced).is_some()).then_some(lower.len() - spaced.len())
}

/// Where the value of `IDENTIFIED BY '…'` or `IDENTIFIED WITH plugin AS '…'` begins, if one follows.
fn behind_identified(lower: &str, at: usize) -> Option<usize> {
    let mut words = lower[at..].split_whitespace().take(5);
    words.find(|word| *word == "by" || *word == "as").and_then(|word| {
        let behind = word.as_ptr() as usize - lower.as_ptr() as usize + word.len();
        let value = lower[behind..].trim_start();
        quote(value).map(|_| lower.len() - value.len())
    })
}

/// What a quoted value begins with, and ends with too; inside another text quotes are doubled or have a `\` before them.
fn quote(value: &str) -> Option<&str> {
    let value_less_prefix = value.strip_prefix(['e', 'E', 'n', 'N']).filter(|rest| rest.starts_with('\''));
    let value = value_less_prefix.unwrap_or(value);
    if let Some(tag) = value.strip_prefix('$') {
        let end = tag.find('$').filter(|end| tag[..*end].chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))?;
        return Some(&value[..end + 2]);
    }
    ["\\\"", "\\'", "\"\"", "''", "\"", "'", "`"].into_iter().find(|quote| value.starts_with(quote))
}

/// From where to where to hide: inside the quotes, or up to what ends a word.
fn extent(text: &str, at: usize) -> (usize, usize) {
    let value = &text[at..];
    let Some(quote) = quote(value) else { return (at, at + bare_length(value)) };
    let opening = value.find(quote).unwrap_or_default() + quote.len();
    let inside = &value[opening..];
    let length = closing(inside, quote)
        // A message may have cut the text off; what encloses it stays whole.
        .or_else(|| (quote != "\"").then(|| closing(inside, "\"")).flatten())
        .unwrap_or(inside.len());
    (at + opening, at + opening + length)
}

/// Where the closing quote is; a single one is doubled or has a `\` before it where it is part of the value.
fn closing(inside: &str, quote: &str) -> Option<usize> {
    let mut at = 0;
    loop {
        let found = inside[at..].find(quote)? + at;
        let is_single = quote.len() == 1;
        if is_single && inside[..found].ends_with('\\') {
            at = found + 1;
        } else if is_single && inside[found + 1..].starts_with(quote) {
            at = found + 2;
        } else {
            return Some(found);
        }
    }
}

/// How long a value without quotes is: `&` ends it only where another parameter follows.
fn bare_length(value: &str) -> usize {
    let ends = |(at, c): (usize, char)| match c {
        '&' => {
            let rest = &value[at + 1..];
            let name = rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || "_-[]".contains(c));
            name.len() < rest.len() && name.starts_with('=')
        }
        c => c.is_whitespace() || "\"'`".contains(c) || (c == '\\' && value[at + 1..].starts_with(['"', '\''])),
    };
    value.char_indices().find(|place| ends(*place)).map_or(value.len(), |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_password_is_hidden_and_nothing_else() {
        for (written, shown) in [
            (
                "could not reach `postgres://a:b@c/d` nor mysql://e:f@g/h?password=i today",
                "could not reach `postgres://a:***@c/d` nor mysql://e:***@g/h?password=*** today",
            ),
            ("postgres://a:b c@d/e and postgres://f:5432/g", "postgres://a:***@d/e and postgres://f:5432/g"),
            ("postgres://a:b'c\"d$e(f)@g/h", "postgres://a:***@g/h"),
            ("at postgres://db:5432/new, user@host", "at postgres://db:5432/new, user@host"),
            ("postgres://a:cut-of", "postgres://a:***"),
            ("postgres://[::1]:5432/new", "postgres://[::1]:5432/new"),
            ("?user=a&PASSWORD=b,c;d)&sslmode=require", "?user=a&PASSWORD=***&sslmode=require"),
            ("?password=b&c&user=a", "?password=***&user=a"),
            ("dblink('host=a password=b&c user=d', 'SELECT 1')", "dblink('host=a password=*** user=d', 'SELECT 1')"),
            ("dblink('host=a password=''b c'' user=d')", "dblink('host=a password=''***'' user=d')"),
            ("dblink('host=a password = b user=d')", "dblink('host=a password = *** user=d')"),
            ("dblink('user=d password=b')", "dblink('user=d password=***')"),
            ("dblink('sslpassword=b')", "dblink('sslpassword=***')"),
            ("dblink($$password='b \\' c' user=d$$)", "dblink($$password='***' user=d$$)"),
            ("OPTIONS (user 'a', password 'b '' c')", "OPTIONS (user 'a', password '***')"),
            ("options (PassWord\n  E'b c')", "options (PassWord\n  E'***')"),
            ("ALTER ROLE a PASSWORD $x$b c$x$", "ALTER ROLE a PASSWORD $x$***$x$"),
            ("CREATE USER a IDENTIFIED BY 'b c'", "CREATE USER a IDENTIFIED BY '***'"),
            ("create user a identified  by password \"b\" x", "create user a identified  by password \"***\" x"),
            ("IDENTIFIED WITH mysql_native_password AS 'b'", "IDENTIFIED WITH mysql_native_password AS '***'"),
            ("{\"user\":\"a\",\"password\":\"b \\\" c\"}", "{\"user\":\"a\",\"password\":\"***\"}"),
            ("{'pwd': 'b c', 'x': 1}", "{'pwd': '***', 'x': 1}"),
            ("{\"text\":\"{\\\"Password\\\": \\\"b c\\\"}\"}", "{\"text\":\"{\\\"Password\\\": \\\"***\\\"}\"}"),
            ("{\"error\":\"near 'password = 'b c\"}", "{\"error\":\"near 'password = '***\"}"),
            ("passphrase => 'b'", "passphrase => '***'"),
            ("check the user, password and database", "check the user, password and database"),
            ("password authentication failed for user \"app\"", "password authentication failed for user \"app\""),
            ("SELECT password_hash, pwd_at FROM users", "SELECT password_hash, pwd_at FROM users"),
            ("a person identified by us", "a person identified by us"),
            ("كلمة password='سر x' هنا", "كلمة password='***' هنا"),
        ] {
            assert_eq!(hide_passwords(written), shown, "{written}");
            assert_eq!(hide_passwords(shown), shown, "hiding twice changes nothing");
        }
    }
}
