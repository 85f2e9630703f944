"""Writes the planned city down in bulk: units, edges, outlines, places, people, postings and the cast's accounts."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from functools import cache
from typing import Any

import shapely
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import Model
from psycopg import sql
from pypinyin import Style, lazy_pinyin

from bihuan.demo.cast import PASSWORD, Post
from bihuan.demo.city import OUTLINE_SOURCE, City, Sketch
from bihuan.net.models import Boundary, Edge, Kind, Person, Place, Posting, Unit
from bihuan.net.revisions import touch

BORN = date(2018, 1, 1)  # of the units: before the first request of the history
SERVING_SINCE = date(2018, 6, 1)


@transaction.atomic
def found(city: City, posts: Sequence[Post], *, at: datetime) -> None:
    """Write an empty database's city and its people. Gives every sketch the id of its unit."""
    units = city.units()
    for unit, number in zip(units, _ids(Unit, len(units)), strict=True):
        unit.id = number
    _write_units(units)
    _write_edges(city)
    _write_outlines(units, at)
    _write_places(city)
    _write_people(posts)
    for part in ("tree", "places", "boundaries"):
        touch(part, at)


def _write_units(units: Sequence[Sketch]) -> None:
    columns = "id code kind name short pinyin level l1 l2 l3 l4 l5 path duties phone households lng lat born"
    copy_in(Unit, columns, (_unit_row(unit) for unit in units))


def _unit_row(unit: Sketch) -> tuple[Any, ...]:
    way = list(_way(unit))
    fixed = {step.level: step.id for step in way if step.kind == Kind.AREA}
    return (
        unit.id, unit.code, unit.kind.value, unit.name, unit.short, pinyin(unit.name), int(unit.level),
        *(fixed.get(level) for level in range(1, 6)), [step.id for step in way],
        unit.duties, unit.phone, unit.households, unit.lng, unit.lat, BORN,
    )  # fmt: skip


def _way(unit: Sketch | None) -> Iterator[Sketch]:
    """From the top down to the unit."""
    if unit is not None:
        yield from _way(unit.parent)
        yield unit


def _write_edges(city: City) -> None:
    rows = ((child.id, parent.id, tree.value, BORN) for child, parent, tree in city.edges())
    copy_in(Edge, "child_id parent_id tree since", rows)


def _write_outlines(units: Sequence[Sketch], at: datetime) -> None:
    drawn = [unit for unit in units if unit.shape is not None]
    shapes = shapely.to_geojson([unit.shape for unit in drawn])
    rows = ((unit.id, shape, OUTLINE_SOURCE, True, at) for unit, shape in zip(drawn, shapes, strict=True))
    copy_in(Boundary, "unit_id geometry source made_up updated_at", rows)


def _write_places(city: City) -> None:
    rows = ((spot.name, spot.unit.id, spot.kind, spot.unit.lng, spot.unit.lat) for spot in city.spots)
    copy_in(Place, "name unit_id kind lng lat", rows)


def _write_people(posts: Sequence[Post]) -> None:
    """People and what they hold. One person may hold several posts; the cast gets accounts."""
    people = {post.person: post for post in reversed(posts)}
    ids = dict(zip(people, _ids(Person, len(people)), strict=True))
    accounts = _accounts([post.login for post in posts if post.login])
    persons = ((ids[key], post.name, "", accounts.get(post.login), False) for key, post in people.items())
    copy_in(Person, "id name phone user_id must_change_password", persons)
    held = (
        (ids[p.person], p.unit.id, p.role.value, p.holding.value, p.title, SERVING_SINCE) for p in posts
    )  # fmt: skip
    copy_in(Posting, "person_id unit_id role holding title since", held)


def _accounts(logins: Sequence[str]) -> dict[str, int]:
    """One account per login, all with the demo's password: hashed once, for hashing is slow on purpose."""
    hashed = make_password(PASSWORD)
    users = User.objects.bulk_create(User(username=login, password=hashed) for login in logins)
    return {user.username: user.pk for user in users}


# Bulk writing


def _ids(model: type[Model], count: int) -> list[int]:
    """`count` fresh ids from the table's own sequence."""
    table = model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)", [table, count])
        return [row[0] for row in cursor.fetchall()]


def copy_in(model: type[Model], columns: str, rows: Iterable[Sequence[Any]]) -> None:
    """COPY rows into a model's table; `columns` are separated by spaces."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(model._meta.db_table), sql.SQL(", ").join(map(sql.Identifier, columns.split()))
    )
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


# Spelling


def pinyin(name: str) -> str:
    """Full spelling and initials, as `Unit.pinyin` keeps them: "haicheng hc"."""
    spelled = [_spelled(mark) for mark in name]
    initials = "".join(word[:1] for word in spelled)
    return f"{''.join(spelled)} {initials}"[:160]


@cache
def _spelled(mark: str) -> str:
    return lazy_pinyin(mark, style=Style.NORMAL)[0]
