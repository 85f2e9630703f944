"""Queries of hot pages, written out once: composing and compiling one takes the ORM longer than the database answers.

    TASKS = Prepared(lambda region, case: Task.objects.filter(region_id=region, case_id=case).order_by("id"))
    tasks = TASKS(region=1045, case=case.pk)

The rows are what the query set would give: models with what `select_related` names, or tuples of `values_list`. What is
asked for must be a plain comparison; a list of values, whose length changes the statement, is not.
"""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Expression, QuerySet
from django.db.models.query import ModelIterable, get_related_populators
from django.db.models.sql.compiler import SQLCompiler

T = TypeVar("T")


class Given(Expression):
    """The place of a value that each asking names anew."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, list[Any]]:
        return "%s", [self]


class Prepared(Generic[T]):
    """A query whose arguments are named by those of the function that composes it."""

    def __init__(self, compose: Callable[..., QuerySet[Any, T]]) -> None:
        self.compose = compose

    def __call__(self, **given: Any) -> list[T]:
        """All rows. One statement."""
        written = self._written
        values = [given[value.name] if isinstance(value, Given) else value for value in written.values]
        with connection.cursor() as cursor:
            cursor.execute(written.sql, values)
            return written.read(cursor.fetchall())

    def first(self, **given: Any) -> T | None:
        """The first row the query finds; meant for what has at most one."""
        return next(iter(self(**given)), None)

    @cached_property
    def _written(self) -> "_Written":
        found = self.compose(*map(Given, inspect.signature(self.compose).parameters))
        compiler = found.query.get_compiler(DEFAULT_DB_ALIAS)
        sql, values = compiler.as_sql()
        is_of_models = issubclass(found._iterable_class, ModelIterable)
        return _Written(sql, values, _models(compiler) if is_of_models else _tuples(compiler))


@dataclass(frozen=True, slots=True)
class _Written:
    sql: str
    values: Iterable[Any]
    read: Callable[[list[tuple]], list[Any]]


def _tuples(compiler: SQLCompiler) -> Callable[[Iterable[tuple]], list[Any]]:
    converters = compiler.get_converters([column for column, *_rest in compiler.select])
    return lambda rows: list(map(tuple, compiler.apply_converters(rows, converters)) if converters else rows)


def _models(compiler: SQLCompiler) -> Callable[[list[tuple]], list[Any]]:
    """As ModelIterable makes them of rows."""
    about, read = compiler.klass_info, _tuples(compiler)
    first, last = about["select_fields"][0], about["select_fields"][-1] + 1
    names = [column.target.attname for column, *_rest in compiler.select[first:last]]
    related = get_related_populators(about, compiler.select, DEFAULT_DB_ALIAS)
    extra = compiler.annotation_col_map.items()

    def made(row: tuple) -> Any:
        one = about["model"].from_db(DEFAULT_DB_ALIAS, names, row[first:last])
        for populator in related:
            populator.populate(row, one)
        for name, place in extra:
            setattr(one, name, row[place])
        return one

    return lambda rows: [made(row) for row in read(rows)]
