//! Text of the databases on a terminal: nothing in it moves the cursor, and nothing in it hides.

use std::fmt::Write as _;

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// The text on one line, each character of which can be seen: control characters as their pictures (`␛`, `␊`), what has no
/// width or turns the direction of writing by number (`<U+200F>`), spaces that are not the plain one too, and plain ones at
/// either end as `␠`.
#[must_use]
pub fn visible(text: &str) -> String {
    let within = text.trim_matches(' ');
    let begin = text.len() - text.trim_start_matches(' ').len();
    let (before, after) = if within.is_empty() { (text.len(), 0) } else { (begin, text.len() - begin - within.len()) };
    let mut shown = "␠".repeat(before);
    for character in within.chars() {
        match character {
            '\u{0}'..='\u{1f}' => shown.push(picture(character)),
            '\u{7f}' => shown.push('␡'),
            _ if is_hidden(character) => {
                write!(shown, "<U+{:04X}>", u32::from(character)).expect("a string takes any text");
            }
            _ => shown.push(character),
        }
    }
    shown + &"␠".repeat(after)
}

/// The picture of a control character of ASCII.
fn picture(control: char) -> char {
    char::from_u32(0x2400 + u32::from(control)).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// Whether a character cannot be seen, or turns what is around it.
fn is_hidden(character: char) -> bool {
    matches!(character,
        '\u{80}'..='\u{a0}' | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{1680}' | '\u{17b4}'
        | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{2000}'..='\u{200f}' | '\u{2028}'..='\u{202f}'
        | '\u{205f}'..='\u{206f}' | '\u{2800}' | '\u{3000}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Whether the text has letters that are written from right to left, which a terminal may lay out over what stands beside
/// them.
#[must_use]
pub fn is_right_to_left(text: &str) -> bool {
    text.chars().any(|character| {
        matches!(character, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}'
            | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
    })
}

/// How many columns of a terminal the visible text takes.
#[must_use]
pub fn width(text: &str) -> usize {
    text.width()
}

/// The visible text in lines of at most `columns`, broken at spaces where there are any; at most `lines` of them, and one that
/// says how much is left out.
#[must_use]
pub fn wrapped(text: &str, columns: usize, lines: usize) -> Vec<String> {
    let mut wrapped = Vec::new();
    let mut rest = text;
    while let Some(overflow) = overflow(rest, columns) {
        if wrapped.len() + 1 > lines {
            wrapped.push(format!("… {} more characters", rest.chars().count()));
            return wrapped;
        }
        // A space far to the left would waste the line.
        let space = rest[..overflow].rfind(' ').map(|space| space + 1).filter(|end| *end * 2 > overflow);
        let (line, after) = rest.split_at(space.unwrap_or(overflow));
        wrapped.push(line.to_owned());
        rest = after;
    }
    wrapped.push(rest.to_owned());
    wrapped
}

/// Where the first character begins that does not fit into so many columns, if one does not; never the first of all.
fn overflow(text: &str, columns: usize) -> Option<usize> {
    let mut taken = 0;
    text.char_indices().find_map(|(at, character)| {
        taken += character.width().unwrap_or(0);
        (taken > columns && at > 0).then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_move_the_cursor_or_hide_is_shown() {
        for (text, shown) in [
            ("SLC/1", "SLC/1"),
            ("a\u{1b}[2Jb\r\n", "a␛[2Jb␍␊"),
            ("\u{9b}31m", "<U+009B>31m"),
            ("80\u{200f} km\u{a0}h", "80<U+200F> km<U+00A0>h"),
            ("\u{202e}drowssap\u{2069}", "<U+202E>drowssap<U+2069>"),
            ("\u{feff}x\u{200b}", "<U+FEFF>x<U+200B>"),
            (" a b  ", "␠a b␠␠"),
            ("  ", "␠␠"),
            ("", ""),
            ("\0\u{7f}", "␀␡"),
            ("تم التركيب", "تم التركيب"),
        ] {
            assert_eq!(visible(text), shown, "{text:?}");
        }
    }

    #[test]
    fn no_character_is_a_control_or_without_place() {
        for character in ('\0'..=char::MAX).filter(|character| character.is_control() || character.is_whitespace()) {
            let shown = visible(&format!("a{character}b"));
            assert!(character == ' ' || !shown.contains(character), "{character:?}");
        }
    }

    #[test]
    fn arabic_is_told_from_what_stands_beside_it() {
        assert!(is_right_to_left("a م b") && is_right_to_left("שלום"));
        assert!(!is_right_to_left("Überführung"));
    }

    #[test]
    fn long_text_is_wrapped_by_columns_and_says_what_is_left_out() {
        assert_eq!(wrapped("abcdefg", 3, 5), ["abc", "def", "g"]);
        assert_eq!(wrapped("abcdefg", 3, 1), ["abc", "… 4 more characters"]);
        assert_eq!(wrapped("one two three", 9, 5), ["one two ", "three"]);
        assert_eq!(wrapped("a bcdefghij", 5, 5), ["a bcd", "efghi", "j"]);
        assert_eq!(wrapped("", 3, 2), [""]);
        assert_eq!(wrapped("漢字漢", 4, 9), ["漢字", "漢"]);
    }
}
