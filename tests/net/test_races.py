"""N1 and N2 under concurrency: what each change alone may do, two at once may not."""

import threading
from collections.abc import Callable

import pytest
from django.db import IntegrityError, connection, transaction

from bihuan.net import tree
from bihuan.net.models import Edge, Posting, Role, Tree, Unit
from bihuan.net.postings import PostingFault, appoint
from tests.net.conftest import AT, BORN, County
from tests.net.test_tree import MOVED

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*acts: Callable[[], object]) -> list[object]:
    """Run the acts in threads that start together; each one's result or exception."""
    gate, results = threading.Barrier(len(acts)), [None] * len(acts)

    def run(nth: int, act: Callable[[], object]) -> None:
        gate.wait()
        try:
            results[nth] = act()
        except (tree.TreeFault, PostingFault, IntegrityError) as error:
            results[nth] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_n1_two_moves_that_would_close_a_circle_together(county: County) -> None:
    one = lambda: tree.move_unit(county.haizhou, county.xiliu, on=MOVED, at=AT)  # noqa: E731
    two = lambda: tree.move_unit(county.xiliu, county.haizhou, on=MOVED, at=AT)  # noqa: E731
    results = at_once(one, two)
    assert sorted(type(result).__name__ for result in results) == ["Edge", "TreeFault"]
    assert list(tree.faults()) == []


def test_n1_without_the_lock_the_circle_does_happen(county: County) -> None:
    """What the lock is for: both look first, then both write."""
    looked = threading.Barrier(2)

    def move(unit: Unit, parent: Unit) -> None:
        with transaction.atomic():
            assert not Edge.objects.filter(child=parent, parent=unit, until=None).exists()
            looked.wait()
            Edge.objects.filter(child=unit, tree=Tree.ADMIN, until=None).update(until=MOVED)
            Edge.objects.create(child=unit, parent=parent, tree=Tree.ADMIN, since=MOVED)

    at_once(lambda: move(county.haizhou, county.xiliu), lambda: move(county.xiliu, county.haizhou))
    assert {fault.rule for fault in tree.faults()} == {"N1"}


def test_n1_two_moves_of_one_unit_leave_it_one_parent(county: County) -> None:
    at_once(
        lambda: tree.move_unit(county.nanguan, county.xiliu, on=MOVED, at=AT),
        lambda: tree.move_unit(county.nanguan, county.county, on=MOVED, at=AT),
    )
    assert Edge.objects.filter(child=county.nanguan, tree=Tree.ADMIN, until=None).count() == 1


def test_the_same_appointment_twice_at_once_is_made_once(county: County) -> None:
    person = county.post("王书记", county.nanguan, Role.CHIEF).person
    act = lambda: appoint(person, county.haizhou, Role.CHIEF, since=BORN, by=None)  # noqa: E731
    results = at_once(act, act)
    assert sorted(type(result).__name__ for result in results) == ["Posting", "PostingFault"]
    assert Posting.objects.filter(person=person, unit=county.haizhou).count() == 1
