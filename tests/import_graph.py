"""What each module of nonplus imports, according to its source.

Imports inside functions and by name count. An import by name is one of
``import_module``, ``__import__`` and ``require`` with a literal, or with an entry of a
table: a dictionary in the same file that spells out the modules. ``opener(GROUP, …)``
stands for every module that the group's schemes name.
"""

import ast
import sys
from collections.abc import Collection, Iterator
from pathlib import Path

from nonplus import optional

SOURCE = Path(__file__).resolve().parent.parent / "src" / "nonplus"
LOADERS = {"import_module", "__import__", "require"}
# Not third parties: NumPy is everywhere, and only type checkers know _typeshed.
EVERYWHERE = {"nonplus", "numpy", "_typeshed"}


def modules() -> dict[str, Path]:
    """Every module by its dotted name."""
    named = {}
    for path in sorted(SOURCE.rglob("*.py")):
        parts = path.relative_to(SOURCE.parent).with_suffix("").parts
        named[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return named


def imports() -> dict[str, set[str]]:
    """What each module imports, by dotted names."""
    ours = modules()
    return {name: imported(path.read_text(encoding="utf-8"), name, ours) for name, path in ours.items()}


def imported(source: str, name: str, ours: Collection[str]) -> set[str]:
    """What the module ``name`` with this source imports.

    Raises:
        ValueError: an import by name is neither a literal nor an entry of a table.
    """
    tree = ast.parse(source)
    found: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=aliases):
                found |= {alias.name for alias in aliases}
            case ast.ImportFrom(module=str(module), names=aliases):
                whole = {f"{module}.{alias.name}" for alias in aliases}
                found |= {each if each in ours else module for each in whole}
            case ast.Call(func=ast.Name(id=function) | ast.Attribute(attr=function), args=[first, *_]):
                # optional.py has the loaders; their callers decide what they load.
                if function in LOADERS and name != "nonplus.optional":
                    found |= set(_loaded(first, tree, name, ours))
                elif function == "opener":
                    found |= {path.partition(":")[0] for path in _openers(first)}
    return found - {name}


def third_parties(dotted: Collection[str]) -> set[str]:
    """Those of the packages that are neither ours nor Python's."""
    return {each.partition(".")[0] for each in dotted} - sys.stdlib_module_names - EVERYWHERE


def _loaded(argument: ast.expr, tree: ast.Module, name: str, ours: Collection[str]) -> Iterator[str]:
    if isinstance(argument, ast.Constant):
        yield str(argument.value)
        return
    spelled = {
        value
        for table in _tables(argument, tree)
        for value in (node.value for node in ast.walk(table) if isinstance(node, ast.Constant))
        if value in ours
    }
    if not spelled:
        raise ValueError(f"{name}, line {argument.lineno}: spell out what {ast.unparse(argument)} may import")
    yield from spelled


def _tables(argument: ast.expr, tree: ast.Module) -> Iterator[ast.Dict]:
    names = {node.id for node in ast.walk(argument) if isinstance(node, ast.Name)}
    for statement in tree.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=target)], value=ast.Dict() as table) if target in names:
                yield table


def _openers(group: ast.expr) -> Collection[str]:
    assert isinstance(group, ast.Name), f"line {group.lineno}: name the group of schemes"
    return optional.SCHEMES[getattr(optional, group.id)].values()
