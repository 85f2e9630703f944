"""Drafts: what an author is still writing. A program has at most one; it is never in force, whatever it says.

A draft need not be a document that loads: nothing typed is lost. Two authors at once: who saves second is told (Stale).
"""

from datetime import datetime

from django.db import transaction

from bihuan.net.models import Posting
from bihuan.programs.models import Draft, Program
from bihuan.programs.versions import digest


class Stale(Exception):
    """Somebody else saved the draft, or finished it, since the author took it up. `there`: what is saved now."""

    def __init__(self, there: Draft | None) -> None:
        self.there = there
        super().__init__(
            f"{there.by.person.name}在您之后保存了另一份草稿。您写的还在，没有保存。"
            if there
            else "这份草稿已经被别人发布或放弃了。您写的还在，没有保存。"
        )


def draft_of(program: Program) -> Draft | None:
    """The draft of a program, with who wrote it."""
    return Draft.objects.filter(program=program).select_related("program", "by__person").first()


@transaction.atomic
def keep(program: Program, doc: str, *, was: str, by: Posting, at: datetime) -> Draft:
    """Save a draft. was: the sha256 of the draft it was made from, "" when there was none. Raises Stale."""
    there = _locked(program)
    if there and there.sha256 == digest(doc):
        return there  # sent twice, or both wrote the same
    _require_known(there, was)
    draft = there or Draft(program=program)
    draft.doc, draft.sha256, draft.by, draft.saved_at = doc, digest(doc), by, at
    draft.save()
    return draft


@transaction.atomic
def drop(program: Program, *, was: str) -> None:
    """Give a draft up, or be done with it. Raises Stale."""
    there = _locked(program)
    _require_known(there, was)
    if there:
        there.delete()


def _locked(program: Program) -> Draft | None:
    """The draft, held against other authors through its program."""
    Program.objects.select_for_update().get(pk=program.pk)
    return draft_of(program)


def _require_known(there: Draft | None, was: str) -> None:
    if (there.sha256 if there else "") != was:
        raise Stale(there)
