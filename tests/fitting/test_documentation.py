"""The examples of docs/fitting.md give what the page shows."""

import doctest
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "fitting.md"


def test_examples_of_the_page_are_so():
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    failed, tried = doctest.testfile(str(PAGE), module_relative=False, optionflags=flags)
    assert failed == 0
    assert tried > 20


def test_the_readme_leads_to_the_page():
    assert "(docs/fitting.md)" in (PAGE.parents[1] / "README.md").read_text("utf-8")
