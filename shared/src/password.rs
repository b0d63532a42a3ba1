//! Which new passwords are too easy to guess: those that are made of what guessers try first.
//!
//! A password is cut into pieces that a guesser knows (words of the list below, the account's own name, runs of keys
//! or numbers, years, what was in it before) and what is left. Each known piece counts for two characters and a
//! separator for none: whoever tries words and their combinations does not try letters.

/// A new password must count for as many characters as this.
const ENOUGH: usize = 8;
/// What a known piece counts for.
const PIECE: usize = 2;
/// Runs and repetitions that are shorter are taken as chance.
const SHORTEST_RUN: usize = 3;

/// The parts of the most common passwords, in lowercase.
const COMMON: &str = "1q2w3e4r 1q2w3e4r5t 1q2w3e4r5t6y 1qaz2wsx 1qaz2wsx3edc a1b2c3d4 aa123456 abc123 abcd1234 access access14 admin \
    administrator andrew angel apple arsenal asd123 asdf ashley autumn babygirl backup bailey banana bandit \
    barcelona baseball basketball batman biteme blessed blink182 buster butterfly changeme charlie cheese chelsea \
    chocolate christ cisco cluster company computer console consul cookie corvette cowboys daniel database debian \
    december default demo develop devops diamond docker dragon eagles eminem etcd example facebook family ferrari \
    flower football forever fortnite freedom friday friends geheim george ginger golden google guest hallo harley \
    heaven hello hockey hunter hunter2 iloveyou internet january jennifer jessica jesus jordan joshua killer \
    kubernetes letmein lightning linux liverpool login lovely loveme maggie manager master matrix matthew maverick \
    mercedes merlin metallica michael minecraft monday monkey mustang mypassword naruto network newpassword nicole \
    ninja nirvana nomad office ops oracle orange pass passphrase passw0rd passwd password password1 passwort \
    peanut pepper phoenix pokemon porsche princess prod production purple q1w2e3r4 q1w2e3r4t5 qazwsx quorum qwe123 \
    qwert raft rainbow ranger realmadrid recovery requorum restore robert rocket root sample samsung schatz \
    scooter secret security server service shadow silver slipknot snapshot snoopy soccer sommer sparky spiderman \
    spring staging starwars summer summertime sunshine superman support sysadmin system temp temporary test tester \
    testing thomas thunder tigger trustno1 ubuntu user vault welcome whatever william willkommen winter yankees \
    yellow zaq12wsx zxcv";

/// What neighbours in it are neighbours on keyboards, in the alphabet or in counting. Read in both directions.
const ROWS: [&str; 9] = [
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "qwertyuiop",
    "qwertzuiop",
    "azertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "yxcvbnm",
    "!@#$%^&*()_+",
];

/// What a piece is, in words. The piece itself is never repeated: errors are written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Piece {
    Common,
    Name,
    Run,
    Again,
    Year,
}

impl Piece {
    fn words(self) -> &'static str {
        match self {
            Self::Common => "common words",
            Self::Name => "the account's name",
            Self::Run => "a sequence such as 1234 or qwerty",
            Self::Again => "repetitions",
            Self::Year => "a year",
        }
    }
}

/// Why this is no password for a new account or a changed one: `It is mostly common words and a sequence such as 1234
/// or qwerty.` Nothing when it is good enough. `name` is the account's.
///
/// Length is judged elsewhere.
pub fn weakness(password: &str, name: &str) -> Option<String> {
    let chars: Vec<char> = password.to_lowercase().chars().collect();
    let name = name.to_lowercase();
    let names: Vec<&str> = name
        .split(|c: char| !c.is_alphanumeric())
        .filter(|part| part.chars().count() >= SHORTEST_RUN)
        .collect();
    let (mut at, mut worth) = (0, 0);
    let mut pieces: Vec<(Piece, &[char])> = Vec::new();
    while let Some(rest) = chars.get(at..).filter(|rest| !rest.is_empty()) {
        let longest = [
            (Piece::Again, again(&chars, at)),
            (Piece::Common, longest_of(COMMON.split(' '), rest)),
            (Piece::Name, longest_of(names.iter().copied(), rest)),
            (Piece::Year, year(rest)),
            (Piece::Run, run(rest)),
        ]
        .into_iter()
        .max_by_key(|(_, length)| *length);
        match longest {
            Some((piece, length)) if length > 0 => {
                let text = &rest[..length];
                if !pieces.iter().any(|(_, known)| *known == text) {
                    worth += PIECE;
                }
                pieces.push((piece, text));
                at += length;
            }
            _ => {
                worth += usize::from(!matches!(rest[0], ' ' | '-' | '_' | '.'));
                at += 1;
            }
        }
    }
    if worth >= ENOUGH {
        return None;
    }
    let mut kinds: Vec<Piece> = pieces.iter().map(|(piece, _)| *piece).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let words: Vec<&str> = kinds.into_iter().map(Piece::words).collect();
    Some(match words.as_slice() {
        [] => "It has too few letters and digits.".into(),
        [one] => format!("It is mostly {one}."),
        [most @ .., last] => format!("It is mostly {} and {last}.", most.join(", ")),
    })
}

/// The length of the longest of these words that `rest` begins with.
fn longest_of<'a>(words: impl Iterator<Item = &'a str>, rest: &[char]) -> usize {
    words
        .map(|word| {
            let mut length = 0;
            for wanted in word.chars() {
                match rest.get(length) {
                    Some(c) if *c == wanted || stands_for(*c) == wanted => length += 1,
                    _ => return 0,
                }
            }
            length
        })
        .max()
        .unwrap_or(0)
}

/// The letter that a digit or a sign is written for.
fn stands_for(c: char) -> char {
    match c {
        '0' => 'o',
        '1' | '!' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        _ => c,
    }
}

/// How far `rest` goes along a row, or repeats its first character.
fn run(rest: &[char]) -> usize {
    let same = rest.iter().take_while(|c| **c == rest[0]).count();
    let rows = ROWS.iter().flat_map(|row| {
        let forth: Vec<char> = row.chars().collect();
        let back: Vec<char> = forth.iter().rev().copied().collect();
        [forth, back]
    });
    let along = rows.map(|row| {
        let from = row.iter().position(|c| *c == rest[0]);
        let row = from.map_or(&[][..], |from| &row[from..]);
        row.iter().zip(rest).take_while(|(a, b)| a == b).count()
    });
    let longest = along.max().unwrap_or(0).max(same);
    if longest >= SHORTEST_RUN { longest } else { 0 }
}

/// How much of what begins at `at` was in the password before.
fn again(chars: &[char], at: usize) -> usize {
    let rest = &chars[at..];
    let longest = (0..at).map(|from| {
        let earlier = &chars[from..];
        earlier.iter().zip(rest).take_while(|(a, b)| a == b).count()
    });
    longest.max().filter(|n| *n >= SHORTEST_RUN).unwrap_or(0)
}

/// A year of our time.
fn year(rest: &[char]) -> usize {
    let digits = |n: usize| rest.len() >= n && rest[..n].iter().all(char::is_ascii_digit);
    let century = matches!(rest, ['1', '9', ..] | ['2', '0', ..]);
    if century && digits(4) && !digits(5) {
        4
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_guessed_first_is_refused_and_why() {
        for (password, why) in [
            ("password1234", "common words and a sequence"),
            ("P@ssw0rd2026!", "common words and a year"),
            ("passwordpassword", "common words"),
            ("aaaaaaaaaaaaaaaa", "a sequence"),
            ("123456789012", "a sequence"),
            ("qwertyuiop!@#", "a sequence"),
            ("poiuytrewq12", "a sequence"),
            ("xyxyxyxyxyxyxy", "repetitions"),
            ("ada.lovelace.1", "the account's name"),
            ("requorum-admin-2026", "common words and a year"),
            ("dragonmonkeyfootball", "common words"),
            ("- _ . - _ . - _ .", "repetitions"),
        ] {
            let said = weakness(password, "Ada Lovelace").unwrap_or_else(|| panic!("{password}"));
            assert!(
                said.starts_with(&format!("It is mostly {why}")),
                "{password}: {said}"
            );
            // What is wrong with a password is written down; the password is not.
            assert!(
                !said.contains(password) && !said.contains("lovelace"),
                "{said}"
            );
        }
    }

    #[test]
    fn what_has_to_be_guessed_is_taken() {
        for password in [
            "correct horse battery staple",
            "a long enough password",
            "vb8#kLq2!xWz",
            "{;~?<|$%(}*'",
            "drei Fahrräder im Keller",
            "пароль из четырёх слов",
            "ada walks at noon",
        ] {
            assert_eq!(weakness(password, "ada"), None, "{password}");
        }
    }

    #[test]
    fn the_longest_password_is_judged_in_time() {
        let begun: String = ('a'..='z').cycle().take(1024).collect();
        assert!(weakness(&begun, "").is_some());
        assert!(weakness("", "x").is_some());
    }
}
