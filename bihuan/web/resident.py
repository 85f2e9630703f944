"""For residents: report something, follow it, say whether it is solved. No account, no script and no map is needed."""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.contrib import messages
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from bihuan.book.journal import RESIDENT
from bihuan.dossier.models import Text
from bihuan.gauge import wall
from bihuan.lib.codes import spoken
from bihuan.loop.access import NotFound, resident_case
from bihuan.loop.actions import closing, intake
from bihuan.loop.links import case_of, track_path, track_url
from bihuan.loop.models import Case
from bihuan.loop.refusals import Refusal
from bihuan.net import tree
from bihuan.net.regions import across_regions
from bihuan.net.tree import EmptyNet
from bihuan.web import pictures, tracking
from bihuan.web.acting import attempt
from bihuan.web.forms_report import ReportForm, TrackForm, blank
from bihuan.web.places import has_map, place_context
from bihuan.web.shell import exists

FRESH = 15  # seconds for which the front page's numbers are kept
View = Callable[..., HttpResponse]


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    return render(request, "resident/home.html", {"today": _today(), "has_net_page": exists("/net/")})


def _today() -> wall.Numbers | None:
    """The home area's numbers; None on an installation that has no area yet."""
    try:
        area = tree.snapshot().unit(tree.snapshot().home)
    except EmptyNet:
        return None
    return cache.get_or_set(f"home:{area.id}", lambda: wall.numbers(area, at=timezone.now(), live=True), FRESH)


# Reporting


@require_http_methods(["GET", "HEAD", "POST"])
def report(request: HttpRequest) -> HttpResponse:
    """The form, and its filing: a number at once. Sent twice it is one matter."""
    at = timezone.now()
    if request.method != "POST":
        return _form(request, blank(at, {"type": request.GET.get("type", "")}), request.GET)
    form, photos = ReportForm(request.POST, at=at), tuple[str, ...]()
    form.is_valid()
    with attempt(form) as tried:
        photos = pictures.taken(request, at)
        if "choose" in request.POST:
            return _form(request, blank(at, request.POST.dict()), request.POST, photos=photos)
        if form.is_valid():
            return redirect("reported", signed=_signed(intake.file(form.report(photos), at=at).number))
    if tried.refused and tried.refused.code == "client_id_reused":
        return _sent_before(request, form)
    return _form(request, form, request.POST, photos=photos, status=tried.refused.status if tried.refused else 422)


def _form(
    request: HttpRequest,
    form: ReportForm,
    data: Any,
    *,
    photos: tuple[str, ...] = (),
    status: int = 200,
    notice: str = "",
) -> HttpResponse:
    context = {"form": form, "held": pictures.held(request, photos), "has_map": has_map(), **place_context(data)}
    context |= {"lng": data.get("lng", ""), "lat": data.get("lat", ""), "notice": notice}
    context["tile_url"] = settings.TILE_URL
    return render(request, "resident/report.html", context, status=status)


def _signed(number: str) -> str:
    return track_path(number).removeprefix("/t/").removesuffix("/")


def _sent_before(request: HttpRequest, form: ReportForm) -> HttpResponse:
    """The id came before. With the same words it is the same matter, whatever became of its photos on the way: show it.

    With other words it is another matter: the form gets a new id, and the next click files it.
    """
    with across_regions("a sender's id is unique wherever it filed"):
        case = Case.objects.get(client_id=form.cleaned_data["client_id"])
    words = Text.objects.filter(region_id=case.region_id, pk=case.text_id).values_list("body", flat=True).first()
    if words == form.cleaned_data["text"].replace("\r", "").strip():
        return redirect("reported", signed=_signed(case.no))
    said = _("您刚才提交的一件已经收到，编号 %(number)s。如果这是另一件事，请再点一次“提交”。")
    again = blank(timezone.now(), request.POST.dict() | {"client_id": uuid4()})
    return _form(request, again, request.POST, status=409, notice=said % {"number": spoken(case.no)})


# The resident's own page


def by_link(view: View) -> View:
    """The case of a signed link. A broken link leads to the question for number and phone, with a sentence."""

    @wraps(view)
    def found(request: HttpRequest, signed: str, **kwargs: Any) -> HttpResponse:
        try:
            case = case_of(signed)
        except NotFound:
            return _lost(request)
        response = view(request, signed, case, **kwargs)
        add_never_cache_headers(response)
        response["X-Robots-Tag"] = "noindex"
        return response

    return found


def _lost(request: HttpRequest) -> HttpResponse:
    form = TrackForm()
    sentence = _("这个链接不完整，没有找到您反映的事。请用编号和手机号后四位查询。")
    return render(request, "resident/track.html", {"form": form, "sentence": sentence}, status=404)


@require_safe
@by_link
def reported(request: HttpRequest, signed: str, case: Case) -> HttpResponse:
    """It is filed: the number, and the link to keep."""
    context = {"number": spoken(case.no), "plain": case.no, "link": f"/t/{signed}/", "url": track_url(case.no)}
    return render(request, "resident/reported.html", context | {"has_phone": case.contact_id is not None})


@require_http_methods(["GET", "HEAD", "POST"])
def track(request: HttpRequest) -> HttpResponse:
    """Number and last four digits lead to the signed page; wrong ones get a sentence (404), too many a rest (429)."""
    if request.method != "POST":
        return render(
            request, "resident/track.html", {"form": TrackForm(initial={"number": request.GET.get("no", "")})}
        )
    form, status = TrackForm(request.POST), 422
    if form.is_valid():
        with attempt() as tried:
            case = resident_case(form.cleaned_data["number"], form.cleaned_data["tail"], at=timezone.now())
            return redirect(track_path(case.no))
        status = tried.refused.status
        form.add_error(None, _not_found() if status == 404 else tried.refused.message)
    return render(request, "resident/track.html", {"form": form}, status=status)


def _not_found() -> str:
    return _("没有查到。请核对编号和手机号后四位；当时没留手机号的，请用提交后给您的链接查看。")


@require_safe
@by_link
def follow(request: HttpRequest, signed: str, case: Case) -> HttpResponse:
    return render(request, "resident/follow.html", tracking.page(case, signed, at=timezone.now()))


@require_POST
@by_link
def confirm(request: HttpRequest, signed: str, case: Case) -> HttpResponse:
    """解决了: one tap on a face says so and rates it."""
    satisfied = _score(request)
    return _act(
        request,
        signed,
        lambda at: closing.confirm(case, solved=True, satisfied=satisfied, at=at),
        _("谢谢您，这件事办结了。"),
    )


def _score(request: HttpRequest) -> int | None:
    score = request.POST.get("satisfied", "")
    return int(score) if score in {"1", "2", "3", "4", "5"} else None


@require_POST
@by_link
def deny(request: HttpRequest, signed: str, case: Case) -> HttpResponse:
    """没解决: why, and a picture if there is one; it is done again."""

    def do(at: datetime) -> None:
        keys = pictures.taken(request, at)
        closing.confirm(case, solved=False, text=_text(request), satisfied=_score(request), pictures=keys, at=at)

    return _act(request, signed, do, _("知道了，我们请他们再办一次。"))


@require_POST
@by_link
def reopen(request: HttpRequest, signed: str, case: Case) -> HttpResponse:
    def do(at: datetime) -> None:
        closing.reopen(case, text=_text(request), pictures=pictures.taken(request, at), at=at)

    return _act(request, signed, do, _("知道了，我们接着办。"))


@require_POST
@by_link
def urge(request: HttpRequest, signed: str, case: Case) -> HttpResponse:
    return _act(
        request,
        signed,
        lambda at: closing.urge(case, by=RESIDENT, text=_text(request), at=at),
        _("已经替您催了，办理的人马上会看到。"),
    )


@require_POST
@by_link
def withdraw(request: HttpRequest, signed: str, case: Case) -> HttpResponse:
    return _act(
        request,
        signed,
        lambda at: closing.withdraw(case, text=_text(request), at=at),
        _("已按您的意思撤回。以后有事，请随时找我们。"),
    )


def _text(request: HttpRequest) -> str:
    return request.POST.get("text", "").replace("\r", "").replace("\x00", "")


def _act(request: HttpRequest, signed: str, do: Callable[[datetime], Any], said: str) -> HttpResponse:
    """Do it and show the page anew; refused, the page as it is now says why, with what was typed."""
    at = timezone.now()
    with attempt() as tried:
        do(at)
        messages.success(request, said)
        return redirect("follow", signed=signed)
    context = tracking.page(case_of(signed), signed, at=at)
    context |= {"sorry": _sorry(tried.refused, context["offers"]), "typed": _text(request).strip()}
    context["held"] = pictures.held(request)
    return render(request, "resident/follow.html", context, status=tried.refused.status)


def _sorry(refused: Refusal, offers: tracking.Offers) -> str:
    """A refusal in a resident's words: they know nothing of states and moves."""
    if refused.status != 409:
        return refused.message
    if offers.urged:
        return _("今天已经替您催过了，我们记着呢。明天还可以再催。")
    return _("这件事刚刚有了新进展，请看下面的最新情况。")
