"""Demo data that stands beside a document is written without code that knows the program."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.db import transaction
from pytest import MonkeyPatch

from bihuan.demo import by_data
from bihuan.demo.seeding import LITTLE, found_city
from bihuan.dossier import facts
from bihuan.dossier.models import Subject
from bihuan.jobs.integrity import check_standings
from bihuan.ladder.models import Span, Standing
from bihuan.net import tree
from bihuan.net.models import Unit
from bihuan.programs import document, versions
from bihuan.programs.reading import BadDocument

AT = datetime(2026, 3, 12, 3, 20, tzinfo=UTC)
ROOT = Path(document.__file__).parents[1]
EXAMPLES = versions.shipped("examples")
SHELF = next(path for path in EXAMPLES if path.stem == "tool_shelf")
RULES = document.load_file(SHELF)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_no_line_of_python_knows_an_example(path: Path) -> None:
    knowing = [file for file in ROOT.rglob("*.py") if path.stem in file.read_text(encoding="utf-8")]
    assert not knowing


@pytest.fixture(scope="module")
def city(django_db_setup, django_db_blocker) -> Iterator[None]:
    """The little city with the demo data of documents; rolled back after this module."""
    with django_db_blocker.unblock(), transaction.atomic():
        found_city(LITTLE.scale, at=AT)
        assert by_data.write(at=AT, say=lambda said: None) == 14
        yield
        transaction.set_rollback(True)


@pytest.fixture
def seeded(city: None, django_db_blocker) -> Iterator[None]:
    with django_db_blocker.unblock():
        yield


def test_everybody_stands_where_the_file_says(seeded: None) -> None:
    standings = Standing.objects.filter(program="tool_shelf")
    assert Counter(standings.values_list("stage", flat=True)) == {
        "waiting": 3, "holding": 8, "returned": 1, "expired": 1, "gave_up": 1
    }  # fmt: skip
    first = standings.filter(stage="waiting").order_by("since").first()
    assert first and first.subject.name == "孙德福" and (AT - first.since).days == 36
    assert Span.objects.filter(program="tool_shelf", stage="waiting").count() == 14
    assert Unit.objects.get(pk=first.unit_id).code == "219923101201"


def test_what_was_said_is_known_and_the_record_is_whole(seeded: None) -> None:
    wang = Subject.objects.get(name="王立新", unit__code="219923101201")
    assert facts.plain(facts.answers(wang, RULES, AT.date())) == {"tool": "drill", "promise": True, "broken": 3}
    assert not check_standings().breaks


def test_it_is_written_once(seeded: None) -> None:
    assert by_data.write(at=AT, say=lambda said: None) == 0


def test_somebodys_own_program_comes_in_with_its_people(seeded: None, tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    for path in (SHELF, by_data.beside(SHELF)):
        own = tmp_path / "examples" / path.name.replace("tool_shelf", "book_shelf")
        own.parent.mkdir(exist_ok=True)
        own.write_text(path.read_text(encoding="utf-8").replace("tool_shelf", "book_shelf"), encoding="utf-8")
    monkeypatch.setattr(document, "PACKS", tmp_path)
    assert by_data.write(at=AT, say=lambda said: None) == 14
    assert Standing.objects.filter(program="book_shelf", stage="waiting").count() == 3


def test_a_wrong_file_says_what_is_wrong(seeded: None) -> None:
    text = by_data.beside(SHELF).read_text(encoding="utf-8")
    wrong = (
        text.replace("春宁社区", "没有这个地方").replace("holding = 40", "borrowing = 40").replace("broken", "brocken")
    )
    with pytest.raises(BadDocument) as caught:
        by_data.read(wrong.replace('program = "tool_shelf"', 'program = "shelf"'), RULES, "shelf.demo.toml")
    said = str(caught.value)
    for part in ("没有这个地方", "borrowing", "brocken", "“tool_shelf”"):
        assert part in said


def test_a_place_can_be_said_by_name(seeded: None) -> None:
    named = by_data.read(by_data.beside(SHELF).read_text(encoding="utf-8"), RULES)
    assert tree.snapshot().unit(named[-1].village).name == "春宁社区"
