import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.lib import canonical
from bihuan.lib.canonical import NotCanonical, canonical_json, chain

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
BEIJING = timezone(timedelta(hours=8))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": 1, "a": [1, None, True]}, '{"a":[1,null,true],"b":1}'),
        ({"诉求": "路灯不亮", "表情": "😀"}, '{"表情":"😀","诉求":"路灯不亮"}'),  # 表 U+8868 before 诉 U+8BC9
        (datetime(2026, 11, 20, 9, 30, tzinfo=BEIJING), '"2026-11-20T01:30:00.000000Z"'),  # 9:30 - 8 h
        (datetime(2026, 11, 20, 9, 30, 0, 5, tzinfo=UTC), '"2026-11-20T09:30:00.000005Z"'),
        (date(2026, 11, 20), '"2026-11-20"'),
        (Decimal("1.50"), '"1.50"'),
        (UUID(int=7), '"00000000-0000-0000-0000-000000000007"'),
    ],
)
def test_one_text_for_one_value(value: Any, text: str) -> None:
    assert canonical_json(value) == text


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), {1: "a"}, [{"a": {2: 3}}], {"a": {1, 2}}, datetime(2026, 1, 1), "\ud800", b"x"],  # noqa: DTZ001
)
def test_what_has_no_single_text_is_refused(value: Any) -> None:
    with pytest.raises(NotCanonical):
        canonical_json(value)


@given(VALUES)
def test_reading_and_writing_again_changes_nothing(value: Any) -> None:
    text = canonical_json(value)
    assert canonical_json(json.loads(text)) == text


@given(VALUES)
def test_the_quick_way_writes_what_the_sure_way_writes(value: Any) -> None:
    assert canonical._quickly(value) in (None, canonical._surely(value))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_have_one_text_too(number: float) -> None:
    assert canonical_json([number]) == canonical._surely([number])


@given(st.dictionaries(TEXT, st.integers(), max_size=6))
def test_the_order_of_keys_does_not_matter(value: dict[str, int]) -> None:
    assert canonical_json(dict(reversed(value.items()))) == canonical_json(value)


def test_a_chained_hash_is_sha256_over_lengths_and_bytes() -> None:
    # 派 is three bytes in UTF-8
    assert chain(b"", "a", 12, "派", b"\0") == sha256(b"0:" + b"1:a" + b"2:12" + "3:派".encode() + b"1:\0").digest()


FIELDS = st.lists(TEXT | st.integers(), max_size=5)


@given(FIELDS, FIELDS)
def test_different_fields_have_different_hashes(a: list[str | int], b: list[str | int]) -> None:
    # a number and its digits as text hash alike: columns have types
    assert (chain(b"", *a) == chain(b"", *b)) == ([str(x) for x in a] == [str(x) for x in b])


@given(st.binary(min_size=32, max_size=32), FIELDS)
def test_the_previous_hash_is_part_of_the_next(previous: bytes, fields: list[str | int]) -> None:
    assert chain(previous, *fields) != chain(b"", *fields)
    assert chain(previous, *fields) != chain(b"", previous, *fields)


@pytest.mark.parametrize("field", [None, 1.5, ["a"]])
def test_only_text_whole_numbers_and_bytes_are_chained(field: Any) -> None:
    with pytest.raises(NotCanonical):
        chain(b"", field)
