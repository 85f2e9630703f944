"""A publication and those under way: what it would do (`plan`), doing it (`release`), and what forbids it (C2).

By the worst change from the version somebody is under to the new one: wording and widening move him by themselves,
tightening leaves him where he is (`moving.move_one` moves him on somebody's decision), structural moves everybody.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from bihuan.net.models import Posting, Role, Unit
from bihuan.net.scope import covers
from bihuan.net.tree import snapshot
from bihuan.programs import overlays, versions
from bihuan.programs.changes import Change, Klass, diff, klass_of
from bihuan.programs.models import Move, Program, Version
from bihuan.programs.overlays import BadTerms
from bihuan.programs.reading import BadDocument
from bihuan.programs.telling import Names
from bihuan.programs.versions import NotPublishable
from bihuan.release import tracks
from bihuan.release.tracks import Count, Live

MOVES = {Klass.WORDING: True, Klass.WIDENING: True, Klass.TIGHTENING: False, Klass.STRUCTURAL: True}


@dataclass(frozen=True, slots=True)
class Source:
    """An older version with those under it who are concerned. `within`: only those in this unit (its terms are new)."""

    version: Version
    target: Version
    within: int | None
    klass: Klass
    counts: tuple[Count, ...]

    @property
    def moves(self) -> bool:
        """Whether those under it are moved without being asked."""
        return MOVES[self.klass]

    @property
    def planned(self) -> dict[str, int]:
        """How many there are in each place."""
        found: dict[str, int] = {}
        for count in self.counts:
            found[count.place] = found.get(count.place, 0) + count.n
        return found


@dataclass(frozen=True, slots=True)
class Row:
    """One track in a trial: the place it would be in, None when it has nowhere to go; `moves` False: it stays."""

    track: Live
    version: str
    to: str | None
    moves: bool


@dataclass(frozen=True)
class Plan:
    """What publishing would do. Not empty `refusals`: it would be refused, and nothing would happen."""

    title: str
    changes: list[Change] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)

    @property
    def klass(self) -> Klass:
        return klass_of(self.changes)

    @property
    def moved(self) -> int:
        """How many would be moved."""
        return sum(row.moves and row.to is not None for row in self.rows)

    @property
    def stuck(self) -> list[Row]:
        """Those who would have nowhere to go."""
        return [row for row in self.rows if row.to is None]


class _TakenBack(Exception):
    """Ends a trial."""


def plan(doc: str, *, at: datetime, since: datetime | None = None, unit: Unit | None = None) -> Plan:
    """What publishing a document (with `unit`: a unit's own terms) would do to those under way; nothing is changed.

    It is published on trial and taken back, so that a plan and what comes of it cannot differ. Those in every source are
    listed one by one; a text that does not load or fit comes back as refusals.
    """
    made: list[Plan] = []
    try:
        with transaction.atomic():
            made.append(_trial(doc, at=at, since=since or at, unit=unit))
            raise _TakenBack
    except _TakenBack:
        return made[0]
    except (BadDocument, BadTerms, NotPublishable) as error:
        return Plan("", refusals=str(error).splitlines())


def _trial(doc: str, *, at: datetime, since: datetime, unit: Unit | None) -> Plan:
    if unit:
        version = versions.publish_overlay(doc, unit=unit, by=None, at=at, since=since, guarded=False)
    else:
        version = versions.publish(doc, by=None, at=at, since=since, guarded=False)
    sources = [source for one in _made_with(version) for source in sources_of(one)]
    before = _before(version)
    return Plan(
        title=version.program.title,
        changes=diff(versions.text(before), version.doc) if before else [],
        sources=sources,
        rows=[row for source in sources for row in _rows(source)],
        refusals=[reason for one in _made_with(version) for reason in refusals(one, at)],
    )


class NotAuthor(Exception):
    """Somebody publishes what is not his to publish. The message is fit for the user."""


def require_author(by: Posting | None, unit: Unit | None = None) -> None:
    """Only an administrator publishes, for what lies in his area; without a unit, for the whole. None: at the console.

    Raises NotAuthor.
    """
    if by is None:
        return
    if by.role != Role.ADMIN or not covers(by, unit or Unit(pk=snapshot().home)):
        raise NotAuthor("只有管理员可以发布，而且只能发布本辖区的。")


@transaction.atomic
def release(doc: str, *, by: Posting | None, at: datetime, since: datetime, file: str = "") -> Version:
    """Publish a document from `since` on, and see to those under way: who moves is moved from then on by the pump.

    Raises NotAuthor, and what `versions.publish` does; NotPublishable also when somebody would have nowhere to go (C2).
    """
    require_author(by)
    version = versions.publish(doc, by=by, at=at, since=since, file=file)
    _schedule(version, by=by, at=at)
    return version


@transaction.atomic
def release_terms(terms: str, *, unit: Unit, by: Posting | None, at: datetime, since: datetime) -> Version:
    """Publish a unit's own terms, and see to those under way in it. Raises what `versions.publish_overlay` does."""
    require_author(by, unit)
    version = versions.publish_overlay(terms, unit=unit, by=by, at=at, since=since)
    _schedule(version, by=by, at=at)
    return version


def refusals(version: Version, at: datetime) -> list[str]:
    """Why a version just written may not stay: who would have nowhere to go under it (C2). A guard of `versions`."""
    return [*_crowded(version), *(sentence for source in sources_of(version) for sentence in _refused(source))]


def _schedule(version: Version, *, by: Posting | None, at: datetime) -> None:
    """Write down what becomes of those under older versions; of a unit and one above it, the unit's own comes first."""
    for one in sorted(_made_with(version), key=lambda made: -_depth(made)):
        for source in sources_of(one):
            Move.objects.create(
                program=one.program, from_version=source.version, to_version=one, within_id=source.within,
                klass=source.klass.word, stage=Move.Stage.WAITING if source.moves else Move.Stage.KEPT,
                planned=source.planned, left=0 if source.moves else tracks.total(source.counts),
                by=by, made_at=at, since=one.since,
            )  # fmt: skip


def _depth(version: Version) -> int:
    return len(versions.upward(version.unit_id))


def _made_with(version: Version) -> list[Version]:
    """A version and the overlays that were merged anew with it."""
    lines = versions.lines(version.program)
    made = [version]
    for line in lines.values():
        made += [one for one in line if one.since == version.since and one.base_id and _stands_on(one, version, line)]
    return list({one.pk: one for one in made}.values())


def _stands_on(one: Version, version: Version, line: list[Version]) -> bool:
    while one.base_id and one.pk != version.pk:
        if one.base_id == version.pk:
            return True
        one = Version.objects.select_related("program").get(pk=one.base_id)
    return False


def sources_of(version: Version) -> list[Source]:
    """The older versions whose tracks a new one concerns: of its own line, and for a unit's terms those above, within it.

    The one right before it is always among them, as something may yet come in under it until the new one is in force.
    """
    kind = tracks.of(version.program.kind)
    before = _before(version)
    found = []
    for old, within in _older(version) if kind else ():
        counts = tuple(kind.counted(old.pk, within)) if kind else ()
        if counts or (before and old.pk == before.pk):
            found.append(Source(old, version, within, klass_of(diff(old.doc, version.doc)), counts))
    return found


def _older(version: Version) -> Iterator[tuple[Version, int | None]]:
    lines = versions.lines(version.program)
    for unit in versions.upward(version.unit_id):
        within = None if unit == version.unit_id else version.unit_id
        for old in lines.get(unit, ()):
            if old.pk != version.pk and old.since and version.since and old.since < version.since:
                yield old, within


def _before(version: Version) -> Version | None:
    """What held before a version where it holds: the last of its line, or what stood above a unit's first terms."""
    line = [old for old, within in _older(version) if within is None]
    if line or version.base_id is None:
        return line[-1] if line else None
    return Version.objects.select_related("program").get(pk=version.base_id)


# C2


def places_of(source: Source) -> dict[str, str]:
    """Where those go whose place is gone: what the new document's [migrate.N] says of the version they are under."""
    migrate = versions.rules(source.target.pk).migrate
    return dict(migrate.get(versions.number_at_base(source.version), {}))


def _crowded(version: Version) -> list[str]:
    kind = tracks.of(version.program.kind)
    return kind.crowded(version.program.key, versions.rules(version.pk), version.unit_id) if kind else []


def _refused(source: Source) -> Iterator[str]:
    kind = tracks.of(source.version.program.kind)
    if kind is None or not source.moves:
        return
    yield from _gone(source, kind)
    yield from kind.homeless(source.version.pk, versions.rules(source.target.pk), source.within)


def _gone(source: Source, kind: tracks.Tracks) -> Iterator[str]:
    """Places that are gone and lead nowhere; also empty ones, since somebody may come there before the new one holds."""
    old, new = (overlays.data_of(one.doc).get(kind.part, {}) for one in (source.version, source.target))
    names, places, n = (
        Names({kind.part: old}, {kind.part: new}),
        places_of(source),
        versions.number_at_base(source.version),
    )
    for place in old.keys() - new.keys() if source.klass == Klass.STRUCTURAL else ():
        if old[place].get("final"):
            continue
        goal = places.get(place, "")
        title, many = names.title(kind.part, place), source.planned.get(place, 0)
        here = f"{versions.name(source.version)}的“{title}”（{place}，现有{many}件在办{kind.word}）"
        if not goal:
            yield f'{here}在新版本里没有了，请在 [migrate.{n}] 里写明去处：{kind.part}.{place} = "…"。'
        elif goal not in new or new[goal].get("final"):
            yield f"{here}不能移到“{goal}”：新版本里没有，或者它是终点。"


def _rows(source: Source) -> Iterator[Row]:
    kind = tracks.of(source.version.program.kind)
    if kind is None or not source.counts:
        return
    new, places = overlays.data_of(source.target.doc).get(kind.part, {}), places_of(source)
    for track in kind.live(source.version.pk, source.within):
        home = track.place if not source.moves else _home(track.place, new, places)
        yield Row(track, versions.name(source.version), home, source.moves)


def _home(place: str, new: Mapping[str, Any], places: Mapping[str, str]) -> str | None:
    """Where one goes from a place; who is in none yet (at the gate of a ladder) stays there."""
    if not place or place in new:
        return place
    goal = places.get(place, "")
    return goal if goal in new and not new[goal].get("final") else None


def program_moves(program: Program) -> list[Move]:
    """What became of those under way at each publication, the latest first."""
    rows = Move.objects.filter(program=program).select_related("from_version", "to_version", "within", "program")
    return list(rows.order_by("-since", "-id"))
