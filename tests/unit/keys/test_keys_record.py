# SPDX-License-Identifier: Apache-2.0
"""A record is what a frozen dataclass with slots would be."""

import copy
import dataclasses
import pickle

import pytest

from keys.record import record


@record
class Point:
    """A place."""

    x: int
    y: int = 0
    name: str = "origin"

    @property
    def sum(self) -> int:
        return self.x + self.y


@record
class Other:
    x: int
    y: int = 0
    name: str = "origin"


@record
class Single:
    value: object


@record
class Secret:
    token: str

    def __repr__(self) -> str:
        return "Secret()"


@dataclasses.dataclass(frozen=True, slots=True)
class Model:
    x: int
    y: int = 0
    name: str = "origin"


def test_fields_are_given_by_place_or_name_and_have_defaults():
    assert Point(1, 2, "a") == Point(x=1, y=2, name="a") == Point(1, name="a", y=2)
    assert (Point(1).x, Point(1).y, Point(1).name) == (1, 0, "origin")
    assert Point(1, 2).sum == 3
    assert Point.__doc__ == "A place."


WRONG = {
    "none": ((), {}),
    "too many": ((1, 2, "a", 3), {}),
    "one twice": ((1,), {"x": 1}),
    "an unknown one": ((1,), {"z": 1}),
}


@pytest.mark.parametrize(("values", "named"), WRONG.values(), ids=WRONG)
def test_other_arguments_are_refused_by_name(values, named):
    with pytest.raises(TypeError, match=r"Point\.__init__"):
        Point(*values, **named)


def test_nothing_can_be_changed_added_or_deleted():
    point = Point(1)
    for name in ("x", "sum", "fresh"):
        with pytest.raises(AttributeError, match=name):
            setattr(point, name, 2)
        with pytest.raises(AttributeError, match=name):
            delattr(point, name)
    assert point == Point(1)
    assert not hasattr(point, "__dict__")


def test_two_are_equal_if_class_and_fields_are():
    assert Point(1) == Point(1)
    assert Point(1) != Point(2)
    assert Point(1) != Other(1)
    assert Point(1) != (1, 0, "origin")
    assert {Point(1), Point(1), Other(1)} == {Point(1), Other(1)}
    assert Single((1,)) == Single((1,))
    assert Single(Single(1)) != Single(1)


def test_a_field_without_a_hash_leaves_the_record_without_one():
    with pytest.raises(TypeError, match="unhashable"):
        hash(Single([]))


def test_it_shows_its_fields_as_a_dataclass_does_or_as_it_says_itself():
    assert repr(Point(1)) == repr(Model(1)).replace("Model", "Point")
    assert repr(Secret("hunter2")) == "Secret()"


@pytest.mark.parametrize("value", [Point(1, 2), Single((1,)), Single(Point(3))])
def test_it_is_copied_and_pickled(value):
    for other in (
        copy.copy(value),
        copy.deepcopy(value),
        pickle.loads(pickle.dumps(value)),
    ):
        assert other == value
        assert type(other) is type(value)


def test_dataclasses_knows_it():
    assert dataclasses.is_dataclass(Point)
    assert [field.name for field in dataclasses.fields(Point)] == ["x", "y", "name"]
    assert dataclasses.replace(Point(1, 2), y=3) == Point(1, 3)
    assert dataclasses.asdict(Single(Point(1))) == {
        "value": {"x": 1, "y": 0, "name": "origin"}
    }
    with pytest.raises(TypeError):
        dataclasses.replace(Point(1), z=3)


def test_its_fields_match_by_place():
    match Point(1, 2):
        case Point(x, y, name):
            assert (x, y, name) == (1, 2, "origin")
