"""One need: who needs what, who helps with which plan, and everything that may be done with it."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.forms import BaseFormSet, formset_factory
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from bihuan.dossier.models import Text
from bihuan.loop.moves import IllegalMove
from bihuan.net import tree
from bihuan.net.models import Level, Posting
from bihuan.net.postings import AboutOneself, names_of, standing_on
from bihuan.net.scope import OutOfScope, covers
from bihuan.offers import access, lists, story
from bihuan.offers.actions import needs, plans
from bihuan.offers.models import Claim, Offer, PlanItem
from bihuan.offers.topics import topic_title
from bihuan.programs import versions
from bihuan.web import pictures
from bihuan.web.help.fields import GivenFields, LineForm, month_of, words
from bihuan.web.help.frame import (
    Panel,
    attempt,
    helper,
    may_raise,
    names_of_subjects,
    page,
    pages_of_subjects,
    panels,
    submit,
)
from bihuan.web.help.needs import STATES, need_url

LINES, MORE_LINES = 4, 3


class ClaimForm(forms.Form):
    personal = forms.BooleanField(label=gettext_lazy("由我个人认领"), required=False)


class WordsForm(forms.Form):
    text = words(gettext_lazy("说明"))


class MeetForm(forms.Form):
    text = words(gettext_lazy("怎么解决的"))


@require_safe
@helper
def show(request: HttpRequest, no: str) -> HttpResponse:
    """The page of a need, for whoever may know of it."""
    return _page(request, access.offer_for(request.posting, no))  # type: ignore[attr-defined]


def _page(
    request: HttpRequest, offer: Offer, refused: dict[str, forms.BaseForm] | None = None, status: int = 200
) -> HttpResponse:
    offer = Offer.objects.select_related("place", "round").get(pk=offer.pk)
    claims = list(Claim.objects.filter(offer=offer).select_related("unit").order_by("-at"))
    steps, need = story.steps(offer), _need(request, offer)
    context = {
        "crumbs": [{"label": _("需求和帮扶"), "url": reverse("help_needs")}, {"label": topic_title(offer)}],
        "need": need,
        "facts": [{"label": _("培养对象"), "value": need["name"], "url": need["url"]}, *_facts(offer)],
        "claims": [_claim(request, offer, claim) for claim in claims],
        "story": [_step(step) for step in reversed(steps)],
        "panels": panels(request, _panels(request, offer, claims), refused or {}),
    }
    return page(request, "needs", "help/need.html", context, status)


def _need(request: HttpRequest, offer: Offer) -> dict[str, Any]:
    said = Text.objects.filter(region_id=offer.region_id, pk=offer.text_id).values_list("body", flat=True).first()
    who = offer.subject_id or 0
    linked = pages_of_subjects([who], offer.program) if may_raise(request.posting) else {}  # type: ignore[attr-defined]
    return {
        "name": names_of_subjects([who]).get(who, ""), "url": linked.get(who, ""), "words": said or "",
        "topic": topic_title(offer), "state": offer.get_state_display(), "tone": STATES[offer.state], "no": offer.no,
    }  # fmt: skip


def _facts(offer: Offer) -> list[dict[str, Any]]:
    net = tree.snapshot()
    until = f"{timezone.localtime(offer.window_until):%Y-%m-%d %H:%M}" if offer.window_until else ""
    said = [
        (_("编号"), offer.no),
        (_("地方"), net.full_name(offer.place_id, Level.COUNTY)),
        (_("数额（元）"), f"{offer.amount:,.2f}".removesuffix(".00") if offer.amount else ""),
        (_("收集"), f"{timezone.localtime(offer.opened_at):%Y-%m-%d}"),
        (_("征集"), offer.round.title if offer.round else ""),
        (_("现在由谁认领"), net.unit(offer.unit_id).name if offer.state == Offer.State.OPEN else ""),
        (_("认领"), f"{offer.taken}/{offer.capacity}"),
        (_("认领期限"), until if offer.state == Offer.State.OPEN else ""),
    ]
    return [{"label": label, "value": value} for label, value in said if value]


def _step(step: story.Step) -> dict[str, str]:
    return {"title": step.title, "who": step.who, "at": step.when, "iso": step.at.isoformat(), "text": step.text}


def _claim(request: HttpRequest, offer: Offer, claim: Claim) -> dict[str, Any]:
    """A unit's claim with its plan; the lines that the reader may do have a link."""
    by: Posting = request.posting  # type: ignore[attr-defined]
    held = claim.state == Claim.State.TAKEN
    own = held and _is_own(by, claim)
    months = [_month(offer, claim, month, own) for month in lists.plan_of(claim)]
    done = sum(month["done"] for month in months)
    return {
        "unit": claim.unit.name, "state": claim.get_state_display(), "tone": {"taken": "info", "done": "ok"}.get(claim.state, ""),
        "since": _("%(day)s认领") % {"day": f"{timezone.localtime(claim.at):%Y-%m-%d}"}, "months": months,
        "who": " ".join(name for _pk, _unit, name in names_of({claim.posting})) if claim.personal else "",
        "done": done, "all": sum(month["all"] for month in months), "own": own,
        "plan_url": reverse("help_plan", args=[offer.no, claim.unit.code]) if own else "",
        "plan_words": _("调整计划") if claim.planned_at else _("制定帮扶计划书"),
        "owes_plan": held and claim.planned_at is None,
    }  # fmt: skip


def _is_own(by: Posting, claim: Claim) -> bool:
    return by.unit_id == claim.unit_id or by.pk == claim.posting


def _month(offer: Offer, claim: Claim, month: lists.Month, own: bool) -> dict[str, Any]:
    lines = [_line(offer, claim, line, own) for line in month.lines]
    return {"title": month.title, "lines": lines, "done": month.done, "all": month.all, "late": month.late}


def _line(offer: Offer, claim: Claim, line: lists.PlanLine, own: bool) -> dict[str, Any]:
    open_ = line.state_key in ("waiting", "open")
    late = line.late and line.state_key == "open"
    tone = "bad" if late else {"done": "ok", "open": "info"}.get(line.state_key, "")
    return {
        "measure": line.measure, "helper": line.helper, "due": line.due, "report": line.report,
        "state": _("逾期") if late else line.state, "tone": tone, "done": line.done, "dropped": line.state_key == "dropped",
        "photos": pictures.strip(line.photos, line.measure[:40]), "entered": bool(line.txn_id), "button": _("完成"),
        "url": reverse("help_do", args=[offer.no, claim.unit.code, line.n]) if own and open_ else "",
    }  # fmt: skip


# What may be done


def _panels(request: HttpRequest, offer: Offer, claims: list[Claim]) -> list[Panel]:
    by: Posting = request.posting  # type: ignore[attr-defined]
    held = [claim for claim in claims if claim.state == Claim.State.TAKEN]
    found = [*_claiming(request, offer, held)]
    for claim in held:
        found += _of_claim(by, offer, claim)
    return found + _ending(by, offer)


def _claiming(request: HttpRequest, offer: Offer, held: list[Claim]) -> list[Panel]:
    by, at = request.posting, request.now  # type: ignore[attr-defined]
    ways = _ways_to_claim(by, offer, at)
    if offer.state != Offer.State.OPEN or not ways or any(claim.unit_id == by.unit_id for claim in held):
        return []
    text = _("认领后请在期限内制定帮扶计划书：哪个月、谁、做什么、几号前完成。")
    return [Panel("claim", _("认领这条需求"), "heart-handshake", reverse("help_claim", args=[offer.no]), _claim_form(ways),
                  _("认领"), text=text, open=True)]  # fmt: skip


def _ways_to_claim(by: Posting, offer: Offer, at: Any) -> list[bool]:
    """As what the posting may take the need on: False as its unit, True by itself."""
    ways = []
    for personal in (False, True):
        try:
            access.require_claimant(by, offer, personal=personal, at=at)
        except (access.NotYours, OutOfScope, AboutOneself):
            continue
        ways.append(personal)
    return ways


def _claim_form(ways: list[bool], data: Any = None) -> ClaimForm:
    """A leader may choose; whoever has one way only is asked nothing."""
    form = ClaimForm(data, auto_id="claim_%s")
    if len(ways) < 2:
        del form.fields["personal"]
    return form


def _of_claim(by: Posting, offer: Offer, claim: Claim) -> list[Panel]:
    code, own = claim.unit.code, _is_own(by, claim)
    found = []
    if own:
        text = _("请写明结果并附照片；帮扶计划里已经附过佐证的，可以不再附。")
        found.append(
            Panel("meet", _("需求已解决"), "circle-check", reverse("help_meet", args=[offer.no, code]),
                  MeetForm(auto_id="meet_%s"), _("确认解决"), photos=True, text=text)
        )  # fmt: skip
    if own or (by.role in access.STEERING and covers(by, offer.place)):
        title = _("退回认领") if own else _("收回“%(unit)s”的认领") % {"unit": claim.unit.name}
        found.append(
            Panel(f"release_{code}", title, "arrow-back-up", reverse("help_release", args=[offer.no, code]),
                  WordsForm(auto_id=f"release_{code}_%s"), _("退回") if own else _("收回"),
                  text=_("退回后这条需求重新等待认领，没有完成的计划取消。"))
        )  # fmt: skip
    return found


def _ending(by: Posting, offer: Offer) -> list[Panel]:
    if offer.ended_at is not None or not may_raise(by) or not covers(by, offer.place):
        return []
    found = [
        Panel("withdraw", _("撤回需求"), "x", reverse("help_withdraw", args=[offer.no]), WordsForm(auto_id="withdraw_%s"),
              _("撤回"), text=_("本人不再需要，或收集有误。"), confirm=_("撤回后认领也随之结束。确定吗？"))
    ]  # fmt: skip
    if by.role in access.STEERING:
        found.append(
            Panel("close", _("未能解决，结束"), "ban", reverse("help_close", args=[offer.no]), WordsForm(auto_id="close_%s"),
                  _("结束"), text=_("确实解决不了的，写明原因，本人会看到。"), confirm=_("结束后不能再认领。确定吗？"))
        )  # fmt: skip
    return found


# Acts


@require_POST
@helper
def claim(request: HttpRequest, no: str) -> HttpResponse:
    """Take the need on for the own unit, or (a leader) by oneself."""
    by, at = request.posting, request.now  # type: ignore[attr-defined]
    offer = access.offer_for(by, no)
    ways = _ways_to_claim(by, offer, at)
    form = _claim_form(ways, request.POST)
    return submit(
        request, form,
        lambda said: needs.claim(offer, by=by, at=at, personal=said.get("personal", ways == [True])),
        done=_("已认领。请制定帮扶计划书。"), to=reverse("help_plan", args=[offer.no, by.unit.code]),
        again=lambda status: _page(request, offer, {"claim": form}, status),
    )  # fmt: skip


@require_POST
@helper
def release(request: HttpRequest, no: str, code: str) -> HttpResponse:
    by, at = request.posting, request.now  # type: ignore[attr-defined]
    offer, form = access.offer_for(by, no), WordsForm(request.POST, auto_id=f"release_{code}_%s")
    return submit(
        request, form, lambda said: needs.release(_held(offer, code), text=said["text"], by=by, at=at),
        done=_("已退回，这条需求重新等待认领。"), to=need_url(offer.no),
        again=lambda status: _page(request, offer, {f"release_{code}": form}, status),
    )  # fmt: skip


@require_POST
@helper
def meet(request: HttpRequest, no: str, code: str) -> HttpResponse:
    by, at = request.posting, request.now  # type: ignore[attr-defined]
    offer, form = access.offer_for(by, no), MeetForm(request.POST, auto_id="meet_%s")

    def act(said: dict[str, Any]) -> Offer:
        return needs.meet(_held(offer, code), text=said["text"], by=by, at=at, photos=pictures.taken(request, at))

    return submit(
        request, form, act, done=_("已登记为解决。"), to=need_url(offer.no),
        again=lambda status: _page(request, offer, {"meet": form}, status),
    )  # fmt: skip


@require_POST
@helper
def withdraw(request: HttpRequest, no: str) -> HttpResponse:
    return _end(request, no, "withdraw", needs.withdraw, _("需求已撤回。"))


@require_POST
@helper
def close(request: HttpRequest, no: str) -> HttpResponse:
    return _end(request, no, "close", needs.close, _("已结束。"))


def _end(request: HttpRequest, no: str, key: str, act: Any, done: str) -> HttpResponse:
    by, at = request.posting, request.now  # type: ignore[attr-defined]
    offer, form = access.offer_for(by, no), WordsForm(request.POST, auto_id=f"{key}_%s")
    return submit(
        request, form, lambda said: act(offer, text=said["text"], by=by, at=at), done=done, to=need_url(offer.no),
        again=lambda status: _page(request, offer, {key: form}, status),
    )  # fmt: skip


def _held(offer: Offer, code: str) -> Claim:
    """The claim of the unit with this code that it still holds. Raises IllegalMove."""
    held = Claim.objects.filter(offer=offer, unit__code=code, state=Claim.State.TAKEN)
    found = held.select_related("offer", "unit").first()
    if found is None:
        raise IllegalMove(_("这次认领已经结束。"))
    return found


# The plan


class ReasonForm(forms.Form):
    reason = words(gettext_lazy("为什么调整"), rows=2)


@require_http_methods(["GET", "HEAD", "POST"])
@helper
def plan(request: HttpRequest, no: str, code: str) -> HttpResponse:
    """Draw up the help plan month by month, or put another in its place; "more" adds lines and keeps what was typed."""
    by, at = request.posting, request.now  # type: ignore[attr-defined]
    offer = access.offer_for(by, no)
    claim = _held(offer, code)
    access.require_helper(by, claim)
    lines = _lines(request, claim)
    reason = ReasonForm(request.POST or None) if claim.planned_at else None
    if request.method != "POST" or "more" in request.POST:
        return _plan_page(request, offer, claim, lines, reason)
    form = reason or forms.Form(request.POST)
    with attempt(form) as tried:
        if all([lines.is_valid(), form.is_valid()]):
            said = [one.line() for one in lines if one.has_changed()]
            plans.draw_up(claim, said, by=by, at=at, reason=form.cleaned_data.get("reason", ""))
            return _planned(request, offer)
    return _plan_page(request, offer, claim, lines, form, tried.refused.status if tried.refused else 422)


def _planned(request: HttpRequest, offer: Offer) -> HttpResponse:
    messages.success(request, _("帮扶计划书已生效，到了月份会提醒帮扶人。"))
    return redirect(need_url(offer.no))


def _lines(request: HttpRequest, claim: Claim) -> BaseFormSet:
    """The lines as posted, with empty ones more when asked for; or those of the plan that are not done, and empty ones."""
    on = timezone.localdate(request.now)  # type: ignore[attr-defined]
    helpers = list(
        Posting.objects.filter(standing_on(on), unit_id=claim.unit_id).select_related("person").order_by("pk")
    )
    made = formset_factory(LineForm, extra=0 if request.method == "POST" else LINES, max_num=plans.MOST_ITEMS)
    blank = {"empty_permitted": True, "use_required_attribute": False}  # a line left or made empty counts for nothing
    kwargs = {"form_kwargs": {"helpers": helpers, **blank}, "prefix": "line"}
    if request.method != "POST":
        return made(initial=_before(claim, on), **kwargs)
    data = request.POST.copy()
    if "more" in data:
        count = data.get("line-TOTAL_FORMS", "0")
        data["line-TOTAL_FORMS"] = str(
            min(int(count) if count.isdecimal() else 0, plans.MOST_ITEMS - MORE_LINES) + MORE_LINES
        )
        return made(initial=_typed(data), **kwargs)
    return made(data, **kwargs)


def _typed(data: Any) -> list[dict[str, Any]]:
    """What was typed so far, unchecked, into a form with more lines."""
    names = ("month", "measure", "helper", "name", "due_on")
    return [{name: data.get(f"line-{n}-{name}", "") for name in names} for n in range(int(data["line-TOTAL_FORMS"]))]


def _before(claim: Claim, on: Any) -> list[dict[str, Any]]:
    """The lines of the plan that are not done, to be changed."""
    open_ = PlanItem.objects.filter(claim=claim, stage__in=["waiting", "open"]).order_by("month", "due_on", "n")
    items = list(open_)
    said = Text.objects.filter(region_id=claim.offer.region_id, pk__in=[item.text_id for item in items])
    bodies = dict(said.values_list("pk", "body"))
    return [
        {
            "month": month_of(max(item.month, on.replace(day=1))), "measure": bodies.get(item.text_id, ""),
            "helper": str(item.helper_posting or ""), "name": "" if item.helper_posting else item.helper,
            "due_on": max(item.due_on, on),
        }
        for item in items
    ]  # fmt: skip


def _plan_page(
    request: HttpRequest, offer: Offer, claim: Claim, lines: BaseFormSet, reason: forms.Form | None, status: int = 200
) -> HttpResponse:
    offer = Offer.objects.select_related("place").get(pk=offer.pk)
    on = timezone.localdate(request.now)  # type: ignore[attr-defined]
    context = {
        "crumbs": [{"label": _("需求和帮扶"), "url": reverse("help_needs")},
                   {"label": offer.no, "url": need_url(offer.no)}, {"label": _("帮扶计划书")}],
        "need": _need(request, offer), "unit": claim.unit.name, "lines": lines, "reason": reason,
        "hint": _("如：%(month)s，上门指导大棚改造，%(day)s前完成。")
        % {"month": month_of(on), "day": (on + timedelta(days=14)).isoformat()},
    }  # fmt: skip
    return page(request, "needs", "help/plan.html", context, status)


# A line done


class DoForm(GivenFields):
    text = words(gettext_lazy("做了什么，效果怎样"))
    field_order = ["text", "measure", "amount", "source"]


@require_http_methods(["GET", "HEAD", "POST"])
@helper
def do(request: HttpRequest, no: str, code: str, n: int) -> HttpResponse:
    """A line of the plan is done: words, pictures, and what was given."""
    by, at = request.posting, request.now  # type: ignore[attr-defined]
    offer = access.offer_for(by, no)
    item = _item(offer, code, n)
    form = DoForm(request.POST if request.method == "POST" else None)
    form.offer(versions.rules(offer.version))
    if request.method != "POST":
        return _do_page(request, offer, item, form)

    def act(said: dict[str, Any]) -> PlanItem:
        photos, given = pictures.taken(request, at), form.given(offer.program)
        return plans.do_item(item, text=said["text"], by=by, at=at, photos=photos, given=given)

    return submit(
        request, form, act, done=_("这一项已完成。"), to=need_url(offer.no),
        again=lambda status: _do_page(request, offer, item, form, status),
    )  # fmt: skip


def _item(offer: Offer, code: str, n: int) -> PlanItem:
    rows = PlanItem.objects.filter(claim__offer=offer, claim__unit__code=code, n=n)
    found = rows.select_related("claim__offer", "claim__unit").order_by("-claim__at").first()
    if found is None:
        raise access.NotFound
    return found


def _do_page(request: HttpRequest, offer: Offer, item: PlanItem, form: DoForm, status: int = 200) -> HttpResponse:
    measure = Text.objects.filter(region_id=offer.region_id, pk=item.text_id).values_list("body", flat=True).first()
    context = {
        "crumbs": [{"label": _("需求和帮扶"), "url": reverse("help_needs")},
                   {"label": offer.no, "url": need_url(offer.no)}, {"label": _("完成一项帮扶")}],
        "need": _need(request, offer), "measure": measure or "", "form": form, "held": pictures.held(request),
        "facts": [
            {"label": _("帮扶人"), "value": item.helper}, {"label": _("完成日期"), "value": item.due_on.isoformat()},
            {"label": _("单位"), "value": item.claim.unit.name},
        ],
    }  # fmt: skip
    return page(request, "needs", "help/do.html", context, status)
