"""The published schema: valid, complete, and of one mind with the loader."""

import copy
import json

import jsonschema
import pytest
from hypothesis import given, settings

from eda_sim.spec import bundled_text, dump, json_schema, load, scenarios
from eda_sim.spec.yaml import read_document
from tests import strategies

SCHEMA = json_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def mistakes(data: object) -> list[str]:
    return [error.message for error in VALIDATOR.iter_errors(data)]


def test_it_is_a_schema_of_draft_2020_12():
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA


@pytest.mark.parametrize("name", scenarios())
def test_bundled_scenarios_are_valid_as_written_and_as_dumped(name):
    assert mistakes(read_document(bundled_text(name)).data) == []
    assert mistakes(read_document(dump(load(name))).data) == []


@given(strategies.scenario_data(small=False))
@settings(max_examples=40)  # a validator of JSON Schema is slow
def test_every_spelling_that_loads_is_valid(data):
    assert mistakes(data) == []


@given(strategies.scenarios())
@settings(max_examples=40)
def test_every_dump_is_valid(scenario):
    assert mistakes(read_document(dump(scenario)).data) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("seed", -1),
        ("seed", "7"),
        ("duration", "10 minutes"),
        ("duration", "-1s"),
        ("duration", 0),
        ("producers.clients.rate", "8s"),
        ("producers.clients.key", "zip(1)"),
        ("producers.clients.size", "20ms"),
        ("producers.not a name", {"to": "jobs", "rate": 1}),
        ("channels.jobs", {"partitions": 0}),
        ("channels.jobs", {"partitons": 1}),
        ("consumers.worker.service", "lognrmal(mean=1s, cv=1)"),
        ("consumers.worker.service", {"mean": 1}),
        ("consumers.worker.service", {"type": "erlang", "mean": 1}),
        ("consumers.worker.reads", []),
        ("consumers.worker.settle", "later"),
        ("faults", [{"crash": "worker/-1", "at": 0, "lasts": 1}]),
        ("unknown", 1),
    ],
)
def test_what_the_loader_refuses_in_a_field_the_schema_refuses_too(path, value):
    data = copy.deepcopy(read_document(bundled_text("mm1")).data)
    *parents, last = path.split(".")
    here = data
    for part in parents:
        here = here[part]
    here[last] = value
    assert mistakes(data)


def test_every_field_is_described_with_its_default():
    parts = {"Scenario": SCHEMA, **SCHEMA["$defs"]}
    for name, part in parts.items():
        assert part["additionalProperties"] is False, name
        assert part["description"], name
        for field, schema in part["properties"].items():
            if field == "type":
                continue
            assert schema.get("description", "").endswith("."), f"{name}.{field}"
            is_optional = field not in part.get("required", ())
            if is_optional and schema.get("default", "") not in (None, ""):
                assert "default" in schema["description"], f"{name}.{field}"


def test_no_python_shines_through():
    text = json.dumps(SCHEMA)
    for word in ("given_", ">>>", "Parameters", "function-"):
        assert word not in text
