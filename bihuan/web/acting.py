"""Acting from a page: what is refused comes back with its sentence and its status, and with what was typed.

    with attempt(form) as tried:
        closing.urge(case, by=request.posting, at=now())
    if tried.refused:
        return render(request, "desk/_urge.html", {"form": form}, status=tried.refused.status)

A refusal that a view does not expect is answered by the middleware as a page (or, to htmx, a notice) of its own.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.forms import ChoiceField, Field, Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from bihuan.loop.models import Case
from bihuan.loop.moves import Missing
from bihuan.loop.refusals import REFUSED, Refusal, refusal


class Attempt:
    """How an act went: `refused` says why it was not done, None that it was."""

    refused: Refusal | None = None


@contextmanager
def attempt(form: Form | None = None) -> Iterator[Attempt]:
    """Run an act; a refusal ends the block and is kept, and stands in the form at the field that it names.

    A form may say `blamed = {"place": "address"}` when a rule's field has another name there.
    """
    tried = Attempt()
    try:
        yield tried
    except REFUSED as error:
        tried.refused = refusal(error)
        if form is not None:
            blame(form, tried.refused, missing=isinstance(error, Missing))


def blame(form: Form, refused: Refusal, *, missing: bool = False) -> None:
    """Put the sentence of a refusal where its reader will mend it; what is missing is called as the page calls it."""
    name = getattr(form, "blamed", {}).get(refused.field, refused.field)
    field = form.fields.get(name)
    form.add_error(name if field else None, wanting(field) if missing and field and field.label else refused.message)


def wanting(field: Field) -> str:
    """The sentence for a field left empty."""
    words = _("请选择“%(label)s”。") if isinstance(field, ChoiceField) else _("请填写“%(label)s”。")
    return words % {"label": field.label}


def seen(case: Case, request: HttpRequest) -> Case:
    """The case with the number of the event that the page showed (posted as `n`): an act on an older sight is refused."""
    n = request.POST.get("n", "")
    case.seen_n = int(n) if n.isdecimal() and len(n) < 10 else None
    return case


class RefusalMiddleware:
    """Answers every refusal that reaches it with the status and the sentence of the one list (loop/refusals.py)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        return refused_page(request, refusal(error)) if isinstance(error, REFUSED) else None


def refused_page(request: HttpRequest, refused: Refusal) -> HttpResponse:
    """A refusal as a page of its own; htmx gets the sentence as a notice."""
    if getattr(request, "htmx", False):
        return render(request, "parts/notice.html", {"tone": "bad", "text": refused.message}, status=refused.status)
    context: dict[str, Any] = {"code": refused.status, "title": _title(refused.status), "sentence": refused.message}
    return render(request, "web/error.html", context | {"typed": list(_typed(request))}, status=refused.status)


def _typed(request: HttpRequest) -> Iterator[tuple[str, str]]:
    """What somebody wrote into a form whose page is gone: a case moved out of their sight while they wrote."""
    for name in ("text", "answer", "note"):
        if words := request.POST.get(name, "").strip():
            yield _("您刚才写的"), words


def _title(status: int) -> str:
    return {
        404: _("没有找到"),
        409: _("这件事刚刚有了变化"),
        429: _("操作太频繁了"),
        503: _("还没有准备好"),
    }.get(status, _("现在不能这样做"))
