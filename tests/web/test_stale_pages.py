"""Two people with the same case before them: the slower one is told so in a sentence, and no word of theirs is lost."""

import re
from html import unescape
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone

from bihuan.loop.actions import closing, dispatching, handling
from bihuan.loop.links import track_path
from bihuan.loop.models import Case, CaseEvent
from bihuan.net.models import Person, Posting
from tests.web import lives
from tests.web.doors import doors
from tests.world import BORN

TYPED = "我写了很久的一段话，<b>一个字</b>都不能丢"


@pytest.fixture
def colleague(cast: SimpleNamespace) -> Any:
    """`colleague("handler")` is somebody else in the same unit and role."""

    def join(key: str) -> Posting:
        first: Posting = getattr(cast, key)
        from django.contrib.auth.models import User

        person = Person.objects.create(name="新同事", user=User.objects.create_user(f"{key}-2"))
        return Posting.objects.create(person=person, unit=first.unit, role=first.role, since=BORN)

    return join


def told(answer: Any, *, status: int = 409) -> str:
    """The text of a refused page: its sentence is Chinese, and what was typed stands in it."""
    text = unescape(answer.content.decode())
    assert answer.status_code == status
    assert TYPED in text
    assert "<b>一个字</b>" not in answer.content.decode()
    assert re.search(r"[\u4e00-\u9fff]{3,}[，。]", text)
    return text


def form_of(page: Any, url: str) -> dict[str, str]:
    """The hidden fields of the form that goes to `url`, as the browser would send them."""
    found = re.search(rf'<form[^>]*action="{re.escape(url)}".*?</form>', page.content.decode(), re.S)
    assert found, f"no form goes to {url}"
    hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', found[0])
    return {name: unescape(value) for name, value in hidden if name != "csrfmiddlewaretoken"}


@pytest.mark.parametrize("htmx", [{}, {"HTTP_HX_REQUEST": "true"}], ids=["page", "part"])
def test_two_handlers_of_one_unit(login: Any, cast: SimpleNamespace, colleague: Any, htmx: dict[str, str]) -> None:
    cast.second, case = colleague("handler"), lives.handling_case(cast)
    slow, url = login("second"), f"/cases/{case.no}/reply/"
    typed = form_of(slow.get(f"/cases/{case.no}/"), url) | {"result": "resolved", "text": TYPED}
    handling.reply(case, result="explained", text="已说明", by=cast.handler, at=timezone.now())
    told(slow.post(url, typed, **htmx))
    assert CaseEvent.objects.filter(region_id=case.region_id, case_id=case.pk, verb="reply").count() == 1


def test_a_case_taken_away_while_its_handler_writes(login: Any, cast: SimpleNamespace) -> None:
    """It waits for a ruling, then it is another unit's: whoever had it may still read it, and keeps the words."""
    case = lives.signed(cast)
    slow, url = login("handler"), f"/cases/{case.no}/contact/"
    typed = form_of(slow.get(f"/cases/{case.no}/"), url) | {"way": "phone", "text": TYPED}
    dispatching.hand_back(case, reason=reason_of(case), text="不归我们", by=cast.handler, at=timezone.now())
    told(slow.post(url, typed))
    dispatching.rule(lives.fresh(case), uphold=True, text="", by=cast.dispatcher, at=timezone.now())
    dispatching.dispatch(lives.fresh(case), to=cast.roads, by=cast.dispatcher, at=timezone.now())
    told(slow.post(url, typed))
    assert lives.fresh(case).unit_id == cast.roads.pk


def test_a_secret_case_taken_away_while_its_handler_writes(login: Any, cast: SimpleNamespace) -> None:
    """It is out of the unit's sight from then on; still the words are the writer's own."""
    case = lives.signed(cast, secrecy="secret")
    slow, url = login("handler"), f"/cases/{case.no}/contact/"
    typed = form_of(slow.get(f"/cases/{case.no}/"), url) | {"way": "phone", "text": TYPED}
    dispatching.hand_back(case, reason=reason_of(case), text="不归我们", by=cast.handler, at=timezone.now())
    dispatching.rule(lives.fresh(case), uphold=True, text="", by=cast.dispatcher, at=timezone.now())
    dispatching.dispatch(lives.fresh(case), to=cast.roads, by=cast.dispatcher, at=timezone.now())
    told(slow.post(url, typed), status=404)


def reason_of(case: Case) -> str:
    from bihuan.loop.moves import rules_of

    return next(iter(rules_of(case).reasons["hand_back"]))


def test_two_dispatchers_of_one_centre(login: Any, cast: SimpleNamespace, colleague: Any) -> None:
    cast.second, case = colleague("dispatcher"), lives.filed(cast)
    slow, url = login("second"), f"/centre/cases/{case.no}/act/"
    typed = form_of(slow.get(f"/centre/todo/?case={case.no}"), url) | {"verb": "dispatch", "note": TYPED, "address": ""}
    quick = login("dispatcher").post(url, typed | {"note": "", "unit": cast.water.code})
    assert quick.status_code == 302
    for head in ({}, {"HTTP_HX_REQUEST": "true"}):
        told(slow.post(url, typed | {"unit": cast.roads.code}, **head))
    assert lives.fresh(case).unit_id == cast.water.pk


def test_a_dispatcher_and_a_resident_who_takes_it_back(login: Any, cast: SimpleNamespace) -> None:
    case = lives.filed(cast)
    slow, url = login("dispatcher"), f"/centre/cases/{case.no}/act/"
    typed = form_of(slow.get(f"/centre/todo/?case={case.no}"), url) | {"verb": "answer", "answer": TYPED}
    closing.withdraw(case, at=timezone.now())
    told(slow.post(url, typed))
    assert lives.fresh(case).state == "withdrawn"


def test_two_callers(login: Any, cast: SimpleNamespace, colleague: Any) -> None:
    cast.second, case = colleague("caller"), lives.replied(cast)
    handling.approve(case, passed=True, by=cast.chief, at=timezone.now())
    slow, url = login("second"), f"/centre/cases/{case.no}/act/"
    typed = form_of(slow.get(f"/centre/callback/?case={case.no}"), url)
    typed |= {
        "verb": "call_back",
        "outcome": "reached",
        "contacted": "yes",
        "solved": "no",
        "satisfied": "1",
        "text": TYPED,
    }
    asked = {"contacted": True, "solved": True, "satisfied": 5}
    closing.call_back(lives.fresh(case), reached=True, by=cast.caller, at=timezone.now(), **asked)
    told(slow.post(url, typed))
    assert lives.fresh(case).redos == 0


def test_a_grid_worker_and_his_secretary_look_at_once(login: Any, cast: SimpleNamespace, colleague: Any) -> None:
    cast.second, case = colleague("worker"), lives.verifying_case(cast)
    slow, url = login("second"), f"/cases/{case.no}/verify/"
    typed = form_of(slow.get(f"/cases/{case.no}/"), url)
    quick = login("worker").post(url, typed | {"outcome": "pass", "text": "", "photos": [lives.picture()]})
    assert quick.status_code == 302
    text = told(slow.post(url, typed | {"outcome": "fail", "text": TYPED, "photos": [lives.picture("red")]}))
    assert lives.fresh(case).state == "closed"
    assert "/grid/tasks/" in text


@pytest.mark.parametrize("act", ["confirm", "deny", "urge", "withdraw"])
def test_a_resident_and_the_centre(client: Any, cast: SimpleNamespace, act: str) -> None:
    """The page was opened before the call-back closed the case."""
    case, asked = lives.replied(cast), {"contacted": True, "solved": True, "satisfied": 5}
    handling.approve(case, passed=True, by=cast.chief, at=timezone.now())
    link = track_path(case.no)
    assert client.get(link).status_code == 200
    closing.call_back(lives.fresh(case), reached=True, by=cast.caller, at=timezone.now(), **asked)
    answer = client.post(f"{link}{act}/", {"text": TYPED, "satisfied": "1"})
    assert answer.status_code == 409
    text = unescape(answer.content.decode())
    assert "这件事刚刚有了新进展" in text
    assert TYPED in text or act == "confirm"
    assert "工单当前" not in text
    assert lives.fresh(case).state == "closed"


def test_every_form_of_a_case_says_which_event_it_saw(login: Any, cast: SimpleNamespace) -> None:
    """A form without it would overwrite what somebody else did in between."""
    assert any(door.pattern == "cases/<str:number>/<slug:verb>/" for door in doors())
    for key, case in (("handler", lives.handling_case(cast)), ("chief", lives.replied(cast)),
                      ("worker", lives.verifying_case(cast)), ("supervisor", lives.signed(cast))):  # fmt: skip
        page = login(key).get(f"/cases/{case.no}/").content.decode()
        forms = re.findall(rf'<form[^>]*action="/cases/{case.no}/\w+/".*?</form>', page, re.S)
        acting = [form for form in forms if f"/cases/{case.no}/reveal/" not in form]
        assert acting, key
        assert all(f'name="n" value="{case.n}"' in form for form in acting)
