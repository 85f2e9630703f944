"""Acts refused: the right status, the right sentence, at the right field, and nothing typed is lost."""

from types import SimpleNamespace
from typing import Any

import pytest
from django import forms

from bihuan.book.journal import Stale
from bihuan.dossier.photos import BadPhoto
from bihuan.loop.access import NotFound, NotYours, TooManyTries
from bihuan.loop.actions.intake import TooMany
from bihuan.loop.models import Case
from bihuan.loop.moves import IllegalMove
from bihuan.loop.record import NoWords
from bihuan.loop.report import BadReport
from bihuan.web.acting import RefusalMiddleware, attempt, seen


class Form(forms.Form):
    blamed = {"place": "address"}
    text = forms.CharField(required=False)
    address = forms.CharField(required=False)


def tried(error: Exception) -> tuple[Form, Any]:
    form = Form({"text": "写好的话"})
    form.is_valid()
    with attempt(form) as tried:
        raise error
    return form, tried.refused


@pytest.mark.parametrize(
    ("error", "status", "field"),
    [
        (BadReport("text", "请写下您要反映的事情。"), 422, "text"),
        (BadReport("place", "这个位置不在本市范围内。"), 422, "address"),
        (BadReport("phone", "号码不对。"), 422, "__all__"),
        (NoWords("请填写内容。"), 422, "__all__"),
        (BadPhoto("不是照片。"), 422, "__all__"),
        (IllegalMove("不能进行这一步。"), 409, "__all__"),
        (Stale(), 409, "__all__"),
        (NotFound(), 404, "__all__"),
        (TooMany(), 429, "__all__"),
    ],
)
def test_a_refusal_stands_at_the_field_that_will_be_mended(error, status, field):
    form, refused = tried(error)
    assert (refused.status, refused.message) == (status, str(error))
    assert form.errors == {field: [str(error)]} and form["text"].value() == "写好的话"


def test_what_is_no_refusal_is_not_swallowed():
    with pytest.raises(ZeroDivisionError), attempt():
        raise ZeroDivisionError


def test_an_act_that_went_well_is_not_refused():
    with attempt() as tried:
        pass
    assert tried.refused is None


@pytest.mark.parametrize(("posted", "kept"), [("7", 7), ("", None), ("x", None), ("9" * 30, None), ("-1", None)])
def test_the_number_of_the_event_that_was_seen_comes_from_the_page(rf, posted, kept):
    assert seen(Case(), rf.post("/", {"n": posted})).seen_n == kept


@pytest.mark.parametrize("error", [NotFound(), NotYours(), Stale(), TooManyTries()])
def test_a_refusal_nobody_expected_is_a_page_or_a_notice_with_its_sentence(db, rf, error):
    answers = RefusalMiddleware(lambda request: None)
    request = rf.get("/")
    request.user, request.posting, request.htmx = SimpleNamespace(is_authenticated=False), None, False
    page = answers.process_exception(request, error)
    request.htmx = True
    notice = answers.process_exception(request, error)
    assert page.status_code == notice.status_code >= 400
    assert str(error) in page.content.decode() and str(error) in notice.content.decode()
    assert "<html" in page.content.decode() and "<html" not in notice.content.decode()


def test_an_unknown_error_is_left_to_be_logged(rf):
    assert RefusalMiddleware(lambda request: None).process_exception(rf.get("/"), ValueError("?")) is None
