"""The evidence page as a notebook: in step with the page, run, and the same when made again."""

import importlib
import re
from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner

import eda_sim as es
from eda_sim.cli import main
from eda_sim.evidence import coverage, engines, verdicts
from eda_sim.evidence.notebook import ASKED, answered, notebook
from eda_sim.evidence.page import verdicts_on

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "evidence.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def stored():
    return nbformat.read(DOCS / "evidence.ipynb", as_version=4)


def facts(made):
    return [(cell.id, cell.cell_type, cell.source) for cell in made.cells]


def test_the_notebook_of_the_documentation_is_in_step_with_the_page(stored):
    nbformat.validate(stored)
    assert facts(stored) == facts(notebook(PAGE))
    shown = "\n".join(cell.source for cell in stored.cells)
    assert verdicts_on(shown) == verdicts_on(PAGE)


def test_every_code_cell_was_run_and_names_no_machine(stored):
    code = [cell for cell in stored.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == [1, 2, 3]
    for cell in code:
        (output,) = cell.outputs
        assert output.output_type == "execute_result"
        assert not re.search(r"0x[0-9a-f]{6}|/home/|/root/|/tmp/", str(output.data))
        assert set(cell.metadata) == set()
    assert ["True"] * len(ASKED) == re.findall(r"\bTrue\b", code[0].outputs[0].data["text/plain"])


def test_cells_are_run_and_their_results_kept():
    made = notebook("# Evidence\n\n## Records\n\nNone.\n")
    for cell in made.cells:
        if cell.cell_type == "code":
            cell.source = "print('warming up')\n1 + 1"
    for cell in answered(made).cells:
        if cell.cell_type == "code":
            (output,) = cell.outputs
            assert output.data["text/plain"] == "2"


@pytest.mark.parametrize("name", ["evidence.html", "evidence"])
def test_other_kinds_of_files_are_refused_at_once(name, tmp_path, monkeypatch):
    monkeypatch.setattr(verdicts, "computed_table", pytest.fail)
    result = CliRunner().invoke(main, ["evidence", "--out", str(tmp_path / name)])
    assert result.exit_code == 2
    assert ".md (Markdown) or .ipynb (a notebook)" in result.output
    assert not (tmp_path / name).exists()


def test_who_has_no_kernel_is_told_what_to_install(tmp_path, monkeypatch):
    module = importlib.import_module("eda_sim.cli.evidence")  # the command has the same name
    monkeypatch.setattr(module, "find_spec", lambda name: None if name == "ipykernel" else name)
    result = CliRunner().invoke(main, ["evidence", "--out", str(tmp_path / "x.ipynb")])
    assert result.exit_code == 2
    assert "install 'eda-sim[lab]'" in result.output


def test_one_command_writes_both_and_a_cell_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    some = verdicts.computed_table()
    monkeypatch.setattr(verdicts, "computed_table", lambda: some)
    monkeypatch.setattr(verdicts, "simulated_table", lambda: some.iloc[:0])
    table = engines.engines_table(messages=20)
    monkeypatch.setattr(engines, "engines_table", lambda **_: table)
    covered = coverage.coverage(experiments=20, seed=1)
    monkeypatch.setattr(coverage, "coverage", lambda **_: covered)
    monkeypatch.setattr("eda_sim.evidence.notebook._RATE", "1 + 1")
    monkeypatch.setattr("eda_sim.evidence.notebook._ASK", "2 + 2")
    monkeypatch.setattr("eda_sim.evidence.notebook._CHECK", "3 + 3")
    page, book = tmp_path / "x.md", tmp_path / "x.ipynb"
    wanted = ["evidence", "--out", str(page), "--out", str(book)]
    result = CliRunner().invoke(main, wanted)
    assert result.exit_code == 0, result.output
    assert facts(nbformat.read(book, as_version=4)) == facts(notebook(page.read_text("utf-8")))
    before = page.read_bytes(), book.read_bytes()
    monkeypatch.setattr("eda_sim.evidence.notebook._CHECK", "1 / 0")
    monkeypatch.setattr(coverage, "coverage", lambda **_: covered.iloc[:1])
    assert CliRunner().invoke(main, wanted).exit_code != 0
    assert (page.read_bytes(), book.read_bytes()) == before


def test_records_are_asked_in_the_order_given():
    table = es.evidence.ask("replicas.3", "kingman.0.8.1.0.0.25", "avail.retry")
    assert list(table["id"]) == ["replicas.3", "kingman.0.8.1.0.0.25", "avail.retry"]
    assert list(table["verdict"]) == ["simulated", "computed", "simulated"]
    assert table["agrees"].all()
    held = table[table["verdict"] == "simulated"]
    assert (held["low"] <= held["value"]).all()
    assert (held["value"] <= held["high"]).all()


def test_an_unknown_record_is_named_with_its_neighbour():
    with pytest.raises(ValueError, match=r"no record 'replica.3'.*'replicas.3'"):
        es.evidence.ask("replica.3")


def test_asking_for_nothing_says_what_can_be_asked():
    with pytest.raises(ValueError, match=r"names is empty: .* 253 records, as 'replicas.3'"):
        es.evidence.ask()
