//! Characters that word processors, chat programs and web pages put in place of those that were typed.

/// A quotation mark, plain or typographic; none of them belongs into a flag's value.
pub fn is_quote(c: char) -> bool {
    matches!(c, '"' | '\'' | '`' | '\u{ab}' | '\u{bb}' | '\u{b4}' | '\u{2018}'..='\u{201f}' | '\u{2032}'..='\u{2036}' | '\u{2039}'..='\u{203a}' | '\u{300c}'..='\u{300f}' | '\u{ff02}' | '\u{ff07}')
}

/// A dash that is not the hyphen on the keyboard.
pub fn is_dash(c: char) -> bool {
    matches!(
        c,
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' | '\u{ff0d}'
    )
}
