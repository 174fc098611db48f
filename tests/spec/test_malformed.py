"""Malformed files: two hundred of them, and any text at all, give one line each and nothing else.

Every file is made from a bundled scenario by one mutation that certainly breaks it. The mutations
are drawn with a fixed seed, so it is always the same two hundred files.
"""

import random
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from eda_sim.spec import Scenario, ScenarioError, bundled_text, load
from eda_sim.spec.writing import to_yaml
from eda_sim.spec.yaml import read_document

FILES = 200
Mutation = Callable[[random.Random, str], str | bytes]
MUTATIONS: list[Mutation] = []

# Fields that exist, in contrast to names that the author of a scenario has chosen.
FIELD = re.compile(
    r"^( *(?:- \{)?)(name|seed|duration|warmup|producers|channels|consumers|faults|to|rate|key|size"
    r"|link|partitions|append|reads|instances|service|dedup|subscription|settle|crash)(?=:)",
    re.MULTILINE,
)
NUMBERS = re.compile(r"(?<=[ (=])(\d[\d.]*)(ns|us|ms|s|min|h|/s|KB|)(?=[,)}\n])")


def mutation(function: Mutation) -> Mutation:
    MUTATIONS.append(function)
    return function


def leaves(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    pairs = data.items() if isinstance(data, dict) else enumerate(data)
    for key, value in pairs:
        if isinstance(value, dict | list) and value:
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key)


def with_leaf(chance: random.Random, text: str, value: Any, *, only: str = "") -> str:
    """Replace one value of a scenario, in a field of this name if one is given."""
    data = read_document(text).data
    paths = [path for path in leaves(data) if not only or path[-1] == only]
    *parents, last = chance.choice(paths)
    here = data
    for part in parents:
        here = here[part]
    here[last] = value
    return to_yaml(data)


def insert_line(chance: random.Random, text: str, line: str) -> str:
    lines = text.splitlines()
    lines.insert(chance.randint(1, len(lines)), line)
    return "\n".join(lines) + "\n"


@mutation
def rename_a_field(chance, text):
    match = chance.choice(list(FIELD.finditer(text)))
    letters = list(match[2])
    letters.insert(chance.randrange(len(letters)), chance.choice("qxz_"))
    return text[: match.start(2)] + "".join(letters) + text[match.end(2) :]


@mutation
def remove_a_required_field(chance, text):
    name = chance.choice(("name:", "producers:", "channels:"))
    blocks = re.split(r"^(?=[a-z]+:)", text, flags=re.MULTILINE)
    return "".join(block for block in blocks if not block.startswith(name))


@mutation
def take_a_wrong_type(chance, text):
    wrong = ([[]], {"bogus": 1}, [[1, 2], 3], {"a": {"b": []}})
    return with_leaf(chance, text, chance.choice(wrong))


@mutation
def take_a_wrong_word(chance, text):
    words = ("soon", "-", "3 apples", "0x", "twenty ms", "20ms 30ms", "20 m s", "20MS", "1/2/3")
    field = chance.choice(("duration", "rate", "service"))
    return with_leaf(chance, text, chance.choice(words), only=field)


@mutation
def leave_the_bounds(chance, text):
    match = chance.choice(list(NUMBERS.finditer(text)))
    number = chance.choice(("-1", "-0.5", "1e300", "9" * 39, "1e999"))
    return f"{text[: match.start()]}{number}{match[2]}{text[match.end() :]}"


@mutation
def be_no_number(chance, text):
    value = chance.choice((float("nan"), float("inf"), -float("inf"), 10**30, -1, True))
    field = chance.choice(("duration", "rate", "service", "warmup", "instances", "partitions"))
    data = read_document(text).data
    if not any(path[-1] == field for path in leaves(data)):
        field = "duration"
    written = with_leaf(chance, text, value, only=field)
    return (
        written.replace(": nan", ": .nan").replace(": inf", ": .inf").replace(": -inf", ": -.inf")
    )


@mutation
def break_a_reference(chance, text):
    field = chance.choice(("to", "reads"))
    name = chance.choice(("nowhere", "order", "Jobs", "queues", "a.b", "orders/0", ""))
    return with_leaf(chance, text, name, only=field)


@mutation
def crash_something_else(chance, text):
    target = chance.choice(("nobody", "nobody/0", "workers/99", "billing/6", "a/b/c", "/0", "x/-1"))
    return f"{text.partition('faults:')[0]}faults: [{{crash: {target}, at: 1s, lasts: 1s}}]\n"


@mutation
def damage_the_syntax(chance, text):
    bits = ("{", "}", "[", "]", "'", '"', "`", "@x", "%", "a: b: c", ": :", "- - -:", "\tx: 1", "|")
    return insert_line(chance, text, chance.choice(bits) + chance.choice(("", " ", "x")))


@mutation
def indent_wrongly(chance, text):
    lines = text.splitlines()
    inner = [number for number, line in enumerate(lines) if line.startswith("    ")]
    if inner:
        number = chance.choice(inner)
        lines[number] = " " + lines[number].lstrip()
    else:
        lines.insert(len(lines) - 1, f" wrong{chance.randint(0, 9)}: 1")
    return "\n".join(lines) + "\n"


@mutation
def add_a_tag(chance, text):
    tags = ("!!python/object/apply:os.system", "!!python/name:os.system", "!!binary", "!x", "!!set")
    match = chance.choice(list(FIELD.finditer(text)))
    return f"{text[: match.end() + 1]} {chance.choice(tags)}{text[match.end() + 1 :]}"


@mutation
def add_an_anchor_or_an_alias(chance, text):
    match = chance.choice(list(FIELD.finditer(text)))
    mark = chance.choice(("&a", "*a", "&b0", "*undefined"))
    return f"{text[: match.end() + 1]} {mark}{text[match.end() + 1 :]}"


@mutation
def laugh_a_billion_times(chance, text):
    levels = "\n".join(
        f"l{number}: &l{number} [{', '.join([f'*l{number - 1}'] * 9)}]" for number in range(1, 9)
    )
    return f"l0: &l0 [{'ha, ' * chance.randint(5, 50)}]\n{levels}\n{text}"


@mutation
def repeat_a_key(chance, text):
    match = chance.choice(
        list(re.finditer(r"^(name|duration|producers|channels)(?=:)", text, re.MULTILINE))
    )
    return f"{text}{match[1]}: again{chance.randint(0, 99)}\n"


@mutation
def nest_deeply(chance, text):
    depth = chance.randint(33, 2000)
    opening, closing = chance.choice((("[", "]"), ("{a: ", "}"), ("- ", "")))
    return f"{text}deep: {opening * depth}{closing * depth}\n"


@mutation
def nest_a_call_deeply(chance, text):
    depth = chance.randint(9, 300)
    return with_leaf(chance, text, "mixture([" * depth + "])" * depth, only="service")


@mutation
def garble_a_call(chance, text):
    calls = (
        "lognormal(mean=20ms, p99=90ms",
        "lognormal(mean=20ms p99=90ms)",
        "lognormal(mean=20ms, p99=2h)",
        "lognormal(mean=20ms, mean=20ms, cv=1)",
        "exponential()",
        "exponential(mean=20KB)",
        "erlang(20ms, 0)",
        "gamma(1, 2)",
        "__import__('os').system('true')",
        "constant(20ms); constant(30ms)",
        "empirical(file='/etc/hostname')",
        "empirical(file='" + "../" * 9 + "etc/hostname')",
    )
    return with_leaf(chance, text, chance.choice(calls), only="service")


@mutation
def add_a_document(chance, text):
    return text + chance.choice(
        ("---\nname: b\n", "...\n---\n", "--- 3\n", "...\n%YAML 1.1\n---\na\n")
    )


@mutation
def add_a_directive(chance, text):
    return chance.choice(("%YAML 1.1\n", "%YAML 3.0\n", "%TAG ! x:\n")) + "---\n" + text


@mutation
def use_a_key_that_is_no_text(chance, text):
    key = chance.choice(("1", "null", "true", "~", ".inf", "[a]", "{a: b}", "? [b]\n", "1.5"))
    return f"{text}{key}: {chance.randint(0, 9)}\n"


@mutation
def be_binary(chance, text):
    noise = bytes(chance.randrange(256) for _ in range(chance.randint(1, 400)))
    at = chance.randrange(len(text))
    return text[:at].encode() + b"\xff\x00" + noise + text[at:].encode()


@mutation
def hold_a_forbidden_character(chance, text):
    at = chance.randrange(len(text))
    return text[:at] + chance.choice("\x00\x01\x08\x1b\x7f\ufffe\uffff") + text[at:]


@mutation
def be_huge(chance, text):
    filler, most = chance.choice(
        (("# {}\n", 200), ("- {}\n", 180), ("x {}\n", 190), ("k{}: 1\n", 60))
    )
    count = 1000 * most + chance.randint(0, 9)
    return text + "".join(filler.format(number) for number in range(count))


@mutation
def be_something_else(chance, text):
    others = (
        "",
        "\n\n",
        "# nothing\n",
        "null\n",
        "[]\n",
        "3\n",
        "just text\n",
        '{"a": 1}\n',
        "{}\n",
    )
    return chance.choice(others) + "#" * chance.randint(0, 99)


def malformed_files() -> list[tuple[str, str | bytes]]:
    chance = random.Random(20240229)
    texts = [bundled_text(name) for name in ("checkout", "crash", "mm1")]
    files: dict[str | bytes, str] = {}
    attempt = 0
    while len(files) < FILES:
        mutate = MUTATIONS[attempt % len(MUTATIONS)]
        attempt += 1
        files.setdefault(mutate(chance, chance.choice(texts)), mutate.__name__)
    return [(name, content) for content, name in files.items()]


@pytest.fixture(scope="module")
def refusals(tmp_path_factory) -> list[tuple[str, str, str]]:
    """Mutation, path and error of every file."""
    folder = tmp_path_factory.mktemp("malformed")
    found = []
    for number, (name, content) in enumerate(malformed_files()):
        path = folder / f"{number}.yaml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        with pytest.raises(ScenarioError) as caught:
            load(path)
        assert type(caught.value) is ScenarioError
        assert caught.value.__cause__ is None
        found.append((name, str(path), str(caught.value)))
    return found


def test_two_hundred_malformed_files_give_two_hundred_lines(refusals):
    assert len(refusals) == FILES
    assert {name for name, _, _ in refusals} == {function.__name__ for function in MUTATIONS}
    for _, path, line in refusals:
        assert len(line.splitlines()) == 1, line
        assert line.isprintable(), line
        assert re.match(rf"{re.escape(path)}:(\d+:)? \S", line), line
        assert len(line) < len(path) + 400, line


def test_nearly_every_line_knows_its_line(refusals):
    known = [line for _, _, line in refusals if re.search(r"\.yaml:\d+: ", line)]
    assert len(known) > 0.9 * FILES  # all but what is too large or has nothing in it


CAUSES = {
    "rename_a_field": "unknown field|names no kind of fault",
    "remove_a_required_field": "is missing",
    "take_a_wrong_type": "is not valid: must be|unknown field 'bogus'|is missing",
    "leave_the_bounds": "is not valid: must be",
    "be_no_number": "is not valid: must be",
    "break_a_reference": "no channel|is not a name",
    "crash_something_else": "no consumer|no instance|must be a (consumer|name)|is not a name",
    "damage_the_syntax": "not YAML|key",
    "indent_wrongly": "not YAML",
    "add_a_tag": "a tag",
    "add_an_anchor_or_an_alias": "an anchor|an alias",
    "laugh_a_billion_times": "an anchor",
    "repeat_a_key": "duplicate key",
    "nest_deeply": "nested deeper|not YAML: sequence entries",
    "nest_a_call_deeply": "nested deeper",
    "add_a_document": "a second document|directive|not YAML",
    "add_a_directive": "directive|not YAML",
    "be_binary": "not UTF-8",
    "hold_a_forbidden_character": "a character that YAML does not allow",
    "be_huge": "larger than|more than",
}


def test_the_line_names_the_cause(refusals):
    for name, _, line in refusals:
        assert re.search(CAUSES.get(name, ""), line), (name, line)


def only_a_scenario_error(text: str) -> None:
    try:
        assert isinstance(load(text + "\n"), Scenario)
    except ScenarioError as error:
        line = str(error)
    else:
        return
    assert len(line.splitlines()) == 1
    assert line.isprintable()


@given(st.text())
@example('a: "\\ud800"')
@example('"\\U99999999": 1')
@example("? |\n")
@example("\ufeff")
@example("a: !<x> b")
@example("%TAG")
@example("[" * 50)
def test_any_text_gives_one_line(text):
    only_a_scenario_error(text)


@given(st.text(alphabet=" \n-:?,[]{}#&*!|>'\"%@`ab10.~\t", max_size=60))
def test_any_heap_of_marks_gives_one_line(text):
    only_a_scenario_error(text)


SMALL = bundled_text("mm1")


@given(
    st.lists(
        st.tuples(st.integers(0, len(SMALL)), st.integers(0, 12), st.text(max_size=6)), max_size=5
    )
)
def test_any_edit_of_a_scenario_gives_one_line_or_a_scenario(edits):
    text = SMALL
    for at, length, new in edits:
        text = text[:at] + new + text[at + length :]
    only_a_scenario_error(text)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.binary(max_size=4)
    | st.sampled_from(("orders", "20ms", "1/s", "exponential(1s)", "none"))
    | st.builds(object),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ("to", "rate", "reads", "service", "type", "mean", "crash", "at", "values")
            )
            | st.text(max_size=4)
            | st.integers(),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)


@given(
    st.dictionaries(
        st.sampled_from(tuple(Scenario.model_json_schema()["properties"])), VALUES, max_size=12
    )
)
def test_any_python_value_gives_one_line(data):
    base = {"name": "a", "messages": 1, "channels": {"orders": {}}}
    try:
        Scenario.model_validate({**base, **data})
    except ScenarioError as error:
        line = str(error)
    else:
        return
    assert len(line.splitlines()) == 1
    assert line.isprintable()


@given(st.text(max_size=12), VALUES)
def test_any_replacement_gives_one_line_or_a_scenario(path, value):
    scenario = load("mm1")
    for whole in (path, f"consumers.worker.{path}", f"producers.clients.{path}"):
        try:
            assert isinstance(scenario.replace({whole: value}), Scenario)
        except ScenarioError as error:
            line = str(error)
        else:
            continue
        assert len(line.splitlines()) == 1
