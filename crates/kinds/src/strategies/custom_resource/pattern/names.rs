//! Names of classes of characters.

use std::collections::HashSet;
use std::sync::LazyLock;

/// General categories and scripts of Unicode, as they are compared: without capitals and what stands between words.
const UNICODE: &str = "\
    any ascii assigned \
    c casedletter cc cf closepunctuation cn cntrl co combiningmark connectorpunctuation control currencysymbol \
    dashpunctuation decimalnumber digit enclosingmark finalpunctuation format initialpunctuation l lc letter \
    letternumber lineseparator ll lm lo lowercaseletter lt lu m mark mathsymbol mc me mn modifierletter modifiersymbol \
    n nd nl no nonspacingmark number openpunctuation other otherletter othernumber otherpunctuation othersymbol p \
    paragraphseparator pc pd pe pf pi po privateuse ps punct punctuation s sc separator sk sm so spaceseparator \
    spacingmark symbol titlecaseletter unassigned uppercaseletter z zl zp zs \
    adlam ahom anatolianhieroglyphs arabic armenian avestan balinese bamum bassavah batak bengali bhaiksuki bopomofo \
    brahmi braille buginese buhid canadianaboriginal carian caucasianalbanian chakma cham cherokee chorasmian common \
    coptic cuneiform cypriot cyprominoan cyrillic deseret devanagari divesakuru dogra duployan egyptianhieroglyphs \
    elbasan elymaic ethiopic garay georgian glagolitic gothic grantha greek gujarati gunjalagondi gurmukhi gurungkhema \
    han hangul hanifirohingya hanunoo hatran hebrew hiragana imperialaramaic inherited inscriptionalpahlavi \
    inscriptionalparthian javanese kaithi kannada katakana kawi kayahli kharoshthi khitansmallscript khmer khojki \
    khudawadi kiratrai lao latin lepcha limbu lineara linearb lisu lycian lydian mahajani makasar malayalam mandaic \
    manichaean marchen masaramgondi medefaidrin meeteimayek mendekikakui meroiticcursive meroitichieroglyphs miao modi \
    mongolian mro multani myanmar nabataean nagmundari nandinagari newa newtailue nko nushu nyiakengpuachuehmong ogham \
    olchiki oldhungarian olditalic oldnortharabian oldpermic oldpersian oldsogdian oldsoutharabian oldturkic olduyghur \
    olonal oriya osage osmanya pahawhhmong palmyrene paucinhau phagspa phoenician psalterpahlavi rejang runic \
    samaritan saurashtra sharada shavian siddham signwriting sinhala sogdian sorasompeng soyombo sundanese sunuwar \
    sylotinagri syriac tagalog tagbanwa taile taitham taiviet takri tamil tangsa tangut telugu thaana thai tibetan \
    tifinagh tirhuta todhri toto tulutigalari ugaritic vai vithkuqi wancho warangciti yezidi yi zanabazarsquare";

/// The categories whose characters no text here can have.
const SURROGATES: [&str; 2] = ["cs", "surrogate"];

/// A class by its name in Unicode, as an item of a class of the engine; empty where no text has such a character.
/// `None` where nothing has that name.
pub(super) fn unicode(name: &str, is_negated: bool) -> Option<String> {
    static KNOWN: LazyLock<HashSet<&str>> = LazyLock::new(|| UNICODE.split(' ').collect());
    let name: String =
        name.chars().filter(|c| !matches!(c, ' ' | '_' | '-')).map(|c| c.to_ascii_lowercase()).collect();
    match (SURROGATES.contains(&&*name), is_negated) {
        (true, false) => Some(String::new()),
        (true, true) => Some(r"\x{0}-\x{10FFFF}".to_owned()),
        (false, _) => KNOWN
            .contains(&*name)
            .then(|| if is_negated { format!(r"\P{{{name}}}") } else { format!(r"\p{{{name}}}") }),
    }
}

/// A class by its name in POSIX, as an item of a class of the engine.
pub(super) fn posix(name: &str) -> Option<&'static str> {
    Some(match name {
        "alnum" => "0-9A-Za-z",
        "alpha" => "A-Za-z",
        "ascii" => r"\x00-\x7F",
        "blank" => r"\x09\x20",
        "cntrl" => r"\x00-\x1F\x7F",
        "digit" => "0-9",
        "graph" => r"\x21-\x7E",
        "lower" => "a-z",
        "print" => r"\x20-\x7E",
        "punct" => r"\x21-\x2F\x3A-\x40\x5B-\x60\x7B-\x7E",
        "space" => r"\x09-\x0D\x20",
        "upper" => "A-Z",
        "word" => r"0-9A-Za-z\x5F",
        "xdigit" => "0-9A-Fa-f",
        _ => return None,
    })
}

/// A class by the letter that stands for it behind a backslash.
pub(super) fn perl(letter: char) -> Option<&'static str> {
    match letter.to_ascii_lowercase() {
        'd' => posix("digit"),
        's' => Some(r"\x09\x0A\x0C\x0D\x20"),
        'w' => posix("word"),
        _ => None,
    }
}
