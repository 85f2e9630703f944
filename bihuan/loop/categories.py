"""The categories of matters and the duty list (派单目录): a few hundred rows, kept in memory until they change."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from bihuan.loop.models import Case, Category, Duty
from bihuan.net import tree
from bihuan.net.revisions import Kept

PART = "duty"  # the revision that a change of categories or duties raises


@dataclass(frozen=True, slots=True)
class Owed:
    """Who owes a duty and why. `fallback`: no duty names the category here, the place's own government takes it."""

    unit_id: int
    clause: str
    fallback: bool


def categories() -> dict[int, Category]:
    """All categories by id, retired ones too, in the order of their keys."""
    return _categories.get()


def in_use(key: str | None) -> Category | None:
    """The category with this id as a form sent it; None for a retired one and for what is no id."""
    found = categories().get(int(key)) if key and key.isdecimal() and len(key) < 10 else None
    return None if found is None or found.retired else found


def full_title(category_id: int | None) -> str:
    """市容环卫 / 垃圾清运; empty when there is no category."""
    return "" if category_id is None else _titles.get()[category_id]


def lineage(category_id: int | None) -> Iterator[Category]:
    """A category and those above it, nearest first."""
    while category_id is not None:
        category = categories()[category_id]
        yield category
        category_id = category.parent_id


def within(category_id: int) -> tuple[int, ...]:
    """A category and those below it."""
    found = [category_id]
    for parent in found:  # grows while it is walked
        found.extend(category.pk for category in categories().values() if category.parent_id == parent)
    return tuple(found)


def suggest(text: str, most: int = 3) -> list[Category]:
    """The categories whose keywords the text contains most of, best first; longer words weigh more."""
    scores = {key: sum(len(word) for word in words if word in text) for key, words in _keywords.get().items()}
    best = sorted((key for key, score in scores.items() if score), key=lambda key: -scores[key])
    return [categories()[key] for key in best[:most]]


def deciding(text: str, category: Category) -> list[str]:
    """The keywords for which `suggest` names the category: why it is suggested."""
    return [word for word in dict.fromkeys(_keywords.get().get(category.pk, ())) if word in text]


def owed(case: Case, *, category_id: int | None, on: date) -> Owed | None:
    """Who owes the duty for such a matter at the case's place: the nearest area and the closest category win.

    Without a duty of the category, the nearest area's fallback (属地兜底); None when the list is silent. No query.
    """
    duty = next(duties(case, category_id=category_id, on=on), None)
    return duty and Owed(duty.unit_id, duty.clause, fallback=duty.category_id is None)


def duties(case: Case, *, category_id: int | None, on: date) -> Iterator[Duty]:
    """The rows of the duty list that bear on such a matter at the case's place, the one that decides first. No query."""
    areas = _areas(case)
    for key in (*(category.pk for category in lineage(category_id)), None):
        for area in areas:
            for duty in _duties.get().get((key, area), ()):
                if duty.since <= on and (duty.until is None or on < duty.until):
                    yield duty


def _areas(case: Case) -> list[int]:
    """The areas that hold the case's place, nearest first; an unplaced case has its region alone."""
    deepest = case.grid_id or case.l5 or case.l4 or case.l3 or case.region_id
    return list(reversed(tree.snapshot().unit(deepest).path))


def _read_duties() -> dict[tuple[int | None, int], list[Duty]]:
    """By category and area. What a unit owed that has ended since, its successor owes; without one nobody does (N4)."""
    net, duties = tree.snapshot(), {}
    for duty in Duty.objects.order_by("-since"):
        duty.unit_id = net.today(duty.unit_id)
        if net.unit(duty.unit_id).died is None:
            duties.setdefault((duty.category_id, duty.area_id), []).append(duty)
    return duties


def _full_title(category_id: int) -> str:
    titles = [category.title for category in lineage(category_id)]
    return " / ".join(reversed(titles))


def _read_keywords() -> dict[int, list[str]]:
    current = [category for category in categories().values() if not category.retired]
    return {category.pk: [category.title, *category.keywords.split()] for category in current}


_categories = Kept(PART, read=lambda: {category.pk: category for category in Category.objects.order_by("key")})
_titles = Kept(PART, read=lambda: {key: _full_title(key) for key in categories()})
_duties = Kept(PART, "tree", read=_read_duties)
_keywords = Kept(PART, read=_read_keywords)
