"""C4: a lower level's own terms change only what the version above opens, only in the direction it allows."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import IntegrityError, ProgrammingError, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from bihuan.lib.worktime import Duration
from bihuan.net.models import Edge, Kind, Unit
from bihuan.net.revisions import forget
from bihuan.net.tree import rebuild_paths
from bihuan.programs import document, overlays, versions
from bihuan.programs.measuring import is_never_later
from bihuan.programs.models import Version
from bihuan.programs.overlays import BadTerms
from bihuan.programs.writing import toml
from tests.programs.test_document import TEXT

AT = datetime(2026, 3, 2, 1, tzinfo=UTC)
DAY = timedelta(days=1)
OPEN = '\n[open]\n"limit.handle.default" = "shorter"\n"limit.call_back.default" = "longer"\n"move.hand_back.at_most" = "fewer"\n'
BASE = TEXT + OPEN
SHORT = 'program = "request"\n[set]\n"limit.handle.default" = "8wd"\n'
SHORTER = 'program = "request"\n[set]\n"limit.handle.default" = "6wd"\n'
LIMITS = {"type": "complaint", "urgency": "normal"}


@pytest.fixture(autouse=True)
def _nothing_kept() -> Iterator[None]:
    forget()
    yield
    forget()


@pytest.fixture
def net(db: None) -> dict[str, Unit]:
    """A city with two counties; the first has a town with a village."""
    plan = [("city", "219900000000", 2, None), ("county", "219981000000", 3, "city"), ("other", "219902000000", 3, "city"),
            ("town", "219981001000", 4, "county"), ("village", "219981001001", 5, "town")]  # fmt: skip
    made: dict[str, Unit] = {}
    for key, code, level, parent in plan:
        made[key] = Unit.objects.create(code=code, kind=Kind.AREA, name=key, level=level, born=date(2019, 1, 1))
        if parent:
            Edge.objects.create(child=made[key], parent=made[parent], tree="admin", since=date(2019, 1, 1))
    rebuild_paths()
    forget()
    return made


def publish(doc: str = BASE, at: datetime = AT, since: datetime | None = None) -> Version:
    return versions.publish(doc, by=None, at=at, since=since or at)


def claim(unit: Unit, terms: str = SHORT, at: datetime = AT + DAY, since: datetime | None = None) -> Version:
    return versions.publish_overlay(terms, unit=unit, by=None, at=at, since=since or at)


def handle(unit: Unit | None, at: datetime) -> str:
    version = versions.in_force("request", at, unit.pk if unit else None)
    return str(versions.rules(version.pk).limit("handle", **LIMITS))


def test_C4_the_nearest_terms_upward_hold_for_what_happens_in_a_unit(net) -> None:  # type: ignore[no-untyped-def]
    publish()
    claim(net["county"])
    later = AT + 2 * DAY
    assert [handle(net[key], later) for key in ("village", "town", "county", "other", "city")] == [
        "8wd", "8wd", "8wd", "10wd", "10wd",
    ]  # fmt: skip
    assert (handle(None, later), handle(net["village"], AT)) == ("10wd", "10wd")


def test_C4_terms_stand_on_the_terms_above_them(net) -> None:  # type: ignore[no-untyped-def]
    publish()
    claim(net["county"])
    own = claim(net["town"], SHORTER, at=AT + 2 * DAY)
    assert (own.n, own.base.unit_id) == (1, net["county"].pk)
    with pytest.raises(BadTerms, match="“办理时限”只许缩短：上级定的是6个工作日，这里写的是9个工作日"):
        claim(net["village"], SHORT.replace("8wd", "9wd"), at=AT + 3 * DAY)


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        (SHORT.replace("8wd", "12wd"), "“办理时限”只许缩短：上级定的是10个工作日，这里写的是12个工作日"),
        (SHORT.replace("8wd", "soon"), "这里写的是soon"),
        (SHORT.replace('"8wd"', "8"), "这里写的是8"),
        (SHORT.replace("limit.handle.default", "limit.sign.default"), "“签收时限”（limit.sign.default）没有开放给下级"),
        (SHORT + '"move.hand_back.at_most" = 3\n', "动作“退单”的次数上限只许减少：上级定的是2，这里写的是3"),
        (SHORT + '"limit.call_back.default" = "1wd"\n', "“回访时限”只许延长"),
        (SHORT.replace('"request"', '"other"'), "没有名为“other”的事项"),
        ('program = "request"\n', r"\[set\] 里还没有写要改什么"),
        (SHORT.replace("[set]", "title = 1\n[set]"), "不能写“title”"),
        ("program = ", "不合 TOML 格式"),
    ],
)  # fmt: skip
def test_C4_what_is_not_open_or_goes_the_other_way_is_refused(net, terms, said) -> None:  # type: ignore[no-untyped-def]
    publish()
    with pytest.raises((BadTerms, versions.NotPublishable), match=said):
        claim(net["county"], terms)
    assert not Version.objects.exclude(unit=None).exists()


def test_C1_a_new_version_above_makes_new_ones_below(net) -> None:  # type: ignore[no-untyped-def]
    publish()
    claim(net["county"])
    claim(net["village"], SHORTER, at=AT + 2 * DAY)
    publish(BASE.replace('title = "派单"', 'title = "交办"'), at=AT + 3 * DAY, since=AT + 4 * DAY)
    rows = Version.objects.order_by("n").values_list("unit__name", "n", "base__unit__name", "base__n", "until")
    assert sorted(rows, key=str) == sorted([
        (None, 1, None, None, AT + 4 * DAY), (None, 2, None, None, None),
        ("county", 1, None, 1, AT + 4 * DAY), ("county", 2, None, 2, None),
        ("village", 1, "county", 1, AT + 4 * DAY), ("village", 2, "county", 2, None),
    ], key=str)  # fmt: skip
    assert [handle(net["village"], AT + d * DAY) for d in (3, 5)] == ["6wd", "6wd"]
    assert (
        versions.rules(versions.in_force("request", AT + 5 * DAY, net["village"].pk).pk).moves["dispatch"].title
        == "交办"
    )
    assert versions.broken() == []


def test_C4_a_version_that_terms_below_do_not_fit_is_refused_with_their_list(net) -> None:  # type: ignore[no-untyped-def]
    publish()
    claim(net["county"])
    claim(net["other"], SHORTER)
    for doc, told in (
        (BASE.replace('"10wd"', '"7wd"'), ["county第1版"]),
        (TEXT + "# closed\n", ["county第1版", "other第1版"]),
    ):
        with pytest.raises(versions.NotPublishable, match="与新版本不相符") as refused:
            publish(doc, at=AT + 3 * DAY)
        assert [name for name in ("county第1版", "other第1版") if name in str(refused.value)] == told
    assert Version.objects.filter(unit=None).count() == 1


def test_terms_that_end_leave_the_version_above(net) -> None:  # type: ignore[no-untyped-def]
    publish()
    claim(net["county"])
    claim(net["village"], SHORTER, at=AT + 2 * DAY)
    versions.end_overlay("request", unit=net["county"], at=AT + 3 * DAY, since=AT + 3 * DAY)
    assert [handle(net[key], AT + 3 * DAY) for key in ("county", "village")] == ["10wd", "6wd"]
    assert Version.objects.get(unit=net["village"], n=2).base == Version.objects.get(unit=None)
    assert claim(net["county"], at=AT + 4 * DAY).n == 2
    assert versions.broken() == []
    with pytest.raises(versions.NotPublishable, match="没有自己的条款可以撤下"):
        versions.end_overlay("request", unit=net["other"], at=AT + 3 * DAY, since=AT + 3 * DAY)


@pytest.mark.parametrize(
    ("since", "said"), [(AT, "生效时间不能早于现在"), (AT + 2 * DAY, "已定于2026-03-12 09:00起生效")]
)
def test_C1_terms_begin_neither_in_the_past_nor_before_what_they_stand_on(net, since, said) -> None:  # type: ignore[no-untyped-def]
    publish()
    publish(BASE.replace("at_most = 2", "at_most = 1"), at=AT + DAY, since=AT + 10 * DAY)
    with pytest.raises(versions.NotPublishable, match=said):
        claim(net["county"], since=since)


def test_C1_the_database_refuses_an_overlap_of_terms_and_of_general_versions(net) -> None:  # type: ignore[no-untyped-def]
    publish()
    own = claim(net["county"])
    fields = {"program": own.program, "doc": own.doc, "sha256": own.sha256, "state": "live", "since": AT + 2 * DAY}
    with pytest.raises(IntegrityError, match="c1_versions_do_not_overlap"), transaction.atomic():
        Version.objects.create(unit=own.unit, base=own.base, n=2, **fields)
    with pytest.raises(IntegrityError, match="c1_versions_do_not_overlap"), transaction.atomic():
        Version.objects.create(n=2, **fields)
    Version.objects.create(unit=net["other"], base=own.base, n=1, **fields)


def test_C1_the_application_cannot_change_terms(net) -> None:  # type: ignore[no-untyped-def]
    publish()
    own = claim(net["county"])
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        Version.objects.filter(pk=own.pk).update(terms=SHORTER)


def test_C4_terms_that_are_not_what_was_merged_are_reported(net) -> None:  # type: ignore[no-untyped-def]
    base = publish()
    doc = overlays.merged(BASE, SHORT)
    Version.objects.create(
        program=base.program, unit=net["county"], base=base, n=1, doc=doc, sha256=versions.digest(doc), terms=SHORTER,
        state="live", since=AT,
    )  # fmt: skip
    forget()
    assert versions.broken() == ["“request”county第1版：内容与上级版本加本级条款不一致。"]


def test_a_guard_can_refuse_a_publication(net, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(versions, "_guards", [lambda version, at: [f"{versions.name(version)}不行"]])
    with pytest.raises(versions.NotPublishable, match="“request”第1版不行"):
        publish()
    assert not Version.objects.exists()


@settings(max_examples=60, deadline=None)
@given(
    handle=st.integers(1, 30),
    unit=st.sampled_from(["wd", "h", "d", "wh"]),
    most=st.integers(-1, 4),
    other=st.booleans(),
)
def test_C4_whatever_is_accepted_is_open_and_never_worse(handle, unit, most, other) -> None:  # type: ignore[no-untyped-def]
    terms = (
        f'program = "request"\n[set]\n"limit.handle.default" = "{handle}{unit}"\n"move.hand_back.at_most" = {most}\n'
    )
    terms += '"limit.sign.default" = "1h"\n' if other else ""
    try:
        doc = overlays.merged(BASE, terms)
    except BadTerms:
        fits = is_never_later(Duration.parse(f"{handle}{unit}"), Duration.parse("10wd")) and 1 <= most <= 2
        assert other or not fits
        return
    rules = document.load(doc)
    assert overlays.only_open_paths_differ(BASE, doc)
    assert (
        is_never_later(rules.limits["handle"].default, Duration.parse("10wd")) and rules.moves["hand_back"].at_most <= 2
    )


ODD = """program = "x"
"a.b" = "引号\\"和\\u007f"
[test.a]
if = { all = [{ ask = "b", gte = 1990-01-01 }, { not = { ask = "c", eq = 1.5 } }] }
"""


@pytest.mark.parametrize("text", [BASE, ODD], ids=["request", "odd"])
def test_a_written_document_reads_back_as_it_was(text) -> None:  # type: ignore[no-untyped-def]
    data = document.table_of(text, "").data
    assert document.table_of(toml(data), "").data == data
