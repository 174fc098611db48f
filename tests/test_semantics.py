"""The rules of docs/semantics and the tests that name them: neither without the other."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "docs" / "semantics.md", *sorted((ROOT / "docs" / "semantics").glob("*.md"))]
RULE = re.compile(r"^- \*\*([A-Z]\d+) ", re.MULTILINE)


def rules_in_pages() -> list[str]:
    return [rule for page in PAGES for rule in RULE.findall(page.read_text(encoding="utf-8"))]


def rules_in_tests() -> set[str]:
    named: set[str] = set()
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            is_mark = isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.rule"
            if is_mark:
                named.update(ast.literal_eval(argument) for argument in node.args)
    return named


def test_each_rule_has_one_number_and_one_place():
    rules = rules_in_pages()
    assert len(rules) > 20
    assert len(rules) == len(set(rules))


def test_each_rule_is_checked_and_each_test_names_a_rule_that_exists():
    pages, tests = set(rules_in_pages()), rules_in_tests()
    assert sorted(pages - tests) == [], "rules that no test names"
    assert sorted(tests - pages) == [], "rules that no page has"


def test_each_page_of_rules_is_in_the_index():
    index = PAGES[0].read_text(encoding="utf-8")
    for page in PAGES[1:]:
        assert f"semantics/{page.name}" in index
