"""Whoever publishes a ladder, by whatever door: what it asks can be answered from then on."""

from datetime import UTC, datetime

import pytest

from bihuan.dossier.models import Question
from bihuan.net.revisions import forget
from bihuan.programs import document, versions
from bihuan.programs.models import Program

AT = datetime(2026, 3, 12, 3, 20, tzinfo=UTC)
[SHELF] = [document.read(path) for path in versions.shipped("examples") if path.stem == "tool_shelf"]


@pytest.fixture(autouse=True)
def fresh(db: None) -> None:
    forget()


def test_a_publication_registers_what_is_asked() -> None:
    versions.publish(SHELF, by=None, at=AT, since=AT)
    tool = Question.objects.get(key="tool_shelf.tool")
    assert tool.choices["drill"] == "电钻"


def test_a_question_known_as_something_else_forbids_the_publication() -> None:
    differs = SHELF.replace("[ask.tool]\n", '[ask.tool]\nuse = "person.birth"\n')
    with pytest.raises(
        versions.NotPublishable, match=r"“出生日期”（person\.birth）在系统里是“日期”，方案里写成了“选项”"
    ):
        versions.publish(differs, by=None, at=AT, since=AT)


def test_nothing_is_registered_when_the_publication_is_refused() -> None:
    with pytest.raises(versions.NotPublishable):
        versions.publish(SHELF.replace('lapse = "expire"', 'lapse = "up"'), by=None, at=AT, since=AT)
    assert not Question.objects.filter(key__startswith="tool_shelf.").exists() and not Program.objects.exists()
