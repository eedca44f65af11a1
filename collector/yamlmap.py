"""YAML that remembers where everything stands, and refuses what no honest file holds.

Values are read as YAML 1.2 has them where 1.1 surprises: `off`, `yes` and `no` are words.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import yaml

from collector.problem import Problem, ProblemsError, quoted

Where: TypeAlias = tuple[Hashable, ...]

#: A file of 1 MiB holds some ten thousand policies; PyYAML reads it within seconds.
MAX_BYTES = 1024 * 1024
#: Nodes after aliases were followed; an honest file of the greatest size stays below.
MAX_NODES = 200_000
#: Policy files nest to about 10.
MAX_DEPTH = 50


class Mark(NamedTuple):
    """Where a value stands: its key when it has one, else itself. Counted from 1."""

    key: tuple[int, int]
    value: tuple[int, int]


@dataclass(slots=True)
class Document:
    """What a file says, and where.

    Attributes:
        path: as the user named it.
        value: mappings, lists and scalars.
        marks: of every value, by the keys and indexes that lead to it.
        lines: the file's text.
    """

    path: str
    value: Any = None
    marks: dict[Where, Mark] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)

    def problem(
        self,
        where: Where,
        message: str,
        *,
        allowed: tuple[str, ...] = (),
        found: str = "",
        advice: str = "",
        at_key: bool = False,
    ) -> Problem:
        """A problem with the value to which keys and indexes lead.

        Args:
            where: the nearest place above is named when nothing stands there.
            message: see `Problem`, as for the rest.
            allowed: what may stand there.
            found: the word to which an allowed one is suggested.
            advice: what to do.
            at_key: point to the key rather than to its value.
        """
        line, column = self.place(where, at_key=at_key)
        source = self.lines[line - 1] if 0 < line <= len(self.lines) else ""
        return Problem(self.path, line, column, message, allowed, found, advice, source)

    def at(self, where: Where) -> Any:  # noqa: ANN401 (YAML is untyped)
        """What stands at a place; None when nothing does.

        Args:
            where: keys and indexes.
        """
        value = self.value
        for step in where:
            try:
                value = value[step]
            except (KeyError, IndexError, TypeError):
                return None
        return value

    def place(self, where: Where, *, at_key: bool = False) -> tuple[int, int]:
        """Line and column of a value, or of the nearest one above it.

        Args:
            where: keys and indexes.
            at_key: the key's place rather than the value's.
        """
        full = where
        while where not in self.marks and where:
            where = where[:-1]
        mark = self.marks.get(where, Mark((0, 0), (0, 0)))
        return mark.key if at_key or where != full else mark.value


class _Loader(yaml.SafeLoader):
    """The safe loader with words as in YAML 1.2 and a bound on depth."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise yaml.MarkedYAMLError(
                problem=f"nested more than {MAX_DEPTH} deep",
                problem_mark=self.peek_event().start_mark,  # type: ignore[no-untyped-call]
            )
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


#: What PyYAML counts as the end of a line.
_LINE_END = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
#: Python writes no larger numbers, and no option is that large.
_LARGEST_BITS = 1024
_SURROGATE = re.compile("[\ud800-\udfff]")
_COLLECTIONS = ("tag:yaml.org,2002:seq", "tag:yaml.org,2002:map")

_BOOL = "tag:yaml.org,2002:bool"
_MERGE = "tag:yaml.org,2002:merge"
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != _BOOL]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    _BOOL, re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)


def read(path: Path, name: str = "") -> Document:
    """Read a file.

    Args:
        path: of the file.
        name: by which problems call it; the path without it.

    Raises:
        ProblemsError: if it cannot be read, or is not what `load` takes.
    """
    name = name or str(path)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise ProblemsError([Problem(name, message=f"cannot be read: {reason}")]) from None
    if len(data) > MAX_BYTES:
        message = f"larger than {MAX_BYTES} bytes"
        raise ProblemsError([Problem(name, message=message, advice="Split the file.")])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = "not UTF-8 text"
        raise ProblemsError([Problem(name, line, 1, message, ("UTF-8",))]) from None
    return load(text, name)


def load(text: str, path: str) -> Document:
    """Read a document of YAML.

    Args:
        text: one document.
        path: what problems name as its file.

    Raises:
        ProblemsError: if it is no YAML, a key stands twice, or aliases expand beyond bounds.
    """
    document = Document(path, lines=_LINE_END.split(text.removesuffix("\n")) if text else [])
    try:
        loader = _Loader(text)
    except yaml.reader.ReaderError as error:
        raise ProblemsError([_unprintable(document, text, error)]) from None
    try:
        node = loader.get_single_node()
    except yaml.YAMLError as error:
        raise ProblemsError([_syntax(document, error)]) from None
    except (ValueError, OverflowError):  # PyYAML reads numbers in escapes and directives unchecked
        mark = loader.get_mark()
        large = yaml.MarkedYAMLError(problem="a number is too large", problem_mark=mark)
        raise ProblemsError([_syntax(document, large)]) from None
    if node is not None:
        walk = _Walk(document, loader)
        document.value = walk.construct(node, ())
        if walk.problems:
            raise ProblemsError(walk.problems)
    return document


def _unprintable(document: Document, text: str, error: yaml.reader.ReaderError) -> Problem:
    """A character that stands in no YAML; PyYAML tells no line for it."""
    before = _LINE_END.split(text[: error.position])
    message = f"not valid YAML: the character U+{ord(text[error.position]):04X} is not allowed"
    return Problem(document.path, len(before), len(before[-1]) + 1, message)


def _syntax(document: Document, error: yaml.YAMLError) -> Problem:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    reason = getattr(error, "problem", None) or getattr(error, "reason", None) or "not YAML"
    context = getattr(error, "context", None)
    message = f"not valid YAML: {reason}" + (f" ({context})" if context else "")
    if mark is None:
        return Problem(document.path, message=message)
    line = min(mark.line + 1, max(1, len(document.lines)))
    source = document.lines[line - 1] if document.lines else ""
    return Problem(document.path, line, mark.column + 1, message, source=source)


class _Walk:
    """Turns nodes into values; every visit counts, so that aliases cannot multiply."""

    def __init__(self, document: Document, loader: _Loader) -> None:
        self.problems: list[Problem] = []
        self._document = document
        self._loader = loader
        self._visits = 0
        self._above: set[int] = set()

    def construct(self, node: yaml.Node, where: Where, key: yaml.Node | None = None) -> Any:  # noqa: ANN401 (YAML is untyped)
        """The value of a node."""
        self._document.marks[where] = Mark(_start(key or node), _start(node))
        self._visits += 1
        if self._visits > MAX_NODES:
            if self._visits == MAX_NODES + 1:
                self._refuse(node, f"aliases make this file larger than {MAX_NODES} values")
            return None
        if id(node) in self._above:
            self._refuse(node, "an alias stands within what it stands for")
            return None
        if len(self._above) >= MAX_DEPTH:
            self._refuse(node, f"nested more than {MAX_DEPTH} deep")
            return None
        self._above.add(id(node))
        try:
            return self._value(node, where)
        finally:
            self._above.discard(id(node))

    def _value(self, node: yaml.Node, where: Where) -> Any:  # noqa: ANN401 (YAML is untyped)
        if isinstance(node, yaml.CollectionNode) and node.tag not in _COLLECTIONS:
            self._refuse(node, f"the tag {node.tag} is not supported")
            return None
        if isinstance(node, yaml.SequenceNode):
            items = enumerate(node.value)
            return [self.construct(item, (*where, i)) for i, item in items if self._goes_on]
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, where)
        return self._scalar(node)

    @property
    def _goes_on(self) -> bool:
        return self._visits <= MAX_NODES

    def _mapping(self, node: yaml.MappingNode, where: Where) -> dict[Any, Any]:
        made: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            if not self._goes_on:
                break
            if key_node.tag == _MERGE or not isinstance(key_node, yaml.ScalarNode):
                self._refuse(key_node, "a key must be plain text; merge keys are not supported")
                continue
            key = self._scalar(key_node)
            if key in made:
                line = self._document.marks[(*where, key)].key[0]
                self._refuse(key_node, f"key {quoted(key)} stands twice; first in line {line}")
                continue
            made[key] = self.construct(value_node, (*where, key), key_node)
        return made

    def _scalar(self, node: yaml.Node) -> Any:  # noqa: ANN401 (YAML is untyped)
        try:
            value = self._loader.construct_object(node)
        except yaml.YAMLError:
            self._refuse(node, f"the tag {node.tag} is not supported")
        except (ValueError, OverflowError):
            self._refuse(node, f"{quoted(node.value)} looks like a number or date but is none")
        except (LookupError, AttributeError):  # of text that is not what its tag says
            self._refuse(node, f"{quoted(node.value)} is not of the tag {node.tag}")
        else:
            return self._plain(node, value)
        return None

    def _plain(self, node: yaml.Node, value: Any) -> Any:  # noqa: ANN401 (YAML is untyped)
        """A scalar that can be compared and written."""
        if isinstance(value, list | dict | set):
            self._refuse(node, f"the tag {node.tag} is not supported")
        elif isinstance(value, int) and value.bit_length() > _LARGEST_BITS:
            self._refuse(node, "the number is too large")
        elif isinstance(value, str) and _SURROGATE.search(value):
            self._refuse(node, "an escape stands for half a character")
        else:
            return value
        return None

    def _refuse(self, node: yaml.Node, message: str) -> None:
        line, column = _start(node)
        source = self._document.lines[line - 1] if line <= len(self._document.lines) else ""
        self.problems.append(Problem(self._document.path, line, column, message, source=source))


def _start(node: yaml.Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1
