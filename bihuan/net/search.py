"""Units found while their name is typed: by any part of it, or spelled in letters."""

from django.db.models import Q, QuerySet

from bihuan.net.models import Kind, Unit
from bihuan.net.tree import UnitRow, snapshot

OFFICES = (Kind.ORGAN, Kind.CENTRE, Kind.AREA, Kind.TEAM)  # who can be given work; a grid's work is its community's
PLACES = (Kind.AREA, Kind.GRID)
LONGEST = 40


def units_named(words: str, within: int, *, kinds: tuple[str, ...] = OFFICES, most: int = 8) -> list[UnitRow]:
    """Living units of an area whose name, short name or spelling holds the words; the highest first. One query.

    Letters are looked for in the spelling and in the initials: `shuiwu` and `hcsswj` find 海澄市水务局.
    """
    words = words.strip()[:LONGEST]
    if not words:
        return []
    living = Unit.objects.filter(_says(words), died=None, path__contains=[within], kind__in=kinds)
    return _rows(living.order_by("level", "code")[:most])


def _says(words: str) -> Q:
    named = Q(name__icontains=words) | Q(short__icontains=words)
    letters = words.replace(" ", "").lower()
    return named | Q(pinyin__contains=letters) if letters.isascii() and letters.isalpha() else named


def _rows(found: QuerySet[Unit]) -> list[UnitRow]:
    net = snapshot()
    rows = [net.get(id) for id in found.values_list("pk", flat=True)]
    return [row for row in rows if row is not None]


def places_named(words: str, within: int, *, most: int = 8) -> list[UnitRow]:
    """Areas and grids that half-typed words may mean: an address, a name, or a name spelled in letters.

    No query for anything but letters, which cost one.
    """
    if words.strip().isascii() and words.strip().isalpha():
        return units_named(words, within, kinds=PLACES, most=most)
    return snapshot().suggest_places(words, within, most)
