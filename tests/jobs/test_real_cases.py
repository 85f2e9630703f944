"""Cases made by the real acts: what the pump says and counts about them, and that their record verifies."""

from datetime import timedelta
from functools import partial

import pytest

from bihuan.book import messages, outbox, tallies
from bihuan.dossier import texts
from bihuan.dossier.models import Text
from bihuan.jobs import hints
from bihuan.jobs.integrity import check_cases
from bihuan.jobs.pump import Pump
from bihuan.loop.actions import closing, dispatching, handling, intake
from bihuan.loop.models import Case
from bihuan.loop.report import Report
from tests.world import MONDAY

HOUR = timedelta(hours=1)


@pytest.fixture
def at():
    """The cast's Monday morning."""
    return MONDAY


def filed(at, phone="13812345678"):
    report = Report(
        type="help", text="南关一网格门前水管漏水三天了", name="王建国", phone=phone, grid="219981001001001"
    )
    return Case.objects.get(no=intake.file(report, at=at).number)


def whole_life(case, cast, at):
    intake.accept(case, by=cast.dispatcher, at=at + HOUR, category=cast.tap)
    dispatching.dispatch(case, to=cast.water, by=cast.dispatcher, at=at + HOUR)
    dispatching.sign(case, by=cast.handler, at=at + 2 * HOUR)
    handling.contact(case, text="已电话联系", by=cast.handler, at=at + 3 * HOUR)
    handling.reply(case, result="resolved", text="水管已换", by=cast.handler, at=at + 7 * HOUR)
    handling.approve(case, passed=True, by=cast.chief, at=at + 8 * HOUR)
    closing.call_back(case, reached=True, contacted=True, solved=True, satisfied=5, by=cast.caller, at=at + 9 * HOUR)
    case.refresh_from_db()
    return case


@pytest.mark.django_db(transaction=True)
def test_S1_S2_F4_a_whole_life_verifies_even_after_its_words_are_erased(cast, at):
    case = whole_life(filed(at), cast, at)
    found = check_cases()
    assert (found.tracks, found.events, found.breaks) == (1, 8, [])
    for text in Text.objects.filter(region_id=case.region_id, case_id=case.pk):
        texts.erase(text, by=cast.chief, at=at, ground="本人要求删除")
    assert check_cases().breaks == []


@pytest.mark.django_db
def test_one_beat_counts_a_filed_case_and_answers_the_resident(cast, at, settings):
    settings.CHANNEL = "file"
    case = filed(at)
    pump = Pump()
    pump.beat(at + timedelta(seconds=1))
    assert pump.troubles() == {}
    assert tallies.pending() == 0
    assert tallies.read(["filed"], case.l4) == {"filed": 1}
    (told,) = messages.for_resident(case.region_id, case.pk)
    assert (told.state, told.channel) == ("sent", "file")
    assert [file.name for file in messages.spool().iterdir()] == ["2026-11-16.jsonl"]


@pytest.mark.django_db
def test_every_message_of_a_whole_life_finds_its_words_and_its_reader(cast, at):
    case = whole_life(filed(at), cast, at)
    later = at + 10 * HOUR
    Pump().run_dry(later)
    assert outbox.backlog(later) == 0 and outbox.dead() == []
    assert len(messages.for_resident(case.region_id, case.pk)) >= 4
    assert {one.state for one in messages.of_case(case.region_id, case.pk)} == {"sent"}
    assert not any("{" in one.body for one in messages.of_case(case.region_id, case.pk))


@pytest.mark.django_db
def test_a_resident_who_left_no_phone_reads_on_the_page(cast, at):
    case = filed(at, phone="")
    Pump().run_dry(at)
    (told,) = messages.for_resident(case.region_id, case.pk)
    assert (told.channel, told.state) == ("page", "sent")


@pytest.fixture
def told(monkeypatch):
    """What screens are told of by an act: told(act, at) answers the topics."""

    def of(act, at):
        heard = set()
        Pump().run_dry(at)
        monkeypatch.setattr(hints, "publish", heard.update)
        act(at=at)
        Pump().beat(at)
        return heard - {hints.EVERYWHERE}

    return of


@pytest.mark.django_db
def test_a_hand_back_is_heard_of_at_the_centre_and_in_the_unit(cast, at, told):
    case = filed(at)
    intake.accept(case, by=cast.dispatcher, at=at + HOUR, category=cast.tap)
    dispatching.dispatch(case, to=cast.water, by=cast.dispatcher, at=at + HOUR)
    dispatching.sign(case, by=cast.handler, at=at + HOUR)
    why = {"reason": "not_ours", "text": "三定方案第二条：归住建局", "by": cast.handler}
    heard = told(partial(dispatching.hand_back, case, **why), at + 2 * HOUR)
    assert heard == {hints.area(cast.county.pk), hints.unit(cast.water.pk)}


@pytest.mark.django_db
def test_a_unit_that_gets_a_case_loses_one_or_is_given_a_part_hears_of_it(cast, at, told):
    case, here = filed(at), hints.area(cast.county.pk)
    water, team, roads = (hints.unit(unit.pk) for unit in (cast.water, cast.water_team, cast.roads))
    intake.accept(case, by=cast.dispatcher, at=at + HOUR, category=cast.tap)
    to = {"to": cast.water, "assisting": [cast.roads], "by": cast.dispatcher}
    heard = told(partial(dispatching.dispatch, case, **to), at + HOUR)
    assert heard == {here, hints.unit(cast.centre.pk), water, roads}
    dispatching.sign(case, by=cast.handler, at=at + HOUR)
    handling.contact(case, text="已电话联系", by=cast.handler, at=at + 2 * HOUR)
    heard = told(partial(handling.hand_down, case, to=cast.water_team, by=cast.handler), at + 3 * HOUR)
    assert heard == {here, water, team}
    heard = told(partial(handling.assist, case, text="路面已围挡", by=cast.roads_handler), at + 4 * HOUR)
    assert heard == {here, water, roads}


@pytest.mark.django_db
def test_hints_leave_nothing_behind(cast, at):
    whole_life(filed(at), cast, at)
    Pump().run_dry(at + 10 * HOUR)
    assert outbox.backlog(at + 10 * HOUR) == 0 and not outbox.dead()
