"""What the documents say is so: their scenarios load, their code runs, their commands exist."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

import eda_sim
from eda_sim.cli import main

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
DOCUMENTS = ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", ".github/CONTRIBUTING.md"]
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")


def blocks(language: str) -> list[str]:
    """The fenced blocks of the README in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def shell_lines() -> list[str]:
    lines = "\n".join(blocks("")).splitlines()
    return [line.partition("  #")[0].strip() for line in lines if line.strip()]


def test_scenario_of_the_readme_is_valid_and_runs():
    (text,) = blocks("yaml")
    scenario = eda_sim.load(text)
    run = eda_sim.run(scenario.replace({"duration": "5s"}))
    assert len(run.messages) > 500


def test_python_of_the_readme_runs():
    (code,) = blocks("python")
    quick = 'es.load("checkout").replace({"duration": "4min", "producers.checkout.rate": "20/s"})'
    assert code.count('es.load("checkout")') == 1
    names: dict[str, object] = {}
    exec(code.replace('es.load("checkout")', quick), names)
    assert names["run"].scenario.consumers["billing"].instances == 8


def test_error_that_the_readme_shows_is_the_one_that_comes(tmp_path):
    (shown,) = re.findall(r"`my-system\.yaml:\d+: (.*)`", README)
    (text,) = blocks("yaml")
    path = tmp_path / "my-system.yaml"
    path.write_text(text.replace("reads: orders", "reads: ordres"))
    with pytest.raises(eda_sim.ScenarioError) as caught:
        eda_sim.load(path)
    assert str(caught.value).endswith(shown)


def test_commands_of_the_readme_exist_with_their_options():
    commands = [line.split()[1:] for line in shell_lines() if line.startswith("eda-sim ")]
    shown = {"run", "plot", "scenarios", "check", "sweep", "compare", "size"}
    assert {words[0] for words in commands} >= shown
    for words in commands:
        options = {
            option for parameter in main.commands[words[0]].params for option in parameter.opts
        }
        assert {word for word in words if word.startswith("--")} <= options


def test_make_targets_of_the_documents_exist():
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    (phony,) = re.findall(r"^\.PHONY: (.*)", MAKEFILE, re.MULTILINE)
    assert set(phony.split()) == targets
    for document in DOCUMENTS:
        text = (ROOT / document).read_text("utf-8")
        named = re.findall(r"`make ([a-z-]+)", text) + re.findall(
            r"^make ([a-z-]+)", text, re.MULTILINE
        )
        assert set(named) <= targets, document


def test_every_make_target_is_explained():
    for line in re.findall(r"^[a-z-]+:.*", MAKEFILE, re.MULTILINE):
        assert "## " in line


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document):
    path = ROOT / document
    text = path.read_text("utf-8")
    for target in re.findall(r"\]\(([^)#]+)", text):
        if not target.startswith("https://"):
            assert (path.parent / target).exists(), target
    anchors = {
        re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.*)", text, re.MULTILINE)
    }
    assert set(re.findall(r"\]\(#([^)]+)", text)) <= anchors


def test_exit_codes_in_the_help_are_those_of_the_code():
    from eda_sim.cli.failures import ExitCode

    text = CliRunner().invoke(main, ["--help"]).output
    described = {int(code) for code in re.findall(r"^    (\d+) ", text, re.MULTILINE)}
    assert described == {
        ExitCode.OK,
        ExitCode.FAILED_CHECK,
        ExitCode.BAD_INPUT,
        ExitCode.INTERRUPTED,
    }
