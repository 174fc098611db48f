"""``eda-sim brokers``: every default with its source, for people and for scripts."""

import json

import pytest
from click.testing import CliRunner

from eda_sim.cli import main
from eda_sim.spec import brokers


def eda_sim_command(*arguments):
    return CliRunner().invoke(main, ["brokers", *arguments], prog_name="eda-sim")


def succeed(*arguments) -> str:
    result = eda_sim_command(*arguments)
    assert result.exit_code == 0, result.stderr
    return result.stdout


def test_the_list_names_every_broker_once_with_its_version():
    lines = succeed().splitlines()
    assert [line.split()[0] for line in lines] == list(brokers())
    for line, broker in zip(lines, brokers().values(), strict=True):
        assert broker.version in line
        assert broker.what in line
    listed = json.loads(succeed("--json"))
    assert [entry["name"] for entry in listed] == list(brokers())


@pytest.mark.parametrize("name", brokers())
def test_the_table_holds_every_default(name):
    text = succeed(name)
    assert max(map(len, text.splitlines())) <= 120
    told = json.loads(succeed(name, "--json"))
    assert told["version"] == brokers()[name].version
    assert len(told["defaults"]) == len(brokers()[name].defaults)
    for entry, item in zip(told["defaults"], brokers()[name].defaults, strict=True):
        assert item.field in text
        assert entry["field"] == item.field
        assert entry["source"] == item.source
        assert entry["chosen"] == item.chosen
    assert text.count("chosen: ") == sum(item.chosen for item in brokers()[name].defaults)


def test_an_unknown_broker_is_bad_input_with_the_nearest_name():
    result = eda_sim_command("kafak")
    assert result.exit_code == 2
    assert result.stderr == "eda-sim: error: no broker 'kafak'; did you mean 'kafka'?\n"
