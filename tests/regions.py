"""Holds every request of every test to the rule of region tables: name the region, or say `across_regions(why)`."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.apps import apps
from django.db import connection

from bihuan.net.regions import crossing


def region_tables() -> list[str]:
    """Tables with a region in their rows: region models, the events, the tallies."""
    models = [model for model in apps.get_models() if any(f.name == "region" for f in model._meta.concrete_fields)]
    return [model._meta.db_table for model in models if model._meta.app_label != "net"]


class NoRegion(AssertionError):
    """A statement on a region table that names no region."""


def nameless(sql: str, tables: re.Pattern[str]) -> bool:
    """Whether a statement reads or changes a region table without naming a region in its conditions."""
    if not tables.search(sql) or sql.lstrip().startswith("INSERT"):
        return False
    conditions = " ".join(re.split(r"\b(?:WHERE|ON|USING)\b", sql)[1:])
    return "region" not in conditions


@contextmanager
def watched() -> Iterator[None]:
    """Refuse nameless statements for the length of the block."""
    tables = re.compile(r"\b(?:FROM|JOIN|UPDATE)\s+\"?(?:" + "|".join(region_tables()) + r")\b")

    def check(execute: Any, sql: str, values: Any, many: bool, context: Any) -> Any:
        if not crossing() and nameless(sql, tables):
            raise NoRegion(sql)
        return execute(sql, values, many, context)

    with connection.execute_wrapper(check):
        yield


@pytest.fixture(autouse=True)
def _requests_name_their_region(monkeypatch: pytest.MonkeyPatch) -> None:
    from django.core.handlers.base import BaseHandler

    plain = BaseHandler.get_response

    def get_response(self: Any, request: Any) -> Any:
        with watched():
            return plain(self, request)

    monkeypatch.setattr(BaseHandler, "get_response", get_response)
