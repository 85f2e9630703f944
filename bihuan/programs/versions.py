"""Published versions of programs (C1): never changed, numbered, hashed, one of a program and unit in force at a time.

A unit may have versions of its own (overlays, C4): the version above with the unit's terms written in. A new version
above makes new ones below, in the same transaction, or is refused with the list of those that no longer fit.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import timezone

from bihuan.net.models import Posting, Unit
from bihuan.net.revisions import Kept, touch
from bihuan.net.tree import snapshot
from bihuan.programs import document, overlays
from bihuan.programs.checks import check
from bihuan.programs.document import Document
from bihuan.programs.findings import Finding
from bihuan.programs.models import Program, Version
from bihuan.programs.overlays import BadTerms
from bihuan.programs.reading import BadDocument

PART = "programs"  # the revision that a publication raises


class NoVersion(LookupError):
    """No version of the program is in force at that time."""


class NotPublishable(Exception):
    """The document or its date cannot be published; the message says why, a line for each reason."""


class Tampered(Exception):
    """A published document is not what was published (C1)."""


# Reading


def in_force(key: str, at: datetime, unit_id: int | None = None) -> Version:
    """The version of a program in force at `at` for a unit: the nearest overlay at or above it, else the general one.

    unit_id: where it happens (a grid, a village ...); None: the general version. Usually no query. `doc` and `terms` are
    not loaded: take `rules(version.pk)`. Raises NoVersion.
    """
    lines = _by_key.get().get(key, {})
    for unit in upward(unit_id) if len(lines) > 1 or None not in lines else (None,):
        for version in lines.get(unit, ()):
            if _holds(version, at):
                return version
    raise NoVersion(f"“{key}”在{timezone.localtime(at):%Y年%m月%d日}还没有生效的版本。")


def upward(unit_id: int | None) -> tuple[int | None, ...]:
    """The units whose versions may hold for a unit, nearest first; last None, the general one."""
    row = snapshot().get(unit_id)
    return (*reversed(row.path), None) if row else (None,)


def rules(version_id: int) -> Any:
    """The program a version holds, of its kind (CaseProgram, LadderProgram); usually no query. Raises Tampered."""
    known = _rules.get()
    if version_id not in known:
        version = Version.objects.select_related("program").get(pk=version_id)
        if digest(version.doc) != version.sha256:
            raise Tampered(f"“{version.program.key}”第{version.n}版的内容与发布时不一致，请联系管理员恢复。")
        known[version_id] = document.load(version.doc, f"{version.program.key}（第{version.n}版）")
    return known[version_id]


def text(version: Version) -> str:
    """The document of a version, byte for byte."""
    return Version.objects.values_list("doc", flat=True).get(pk=version.pk)


def name(version: Version) -> str:
    """How a version is called: “request”第3版, or “request”海州街道第1版."""
    unit = snapshot().get(version.unit_id)
    return f"“{version.program.key}”{unit.name if unit else ''}第{version.n}版"


def number_at_base(version: Version) -> int:
    """The number of the general version that a version comes from: what [migrate.N] counts."""
    while version.base_id:
        version = Version.objects.defer("doc", "terms").get(pk=version.base_id)
    return version.n


def find(key: str, n: int, unit: Unit | None = None) -> Version | None:
    """A published version by its number."""
    published = Version.objects.exclude(state=Version.State.DRAFT).select_related("program")
    return published.filter(program__key=key, n=n, unit=unit).first()


def lines(program: Program) -> dict[int | None, list[Version]]:
    """The published versions of a program by unit, each line in order; from the database, with their texts."""
    found: dict[int | None, list[Version]] = {}
    published = program.versions.exclude(state=Version.State.DRAFT).select_related("program")
    for version in published.order_by("n"):
        found.setdefault(version.unit_id, []).append(version)
    return found


# Publishing


@transaction.atomic
def publish(
    doc: str, *, by: Posting | None, at: datetime, since: datetime, file: str = "", guarded: bool = True
) -> Version:
    """Publish a document as the next version, in force from `since`; the version before it ends there.

    Overlays follow: each gets a new version from the same moment. Those under older versions are not moved: that is for
    `release`, which calls this.
    doc: the TOML text, kept byte for byte. by: None when the product sets itself up.
    since: not before `at`, unless the program has no version yet (a first version may cover imported history).
    guarded: False leaves out the guards (for a trial that is taken back).
    Raises BadDocument, or NotPublishable: the checks found errors, the same text is in force, the time is taken, an
    overlay no longer fits, or somebody under way would have nowhere to go (C2).
    """
    rules = document.load(doc, file)
    _refuse_errors(check(rules))
    touch(PART, at)  # also the lock: publications come one by one
    program, _ = Program.objects.get_or_create(key=rules.key, defaults={"kind": rules.kind, "title": rules.title})
    known = lines(program)
    version = _continue(known.get(None, []), _next(program, rules, doc, by=by, since=since), at=at)
    program.title = rules.title
    program.save(update_fields=["title"])
    made = [version, *_follow_below(version, known, at=at)]
    if guarded:
        _ask_guards(made, at)
    for listener in _listeners:
        listener(rules)
    return version


@transaction.atomic
def publish_overlay(
    terms: str, *, unit: Unit, by: Posting | None, at: datetime, since: datetime, guarded: bool = True
) -> Version:
    """Publish a unit's own terms (逐级认领): the version above it, with them written in, for all that happens in the unit.

    terms: see overlays.merged. since: not before `at`, and not before the version above.
    Raises BadTerms, or NotPublishable as `publish` does.
    """
    if not snapshot().unit(unit.pk).is_place:
        raise NotPublishable(f"“{unit.name}”不是一个地方：本级条款由行政区划或网格来定。")
    _refuse_past(None, at=at, since=since)
    touch(PART, at)
    program = _program_of(terms)
    known = lines(program)
    above = _above(unit.pk, known, since)
    doc = overlays.merged(above.doc, terms)
    rules = document.load(doc, f"{unit.name}的条款")
    _refuse_errors(check(rules))
    overlay = _next(program, rules, doc, by=by, since=since)
    overlay.unit, overlay.base, overlay.terms = unit, above, terms
    _continue(known.get(unit.pk, []), overlay, at=at)
    made = [overlay, *_follow_below(overlay, known, at=at)]
    if guarded:
        _ask_guards(made, at)
    return overlay


@transaction.atomic
def end_overlay(key: str, *, unit: Unit, at: datetime, since: datetime) -> Version:
    """End a unit's own terms at `since`: from then on the version above holds there. Returns the overlay that ended.

    Those under way stay under it. Raises NotPublishable.
    """
    touch(PART, at)
    program = Program.objects.get(key=key)
    known = lines(program)
    last = known.get(unit.pk, [None])[-1]
    if last is None or last.until is not None:
        raise NotPublishable(f"{unit.name}没有自己的条款可以撤下。")
    _refuse_past(last, at=at, since=since)
    _end(last, since)
    above = _above(unit.pk, known, since)
    known.pop(unit.pk)
    _follow_below(above, known, at=at, since=since, within=unit.pk)
    return last


def _program_of(terms: str) -> Program:
    key = overlays.program_of(terms)
    program = Program.objects.filter(key=key).first()
    if program is None:
        raise NotPublishable(f"没有名为“{key}”的事项。")
    return program


def _next(program: Program, rules: Document, doc: str, *, by: Posting | None, since: datetime) -> Version:
    if program.kind != rules.kind:
        raise NotPublishable(f"“{rules.key}”的种类是{program.kind}，不能改成{rules.kind}。")
    return Version(
        program=program, n=1, doc=doc, sha256=digest(doc), state=Version.State.LIVE, since=since, published_by=by
    )


def _continue(line: list[Version], version: Version, *, at: datetime) -> Version:
    """Put a version at the end of its line, where the one before it ends."""
    if line:
        last = line[-1]
        if last.sha256 == version.sha256 and last.until is None:
            raise NotPublishable(f"内容与第{last.n}版完全一样，不用再发布。")
        _refuse_past(last, at=at, since=version.since)
        if last.until is None:
            _end(last, version.since)
        version.n = last.n + 1
    version.save(force_insert=True)
    return version


def _refuse_past(last: Version | None, *, at: datetime, since: datetime | None) -> None:
    """What would overlap or change the past."""
    if since is None or since < at - timedelta(minutes=1):  # a minute's grace for a form filled in with "now"
        raise NotPublishable("生效时间不能早于现在：已经过去的时间按当时的版本算。")
    if last and last.since is not None and since <= last.since:
        begins = f"{timezone.localtime(last.since):%Y-%m-%d %H:%M}"
        raise NotPublishable(f"第{last.n}版从{begins}起生效，新版本要晚于它。")
    if last and last.until is not None and since < last.until:
        raise NotPublishable(f"第{last.n}版到{timezone.localtime(last.until):%Y-%m-%d %H:%M}才结束，新版本要在那以后。")


def _end(last: Version, until: datetime | None) -> None:
    last.state, last.until = Version.State.RETIRED, until
    last.save(update_fields=["state", "until"])


def _above(unit_id: int, known: dict[int | None, list[Version]], since: datetime) -> Version:
    """The version that an overlay of this unit stands on."""
    for unit in upward(unit_id)[1:]:
        for version in known.get(unit, ()):
            if _holds(version, since):
                later = known[unit][-1]
                if later.pk != version.pk:
                    begins = f"{timezone.localtime(later.since):%Y-%m-%d %H:%M}"
                    raise NotPublishable(f"{name(later)}已定于{begins}起生效，本级条款要从那以后开始。")
                return version
    raise NotPublishable("上级还没有生效的版本，不能定本级条款。")


def _follow_below(
    above: Version,
    known: dict[int | None, list[Version]],
    *,
    at: datetime,
    since: datetime | None = None,
    within: int | None = None,
) -> list[Version]:
    """Merge every overlay that stands right below a new version anew, and so on down; all that do not fit are listed."""
    reasons: list[str] = []
    made = list(_merge_below(above, known, since or above.since, within or above.unit_id, reasons))
    if reasons:
        raise NotPublishable("\n".join(["以下本级条款与新版本不相符，请先由定条款的单位修改或撤下：", *reasons]))
    return made


def _merge_below(
    above: Version,
    known: dict[int | None, list[Version]],
    since: datetime | None,
    top: int | None,
    reasons: list[str],
) -> Iterator[Version]:
    for unit in _right_below(top, known):
        last = known[unit][-1]
        if last.until is not None and since is not None and last.until <= since:
            yield from _merge_below(above, known, since, unit, reasons)  # it has ended; those below it look further up
            continue
        try:
            version = _merged_anew(last, above, since)
        except (BadTerms, BadDocument, NotPublishable) as error:
            reasons.append(f"{name(last)}：{error}")
            continue
        yield version
        yield from _merge_below(version, known, since, unit, reasons)


def _right_below(top: int | None, known: dict[int | None, list[Version]]) -> list[int]:
    """Units with overlays below `top` (None: anywhere) and with none in between."""
    net = snapshot()
    paths = {unit: net.unit(unit).path for unit in known if unit is not None and unit != top}
    below = {unit: path for unit, path in paths.items() if top is None or top in path}
    return [unit for unit, path in below.items() if not set(path[:-1]) & below.keys()]


def _merged_anew(last: Version, above: Version, since: datetime | None) -> Version:
    if since is None or (last.since is not None and last.since >= since):
        raise NotPublishable(f"从{timezone.localtime(last.since):%Y-%m-%d %H:%M}起才生效，新版本要晚于它。")
    doc = overlays.merged(above.doc, last.terms)
    _refuse_errors(check(document.load(doc, name(last))))
    until = last.until
    version = Version(
        program=last.program, unit=last.unit, base=above, terms=last.terms, doc=doc, sha256=digest(doc),
        n=last.n + 1, state=Version.State.LIVE, since=since, until=until, published_by=above.published_by,
    )  # fmt: skip
    _end(last, since)
    version.save(force_insert=True)
    return version


# What others have to say to a publication

Guard = Callable[[Version, datetime], Iterable[str]]
Releaser = Callable[..., Version]
Listener = Callable[[Document], None]
_guards: list[Guard] = []
_releasers: list[Releaser] = []
_listeners: list[Listener] = []


def guarded_by(guard: Guard) -> None:
    """Register who may object to a version about to be published: a sentence each reason. Called once, at start-up."""
    _guards[:] = [guard]


def released_by(releaser: Releaser) -> None:
    """Register who publishes and sees to those under way. Called once, at start-up."""
    _releasers[:] = [releaser]


def heard_by(listener: Listener) -> None:
    """Register who learns of each document in the transaction that publishes it, and may raise NotPublishable. Called once."""
    _listeners[:] = [listener]


def release(doc: str, *, by: Posting | None, at: datetime, since: datetime, file: str = "") -> Version:
    """Publish a document, and let those under way follow as its changes demand."""
    return (_releasers or [publish])[0](doc, by=by, at=at, since=since, file=file)


def _ask_guards(made: list[Version], at: datetime) -> None:
    reasons = [reason for version in made for guard in _guards for reason in guard(version, at)]
    if reasons:
        raise NotPublishable("\n".join(reasons))


def ensure_packs(at: datetime, *, since: datetime | None = None, pack: str = "standard") -> list[Version]:
    """Publish the shipped programs that have no version yet; those a place already has are left as they are.

    since: when they come into force, `at` if not given. pack: see `shipped`. Returns what was published now.
    """
    published = []
    for path in shipped(pack):
        text = document.read(path)
        key = document.load(text, path.name).key
        if not Version.objects.filter(program__key=key).exclude(state=Version.State.DRAFT).exists():
            published.append(publish(text, by=None, at=at, since=since or at, file=path.name))
    return published


def shipped(pack: str = "standard") -> list[Path]:
    """The documents of a pack ("*": of every one), without what stands beside them (scenarios, demo data)."""
    return sorted(path for path in document.PACKS.glob(f"{pack}/*.toml") if "." not in path.stem)


def digest(doc: str) -> str:
    return hashlib.sha256(doc.encode()).hexdigest()


def broken() -> list[str]:
    """What C1 and C4 forbid and yet is so, a sentence each: changed documents, gaps in numbers, overlays astray."""
    by_key = _read_versions(defer=())
    return [sentence for lines in by_key.values() for versions in lines.values() for sentence in _broken(versions)]


def _broken(versions: list[Version]) -> Iterator[str]:
    for version in versions:
        if digest(version.doc) != version.sha256:
            yield f"{name(version)}的内容与发布时不一致。"
        elif version.base and (why := overlays.astray(version.base.doc, version.doc, version.terms)):
            yield f"{name(version)}：{why}"
    for earlier, later in pairwise(versions):
        if later.n != earlier.n + 1:
            yield f"{name(earlier)}之后缺少版本。"


def _refuse_errors(findings: list[Finding]) -> None:
    errors = [str(finding) for finding in findings if finding.severity == "error"]
    if errors:
        raise NotPublishable("\n".join(errors))


def _holds(version: Version, at: datetime) -> bool:
    return version.since is not None and version.since <= at and (version.until is None or at < version.until)


_TEXTS = ("doc", "terms", "base__doc", "base__terms")


def _read_versions(defer: tuple[str, ...] = _TEXTS) -> dict[str, dict[int | None, list[Version]]]:
    """Published versions by program and unit, in order. A retired one still holds for the time before its end."""
    versions: dict[str, dict[int | None, list[Version]]] = {}
    published = Version.objects.exclude(state=Version.State.DRAFT).select_related("program", "base").defer(*defer)
    for version in published.order_by("program", "unit", "n"):
        versions.setdefault(version.program.key, {}).setdefault(version.unit_id, []).append(version)
    return versions


_by_key = Kept(PART, read=_read_versions)
_rules: Kept[dict[int, Document]] = Kept(PART, read=dict)
