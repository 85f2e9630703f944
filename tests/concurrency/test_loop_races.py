"""Two at once, with real threads and connections: first the race as it would be, then that it cannot happen."""

import threading
import uuid
from collections import Counter
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from bihuan.book.journal import Stale
from bihuan.loop import handover, record
from bihuan.loop.actions import dispatching, intake
from bihuan.loop.models import Case, CaseEvent
from bihuan.loop.moves import IllegalMove
from bihuan.loop.report import Report
from bihuan.loop.sweep import sweep
from bihuan.net import postings, tree
from bihuan.net.models import Posting, Unit
from bihuan.net.tree import changes as tree_changes
from tests.world import make_cast

pytestmark = pytest.mark.django_db(transaction=True)
HOUR = timedelta(hours=1)


@pytest.fixture
def cast(transactional_db):
    return make_cast()


def at_once(*deeds):
    """Run the deeds in threads of their own, let go together; returns what each returned or raised."""
    gate, found = threading.Barrier(len(deeds)), [None] * len(deeds)

    def run(n, deed):
        try:
            gate.wait(10)
            found[n] = deed()
        except Exception as error:  # noqa: BLE001 - what a deed raises is its outcome here
            found[n] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(deeds)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return found


def accepted(cast, at) -> Case:
    number = intake.file(Report(type="help", text="漏水", grid="219981001001001"), at=at).number
    case = Case.objects.get(no=number)
    intake.accept(case, by=cast.dispatcher, at=at)
    return Case.objects.get(no=number)


def dispatch_both(cast, at, case):
    return at_once(
        lambda: dispatching.dispatch(case, to=cast.water, by=cast.dispatcher, at=at),
        lambda: dispatching.dispatch(case, to=cast.roads, by=cast.dispatcher, at=at),
    )


def kinds(found):
    return Counter(type(one).__name__ for one in found)


def test_without_the_lock_both_dispatchers_believe_it_is_theirs(cast, at, monkeypatch):
    """Both read "accepted"; only the database's own guards then keep the second from writing, with an error."""
    meeting = threading.Barrier(2)

    def unlocked(case, *, at):
        now = Case.objects.get(region_id=case.region_id, pk=case.pk)
        meeting.wait(10)
        return now

    monkeypatch.setattr(dispatching, "locked", unlocked)
    found = dispatch_both(cast, at, accepted(cast, at))
    assert kinds(found)["CaseEvent"] == 1 and sum(isinstance(one, Stale | IntegrityError) for one in found) == 1


def test_of_two_dispatchers_at_once_one_wins_and_one_is_told(cast, at):
    case = accepted(cast, at)
    found = dispatch_both(cast, at, case)
    assert kinds(found) == {"CaseEvent": 1, "IllegalMove": 1}
    assert CaseEvent.objects.filter(case_id=case.pk, verb="dispatch").count() == 1
    assert issubclass(IllegalMove, Exception) and issubclass(Stale, Exception)


def test_K3_two_sweepers_fire_each_clock_once(cast, at):
    cases = [intake.file(Report(type="help", text=f"第{n}件"), at=at) for n in range(12)]
    at_once(*(lambda: sweep(at + 4 * HOUR) for _ in range(3)))
    sweep(at + 4 * HOUR)
    for case in cases:
        verbs = Counter(CaseEvent.objects.filter(case_id=case.id).values_list("verb", flat=True))
        assert verbs["file"] == verbs["accept"] == verbs["dispatch"] == 1


def test_K3_without_the_lock_a_clock_would_fire_twice(cast, at, monkeypatch):
    """Two firings that both read the clock as running: the second is stopped by the journal's guard alone."""
    filed = intake.file(Report(type="help", text="漏水"), at=at)
    case = Case.objects.get(no=filed.number)
    meeting = threading.Barrier(2)

    def fire():
        from bihuan.loop import clock
        from bihuan.loop.actions import lapsing

        due = clock.running(case).get()
        meeting.wait(10)
        monkeypatch.setattr(lapsing.intake, "locked", lambda case, *, at: Case.objects.get(pk=case.pk))
        lapsing.fire(case, due)

    found = at_once(fire, fire)
    assert sum(isinstance(one, Exception) for one in found) == 1


def test_the_same_click_from_eight_threads_is_one_case(cast, at):
    report = Report(type="help", text="路灯不亮", client_id=uuid.uuid4())
    found = at_once(*(lambda: intake.file(report, at=at) for _ in range(8)))
    assert not [one for one in found if isinstance(one, Exception)]
    assert len({one.number for one in found}) == 1 and sum(one.new for one in found) == 1
    assert Case.objects.count() == 1


def test_numbers_are_never_given_twice(cast, at):
    def many():
        return [intake.file(Report(type="help", text="一件事"), at=at).number for _ in range(40)]

    found = [number for numbers in at_once(*(many for _ in range(4))) for number in numbers]
    assert len(found) == len(set(found)) == 160


def test_a_case_locked_by_somebody_is_left_to_the_next_sweep(cast, at):
    filed = intake.file(Report(type="help", text="漏水"), at=at)
    holding, done = threading.Event(), threading.Event()

    def hold():
        from django.db import transaction

        with transaction.atomic():
            record.locked(Case.objects.get(no=filed.number), at=at)
            holding.set()
            done.wait(10)
        connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    holding.wait(10)
    assert sweep(at + 3 * HOUR) == []
    done.set()
    thread.join(10)
    assert sweep(at + 3 * HOUR) == [filed.region_id]


def test_L1_a_unit_is_not_closed_while_a_case_is_on_its_way_to_it(cast, at, monkeypatch):
    """The administrator looks for open work while a dispatch has not committed: he waits, and then sees it."""
    for posting in Posting.objects.filter(unit=cast.roads):
        postings.end(posting, on=at.date(), by=None, at=at)
    case, dispatched, looked = accepted(cast, at), threading.Event(), threading.Event()

    def dispatch():
        with transaction.atomic():
            dispatching.dispatch(case, to=cast.roads, by=cast.dispatcher, at=at)
            dispatched.set()
            looked.wait(1)  # without the lock the other would have looked, and found nothing, by now

    def close():
        assert dispatched.wait(10)
        tree.close_unit(cast.roads, on=at.date(), at=at)

    require = handover.require_nothing_open
    monkeypatch.setattr(tree_changes, "before_close", [lambda *asked: (require(*asked), looked.set())])
    found = at_once(dispatch, close)
    assert kinds(found) == {"NoneType": 1, "TreeFault": 1}
    assert Unit.objects.get(pk=cast.roads.pk).died is None


def test_L1_a_case_is_not_dispatched_to_a_unit_that_was_closed_since_the_page_was_shown(cast, at):
    case = accepted(cast, at)
    for posting in Posting.objects.filter(unit=cast.roads):
        postings.end(posting, on=at.date(), by=None, at=at)
    tree.close_unit(Unit.objects.get(pk=cast.roads.pk), on=at.date(), at=at)
    with pytest.raises(dispatching.BadUnit):
        dispatching.dispatch(case, to=cast.roads, by=cast.dispatcher, at=at)
