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
    loader = None
    try:
        loader = _Loader(data)
        node = loader.get_single_node()
        lines = tuple(_item_lines(node, name))
        return (loader.construct_document(node) if node else None), lines
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


def _item_lines(node: Any, name: str) -> Iterator[int]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == name and isinstance(value, yaml.SequenceNode):
                yield from (item.start_mark.line + 1 for item in value.value)


def _refusal(expected: str, mark: Any) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=f"expected {expected}", problem_mark=mark)
