//! JSON as Go's decoder takes it: the first value of a text, and its errors in its words.
//!
//! `serde_json` differs where it matters here: it says other things, minds bytes that are no UTF-8 and escapes that
//! are no character, and forgets the order of names that differ by case.

/// Values within values, as Go bounds them.
const MAX_DEPTH: usize = 10_000;

/// What comes next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Event {
    ObjectStart,
    ArrayStart,
    Text(String),
    Number,
    Bool(bool),
    Null,
}

impl Event {
    /// As Go names it in an error.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::ObjectStart => "object",
            Self::ArrayStart => "array",
            Self::Text(_) => "string",
            Self::Number => "number",
            Self::Bool(_) => "bool",
            Self::Null => "null",
        }
    }
}

/// Walks a text. [`Parser::check`] comes first; the others rely on what it found.
pub(super) struct Parser<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Parser<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Whether the text begins with a value; where it ends.
    pub(super) fn check(&mut self) -> Result<usize, String> {
        self.white();
        if self.peek().is_none() {
            return Err("EOF".to_owned());
        }
        // What is open: true for an object.
        let mut open: Vec<bool> = Vec::new();
        loop {
            self.white();
            let begun = match self.peek() {
                Some(b'{') => {
                    self.at += 1;
                    open.push(true);
                    self.white();
                    self.peek() != Some(b'}')
                }
                Some(b'[') => {
                    self.at += 1;
                    open.push(false);
                    self.white();
                    self.peek() != Some(b']')
                }
                _ => {
                    self.scalar()?;
                    false
                }
            };
            if open.len() > MAX_DEPTH {
                return Err("exceeded max depth".to_owned());
            }
            if begun {
                self.name_of(open.last() == Some(&true))?;
                continue;
            }
            // Behind a value: what is open ends or goes on.
            loop {
                let Some(object) = open.last().copied() else {
                    return Ok(self.at);
                };
                self.white();
                match (self.peek(), object) {
                    (Some(b','), _) => {
                        self.at += 1;
                        self.white();
                        self.name_of(object)?;
                        break;
                    }
                    (Some(b'}'), true) | (Some(b']'), false) => {
                        self.at += 1;
                        open.pop();
                    }
                    (_, true) => return Err(self.invalid("after object key:value pair")),
                    (_, false) => return Err(self.invalid("after array element")),
                }
            }
        }
    }

    /// The name and colon before a value of an object.
    fn name_of(&mut self, object: bool) -> Result<(), String> {
        if !object {
            return Ok(());
        }
        if self.peek() != Some(b'"') {
            return Err(self.invalid("looking for beginning of object key string"));
        }
        self.text_end()?;
        self.white();
        if self.peek() != Some(b':') {
            return Err(self.invalid("after object key"));
        }
        self.at += 1;
        Ok(())
    }

    fn scalar(&mut self) -> Result<(), String> {
        match self.peek() {
            Some(b'"') => self.text_end(),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.literal("true"),
            Some(b'f') => self.literal("false"),
            Some(b'n') => self.literal("null"),
            _ => Err(self.invalid("looking for beginning of value")),
        }
    }

    fn literal(&mut self, word: &str) -> Result<(), String> {
        for expected in word.bytes() {
            if self.peek() != Some(expected) {
                let expected = char::from(expected);
                return Err(self.invalid(&format!("in literal {word} (expecting '{expected}')")));
            }
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Result<(), String> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits(),
            _ => return Err(self.invalid("in numeric literal")),
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.some_digits("after decimal point in numeric literal")?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.some_digits("in exponent of numeric literal")?;
        }
        Ok(())
    }

    fn some_digits(&mut self, context: &str) -> Result<(), String> {
        match self.peek() {
            Some(b'0'..=b'9') => {
                self.digits();
                Ok(())
            }
            _ => Err(self.invalid(context)),
        }
    }

    fn digits(&mut self) {
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
    }

    /// To behind the closing quotation mark.
    fn text_end(&mut self) -> Result<(), String> {
        self.at += 1;
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => {
                    self.at += 1;
                    self.escape()?;
                }
                Some(0x20..) => self.at += 1,
                _ => return Err(self.invalid("in string literal")),
            }
        }
    }

    fn escape(&mut self) -> Result<(), String> {
        match self.peek() {
            Some(b'b' | b'f' | b'n' | b'r' | b't' | b'\\' | b'/' | b'"') => self.at += 1,
            Some(b'u') => {
                self.at += 1;
                for _ in 0..4 {
                    match self.peek() {
                        Some(byte) if byte.is_ascii_hexdigit() => self.at += 1,
                        _ => return Err(self.invalid("in \\u hexadecimal character escape")),
                    }
                }
            }
            _ => return Err(self.invalid("in string escape code")),
        }
        Ok(())
    }

    /// The next value, in a text that was checked; of an object or an array its beginning.
    pub(super) fn event(&mut self) -> Event {
        self.white();
        let start = self.at;
        match self.peek() {
            Some(b'{') => {
                self.at += 1;
                Event::ObjectStart
            }
            Some(b'[') => {
                self.at += 1;
                Event::ArrayStart
            }
            first => {
                // It was checked.
                let _ = self.scalar();
                let written = self.bytes.get(start..self.at).unwrap_or_default();
                match first {
                    Some(b'"') => Event::Text(unquoted(written)),
                    Some(b't') => Event::Bool(true),
                    Some(b'f') => Event::Bool(false),
                    Some(b'n') => Event::Null,
                    _ => Event::Number,
                }
            }
        }
    }

    /// The next value of an array, until it ends.
    pub(super) fn item(&mut self) -> Option<Event> {
        self.comma();
        if let None | Some(b']') = self.peek() {
            self.at += 1;
            return None;
        }
        Some(self.event())
    }

    /// The next name of an object, until it ends.
    pub(super) fn name(&mut self) -> Option<String> {
        self.comma();
        if self.peek() != Some(b'"') {
            self.at += 1;
            return None;
        }
        let start = self.at;
        let _ = self.text_end();
        let name = unquoted(self.bytes.get(start..self.at).unwrap_or_default());
        self.white();
        self.at += 1;
        Some(name)
    }

    /// Passes over the rest of a value whose beginning was taken.
    pub(super) fn skip(&mut self, begun: &Event) {
        if !matches!(begun, Event::ObjectStart | Event::ArrayStart) {
            return;
        }
        let mut depth = 1usize;
        while depth > 0 {
            self.white();
            match self.peek() {
                Some(b'{' | b'[') => depth += 1,
                Some(b'}' | b']') => depth -= 1,
                Some(b'"') => {
                    let _ = self.text_end();
                    continue;
                }
                None => return,
                Some(_) => {}
            }
            self.at += 1;
        }
    }

    fn comma(&mut self) {
        self.white();
        if self.peek() == Some(b',') {
            self.at += 1;
            self.white();
        }
    }

    fn white(&mut self) {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.peek() {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn invalid(&self, context: &str) -> String {
        match self.peek() {
            None => "unexpected EOF".to_owned(),
            // Go takes the byte for a character.
            Some(byte) => format!("invalid character {} {context}", quoted(char::from(byte))),
        }
    }
}

/// A character as Go's decoder quotes it.
fn quoted(c: char) -> String {
    match c {
        '\'' => r"'\''".to_owned(),
        '"' => "'\"'".to_owned(),
        '\\' => r"'\\'".to_owned(),
        '\n' => r"'\n'".to_owned(),
        '\r' => r"'\r'".to_owned(),
        '\t' => r"'\t'".to_owned(),
        '\u{7}' => r"'\a'".to_owned(),
        '\u{8}' => r"'\b'".to_owned(),
        '\u{c}' => r"'\f'".to_owned(),
        '\u{b}' => r"'\v'".to_owned(),
        '\0'..='\u{1f}' | '\u{7f}' => format!("'\\x{:02x}'", u32::from(c)),
        '\u{80}'..='\u{9f}' => format!("'\\u{:04x}'", u32::from(c)),
        c => format!("'{c}'"),
    }
}

/// The text between quotation marks. What is no character becomes U+FFFD, as in Go.
fn unquoted(written: &[u8]) -> String {
    let inner = written
        .get(1..written.len().saturating_sub(1))
        .unwrap_or_default();
    let mut units: Vec<u8> = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        if byte != b'\\' {
            units.push(byte);
            continue;
        }
        let Some((&code, behind)) = rest.split_first() else {
            break;
        };
        rest = behind;
        let c = match code {
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let high = unit(&mut rest);
                let mut behind = rest;
                let low = (0xd800..0xdc00)
                    .contains(&high)
                    .then(|| behind.strip_prefix(b"\\u".as_slice()))
                    .flatten()
                    .map(|mut digits| {
                        let low = unit(&mut digits);
                        behind = digits;
                        low
                    });
                match low {
                    Some(low @ 0xdc00..0xe000) => {
                        rest = behind;
                        let c = 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00);
                        char::from_u32(c).unwrap_or(char::REPLACEMENT_CHARACTER)
                    }
                    _ => char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER),
                }
            }
            other => char::from(other),
        };
        units.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    }
    String::from_utf8_lossy(&units).into_owned()
}

/// Four hexadecimal digits.
fn unit(rest: &mut &[u8]) -> u32 {
    let Some((digits, behind)) = rest.split_at_checked(4) else {
        return 0xfffd;
    };
    *rest = behind;
    let text = std::str::from_utf8(digits).unwrap_or_default();
    u32::from_str_radix(text, 16).unwrap_or(0xfffd)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_with_escapes() {
        for (written, text) in [
            (r#""a\u0062c""#, "abc"),
            (r#""\ud83d\ude00""#, "😀"),
            (r#""\ud83d""#, "\u{fffd}"),
            (r#""\ud83d\u0041""#, "\u{fffd}A"),
            (r#""\"\\\/\n""#, "\"\\/\n"),
        ] {
            let mut parser = Parser::new(written.as_bytes());
            assert_eq!(parser.event(), Event::Text(text.to_owned()), "{written}");
        }
        assert_eq!(unquoted(b"\"a\xffb\""), "a\u{fffd}b");
    }

    #[test]
    fn values_end_where_they_end() {
        for (text, end) in [
            ("[]x", 2),
            (" {\"a\":[1,{}]} y", 13),
            ("12 ", 2),
            ("\"a\"b", 3),
            ("-0.5e+1]", 7),
        ] {
            assert_eq!(Parser::new(text.as_bytes()).check(), Ok(end), "{text}");
        }
    }

    #[test]
    fn errors_in_the_words_of_go() {
        for (text, said) in [
            ("", "EOF"),
            (" \n", "EOF"),
            ("[", "unexpected EOF"),
            ("[1,", "unexpected EOF"),
            (
                "[1,]",
                "invalid character ']' looking for beginning of value",
            ),
            ("[1 2]", "invalid character '2' after array element"),
            (
                "{1",
                "invalid character '1' looking for beginning of object key string",
            ),
            ("{\"a\" 1", "invalid character '1' after object key"),
            (
                "{\"a\":1 2",
                "invalid character '2' after object key:value pair",
            ),
            (
                "{\"a\":1,}",
                "invalid character '}' looking for beginning of object key string",
            ),
            (
                "nul1",
                "invalid character '1' in literal null (expecting 'l')",
            ),
            ("-x", "invalid character 'x' in numeric literal"),
            (
                "1.x",
                "invalid character 'x' after decimal point in numeric literal",
            ),
            (
                "1ex",
                "invalid character 'x' in exponent of numeric literal",
            ),
            ("\"\n\"", "invalid character '\\n' in string literal"),
            ("\"\\q\"", "invalid character 'q' in string escape code"),
            (
                "\"\\u00g0\"",
                "invalid character 'g' in \\u hexadecimal character escape",
            ),
            (
                "\u{feff}[]",
                "invalid character 'ï' looking for beginning of value",
            ),
        ] {
            assert_eq!(
                Parser::new(text.as_bytes()).check(),
                Err(said.to_owned()),
                "{text}"
            );
        }
    }

    #[test]
    fn depth_is_bounded() {
        let deep = "[".repeat(MAX_DEPTH + 1);
        assert_eq!(
            Parser::new(deep.as_bytes()).check(),
            Err("exceeded max depth".to_owned())
        );
    }
}
