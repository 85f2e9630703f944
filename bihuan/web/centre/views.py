"""The centre's pages: a queue, the case in hand beside it, and what is done to one case or to many."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect, push_url, trigger_client_event

from bihuan.dossier import vault
from bihuan.dossier.models import Contact
from bihuan.jobs import hints
from bihuan.lib.codes import BadNumber, parse_case_number
from bihuan.loop import lists, story
from bihuan.loop.access import NotFound, case_for
from bihuan.loop.actions import closing, intake
from bihuan.loop.categories import in_use
from bihuan.loop.lists import SOON
from bihuan.loop.models import Case
from bihuan.loop.moves import possible
from bihuan.loop.refusals import REFUSED, refusal
from bihuan.net import tree
from bihuan.net.models import Level, Posting, Role
from bihuan.net.scope import area_of
from bihuan.net.search import places_named, units_named
from bihuan.web.acting import attempt, seen
from bihuan.web.centre import orders, panel, queues
from bihuan.web.centre.queues import UNITS, Worklist, worklist, worklist_of
from bihuan.web.places import full_words
from bihuan.web.posting import desk

ROLES = (Role.DISPATCHER, Role.CALLER, Role.SUPERVISOR)
MOST_AT_ONCE = 200
PURPOSE = gettext_lazy("回访")
OPTIONS = 8


def _now() -> datetime:
    return timezone.now()


def _by(request: HttpRequest) -> Posting:
    return request.posting  # type: ignore[attr-defined,no-any-return]


def _is_part(request: HttpRequest) -> bool:
    return bool(getattr(request, "htmx", False))


# Queues


@require_safe
@desk(*ROLES)
def home(request: HttpRequest) -> HttpResponse:
    """Where this posting's day begins. A case number typed anywhere leads to the case."""
    asked = request.GET.get("q", "").strip()
    if asked:
        return _found(request, asked)
    return redirect(f"/centre/{queues.first_queue(_by(request))}/")


def _found(request: HttpRequest, asked: str) -> HttpResponse:
    """The case with this number, opened; a number that is none is said, not guessed."""
    try:
        case = case_for(_by(request), parse_case_number(asked).text)
    except (BadNumber, NotFound):
        messages.error(request, _("没有找到编号“%(number)s”的工单，请核对。") % {"number": asked[:40]})
        return redirect(f"/centre/{queues.first_queue(_by(request))}/")
    return redirect(f"/centre/open/?case={case.no}")


@require_safe
@desk(*ROLES)
def queue(request: HttpRequest, key: str) -> HttpResponse:
    """A queue, with the case that the address names open beside it. Five statements without one."""
    by, at = _by(request), _now()
    work = _worklist(request, key, by, at)
    wanted = request.GET.get("case", "")
    opened = panel.panel(case_for(by, wanted), work, by, at=at) if wanted else None
    return page(request, work, at=at, opened=opened)


def _worklist(request: HttpRequest, key: str, by: Posting, at: datetime) -> Worklist:
    work = worklist(key, request.GET, by, at)
    if work is None:
        raise Http404
    return work


def page(request: HttpRequest, work: Worklist, *, at: datetime, opened: Any = None, status: int = 200) -> HttpResponse:
    """The whole page: queues at the left, the list, and the panel."""
    by = work.posting
    shown = opened["case"].no if opened else ""
    context = {
        **(opened or {}),
        **_frame(by, work.queue.key, at),
        **queues.page_of(work, at=at, shown=shown),
        "choices": queues.choices(work, at),
        "refresh_url": work.part_url(),
    }
    return render(request, "centre/queue.html", context, status=status)


def _frame(by: Posting, current: str, at: datetime) -> dict[str, Any]:
    """The navigation with its counts, and what the page is told of by the live stream."""
    topics = list(_topics(by))
    groups = queues.navigation(by, current, queues.counts(by, at=at))
    return {
        "nav_groups": groups,
        "nav_items": [item for group in groups for item in group["items"]],
        "live_topics": topics,
        "topics": " ".join(topics),
    }


def _topics(by: Posting) -> Iterable[str]:
    """The posting's area and, for a city, its counties: matters are told of where they were filed."""
    net = tree.snapshot()
    home = area_of(net.unit(by.unit_id), net)
    yield hints.area(home.id)
    if home.level < Level.COUNTY:
        below = (unit.id for unit in net.children(home.id) if unit.is_place)
        yield from map(hints.area, islice(below, hints.MOST_TOPICS - 1))


@require_safe
@desk(*ROLES)
def queue_part(request: HttpRequest, key: str) -> HttpResponse:
    """The list and the counts anew, after a hint: the panel and what is typed in it stay. Five statements at most."""
    by, at = _by(request), _now()
    work = _worklist(request, key, by, at)
    number, _colon, n = request.GET.get("seen", "").partition(":")
    context = {
        **_frame(by, key, at),
        **queues.page_of(work, at=at, shown=number),
        "as_part": True,
        "news": _news(by, number, n) if number else None,
    }
    return render(request, "centre/_refreshed.html", context)


def _news(by: Posting, number: str, n: str) -> dict[str, Any]:
    """Whether the open case has moved since it was shown, and by what. One or two queries, four more when it has."""
    try:
        case = case_for(by, number)
    except NotFound:
        return {"changed": True, "number": number, "latest": str(NotFound())}
    changed = str(case.n) != n
    return {"changed": changed, "number": case.no, "latest": panel.latest(story.steps(case)) if changed else ""}


# One case


@require_safe
@desk(*ROLES)
def case(request: HttpRequest, number: str) -> HttpResponse:
    """The case in hand: to htmx its panel, else the page of its queue with it."""
    by, at = _by(request), _now()
    work = worklist_of(request.GET.get("list", ""), by, at)
    after = request.GET.get("after", "")
    found = case_for(by, number)
    address = work.url(case=found.no, after=after)
    if not _is_part(request):
        return redirect(address)
    answer = render(request, "centre/_panel.html", panel.panel(found, work, by, at=at))
    return push_url(answer, address)


@dataclass(frozen=True)
class Verb:
    """An act of this desk: its form, what it does, and what is said when it is done."""

    form: type
    act: Callable[[Case, Any, Posting, datetime], Any]
    done: Any
    stays: bool = False  # the case stays in hand: its next step is this desk's too


VERBS = {
    "dispatch": Verb(orders.DispatchForm, orders.send_out, gettext_lazy("已派单。")),
    "accept": Verb(orders.AcceptForm, orders.accept, gettext_lazy("已受理，接着派单。"), stays=True),
    "answer": Verb(orders.AnswerForm, orders.answer, gettext_lazy("已直接答复并办结。")),
    "place": Verb(orders.PlaceForm, orders.place, gettext_lazy("已定位。"), stays=True),
    "rule": Verb(panel.RuleForm, panel.rule, gettext_lazy("已裁定。")),
    "call_back": Verb(panel.CallForm, panel.call_back, gettext_lazy("回访已记下。")),
    "redo": Verb(panel.SaidForm, panel.redo, gettext_lazy("已退回重新办理。")),
    "urge": Verb(panel.SaidForm, panel.urge, gettext_lazy("已催办，承办单位马上会看到。"), stays=True),
}


@require_POST
@desk(*ROLES)
def act(request: HttpRequest, number: str) -> HttpResponse:
    """Do what the pressed button says; then the next case of the queue opens.

    Refused: the panel as it is now, with the sentence and with what was typed (409 when somebody was faster, else 422).
    """
    by, at = _by(request), _now()
    work = worklist_of(request.POST.get("list", ""), by, at)
    key = request.POST.get("verb", "")
    if key not in VERBS:
        raise Http404
    verb, found = VERBS[key], seen(case_for(by, number), request)
    form = verb.form(request.POST, case=found, by=by, at=at)
    with attempt(form) as tried, transaction.atomic():
        if form.is_valid():
            verb.act(found, form, by, at)
    if tried.refused or form.errors:
        status = 409 if tried.refused and tried.refused.status in (403, 409) else 422
        return _refused(request, work, case_for(by, number), form, key, at=at, status=status)
    return _done(request, work, found, verb, form, at=at)


def _refused(
    request: HttpRequest, work: Worklist, found: Case, form: Any, verb: str, *, at: datetime, status: int
) -> HttpResponse:
    opened = panel.panel(found, work, work.posting, at=at, tried=form, verb=verb, stale=status == 409)
    if _is_part(request):
        return render(request, "centre/_panel.html", opened, status=status)
    return page(request, work, at=at, opened=opened, status=status)


def _done(request: HttpRequest, work: Worklist, before: Case, verb: Verb, form: Any, *, at: datetime) -> HttpResponse:
    """Say so and go on: with the same case when its next step is ours, else with the next of the queue."""
    messages.success(request, str(verb.done))
    stays = verb.stays or form.data.get("outcome") == "uphold"
    number = before.no if stays else queues.next_after(work, before, at=at)
    if not _is_part(request):
        return redirect(work.url(case=number))
    return _opened(request, work, number, at=at)


def _opened(request: HttpRequest, work: Worklist, number: str, *, at: datetime) -> HttpResponse:
    """The panel with this case, or the words that the queue is done; and word to the page to fetch its list anew."""
    context = panel.panel(case_for(work.posting, number), work, work.posting, at=at) if number else {"work": work}
    answer = render(request, "centre/_panel.html", context | {"as_part": True})
    return trigger_client_event(push_url(answer, work.url(case=number)), "queue", after="swap")


@require_POST
@desk(*ROLES)
def contact(request: HttpRequest, number: str) -> HttpResponse:
    """The resident's phone in the clear, for a call-back: looked at on demand, and the look is written down."""
    by, at = _by(request), _now()
    found = case_for(by, number)
    if found.contact_id is None or "call_back" not in {move.verb for move in possible(found, by)}:
        raise Http404
    kept = Contact.objects.get(region_id=found.region_id, pk=found.contact_id)
    try:
        shown: dict[str, Any] = {"clear": vault.reveal(kept, by=by, purpose=str(PURPOSE), at=at)}
    except (vault.Erased, vault.Unreadable) as error:
        shown = {"sorry": str(error)}
    if _is_part(request):
        return render(request, "centre/_contact.html", shown)
    work = worklist_of(request.POST.get("list", ""), by, at)
    return page(request, work, at=at, opened=panel.panel(found, work, by, at=at, **shown))


# Suggestions while typing


@require_safe
@desk(Role.DISPATCHER)
def place_options(request: HttpRequest) -> HttpResponse:
    """The list under the address box."""
    found = places_named(request.GET.get("address", ""), _home(request).id, most=OPTIONS)
    options = [{"id": unit.code, "text": full_words(unit), "why": ""} for unit in found]
    return render(request, "centre/_options.html", {"options": options})


@require_safe
@desk(*ROLES)
def unit_options(request: HttpRequest) -> HttpResponse:
    """The list under a unit box: by any part of the name, or spelled in letters. `box` names the box asked."""
    words = request.GET.get(request.GET.get("box", "unit_name"), "")
    found = units_named(words, _home(request).id, most=OPTIONS)
    net = tree.snapshot()
    options = [
        {"id": unit.code, "text": unit.name, "why": net.unit(unit.parent).name if unit.parent else ""} for unit in found
    ]
    return render(request, "centre/_options.html", {"options": options})


def _home(request: HttpRequest) -> tree.UnitRow:
    net = tree.snapshot()
    return area_of(net.unit(_by(request).unit_id), net)


@require_safe
@desk(Role.DISPATCHER)
def advice(request: HttpRequest, number: str) -> HttpResponse:
    """Who may take the case, for the category and the place now in the form."""
    by, at = _by(request), _now()
    found = case_for(by, number)
    category = in_use(request.GET.get("category"))
    place = orders.place_called(request.GET.get("address", "").strip(), request.GET.get("grid", ""), by)
    advised = orders.advice(
        found,
        category=category.pk if category else None,
        place_id=place.id if place else None,
        by=by,
        on=localdate(at),
    )
    return render(request, "centre/_advice.html", {"advised": advised})


# Many at once


@require_POST
@desk(Role.DISPATCHER)
def accept_many(request: HttpRequest) -> HttpResponse:
    """Accept the ticked cases, each by itself."""
    at = _now()
    done, refused = _each(request, lambda found: intake.accept(found, by=_by(request), at=at), as_seen=True)
    said = ngettext("已受理 %(n)d 件。", "已受理 %(n)d 件。", done) % {"n": done}
    return _told(request, said if done else "", refused, at=at)


@require_POST
@desk(Role.DISPATCHER, Role.SUPERVISOR)
def urge_many(request: HttpRequest) -> HttpResponse:
    """Urge the ticked cases, each with an event of its own and the same words."""
    at, text = _now(), _note(request)
    done, refused = _each(request, lambda found: closing.urge(found, by=_by(request), at=at, text=text))
    return _told(request, _urged(done) if done else "", refused, at=at)


def _note(request: HttpRequest) -> str:
    return request.POST.get("note", "").replace("\r", "").replace("\x00", "").strip()


def _urged(done: int) -> str:
    return ngettext("已催办 %(n)d 件。", "已催办 %(n)d 件。", done) % {"n": done}


def _each(request: HttpRequest, act: Callable[[Case], Any], *, as_seen: bool = False) -> tuple[int, list[str]]:
    """Run an act on every ticked case (`pick` is number:n); how many were done, and the sentences of those refused.

    as_seen: refuse those that have moved since they were listed.
    """
    done, refused = 0, []
    for pick in dict.fromkeys(request.POST.getlist("pick")[:MOST_AT_ONCE]):
        number, _colon, n = pick.partition(":")
        try:
            with transaction.atomic():
                found = case_for(_by(request), number)
                found.seen_n = int(n) if as_seen and n.isdecimal() and len(n) < 10 else None
                act(found)
            done += 1
        except REFUSED as error:
            refused.append(f"{number[:24]}：{refusal(error).message}")
    return done, refused


def _told(request: HttpRequest, said: str, refused: Iterable[str], *, at: datetime) -> HttpResponse:
    """What became of many: to htmx the list anew, else the page of the queue."""
    if said:
        messages.success(request, said)
    for sentence in list(refused)[:5]:
        messages.warning(request, sentence)
    if not said and not refused:
        messages.warning(request, _("请先勾选工单。"))
    work = worklist_of(request.POST.get("list", ""), _by(request), at)
    if not _is_part(request):
        return redirect(work.url())
    context = {**_frame(work.posting, work.queue.key, at), **queues.page_of(work, at=at), "as_part": True}
    return render(request, "centre/_refreshed.html", context)


# Units that must be pressed


@require_safe
@desk(*ROLES)
def units(request: HttpRequest) -> HttpResponse:
    """Which units are late or soon will be, the worst first; each count opens its list. Five statements."""
    by, at = _by(request), _now()
    frame = _frame(by, UNITS, at)
    template = "centre/_units_refreshed.html" if _is_part(request) else "centre/units.html"
    return render(request, template, {**frame, **_units(request.GET, by, at), "as_part": _is_part(request)})


def _units(query: QueryDict, by: Posting, at: datetime) -> dict[str, Any]:
    net, ticked = tree.snapshot(), set(query.getlist("unit"))
    found = lists.count_units(lists.listing_for(by), at=at)
    rows = []
    for one in found:
        unit = net.unit(one.unit_id)
        links = {key: f"/centre/{key}/?unit={unit.code}" for key in ("late", "soon", "returned", "open")}
        rows.append({"code": unit.code, "name": unit.name, "late": one.late, "soon": one.soon, "returned": one.returned,
                     "links": links, "ticked": unit.code in ticked})  # fmt: skip
    sums = {key: sum(row[key] for row in rows) for key in ("late", "soon", "returned")}
    tones = {key: tone if sums[key] else "" for key, tone in (("late", "bad"), ("soon", "warn"))}
    return {"rows": rows, "sums": sums, "tones": tones, "may_urge": by.role in (Role.DISPATCHER, Role.SUPERVISOR)}


@require_POST
@desk(Role.DISPATCHER, Role.SUPERVISOR)
def urge_units(request: HttpRequest) -> HttpResponse:
    """Urge everything late (`what` soon: due within a day) of the ticked units, at most two hundred at once."""
    by, at, text = _by(request), _now(), _note(request)
    what = {"since": at, "until": at + SOON} if request.POST.get("what") == "soon" else {"late": True}
    done, refused, more = _urge_all(list(_pressing(request, by, what, at)), by, at, text)
    messages.success(request, _urged(done)) if done else messages.warning(request, _("没有可以催办的工单。"))
    for sentence in refused[:5]:
        messages.warning(request, sentence)
    if more:
        messages.warning(request, _("一次最多催办 %(n)d 件，还有没催到的，请再催一次。") % {"n": MOST_AT_ONCE})
    return HttpResponseClientRedirect("/centre/units/") if _is_part(request) else redirect("centre_units")


def _pressing(request: HttpRequest, by: Posting, what: dict[str, Any], at: datetime) -> Iterable[str]:
    """Numbers of the cases to press for, unit by unit."""
    net = tree.snapshot()
    for code in dict.fromkeys(request.POST.getlist("unit")[:MOST_AT_ONCE]):
        if net.has_code(code):
            listing = lists.listing_for(by, unit_id=net.by_code(code).id, **what)
            yield from (row.number for row in lists.page(listing, at=at, limit=MOST_AT_ONCE).rows)


def _urge_all(numbers: list[str], by: Posting, at: datetime, text: str) -> tuple[int, list[str], bool]:
    done, refused = 0, []
    for number in numbers[:MOST_AT_ONCE]:
        try:
            closing.urge(case_for(by, number), by=by, at=at, text=text)
            done += 1
        except REFUSED as error:
            refused.append(f"{number}：{refusal(error).message}")
    return done, refused, len(numbers) > MOST_AT_ONCE
