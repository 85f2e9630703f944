"""C1: a published document never changes, and versions in force of one program never overlap."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction

from bihuan.net.revisions import forget
from bihuan.programs import document, versions
from bihuan.programs.models import Program, Version
from bihuan.programs.reading import BadDocument
from tests.programs.test_document import TEXT

AT = datetime(2026, 3, 2, 1, tzinfo=UTC)
DAY = timedelta(days=1)
LONGER = TEXT.replace('default = "10wd"', 'default = "12wd"')
LONGEST = TEXT.replace('default = "10wd"', 'default = "15wd"')
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_kept() -> Iterator[None]:
    forget()
    yield
    forget()


def publish(doc: str = TEXT, at: datetime = AT, since: datetime | None = None) -> Version:
    return versions.publish(doc, by=None, at=at, since=since or at)


def spans() -> list[tuple[int, str, datetime | None, datetime | None]]:
    return list(Version.objects.order_by("n").values_list("n", "state", "since", "until"))


def test_C1_a_version_ends_where_the_next_begins() -> None:
    publish()
    publish(LONGER, at=AT + DAY, since=AT + 2 * DAY)
    assert spans() == [(1, "retired", AT, AT + 2 * DAY), (2, "live", AT + 2 * DAY, None)]
    assert versions.broken() == []


def test_C1_each_moment_has_its_version() -> None:
    publish()
    publish(LONGER, at=AT + DAY, since=AT + 2 * DAY)
    in_force = [versions.in_force("request", AT + d * DAY).n for d in (0, 1, 2, 3)]
    assert in_force == [1, 1, 2, 2]  # the second holds from its first moment on
    with pytest.raises(versions.NoVersion, match="2026年03月01日还没有生效的版本"):
        versions.in_force("request", AT - DAY)


def test_C1_a_case_keeps_the_rules_it_was_filed_under() -> None:
    first = publish()
    publish(LONGER, at=AT + DAY)
    limits = {"type": "complaint", "urgency": "normal"}
    assert str(versions.rules(first.pk).limit("handle", **limits)) == "10wd"
    assert str(versions.rules(versions.in_force("request", AT + DAY).pk).limit("handle", **limits)) == "12wd"


def test_C1_the_application_cannot_change_a_document() -> None:
    version = publish()
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        Version.objects.filter(pk=version.pk).update(doc=LONGER)


def test_C1_a_changed_document_is_refused_and_reported() -> None:
    program = Program.objects.create(key="request", kind="case", title="群众诉求办理")
    version = Version.objects.create(program=program, n=1, doc=LONGER, sha256="0" * 64, state="live", since=AT)
    forget()
    with pytest.raises(versions.Tampered, match="第1版的内容与发布时不一致"):
        versions.rules(version.pk)
    assert versions.broken() == ["“request”第1版的内容与发布时不一致。"]


def test_C1_the_document_is_kept_byte_for_byte() -> None:
    windows = TEXT.replace("\n", "\r\n")
    version = publish(windows)
    assert Version.objects.get(pk=version.pk).doc == windows
    assert versions.rules(version.pk).moves == document.load(TEXT).moves


@pytest.mark.parametrize(
    ("doc", "at", "since", "said"),
    [
        (TEXT, AT + DAY, AT + DAY, "内容与第1版完全一样"),
        (LONGER, AT + DAY, AT, "生效时间不能早于现在"),
        (LONGER, AT, AT, "第1版从2026-03-02 09:00起生效，新版本要晚于它"),
        (TEXT.replace('limit = "sign"', 'limit = "singing"'), AT + DAY, AT + DAY, "错误 clock.sign.limit"),
    ],
)
def test_C1_what_would_overlap_or_make_no_sense_is_not_published(doc, at, since, said) -> None:  # type: ignore[no-untyped-def]
    publish()
    with pytest.raises(versions.NotPublishable, match=said):
        publish(doc, at=at, since=since)
    assert len(spans()) == 1


def test_a_document_of_the_wrong_shape_is_not_published() -> None:
    with pytest.raises(BadDocument):
        publish(TEXT.replace('"10wd"', '"soon"'))
    assert spans() == []


def test_a_first_version_may_cover_the_past() -> None:
    assert publish(since=AT - 3000 * DAY).n == 1


def test_the_database_itself_refuses_two_open_versions() -> None:
    version = publish()
    with pytest.raises(IntegrityError), transaction.atomic():
        Version.objects.create(program=version.program, n=2, doc="", sha256="", state="live", since=AT)


def test_C1_the_database_refuses_an_overlap() -> None:
    version = publish()
    publish(LONGER, at=AT + DAY)
    with pytest.raises(IntegrityError, match="c1_versions_do_not_overlap"), transaction.atomic():
        Version.objects.filter(pk=version.pk).update(until=AT + 2 * DAY)


def test_setting_up_publishes_the_shipped_programs_once() -> None:
    assert [one.program.key for one in versions.ensure_packs(AT)] == ["request", "three_way", "village_reserve"]
    assert versions.ensure_packs(AT + DAY) == []
    publish(LONGER, at=AT + 2 * DAY)
    assert versions.ensure_packs(AT + 3 * DAY) == []  # the place's own version stays


def test_looking_up_rules_costs_no_query_once_read(django_assert_num_queries, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    pk = publish().pk
    forget()
    versions.rules(versions.in_force("request", AT).pk)
    with django_assert_num_queries(0):
        assert versions.in_force("request", AT).pk == pk
        versions.rules(pk)


@pytest.mark.django_db(transaction=True)
def test_C1_versions_published_at_once_come_one_by_one() -> None:
    publish()
    later = AT + DAY
    barrier, outcomes = threading.Barrier(2), []

    def run(doc: str) -> None:
        barrier.wait()
        try:
            outcomes.append(publish(doc, at=later, since=later + len(outcomes) * DAY).n)
        except versions.NotPublishable as refused:
            outcomes.append(str(refused))
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(doc,)) for doc in (LONGER, LONGEST)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 2 in outcomes
    assert any(outcome == 3 or "新版本要晚于它" in str(outcome) for outcome in outcomes if outcome != 2)
    assert versions.broken() == []
