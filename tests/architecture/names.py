"""Names are the field's: ``python -m tests.architecture.names`` lists those that are not.

It looks at every name that code and tests bind (modules, classes, functions, arguments, variables,
attributes) and refuses words of the project's former private dialect, British spelling, and
nouns that say nothing. It also refuses two classes of the same name.
"""

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

FOLDERS = ("zooscope", "service", "workers", "migrations", "deploy", "benchmarks", "tests")
CLIENT_TYPES = Path("zooscope/client/results.py")

# As a whole name these say nothing: name the thing that the variable holds.
EMPTY_NAMES = frozenset(
    [
        "one",
        "ones",
        "found",
        "told",
        "said",
        "seen",
        "place",
        "places",
        "known",
        "given",
        "kept",
        "heard",
    ]
)

# As a part of any name these are not what the field says.
DIALECT = frozenset(
    [
        "nursery",
        "nurseries",
        "cradle",
        "fate",
        "fates",
        "mouth",
        "ear",
        "ears",
        "bell",
        "bells",
        "rung",
        "household",
        "keeper",
        "attendant",
        "wish",
        "wishes",
        "adoption",
        "harvest",
        "hearer",
        "hearers",
        "heard",
        "diary",
        "lesson",
        "lessons",
        "exam",
        "exams",
        "player",
        "players",
        "door",
        "doors",
        "surroundings",
        "misfit",
        "misfits",
        "town",
        "farm",
        "classroom",
        "tidying",
        "intake",
        "awaited",
        "told",
        "seen",
        "anew",
        "whoever",
    ]
)
BRITISH = re.compile(
    r"(neighbour|colour|licence|centr(e|ing)$|grey|behaviour|label(led|ling)"
    r"|(normal|initial|optim|serial|general|regular|organ|summar|quant|random|factor|polar|local)is(e|ed|er|es|ing|ation))"
)


@dataclass(frozen=True)
class RefusedName:
    """A name that is refused, and where it is bound."""

    path: Path
    line: int
    text: str


def words_of(name: str) -> list[str]:
    """The words of a name in snake case or camel case, in lower case."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]


def refused(name: str) -> bool:
    """Whether the vocabulary refuses the name."""
    words = words_of(name)
    return name.strip("_") in EMPTY_NAMES or any(
        word in DIALECT or BRITISH.search(word) is not None for word in words
    )


def bound_names(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every name that a module binds, with its line; imported names belong to where they are made."""
    for node in ast.walk(tree):
        match node:
            case (
                ast.ClassDef(name=name)
                | ast.FunctionDef(name=name)
                | ast.AsyncFunctionDef(name=name)
            ):
                yield name, node.lineno
            case ast.arg(arg=name):
                yield name, node.lineno
            case ast.Name(id=name, ctx=ast.Store()):
                yield name, node.lineno
            case ast.Attribute(attr=name, ctx=ast.Store()):
                yield name, node.lineno
            case ast.alias(asname=str(name)):
                yield name, node.lineno


def modules(root: Path) -> Iterator[tuple[Path, ast.Module]]:
    """Every module that people wrote, with its syntax tree; generated ones are left out."""
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*.py")):
            if "stubs" not in path.parts and path.relative_to(root) != CLIENT_TYPES:
                yield path.relative_to(root), ast.parse(path.read_text())


def refused_names(root: Path) -> Iterator[RefusedName]:
    """Names that the vocabulary refuses, then class names that mean several classes."""
    classes: dict[str, list[tuple[Path, int]]] = defaultdict(list)
    for path, tree in modules(root):
        names = [(f"module {path.stem}", path.stem, 1)]
        names += [(name, name, line) for name, line in bound_names(tree)]
        yield from (RefusedName(path, line, text) for text, name, line in names if refused(name))
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                classes[node.name].append((path, node.lineno))
    yield from _repeated_classes(classes)


def _repeated_classes(classes: Mapping[str, list[tuple[Path, int]]]) -> Iterator[RefusedName]:
    """Classes whose name another class has, so that a search finds two things."""
    for name, positions in sorted(classes.items()):
        if len(positions) > 1:
            for path, line in positions:
                yield RefusedName(path, line, f"class {name} is one of {len(positions)}")


def main() -> int:
    """Print every finding; the exit status is 1 if there is any."""
    root = Path(__file__).resolve().parents[2]
    findings = [*refused_names(root)]
    for finding in findings:
        sys.stdout.write(f"{finding.path}:{finding.line}: {finding.text}\n")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
