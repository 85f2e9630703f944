"""Bulk history is what the actions would have written: the same rows, the same counts, chains that verify."""

import json
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.book import tallies
from bihuan.book.journal import GENESIS, RESIDENT, By, event_data, event_hash, fold, who
from bihuan.book.models import Outbox, Tally, TallyDelta
from bihuan.dossier import texts
from bihuan.dossier.models import Contact, Text
from bihuan.lib.canonical import NotCanonical
from bihuan.loop import history
from bihuan.loop.actions import closing, dispatching, handling, intake
from bihuan.loop.history import History, Step, write_history
from bihuan.loop.models import Case, CaseEvent, Check, Clock, Task
from bihuan.loop.report import Report
from bihuan.net.regions import across_regions
from bihuan.programs import versions

HOUR = timedelta(hours=1)
IDS = {"id", "no", "text_id", "contact_id", "head", "outside_no"}  # made anew for each case
WORDS = {"text": "南关一网格门前水管漏水三天了，\t夜里\\也漏", "address": "南关一网格 3 号楼"}


def lived(cast, at) -> Case:
    """A case driven through the actions from its filing to its closing."""
    report = Report(type="help", name="张三", phone="13812345678", grid=cast.leaf.code, lng=122.7, lat=40.85, **WORDS)
    case = Case.objects.get(no=intake.file(report, at=at).number)
    intake.accept(case, by=cast.dispatcher, at=at + HOUR, category=cast.tap)
    dispatching.dispatch(case, to=cast.water, by=cast.dispatcher, at=at + HOUR)
    dispatching.sign(case, by=cast.handler, at=at + 2 * HOUR)
    handling.contact(case, text="已电话联系", by=cast.handler, at=at + 3 * HOUR)
    handling.reply(case, result="resolved", text="水管已换\n请放心", by=cast.handler, at=at + 7 * HOUR)
    handling.approve(case, passed=True, by=cast.chief, at=at + 8 * HOUR)
    closing.call_back(case, reached=True, contacted=True, solved=True, satisfied=5, by=cast.caller, at=at + 9 * HOUR)
    case.refresh_from_db()
    return case


def retold(case: Case) -> History:
    """The history of a case, as somebody who only knows its events and words would tell it."""
    steps, moments = [], {name for name in vars(case) if name.endswith("_at")}
    for event in CaseEvent.objects.filter(region_id=case.region_id, case_id=case.pk).order_by("n"):
        facts = json.loads(event.data)
        changes = {key: value for key, value in facts.pop("set").items() if key not in IDS}
        for column in moments & set(changes):
            changes[column] = Case._meta.get_field(column).to_python(changes[column])
        text = Text.objects.get(region_id=case.region_id, pk=facts.pop("text")) if "text" in facts else None
        facts.pop("digest", None)
        by = By(event.actor, event.posting)
        said = {"words": text.body, "place": text.place} if text else {}
        steps.append(Step(event.verb, event.at, changes, by=by, facts=facts, **said))
    checks = Check.objects.filter(region_id=case.region_id, case_id=case.pk).values()
    skipped = ("id", "region_id", "case_id")
    rows = [(Check, {key: value for key, value in check.items() if key not in skipped}) for check in checks]
    return History(steps, contact=("张三", "13812345678"), companions=rows)


def columns(case: Case) -> dict[str, object]:
    return {field.attname: getattr(case, field.attname) for field in Case._meta.concrete_fields}


def plain(event: CaseEvent) -> dict[str, object]:
    data = json.loads(event.data)
    made = {"text", "digest"} & set(data)
    return {
        "at": event.at,
        "by": (event.actor, event.posting),
        "verb": event.verb,
        "version": event.version,
        "facts": {key: value for key, value in data.items() if key not in {"text", "digest", "set"}},
        "set": {key: value for key, value in data["set"].items() if key not in IDS},
        "made": made | (IDS & set(data["set"])),
    }


def verify(case: Case) -> None:
    """S1 and S2: the columns are the fold of the events, and every hash follows from the one before."""
    head, events = GENESIS, list(CaseEvent.objects.filter(region_id=case.region_id, case_id=case.pk).order_by("n"))
    for n, event in enumerate(events, 1):
        by = By(event.actor, event.posting)
        head = event_hash(head, case.region_id, case.pk, n, event.at, by, event.verb, event.version, event.data)
        assert bytes(event.hash) == head
        assert event.data == event_data(
            json.loads(event.data)["set"], {k: v for k, v in json.loads(event.data).items() if k != "set"}
        )
    assert (case.n, bytes(case.head)) == (len(events), head)
    for column, value in fold(events).items():
        assert Case._meta.get_field(column).to_python(value) == getattr(case, column), column


def other_than(case: Case) -> Case:
    return Case.objects.filter(region_id=case.region_id).exclude(pk=case.pk).get()


@pytest.fixture
def twins(cast, at) -> tuple[Case, Case]:
    """The same life twice: once through the actions, once as history."""
    first = lived(cast, at)
    write_history([retold(first)], region_id=first.region_id, version_id=first.version, at=at + 9 * HOUR)
    return first, other_than(first)


def test_history_writes_the_rows_the_actions_write(twins):
    acted, told = twins
    differing = {key for key, value in columns(acted).items() if value != getattr(told, key)}
    assert differing <= IDS
    events = [
        [plain(event) for event in CaseEvent.objects.filter(region_id=case.region_id, case_id=case.pk).order_by("n")]
        for case in twins
    ]
    assert events[0] == events[1]


def test_chains_and_folds_hold_for_both(twins):
    for case in twins:
        verify(case)


def test_texts_and_contacts_are_kept_the_same_way(twins):
    acted, told = ([*Text.objects.filter(region_id=case.region_id, case_id=case.pk).order_by("id")] for case in twins)
    assert [(text.body, text.place) for text in acted] == [(text.body, text.place) for text in told]
    event = CaseEvent.objects.get(region_id=told[0].region_id, case_id=told[0].case_id, n=1)
    assert texts.proves(told[0], json.loads(event.data)["digest"])
    contacts = [Contact.objects.get(region_id=case.region_id, pk=case.contact_id) for case in twins]
    assert contacts[0].phone_mask == contacts[1].phone_mask == "138****5678"
    assert bytes(contacts[0].phone_index) == bytes(contacts[1].phone_index)


def test_counts_are_those_the_pump_folds_from_the_acts(cast, at):
    acted = lived(cast, at)
    tallies.fold(10_000, at=at + 9 * HOUR)
    with across_regions("all counts"):
        once = set(Tally.objects.values_list("unit", "role", "measure", "period", "bucket", "amount"))
    write_history([retold(acted)], region_id=acted.region_id, version_id=acted.version, at=at + 9 * HOUR)
    with across_regions("all counts"):
        twice = set(Tally.objects.values_list("unit", "role", "measure", "period", "bucket", "amount"))
        assert not TallyDelta.objects.exists()
    assert twice == {(*key, 2 * amount) for *key, amount in once}
    assert ("settled", "place", 6) not in once and any(row[3] == "hour" for row in once)


def test_history_tells_nobody_and_starts_no_clock(twins):
    _, told = twins
    assert not Outbox.objects.filter(region_id=told.region_id, case_id=told.pk).exists()
    assert not Clock.objects.filter(region_id=told.region_id, case_id=told.pk).exists()
    assert Check.objects.filter(region_id=told.region_id, case_id=told.pk, solved=True, satisfied=5).count() == 1


def short(cast, at, **changes) -> History:
    """A matter just filed."""
    known = {"type": "help", "source": "import", "unit_id": cast.centre.pk, "l3": cast.county.pk, "due_at": at + HOUR}
    return History([Step("file", at, known | changes, words="路灯不亮")])


def written(cast, histories, at, **options):
    version = versions.in_force("request", at)
    return write_history(histories, region_id=cast.county.pk, version_id=version.pk, at=at, **options)


def test_what_was_imported_before_is_not_imported_again(cast, at):
    def told():
        for n, number in enumerate(["A-1", "A-2", "A-1", ""], 1):
            history = short(cast, at, outside_no=number)
            history.ref = n
            yield history

    first = written(cast, told(), at, batch=2)  # the repeat is in another batch than its first
    assert (first.cases, first.known, first.repeated) == (3, [], [3])
    again = written(cast, told(), at)
    assert (again.cases, again.known, again.repeated) == (1, [1, 2, 3], [])


def test_numbers_follow_those_already_given_that_day(cast, at):
    before = intake.file(Report(type="help", text="井盖坏了", grid=cast.grid1.code), at=at).number
    written(cast, [short(cast, at), short(cast, at), short(cast, at + timedelta(days=1))], at)
    numbers = sorted(Case.objects.filter(region_id=cast.county.pk).values_list("no", flat=True))
    assert len(set(numbers)) == 4 and before in numbers
    assert [number[6:12] for number in numbers] == ["261116", "261116", "261116", "261117"]


def test_an_open_case_comes_with_its_task_and_clock(cast, at):
    history = short(cast, at)
    history.companions = [
        (Task, {"kind": "lead", "unit_id": cast.centre.pk, "opened_at": at, "due_at": at + HOUR}),
        (Clock, {"key": "accept", "limit": "2wh", "started_at": at, "due_at": at + HOUR}),
    ]
    written(cast, [history], at)
    task, clock = (model.objects.get(region_id=cast.county.pk) for model in (Task, Clock))
    assert (task.stage, task.unit_id, clock.stage, clock.ledger) == ("open", cast.centre.pk, "running", [])
    assert task.case_id == clock.case_id == Case.objects.get(region_id=cast.county.pk).pk


def test_hard_words_come_back_as_they_were(cast, at):
    words = 'tab\t斜\\杠 "引号" 换\n行 \\N 𠮷 😀 \u2028 \x7f' + "\\."
    history = short(cast, at, call_ref='引"号\\', lng=1e-7, lat=40.0)
    history.steps[0].words, history.steps[0].place = words, "\\t 号楼"
    written(cast, [history], at)
    case = Case.objects.get(region_id=cast.county.pk)
    text = Text.objects.get(region_id=cast.county.pk)
    assert (text.body, text.place) == (texts.tidy(words), "\\t 号楼")
    assert (case.call_ref, case.lng, case.lat) == ('引"号\\', 1e-7, 40.0)
    verify(case)


def test_a_number_that_is_none_is_refused(cast, at):
    with pytest.raises(NotCanonical):
        written(cast, [short(cast, at, lng=float("nan"))], at)


def test_a_test_case_counts_for_nothing(cast, at):
    written(cast, [short(cast, at, test=True)], at)
    with across_regions("all counts"):
        assert not Tally.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_batches_commit_one_by_one_and_a_bad_one_stops_the_rest(at):
    from tests.world import make_cast

    cast = make_cast()

    def told():
        for n in range(6):
            yield short(cast, at, outside_no=f"N-{n}", source="import" if n != 4 else "far too long for it")

    with pytest.raises(Exception, match="too long"):
        written(cast, told(), at, batch=2)
    assert Case.objects.filter(region_id=cast.county.pk).count() == 4
    assert tallies.read(["filed"], cast.county.pk) == {"filed": 4}
    assert written(cast, (short(cast, at, outside_no=f"N-{n}") for n in range(6)), at, batch=2).cases == 2


def test_who_acted_is_kept(cast, at):
    history = short(cast, at)
    history.steps[0].by = RESIDENT
    history.steps.append(Step("accept", at, {"state": "accepted", "accepted_at": at}, by=who(cast.dispatcher)))
    written(cast, [history], at)
    case = Case.objects.get(region_id=cast.county.pk)
    events = CaseEvent.objects.filter(region_id=case.region_id, case_id=case.pk).order_by("n")
    assert [(event.actor, event.posting) for event in events] == [("resident", None), ("posting", cast.dispatcher.pk)]


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"])),
    st.datetimes(timezones=st.just(ZoneInfo("Asia/Shanghai")), min_value=datetime(1990, 1, 1)),  # noqa: DTZ001
    st.uuids(),
)
FACTS = st.dictionaries(
    st.text(st.characters(exclude_categories=["Cs"])), VALUES | st.dictionaries(st.text("aé名"), VALUES)
)


@given(
    st.dictionaries(st.sampled_from(["lng", "lat", "call_ref", "filed_at", "rating", "test", "client_id"]), VALUES),
    FACTS,
)
def test_s2_event_data_is_the_journals_byte_for_byte(changes, facts):
    facts.pop("set", None)
    line = [""] * len(Case._meta.concrete_fields)
    assert history._data(changes, facts, line).decode() == event_data(changes, facts)
