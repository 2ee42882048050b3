"""What single statements use, bind and do, each read by hand."""

import ast

import pytest

from toymodels.run.statements import (
    acts,
    all_define,
    imports_of,
    names_bound_by,
    names_used_by,
    touches,
)


def statement(text):
    (node,) = ast.parse(text).body
    return node


@pytest.mark.parametrize(
    ("text", "used"),
    [
        ("x = a + b[c].d", {"x", "a", "b", "c"}),
        ("def f(x: Kind, *more: Other, y=default) -> Result:\n    return x(g)", {"default", "x", "g"}),
        ("x: Kind = a", {"x", "Kind", "a"}),  # this one is evaluated
        ("@wrap(a)\nclass C(Base, metaclass=Meta):\n    n: int = b", {"wrap", "a", "Base", "Meta", "n", "int", "b"}),
        ("lambda x: [y for y in x if z]", {"x", "y", "z"}),
        ("import numpy as np", set()),
        ("if a:\n    f(1)\nelse:\n    g(*b, **c)", {"a", "f", "g", "b", "c"}),
    ],
)
def test_names_that_are_looked_up_when_a_statement_runs(text, used):
    assert names_used_by(statement(text)) == used


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("def f(): pass", {"f"}),
        ("async def f(): pass", {"f"}),
        ("class C: pass", {"C"}),
        ("import a.b.c, d.e as f, g", {"a", "f", "g"}),
        ("from a.b import c, d as e", {"c", "e"}),
        ("from a import *", {"*"}),
        ("from __future__ import annotations", {"annotations"}),
        ("from a import annotations, b", {"b"}),
        ("x = y = 1", {"x", "y"}),
        ("x, (y, *z) = w", {"x", "y", "z"}),
        ("x: int = 1", {"x"}),
        ("x += 1", {"x"}),
        ("f(x)", set()),
        ("for x in y: pass", set()),
    ],
)
def test_names_that_a_statement_defines(text, bound):
    assert names_bound_by(statement(text)) == bound


@pytest.mark.parametrize(
    ("text", "does"),
    [
        ("'words'", False),
        ("put(1)", True),
        ("x = put(1)", False),
        ("x.y = 1", True),
        ("x[0] = 1", True),
        ("x = y[0] = 1", True),
        ("x += 1", False),
        ("x.y += 1", True),
        ("x[0] += 1", True),
        ("x: int = 1", False),
        ("if TYPE_CHECKING:\n    import a", False),
        ("if TYPE_CHECKING:\n    import a\nelse:\n    put(1)", True),
        ("if __name__ == '__main__':\n    put(1)", False),
        ("if __name__ == '__main__':\n    put(1)\nelse:\n    put(2)", True),
        ("if a:\n    put(1)", True),
        ("for x in y:\n    put(x)", True),
        ("def f(): return put(1)", False),
        ("@lru_cache(maxsize=1)\ndef f(): pass", False),
        ("@functools.lru_cache\ndef f(): pass", False),
        ("@dataclasses.dataclass(frozen=True)\nclass C: pass", False),
        ("@register\ndef f(): pass", True),
        ("@lru_cache\n@register(1)\nclass C: pass", True),
        ("@wraps(g)\nasync def f(): pass", True),  # the module has a `wraps` of its own
        ("pass", False),
        ("del x", True),
        ("import a", False),
        ("from a import *", False),
    ],
)
def test_what_a_statement_does_besides_giving_values_to_names(text, does):
    node = statement(text)
    assert acts(node, names_bound_by(node), {"wraps", "other"}) is does


def test_a_usual_decorator_acts_where_the_module_has_one_of_its_name():
    node = statement("@functools.lru_cache\ndef f(): pass")
    assert not acts(node, {"f"}, {"lru_cache"})
    assert acts(node, {"f"}, {"functools"})


@pytest.mark.parametrize(
    ("text", "define"),
    [
        ("def f(): pass\nclass C: pass\nimport a\nfrom b import c", True),
        ("def f(): pass\nf = 3", False),
        ("x = 1", False),
        ("", True),
    ],
)
def test_definitions_and_imports_hand_on_what_they_name_unchanged(text, define):
    assert all_define(ast.parse(text).body) is define


@pytest.mark.parametrize(
    ("text", "touched"),
    [
        ("y = table.update(a=1)", True),
        ("y = table.rows[0].append(1)", True),
        ("y = [table.get(k) for k in other]", True),
        ("y = update(value)", True),
        ("y = other.update(1, value)", True),
        ("y = other.update(table)", False),  # a function that is only handed on
        ("y = other.update(1)", False),
        ("y = table.rows", False),
        ("y = value", False),
        ("y = make().update(1)", False),
        ("class C(table): pass", True),
        ("class C(other, table): pass", True),
        ("class C(other): pass", False),
        ("@dataclass\nclass C(table): pass", False),  # its fields are its own
    ],
)
def test_an_assignment_touches_what_it_calls_something_on_or_with(text, touched):
    assert touches(statement(text), {"table", "value"}, {"value"}) is touched


def test_imports_are_told_as_written_with_the_names_taken():
    text = "import a.b, c as d\nfrom e import f as g, h\nfrom . import i\nfrom ..j.k import l\nx = 1\n"
    assert imports_of(ast.parse(text).body) == [
        ("a.b", ()),
        ("c", ()),
        ("e", ("f", "h")),
        (".", ("i",)),
        ("..j.k", ("l",)),
    ]
