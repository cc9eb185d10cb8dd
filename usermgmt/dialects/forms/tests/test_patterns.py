"""Patterns as Ruby has them: what they match, which are refused, and that none takes long."""

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usermgmt.dialects.forms.rules import patterns
from usermgmt.dialects.forms.rules.compiling import compiled
from usermgmt.dialects.forms.rules.patterns import Budget

# A pattern, texts that it matches, texts that it does not (Onigmo, doc/RE; each row as Ruby 3 answers).
MEANINGS = [
    (r"\Aa\z", ["a"], ["a\n", "ba", "\na"]),
    (r"\Aa\Z", ["a", "a\n"], ["a\n\n", "a\nb"]),
    (r"^a$", ["a", "b\na\nc", "a\n", "a\r\n"[:1]], ["ba", "a\r\n"]),
    (r"\A^\z", [""], ["\n"]),
    (r"a\n^\z", [], ["a\n"]),
    (r"a.c", ["abc", "a\rc"], ["a\nc"]),
    (r"/a.c/m", ["a\nc", "abc"], ["ac"]),
    (r"/A/i", ["a", "A"], ["b"]),
    (r"/\A a b # a comment \z/x", ["abc"], ["a b"]),
    ("/a # all of this is a comment\n b\\ c/x", ["ab c"], ["abc"]),
    (r"a(?i)b|c", ["aB", "ac", "aC"], ["Ab", "C"]),
    (r"a(?i:b)c", ["aBc"], ["aBC"]),
    (r"/a(?-i:b)/i", ["Ab"], ["aB"]),
    (r"\A\d\z", ["1"], ["\u0661"]),
    (r"\A\w\z", ["a", "_", "0"], ["é", "-"]),
    (r"\A\s\z", [" ", "\t", "\v"], ["\u00a0", "a"]),
    (r"\A\D\S\W\z", ["éé ", "a\u00a0é"], ["1a ", "a a"]),
    (r"\A\h{2}\H\z", ["fFg"], ["ffa", "g0g"]),
    (r"\A[[:alpha:]]+\z", ["é", "aß"], ["1", "a "]),
    (r"\A[^[:digit:]]\z", ["a"], ["1"]),
    (r"\A[[:^alpha:]_]+\z", ["1_"], ["a"]),
    (r"\A[[:upper:][:digit:]]+\z", ["A1É"], ["a"]),
    (r"\A\p{Alpha}\p{^Alpha}\P{Alpha}\z", ["é1-"], ["ééé"]),
    (r"\A[a-z&&[^aeiou]]\z", ["b"], ["a", "B", "&"]),
    (r"\A[^a-c&&b-d]\z", ["a", "d", "x"], ["b", "c"]),
    (r"\A[a[bc]-]\z", ["a", "b", "-"], ["[", "d"]),
    (r"\A[\w.+-]+\z", ["a.b+c-d"], ["a b"]),
    (r"\A[\]\\^\-\b]+\z", ["]\\^-\b"], ["b"]),
    (r"\A[\d-z]+\z", ["1-z"], ["a"]),
    (r"\A(?<y>\d{2})-\k<y>\z", ["12-12"], ["12-13"]),
    (r"\A(a)(b)\2\1\z", ["abba"], ["abab"]),
    (r"/\A(a)\1\z/i", ["aA"], ["ab"]),
    (r"\A(?'n'a)\k<n>\z", ["aa"], ["a"]),
    (r"\Aa{2}?\z", ["", "aa"], ["a"]),
    (r"\Aa{2}+\z", ["aa", "aaaa"], ["a", "aaa"]),
    (r"\A(?:ab){1}{2}{1}\z", ["abab"], ["ab"]),
    (r"\Aa{,2}\z", ["", "aa"], ["aaa"]),
    (r"\Aa{2,}\z", ["aa", "aaa"], ["a"]),
    (r"\A{a}{,}\z", ["{a}{,}"], ["a"]),
    (r"\Aa++a\z", [], ["aa", "aaa"]),
    (r"\A(?>a|ab)c\z", ["ac"], ["abc"]),
    (r"\Aa*?b??\z", ["", "aab"], ["ba"]),
    (r"(?<=a)b(?!c)(?<!d)", ["ab", "abd"], ["b", "abc"]),
    (r"\bword\b", ["a word here"], ["swords", "éword"]),
    (r"a(?#a comment \) here)b", ["ab"], ["a"]),
    (r"\A\x41\u00e9\u{1F600}\t\e\0\z", ["Aé\U0001f600\t\x1b\0"], ["Ae"]),
    (r"\A\/\.\-\@\é\z", ["/.-@é"], ["/x-@é"]),
    ("", ["", "a"], []),
    (r"\A(|a)\z", ["", "a"], ["b"]),
]

ORDINARY = [
    r"\A[^@\s]+@[^@\s]+\.[^@\s]+\z",
    r"/\A[\w+\-.]+@[a-z\d\-]+(\.[a-z\d\-]+)*\.[a-z]+\z/i",
    r"\A[a-zA-Z0-9.!#$%&'*+\/=?^_`{|}~-]+@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*\z",
    r"\A([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}\z",
    r"\A\+?[0-9 ()-]{7,20}\z",
    r"\A(\+\d{1,3}[- ]?)?\(?\d{3}\)?[- ]?\d{3}[- ]?\d{4}\z",
    r"\A[a-z0-9]+(?:-[a-z0-9]+)*\z",
    r"\A(?=.*\d)(?=.*[a-z])(?=.*[A-Z])(?=.*[^A-Za-z0-9]).{8,72}\z",
    r"\A(?!.*(.)\1\1).+\z",
    r"\A\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])\z",
    r"\A\h{8}-\h{4}-[1-5]\h{3}-[89ab]\h{3}-\h{12}\z",
    r"\Ahttps?:\/\/[^\s\/$.?#].[^\s]*\z",
    r"\Ahttps?:\/\/([\w-]+\.)+[a-z]{2,63}(:\d{1,5})?(\/[^\s]*)?\z",
    r"\A(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!\z)|\z)){4}\z",
    r"^[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?$",
    r"\A[[:alpha:]][[:alpha:] '-]*\z",
    r"\A\w+(\s\w+)*\z",
    r"\A(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?\z",
    r"\A\d{1,3}(,\d{3})*(\.\d\d)?\z",
    r"\A#?(\h{6}|\h{3})\z",
    r"\A\d{5}(-\d{4})?\z",
    r"\A[^<>]*\z",
    r"^\s+|\s+$",
]

EXPONENTIAL = [
    r"(a+)+$", r"(a*)*$", r"(a|aa)+$", r"(a|a)*$", r"(a|a?)+$", r"(a+)+", r"(?:(?:a*)*)*b", r"(x+x+)+y", r"(a{2,3}){20}b",
    r"(\w+\s?)*$", r"(\w|\d)+$", r"([a-zA-Z]+)*$", r"^(\d+)*$", r"^(([a-z])+.)+[A-Z]([a-z])+$", r"(.*)*x", r"(?:.+)+x",
    r"(.*a){20}", r"(?=(a+)+$)b", r"(?!(a|aa)+$)b", r"((?=.*a).*)*b", r"/(a|A)+$/i", r"(?<q>a+)+\k<q>!", r"(a+?)+?$",
    r"^([a-zA-Z0-9])(([\-.]|[_]+)?([a-zA-Z0-9]+))*(@){1}[a-z0-9]+[.]{1}(([a-z]{2,3})|([a-z]{2,3}[.]{1}[a-z]{2,3}))$",
    r"^(https?:\/\/)?([\da-z.-]+)\.([a-z.]{2,6})([\/\w .-]*)*\/?$",
]  # fmt: skip
POLYNOMIAL = [r"\d*\d*\d*\d*x", r"\s*\s*\s*\s*$", r".*.*.*.*=.*", r"(\w*\d*){2}-", r"(?=\s+\s+\s+\s+x)y"]
TRIED = [r"(ab|abab)+$", r"([ab]{2}|aba)+$", r"(foo|bar|foobar)*$", r"(?:\d-|\d-\d-)+!"]
LARGE = [r"(?:a{1000}){1000}", r"((((a{100}){100}){100}){100})", r"a{1000000}", r"a{99999999999999999999}"]
SLOW = [r"a*a*a*b", r"a{3,}x", r"(?=(?:a|b)*c)", r"(a?){30}a{30}", r"(?:a|b|ab){9}$"]

MALFORMED = {
    "(": "has a ( without a )",
    "a)": "has a ) without a (",
    "[a": "has a [ without a ]",
    "[]": "has an empty set",
    "[a&&]": "has an empty set",
    "[z-a]": "has a range that ends before it begins",
    r"[a-\d]": "has a range that ends before it begins",
    "*a": "has a * with nothing to repeat",
    "a|+": "has a + with nothing to repeat",
    "^*": "repeats what has no length",
    "(?=a)+": "repeats what has no length",
    "a{3,2}": "has {3,2}, where the least is more than the most",
    "\\": "ends with a backslash",
    r"\q": r"has \q, which is not supported",
    r"\G": r"has \G, which is not supported",
    r"\ud800": r"has \ud800, which is no character",
    r"\u{110000}": r"has \u{110000}, which is no character",
    r"\1": "refers to a group that is not there: 1",
    r"(a)(?<b>c)\1": "refers to a group that is not there: 1",
    r"\p{Nonsense}": "is no regular expression: unknown property",
    "a" + "*" * 999: "repeats what is repeated too often (maximum is 3 times)",
    r"(?<a>b)\k<c>": "refers to a group that is not there: c",
    "(?<a>b)(?<a>c)": "has two groups of the name a",
    "(?<=a+)b": "looks behind without a bound",
    "(?R)": "has (?R), which is not supported",
    "(?(1)a|b)": "has (?(1, which is not supported",
    "(" * 31 + ")" * 31: "has too many groups inside groups (maximum is 30)",
    "[" * 31 + "a" + "]" * 31: "has too many sets inside sets (maximum is 30)",
    "a" * 1001: "is too long (maximum is 1000 characters)",
}


def pattern(text):
    return patterns.compiled(text, Budget(patterns.TRIAL_SECONDS))


def reason(text):
    with pytest.raises(patterns.Unsafe) as refused:
        pattern(text)
    return str(refused.value)


def test_a_pattern_means_what_it_means_in_ruby():
    for text, matching, others in MEANINGS:
        compiled = pattern(text)
        assert [each for each in matching if not compiled.matches(each, Budget())] == [], text
        assert [each for each in others if compiled.matches(each, Budget())] == [], text


def test_ordinary_patterns_are_taken():
    for text in ORDINARY:
        assert not pattern(text).matches("\0" * 100 + "\n", Budget()) or text in (r"\A[^<>]*\z", r"^\s+|\s+$"), text


def test_catastrophic_patterns_are_refused_with_a_reason():
    for texts, words in (
        (EXPONENTIAL, "may take exponentially long: a repeated part can take the same text in several ways"),
        (POLYNOMIAL, "may take too long: more than 3 repetitions in a row can share a text"),
        (TRIED, "takes too long on a text that nearly matches"),
        (LARGE, "is too large: its repetitions come to more than 5000 characters"),
    ):
        assert {text: reason(text) for text in texts} == dict.fromkeys(texts, words)


def test_what_is_no_pattern_is_refused_with_a_reason():
    assert {text: reason(text) for text in MALFORMED} == MALFORMED


def test_a_slow_pattern_that_is_taken_is_bounded_when_it_is_matched():
    """All patterns of a form have one budget, and what stands for others afterwards fails at once."""
    for text in SLOW:
        slow, budget = pattern(text), Budget()
        start = time.thread_time()
        for sent in ("a" * 16384, "ab" * 8192, "a" * 16383 + "!"):
            slow.matches(sent, budget)
        assert time.thread_time() - start < 4 * patterns.SECONDS, text


def test_patterns_share_the_time_of_one_judging():
    fields = {f"p{number}": {"validation": {"format": {"with": "(?=(?:a|b)*c)"}}} for number in range(20)}
    form = compiled("User", {"properties": {**fields, "last": {"validation": {"format": {"with": "a"}}}}})
    start = time.thread_time()
    outcome = form.judge({"properties": dict.fromkeys([*fields, "last"], "ab" * 8192)}, None, now=datetime.now(UTC))
    assert time.thread_time() - start < 4 * patterns.SECONDS
    assert len(outcome.errors) >= 20  # each of the slow ones; the last one only if there was time


def test_where_the_time_is_used_up_nothing_matches():
    assert pattern("a").matches("a", Budget())
    assert not pattern("a").matches("a", Budget(0))
    with pytest.raises(patterns.Unsafe, match="can't be looked into in time"):
        patterns.compiled("a", Budget(0))


@given(st.text(alphabet=r"ab1.\^$*+?()[]{}|<>=!:-&,/idxkAzZhwpPx #'", max_size=40), st.text(max_size=40))
def test_any_text_is_a_pattern_or_refused(text, sent):
    try:
        compiled = pattern(text)
    except patterns.Unsafe:
        return
    assert compiled.matches(sent, Budget()) in (True, False)
