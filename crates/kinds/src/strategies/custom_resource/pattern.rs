//! Patterns of texts. They are written as Go reads them (RE2, <https://github.com/google/re2/wiki/Syntax>): what is
//! wrong with one is told in Go's words, and one that is right is rewritten for the engine here, which reads some
//! things in another way.

mod class;
mod escape;
mod names;
mod parse;

use std::sync::OnceLock;

use regex::{Regex, RegexBuilder};

/// What an engine may take for one pattern, in bytes.
const LARGEST_ENGINE: usize = 10 * 1024 * 1024;

/// A pattern; its engine is made when a text is first held against it.
pub(super) struct Pattern {
    /// The pattern as the engine here reads it.
    rewritten: String,
    /// About how many states the engine has.
    states: usize,
    engine: OnceLock<Option<Regex>>,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// What Go says about a pattern that is none, e.g. ``error parsing regexp: missing closing ): `(` ``.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let (rewritten, states) = parse::rewrite(text).map_err(|fault| fault.to_string())?;
        Ok(Self { rewritten, states, engine: OnceLock::new() })
    }

    /// How much work it is to hold this text against the pattern, the engine's making included.
    pub(super) fn work(&self, text: &str) -> usize {
        self.states.saturating_add(self.states.saturating_mul(text.len()) / 64)
    }

    /// Whether the pattern is found in the text; `None` where it is too large for an engine.
    pub(super) fn is_found(&self, text: &str) -> Option<bool> {
        let make = || RegexBuilder::new(&self.rewritten).size_limit(LARGEST_ENGINE).build().ok();
        self.engine.get_or_init(make).as_ref().map(|engine| engine.is_match(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, found: &[&str], not: &[&str]) {
        let pattern_read = Pattern::read(pattern).unwrap_or_else(|e| panic!("{pattern}: {e}"));
        for (texts, expect) in [(found, true), (not, false)] {
            for text in texts {
                let is_found = pattern_read.is_found(text);
                assert_eq!(is_found, Some(expect), "{pattern} in {text:?}, as {}", pattern_read.rewritten);
            }
        }
    }

    #[test]
    fn patterns_are_read_as_go_reads_them() {
        check(r"^[a-z]([-a-z0-9]*[a-z0-9])?$", &["a", "a-b"], &["-a", "a-", "a\n"]);
        check(r"a{,5}", &["a{,5}"], &["aaaaa"]);
        check(r"^x{2}{$", &["xx{"], &["xx"]);
        check(r"^a{1,3}?b{2,}$", &["abb", "aaabbb"], &["ab", "aaaabb"]);
        check(r"^a{02}$", &["a{02}"], &["aa"]);
        check(r"^\<a\>$", &["<a>"], &["a"]);
        check(r"^\Qa.b\E+$", &["a.b", "a.bb"], &["axb"]);
        check(r"^\Qa|b", &["a|b"], &["a"]);
        check(r"^a*\Q\E*$", &["", "aa"], &["b"]);
        check(r"^\101\x42\x{43}\a$", &["ABC\u{7}"], &["ABC"]);
        check(r"^\d\w\s$", &["1a "], &["٣a ", "1é ", "1a\u{b}"]);
        check(r"^\D\W\S$", &["٣é\u{b}"], &["1éa"]);
        check(r"\bx\b", &["éx"], &["ax"]);
        check(r"^a\Bb$", &["ab"], &["a b"]);
        check(r"^[[]$", &["["], &["]"]);
        check(r"^[]a]$", &["]", "a"], &["["]);
        check(r"^[^]a]$", &["b", "\n"], &["]"]);
        check(r"^[a&&b]+$", &["a&b"], &["c"]);
        check(r"^[a-d-z]+$", &["b-z"], &["e"]);
        check(r"^[--0~~x]+$", &["-./0~x"], &["1"]);
        check(r"^[[:alpha:]\d[:^space:]]$", &["a", "1", "!"], &[" "]);
        check(r"^[\w.-]+$", &["a.b-c_1"], &["é"]);
        check(r"^[^\d]$", &["a", "٣"], &["1"]);
        check(r"^\p{Greek}\pL\P{^Lu}$", &["αxA"], &["axA", "αxa"]);
        check(r"^[\p{greek}\PL]$", &["α", "1"], &["a"]);
        check(r"^(?i)ab(?-i)c$", &["ABc", "abc"], &["abC"]);
        check(r"^(?:(?i)a)b$", &["Ab"], &["AB"]);
        check(r"^a(?i)*$", &["aa"], &["AA"]);
        check(r"^(?ii-i:a)(?)$", &["a"], &["A"]);
        check(r"(?m)^b$", &["a\nb\nc"], &["a\nbc"]);
        check(r"^a.b$", &["axb"], &["a\nb"]);
        check(r"(?s)^a.b$", &["a\nb"], &["ab"]);
        check(r"^(?P<1>a)(?<1>b)$", &["ab"], &["a"]);
        check(r"^*|a||$", &["b"], &[]);
        check(r"[^\x00-\x{10FFFF}]|\x{D800}|[\x{D800}-\x{DFFF}]", &[], &["a", ""]);
        check(r"^\x{D7FF}?[\x{D000}-\x{E000}]\pZ{2}#$", &["\u{d001}  #"], &["a  #"]);
        check(r"^(((a{10}){10}){10}|)$", &["", &"a".repeat(1000)], &["a"]);
        check("^\u{e9} \t\n#$", &["\u{e9} \t\n#"], &[]);
    }

    #[test]
    fn what_is_no_pattern_is_told_in_the_words_of_go() {
        let whole = "(".repeat(1001) + &")".repeat(1001);
        for (pattern, expect) in [
            ("(", "missing closing ): `(`"),
            ("a)b", "unexpected ): `a)b`"),
            ("[a", "missing closing ]: `[a`"),
            ("x[]", "missing closing ]: `[]`"),
            ("x[a-", "missing closing ]: `[a-`"),
            ("[b-a]", "invalid character class range: `b-a`"),
            ("[[:foo:]]", "invalid character class range: `[:foo:]`"),
            (r"\p{Foo}x", r"invalid character class range: `\p{Foo}`"),
            (r"\p{Fo", r"invalid character class range: `\p{Fo`"),
            (r"\pXy", r"invalid character class range: `\pX`"),
            (r"\p", r"invalid character class range: `\p`"),
            (r"[a-\d]", r"invalid escape sequence: `\d`"),
            (r"\8", r"invalid escape sequence: `\8`"),
            (r"\1", r"invalid escape sequence: `\1`"),
            (r"a\q", r"invalid escape sequence: `\q`"),
            (r"\é", r"invalid escape sequence: `\é`"),
            (r"\x{zz}", r"invalid escape sequence: `\x{z`"),
            (r"\x{110000}", r"invalid escape sequence: `\x{110000`"),
            (r"\x4", r"invalid escape sequence: `\x4`"),
            (r"\x", r"invalid escape sequence: `\x`"),
            (r"\C", r"invalid escape sequence: `\C`"),
            (r"a\", "trailing backslash at end of expression: ``"),
            ("a**", "invalid nested repetition operator: `**`"),
            ("a*?+", "invalid nested repetition operator: `*?+`"),
            ("a{2}{3}", "invalid nested repetition operator: `{2}{3}`"),
            ("*", "missing argument to repetition operator: `*`"),
            ("(+?)", "missing argument to repetition operator: `+?`"),
            ("a|*", "missing argument to repetition operator: `*`"),
            ("(?i){2}x", "missing argument to repetition operator: `{2}`"),
            ("a{1001}", "invalid repeat count: `{1001}`"),
            ("a{3,2}?", "invalid repeat count: `{3,2}`"),
            ("a{100000000000}", "invalid repeat count: `{100000000000}`"),
            ("(a{100}){11}?", "invalid repeat count: `{11}?`"),
            ("(?=a)", "invalid or unsupported Perl syntax: `(?=`"),
            ("a(?!b)", "invalid or unsupported Perl syntax: `(?!`"),
            ("(?i-)", "invalid or unsupported Perl syntax: `(?i-)`"),
            ("(?i", "invalid or unsupported Perl syntax: `(?i`"),
            ("(?x)a", "invalid or unsupported Perl syntax: `(?x`"),
            ("x(?<=a)", "invalid named capture: `(?<=a)`"),
            ("(?P<a b>c)", "invalid named capture: `(?P<a b>`"),
            ("(?<>c)", "invalid named capture: `(?<>`"),
            (whole.as_str(), &format!("expression nests too deeply: `{whole}`")),
            ("((a{1000}|b){1000}){2}", "invalid repeat count: `{1000}`"),
        ] {
            let fault = Pattern::read(pattern).err();
            assert_eq!(fault, Some(format!("error parsing regexp: {expect}")), "{pattern}");
        }
    }

    /// Patterns that take long to read or to compile where someone is careless.
    #[test]
    fn patterns_of_bad_will_cost_little() {
        let many = 100_000;
        for piece in
            ["[[:", "(?i)*", "a{9", r"\Q", "[[:]]", "(?i)", "(?<", "a**", r"\pL", r"\p{L}", "(?:a)(?i)"]
        {
            let _ = Pattern::read(&piece.repeat(many));
            let _ = Pattern::read(&format!("a{}", piece.repeat(many)));
        }
        let large = Pattern::read(r"^\pL{1000}$").expect("right for Go");
        assert!(large.work("a") > 100_000, "{}", large.states);
        assert_eq!(large.is_found("a"), None);
        let deep = format!("{}a{}", "(".repeat(900), ")".repeat(900));
        assert_eq!(Pattern::read(&deep).expect("right for Go").is_found("a"), None);
    }
}
