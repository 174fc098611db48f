"""Calls: data in a compact form; nothing is evaluated and nothing is unbounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eda_sim.spec.calls import DEEPEST_NESTING, MOST_ITEMS, Call, parse_call
from eda_sim.spec.quantities import Quantity, format_quantity


def number(value: float) -> Quantity:
    return Quantity(value, "number")


def test_a_call_has_a_name_and_parameters():
    call = parse_call("lognormal(20ms, p99 = 90ms)")
    assert call == Call("lognormal", (Quantity(0.02, "time"),), {"p99": Quantity(0.09, "time")})


@pytest.mark.parametrize(
    ("text", "call"),
    [
        ("none", Call("none")),
        (" none ( ) ", Call("none")),
        ("f(-1.5e-3, +2, .5, 1e5, 200/s, 5%)", None),
        ("f('a b', \"c,)\")", Call("f", ("a b", "c,)"))),
        ("f([1, [2], word], x=g(y=h(1)))", None),
        ("f(1, 2,)", Call("f", (number(1), number(2)))),
    ],
)
def test_spellings(text, call):
    parsed = parse_call(text)
    assert call is None or parsed == call


def test_nested_calls_and_lists():
    call = parse_call("mixture(components=[exponential(20ms), constant(1)], weights=[0.9, 1e-1])")
    assert call.named["components"] == [
        Call("exponential", (Quantity(0.02, "time"),)),
        Call("constant", (number(1),)),
    ]
    assert call.named["weights"] == [number(0.9), number(0.1)]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "must begin with a name"),
        ("20ms", "must begin with a name"),
        ("f(", "does not end"),
        ("f(1", "does not end"),
        ("f([1", "does not end"),
        ("f(1 2)", r"',' or '\)' is missing"),
        ("f(1))", "left over"),
        ("f(,)", "is missing"),
        ("f(a=1, a=2)", "given twice"),
        ("f(a=1, 2)", "without a name follows"),
        ("f(g(1)=2)", "one word"),
        ("f(a=)", "is missing"),
        ("f(1;2)", "no meaning"),
        ("f(20mss)", "no unit"),
        ("f('a)", "no meaning"),
        ("__import__('os').system('ls')", "no meaning"),
        ("f(" * 20 + ")" * 20, f"deeper than {DEEPEST_NESTING}"),
        (f"f({'1,' * (MOST_ITEMS + 1)})", f"more than {MOST_ITEMS}"),
        (f"f([{'1,' * (MOST_ITEMS + 1)}])", f"more than {MOST_ITEMS}"),
        ("f(" + "1" * 200 + ")", "too long"),
        ("x" * 20_000, "longer than"),
    ],
)
def test_what_is_no_call_is_refused_with_the_reason(text, why):
    with pytest.raises(ValueError, match=why):
        parse_call(text)


@given(st.text() | st.text(alphabet="f(1,)=[]'\"a .-+e/s%"))
def test_any_text_is_a_call_or_a_value_error(text):
    message = ""
    try:
        assert isinstance(parse_call(text), Call)
    except ValueError as error:
        message = str(error)
    assert len(message.splitlines()) <= 1


NAMES = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True)
LITERALS = st.recursive(
    st.builds(
        Quantity,
        st.floats(allow_nan=False, allow_infinity=False),
        st.sampled_from(("time", "rate", "bytes", "number")),
    )
    | NAMES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.builds(Call, NAMES, st.lists(inner, min_size=1, max_size=3).map(tuple))
    ),
    max_leaves=6,
)


def written(literal: object) -> str:
    if isinstance(literal, Quantity):
        return format_quantity(literal.value, literal.dimension)
    if isinstance(literal, list):
        return f"[{', '.join(written(item) for item in literal)}]"
    if isinstance(literal, Call):
        named = [f"{name}={written(value)}" for name, value in literal.named.items()]
        return f"{literal.name}({', '.join([*map(written, literal.positional), *named])})"
    return str(literal)


@given(
    st.builds(
        Call,
        NAMES,
        st.lists(LITERALS, max_size=3).map(tuple),
        st.dictionaries(NAMES, LITERALS, max_size=3),
    )
)
def test_a_written_call_reads_back_to_the_same(call):
    assert parse_call(written(call)) == call
