# SPDX-License-Identifier: Apache-2.0
"""YAML as JSON with another face: what has no JSON meaning is refused.

PyYAML keeps the last of two equal keys, lets a few aliases grow into gigabytes and
reads a date as a date. Imported only where a YAML file is at hand.
"""

from collections.abc import Iterator
from typing import Any, Final

import yaml

from bundle.errors import CaseFileError

_PLAIN: Final = {
    f"tag:yaml.org,2002:{name}" for name in ("map", "seq", "str", "int", "bool", "null")
}
_TEXT: Final = "tag:yaml.org,2002:str"


class _Loader(yaml.SafeLoader):
    """The safe loader, less aliases, tags, dates and duplicate keys."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise _refusal("no alias", None)
        node = super().compose_node(parent, index)
        if node is not None and node.tag not in _PLAIN:
            if node.tag.endswith((":timestamp", ":float")):
                raise _refusal("a quoted text or an integer", node.start_mark)
            raise _refusal("no tag", node.start_mark)
        return node

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 - PyYAML's signature
        names: set[str] = set()
        for key, _ in node.value:
            if key.tag != _TEXT or key.value in names:
                raise _refusal("distinct text keys", key.start_mark)
            names.add(key.value)
        return super().construct_mapping(node, deep=deep)


def load_yaml(data: bytes, *, what: str) -> Any:
    """Parse one YAML document.

    Raises:
        CaseFileError: Syntax, or anything that JSON cannot say.
    """
    return load_yaml_items(data, "", what=what)[0]


def load_yaml_items(
    data: bytes, name: str, *, what: str
) -> tuple[Any, tuple[int, ...]]:
    """Parse one YAML document, and say on which lines a list in it has its items.

    Args:
        data: The document.
        what: Names it in messages.
        name: The list's name in the document; without it there are no lines.

    Raises:
        CaseFileError: Syntax, or anything that JSON cannot say.
    """
    value, node = _load(data, what)
    return value, tuple(_item_lines(node, name))


def _load(data: bytes, what: str) -> tuple[Any, Any]:
    """Return a document and its node."""
    loader = None
    try:
        loader = _Loader(data.decode("utf-8"))  # PyYAML would take UTF-16 as well
        node = loader.get_single_node()
        return (loader.construct_document(node) if node else None), node
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise CaseFileError(
            f"{what}: expected UTF-8 at line {line}", line=line
        ) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = mark.line + 1 if mark else 1
        place = f" at line {line} column {mark.column + 1}" if mark else ""
        raise CaseFileError(f"{what}: {error.problem}{place}", line=line) from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        reason = str(error).split("\n", 1)[0]
        raise CaseFileError(f"{what}: expected YAML: {reason}") from error
    finally:
        if loader is not None:
            loader.dispose()


def load_yaml_lines(
    data: bytes, *, what: str
) -> tuple[Any, dict[tuple[str | int, ...], int]]:
    """Parse one YAML document, and say on which line each of its parts begins.

    Returns:
        The document, and lines by path, such as ``("observability", 0)``, down to
        items of lists in it.

    Raises:
        CaseFileError: Syntax, or anything that JSON cannot say.
    """
    value, node = _load(data, what)
    return value, dict(_part_lines(node, ()))


def _part_lines(
    node: Any, path: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], int]]:
    if len(path) > 1:
        return
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield (*path, key.value), key.start_mark.line + 1
            yield from _part_lines(value, (*path, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            yield (*path, number), item.start_mark.line + 1


def _item_lines(node: Any, name: str) -> Iterator[int]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == name and isinstance(value, yaml.SequenceNode):
                yield from (item.start_mark.line + 1 for item in value.value)


def _refusal(expected: str, mark: Any) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=f"expected {expected}", problem_mark=mark)
