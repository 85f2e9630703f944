"""Published versions of programs (C1): never changed, numbered, hashed, one of a program in force at a time."""

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

from django.db import transaction
from django.utils import timezone

from bihuan.net.models import Posting
from bihuan.net.revisions import Kept, touch
from bihuan.programs import document
from bihuan.programs.checks import Finding, check
from bihuan.programs.document import Document
from bihuan.programs.models import Program, Version

PART = "programs"  # the revision that a publication raises


class NoVersion(LookupError):
    """No version of the program is in force at that time."""


class NotPublishable(Exception):
    """The document or its date cannot be published; the message says why, a line for each reason."""


class Tampered(Exception):
    """A published document is not what was published (C1)."""


def in_force(key: str, at: datetime) -> Version:
    """The version of a program in force at `at`. Usually no query. `doc` is not loaded: take `rules(version.pk)`.

    Raises NoVersion.
    """
    for version in _by_key.get().get(key, ()):
        if _holds(version, at):
            return version
    raise NoVersion(f"“{key}”在{timezone.localtime(at):%Y年%m月%d日}还没有生效的版本。")


def rules(version_id: int) -> Document:
    """The program a version holds; usually no query. Raises Tampered."""
    known = _rules.get()
    if version_id not in known:
        version = Version.objects.select_related("program").get(pk=version_id)
        if digest(version.doc) != version.sha256:
            raise Tampered(f"“{version.program.key}”第{version.n}版的内容与发布时不一致，请联系管理员恢复。")
        known[version_id] = document.load(version.doc, f"{version.program.key}（第{version.n}版）")
    return known[version_id]


@transaction.atomic
def publish(doc: str, *, by: Posting | None, at: datetime, since: datetime, file: str = "") -> Version:
    """Publish a document as the next version, in force from `since`; the version before it ends there.

    doc: the TOML text, kept byte for byte. by: None when the product sets itself up.
    since: not before `at`, unless the program has no version yet (a first version may cover imported history).
    Raises BadDocument, or NotPublishable: the checks found errors, the same text is in force, or the time is taken.
    """
    rules = document.load(doc, file)
    _refuse_errors(check(rules))
    touch(PART, at)  # also the lock: publications come one by one
    program, _ = Program.objects.get_or_create(key=rules.key, defaults={"kind": rules.kind, "title": rules.title})
    last = program.versions.exclude(state=Version.State.DRAFT).order_by("-n").first()
    if last:
        _follow(last, rules, sha256=digest(doc), at=at, since=since)
    program.title = rules.title
    program.save(update_fields=["title"])
    return program.versions.create(
        n=last.n + 1 if last else 1,
        doc=doc,
        sha256=digest(doc),
        state=Version.State.LIVE,
        since=since,
        published_by=by,
    )


def ensure_packs(at: datetime, *, since: datetime | None = None) -> list[Version]:
    """Publish the shipped programs that have no version yet; those a place already has are left as they are.

    since: when they come into force, `at` if not given. Returns what was published now.
    """
    published = []
    for path in shipped():
        text = document.read(path)
        key = document.load(text, path.name).key
        if not Version.objects.filter(program__key=key).exclude(state=Version.State.DRAFT).exists():
            published.append(publish(text, by=None, at=at, since=since or at, file=path.name))
    return published


def shipped(place: str = "standard") -> list[Path]:
    """The documents that come with the product, without their scenarios."""
    return sorted(p for p in (document.PACKS / place).glob("*.toml") if not p.name.endswith(".scenarios.toml"))


def digest(doc: str) -> str:
    return hashlib.sha256(doc.encode()).hexdigest()


def broken() -> list[str]:
    """What C1 forbids and yet is so, a sentence each: changed documents and gaps in numbers."""
    return [sentence for versions in _read_versions(defer=()).values() for sentence in _broken(versions)]


def _broken(versions: list[Version]) -> Iterator[str]:
    for version in versions:
        if digest(version.doc) != version.sha256:
            yield f"“{version.program.key}”第{version.n}版的内容与发布时不一致。"
    for earlier, later in pairwise(versions):
        if later.n != earlier.n + 1:
            yield f"“{earlier.program.key}”第{earlier.n}版之后缺少版本。"


def _refuse_errors(findings: list[Finding]) -> None:
    errors = [str(finding) for finding in findings if finding.severity == "error"]
    if errors:
        raise NotPublishable("\n".join(errors))


def _follow(last: Version, rules: Document, *, sha256: str, at: datetime, since: datetime) -> None:
    """End the version before, where the new one begins; refuse what would overlap or change the past."""
    if last.program.kind != rules.kind:
        raise NotPublishable(f"“{rules.key}”的种类是{last.program.kind}，不能改成{rules.kind}。")
    if last.sha256 == sha256:
        raise NotPublishable(f"内容与第{last.n}版完全一样，不用再发布。")
    if since < at - timedelta(minutes=1):  # a minute's grace for a form filled in with "now"
        raise NotPublishable("生效时间不能早于现在：已经过去的时间按当时的版本算。")
    if last.since is not None and since <= last.since:
        raise NotPublishable(f"第{last.n}版从{timezone.localtime(last.since):%Y-%m-%d %H:%M}起生效，新版本要晚于它。")
    last.state, last.until = Version.State.RETIRED, since
    last.save(update_fields=["state", "until"])


def _holds(version: Version, at: datetime) -> bool:
    return version.since is not None and version.since <= at and (version.until is None or at < version.until)


def _read_versions(defer: tuple[str, ...] = ("doc",)) -> dict[str, list[Version]]:
    """Published versions by program, in order. A retired one still holds for the time before its end."""
    versions: dict[str, list[Version]] = {}
    published = Version.objects.exclude(state=Version.State.DRAFT).select_related("program").defer(*defer)
    for version in published.order_by("program", "n"):
        versions.setdefault(version.program.key, []).append(version)
    return versions


_by_key = Kept(PART, read=_read_versions)
_rules: Kept[dict[int, Document]] = Kept(PART, read=dict)
