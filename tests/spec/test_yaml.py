"""The reader of YAML: what a full parser reads, the line of everything, and nothing but data."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from eda_sim.spec import ScenarioError, bundled_text, scenarios
from eda_sim.spec.writing import to_yaml
from eda_sim.spec.yaml import DEEPEST_NESTING, LARGEST_TEXT, MOST_EVENTS, read_document

TEXTS = st.text(
    st.characters(codec="utf-8") | st.sampled_from(" \n\t:#-'\"[]{},&*!|>%@`\x85\u2028\x00\x7f")
)
WORDS = st.sampled_from(
    (
        "null",
        "~",
        "",
        "true",
        "no",
        "1",
        "0x1f",
        "1e3",
        "-.5",
        ".inf",
        ".nan",
        "---",
        "...",
        "<<",
        "=",
    )
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**64), 2**64)
    | st.floats(allow_nan=False)
    | TEXTS
    | WORDS
)
DATA = st.dictionaries(
    TEXTS | WORDS,
    st.recursive(
        SCALARS,
        lambda inner: (
            st.lists(inner, max_size=4) | st.dictionaries(TEXTS | WORDS, inner, max_size=4)
        ),
        max_leaves=12,
    ),
    min_size=1,
    max_size=4,
)


def refusal(text: str) -> str:
    with pytest.raises(ScenarioError) as caught:
        read_document(text)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


@given(DATA)
def test_what_is_written_reads_back_to_the_same(data):
    read = read_document(to_yaml(data)).data
    assert read == data
    assert repr(read) == repr(data)  # 1 is not True, and the order is kept


@given(DATA)
def test_a_full_parser_of_yaml_reads_the_same(data):
    assert YAML(typ="safe", pure=True).load(to_yaml(data)) == data


@pytest.mark.parametrize("name", scenarios())
def test_a_full_parser_reads_the_bundled_scenarios_alike(name):
    text = bundled_text(name)
    assert read_document(text).data == YAML(typ="safe", pure=True).load(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("12:30", "12:30"),
        ("1_000", "1_000"),
        ("010", 10),
        ("0o10", 8),
        ("0x10", 16),
        ("+.5e1", 5.0),
        ("1.", 1.0),
        ("TRUE", True),
        ("Null", None),
        ("'12'", "12"),
        ('"\\u00e9"', "é"),
        ("2001-01-01", "2001-01-01"),
        ("-.INF", -math.inf),
        ("1" * 5000, math.inf),
        ("200/s", "200/s"),
    ],
)
def test_words_mean_what_they_mean_in_yaml_1_2(text, value):
    assert read_document(f"a: {text}").data == {"a": value}


def test_the_line_of_every_key_and_value_is_known():
    document = read_document(
        "# comment\na: 1\nb:\n  c:\n    2\n  d: [3,\n      {e: 4}]\nf:\n- g\n-\n  h: |\n    text\n"
    )
    places = {path: (place.key, place.value) for path, place in document.places.items()}
    assert places == {
        (): (2, 2),
        ("a",): (2, 2),
        ("b",): (3, 4),
        ("b", "c"): (4, 5),
        ("b", "d"): (6, 6),
        ("b", "d", 0): (6, 6),
        ("b", "d", 1): (7, 7),
        ("b", "d", 1, "e"): (7, 7),
        ("f",): (8, 9),
        ("f", 0): (9, 9),
        ("f", 1): (11, 11),
        ("f", 1, "h"): (11, 11),
    }
    assert document.line(("b", "c")) == 5
    assert document.line(("b", "c"), of_key=True) == 4
    assert document.line(("b", "missing", "deep")) == 3


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "nothing is in it"),
        ("# only a comment\n", "nothing is in it"),
        ("a: !!python/object/apply:os.system [ls]", "line 1: a tag"),
        ("a: !!str 3", "line 1: a tag"),
        ("a: ! 3", "line 1: a tag"),
        ("!!map {a: 1}", "line 1: a tag"),
        ("a: &x 1\nb: *x", "line 1: an anchor (&x)"),
        ("a: 1\nb: *x", "line 2: an alias (*x)"),
        ("a: 1\nb: 2\na: 3", "line 3: duplicate key 'a', first in line 1"),
        ("a: {b: 1, 'b': 2}", "line 1: duplicate key 'b'"),
        ("a: 1\n---\nb: 2", "line 2: a second document"),
        ("%YAML 1.1\n---\na: 1", "a directive; none but %YAML 1.2"),
        ("%TAG ! tag:x,2000:\n---\na: 1", "a directive"),
        ("1: a", "line 1: 1 is not a name; a key must be a text"),
        ("null: a", "line 1: null is not a name"),
        ("? [a]\n: b", "line 1: a key must be a text, not a mapping or a list"),
        ("? {a: b}\n: b", "line 1: a key must be a text"),
        ("a: [1, 2", "line 1: not YAML"),
        ("a: 'b", "line 1: not YAML: a text in quotes that does not end"),
        ("a: 1\n b: 2", "line 2: not YAML: a ':' where no field can begin"),
        ("a: 1\nb\nc: 1", "line 3: not YAML"),
        ("a:\n  b: 1\n c: 2", "line 3: not YAML: the indentation does not fit"),
        ("a:\n\t- 1", "line 2: not YAML: a tab; only spaces can indent"),
        ("a: 1\nb: \x00", "line 2: not YAML: a character that YAML does not allow"),
        ("a: 1\nb: \ud800", "line 2: not YAML: a character that YAML does not allow"),
        ('a: "\\U99999999"', "not YAML: an escape that is no character"),
        ('a: "\\U00110000"', "not YAML: an escape that is no character"),
        ("a: " + "[" * 40 + "]" * 40, f"line 1: nested deeper than {DEEPEST_NESTING}"),
        ("{a: " * 40, f"line 1: nested deeper than {DEEPEST_NESTING}"),
        ("- " * 100_000, f"line 1: nested deeper than {DEEPEST_NESTING}"),
        ("a:\n" + "- 1\n" * MOST_EVENTS, f"more than {MOST_EVENTS} keys, values and collections"),
        ("a: " + "x" * LARGEST_TEXT, f"larger than {LARGEST_TEXT} bytes"),
        ("a: " + "é" * (LARGEST_TEXT // 2), f"larger than {LARGEST_TEXT} bytes"),
    ],
)
def test_what_is_not_data_is_refused_with_its_line(text, line):
    assert line in refusal(text)


def test_the_deepest_nesting_that_is_allowed():
    depth = DEEPEST_NESTING - 1  # the mapping around it is the first
    data = read_document("a: " + "[" * depth + "]" * depth).data["a"]
    while data:
        (data,) = data
        depth -= 1
    assert depth == 1
