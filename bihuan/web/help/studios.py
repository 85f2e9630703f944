"""Studios: who hosts them and who belongs to them, their calendar, and what is suggested there, which may become a case."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from bihuan.dossier.models import Subject, Text
from bihuan.lib.codes import spoken
from bihuan.loop.models import Case
from bihuan.net import tree
from bihuan.net.models import Level, Posting
from bihuan.net.postings import names_of
from bihuan.net.regions import across_regions
from bihuan.net.scope import covers
from bihuan.offers import access, lists
from bihuan.offers.actions import circles
from bihuan.offers.models import Circle, CircleMember, Session, Suggestion
from bihuan.web.help.fields import MomentField, SubjectField, words
from bihuan.web.help.frame import (
    Panel,
    helper,
    may_raise,
    names_of_subjects,
    own_area,
    page,
    pages_of_subjects,
    panels,
    programs_with,
    raiser,
    submit,
    table,
    title_of,
)

AHEAD, BACK = timedelta(days=400), timedelta(days=400)
SESSION_TONES = {"planned": "info", "held": "ok", "cancelled": ""}
ANY = lambda rules: True  # noqa: E731  a studio belongs to any ladder


def studio_url(no: str) -> str:
    return reverse("help_studio", args=[no])


def session_url(no: str) -> str:
    return reverse("help_session", args=[no])


def tabs_of(current: str) -> list[dict[str, Any]]:
    tabs = [("studios", _("工作室"), "help_studios"), ("sessions", _("活动和培训"), "help_sessions"),
            ("suggestions", _("建议"), "help_suggestions")]  # fmt: skip
    return [{"label": label, "url": reverse(name), "current": key == current} for key, label, name in tabs]


# All studios


class FoundForm(forms.Form):
    title = forms.CharField(label=gettext_lazy("工作室名称"), max_length=60)
    program = forms.ChoiceField(label=gettext_lazy("培养项目"))

    def __init__(self, *args: Any, by: Posting, programs: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["program"].choices = programs  # type: ignore[attr-defined]
        self.fields["host"] = SubjectField(by=by, label=_("主持人"), help_text=_("姓名，或档案上的编号。"))


def _found_form(request: HttpRequest, data: Any = None) -> FoundForm:
    programs = [(rules.key, title_of(rules)) for rules in programs_with(request, ANY)]
    return FoundForm(data, by=request.posting, programs=programs)  # type: ignore[attr-defined]


@require_http_methods(["GET", "HEAD", "POST"])
@helper
def index(request: HttpRequest) -> HttpResponse:
    """The studios of the area; whoever answers for people there founds one."""
    by = request.posting  # type: ignore[attr-defined]
    form = _found_form(request, request.POST if request.method == "POST" else None)
    if request.method != "POST":
        return _index(request, form)

    def act(said: dict[str, Any]) -> Circle:
        host = said["host"]
        return circles.found(
            said["title"], program=said["program"], unit=host.unit, host=host, by=by, at=request.now  # type: ignore[attr-defined]
        )  # fmt: skip

    return submit(
        request, form, act, done=_("工作室已成立。"), to=lambda circle: studio_url(circle.no),
        again=lambda status: _index(request, form, status),
    )  # fmt: skip


def _index(request: HttpRequest, form: FoundForm, status: int = 200) -> HttpResponse:
    by, area = request.posting, own_area(request)  # type: ignore[attr-defined]
    found = _in(area, Circle.objects.filter(until=None)).select_related("unit")
    found = found.annotate(
        people=Count("members", filter=Q(members__until=None), distinct=True),
        held=Count("sessions", filter=Q(sessions__state="held"), distinct=True),
    )
    found = list(found.order_by("unit__code", "pk")[:200])
    hosts = _hosts(found)
    heads = [_("工作室"), _("主持人"), _("地方"), _("成员"), _("已办活动")]
    rows = [_row(one, hosts) for one in found]
    context = {
        "tabs": tabs_of("studios"), "studios": table(_("工作室"), heads, rows, _("还没有工作室"), numbers=(3, 4)),
        "form": form if may_raise(by) else None,
    }  # fmt: skip
    return page(request, "studios", "help/studios.html", context, status)


def _in(area: Any, rows: Any) -> Any:
    return rows.filter(**{f"l{min(area.level, Level.COMMUNITY)}": area.id}) if area.level >= Level.CITY else rows


def _hosts(found: list[Circle]) -> dict[int, str]:
    """Who hosts each studio, by its id. Two queries."""
    subjects = names_of_subjects(one.host_subject for one in found if one.host_subject)
    held = {pk: name for pk, _unit, name in names_of({one.host_posting for one in found if one.host_posting})}
    return {one.pk: subjects.get(one.host_subject or 0, "") or held.get(one.host_posting or 0, "") for one in found}


def _row(one: Any, hosts: dict[int, str]) -> list[Any]:
    return [
        {"text": one.title, "url": studio_url(one.no)}, hosts[one.pk],
        tree.snapshot().full_name(one.unit_id, Level.COUNTY), str(one.people), str(one.held),
    ]  # fmt: skip


# One studio


class JoinForm(forms.Form):
    def __init__(self, *args: Any, by: Posting, **kwargs: Any) -> None:
        super().__init__(*args, auto_id="join_%s", **kwargs)
        self.fields["subject"] = SubjectField(by=by, label=_("培养对象"), help_text=_("姓名，或档案上的编号。"))


class CallForm(forms.Form):
    title = forms.CharField(label=gettext_lazy("名称"), max_length=80)
    kind = forms.ChoiceField(label=gettext_lazy("类别"), choices=Session.Kind.choices)
    begins_at = MomentField(label=gettext_lazy("开始"))
    ends_at = MomentField(label=gettext_lazy("结束"))
    venue = forms.CharField(label=gettext_lazy("地点"), max_length=80)
    seats = forms.IntegerField(label=gettext_lazy("名额"), min_value=1, max_value=10_000, required=False)

    def act(self, request: HttpRequest, **where: Any) -> Session:
        return circles.call(by=request.posting, at=request.now, **self.cleaned_data, **where)  # type: ignore[attr-defined]


class SuggestForm(forms.Form):
    text = words(gettext_lazy("建议"))

    def __init__(self, *args: Any, people: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, auto_id="suggest_%s", **kwargs)
        self.fields["who"] = forms.ChoiceField(label=_("谁提的"), required=False, choices=[("", _("我自己")), *people])


@require_safe
@helper
def show(request: HttpRequest, no: str) -> HttpResponse:
    return _page(request, access.circle_for(request.posting, no))  # type: ignore[attr-defined]


def _page(
    request: HttpRequest, circle: Circle, refused: dict[str, forms.BaseForm] | None = None, status: int = 200
) -> HttpResponse:
    by, at = request.posting, request.now  # type: ignore[attr-defined]
    circle = Circle.objects.select_related("unit").get(pk=circle.pk)
    members = list(CircleMember.objects.filter(circle=circle, until=None).order_by("since", "pk"))
    people = names_of_subjects(one.subject_id for one in members)
    area = tree.snapshot().unit(circle.unit_id)
    sessions = lists.sessions(area, since=at - BACK, until=at + AHEAD, circle_id=circle.pk, limit=200).rows
    context = {
        "title": circle.title,
        "crumbs": [{"label": _("工作室"), "url": reverse("help_studios")}, {"label": circle.no}],
        "facts": _facts(circle, len(members)),
        "members": _members(request, circle, members, people),
        "coming": [session_row(row) for row in sessions if row.state_key == "planned"],
        "past": [session_row(row) for row in reversed(sessions) if row.state_key != "planned"],
        "suggestions": suggestions_of(request, Suggestion.objects.filter(circle=circle)),
        "panels": panels(request, _panels(by, circle, _choices(members, people)), refused or {}),
    }
    return page(request, "studios", "help/studio.html", context, status)


def _choices(members: list[CircleMember], people: dict[int, str]) -> list[tuple[str, str]]:
    return [(str(one.subject_id), people.get(one.subject_id, "")) for one in members]


def _facts(circle: Circle, members: int) -> list[dict[str, Any]]:
    said = [
        (_("主持人"), _hosts([circle])[circle.pk]),
        (_("地方"), tree.snapshot().full_name(circle.unit_id, Level.COUNTY)),
        (_("成立"), circle.since.isoformat()),
        (_("成员"), _("%(n)d人") % {"n": members}),
        (_("结束"), circle.until.isoformat() if circle.until else ""),
    ]
    return [{"label": label, "value": value} for label, value in said if value]


def _members(request: HttpRequest, circle: Circle, members: list[CircleMember], people: dict[int, str]) -> list[dict]:
    by = request.posting  # type: ignore[attr-defined]
    pages = pages_of_subjects(people, circle.program) if may_raise(by) else {}
    may_end = circle.until is None and hosts_it(by, circle)
    return [
        {"name": people.get(one.subject_id, ""), "url": pages.get(one.subject_id, ""), "since": one.since.isoformat(),
         "leave_url": reverse("help_studio_leave", args=[circle.no, one.pk]) if may_end else "", "leave": _("离开")}
        for one in members
    ]  # fmt: skip


def hosts_it(by: Posting, circle: Circle) -> bool:
    own = by.pk == circle.host_posting or access.person_of(circle.host_subject) == by.person_id
    return own or (may_raise(by) and covers(by, circle.unit))


def session_row(row: lists.SessionRow) -> dict[str, Any]:
    there = _("到%(n)d人") % {"n": row.present} if row.state_key == "held" else ""
    return {
        "url": session_url(row.no), "title": row.title, "badge_tone": SESSION_TONES[row.state_key], "badge_text": row.state,
        "meta": [word for word in (f"{row.day:%Y-%m-%d}", row.kind, row.venue, there) if word],
    }  # fmt: skip


def _panels(by: Posting, circle: Circle, people: list[tuple[str, str]]) -> list[Panel]:
    if circle.until is not None:
        return []
    hosts = hosts_it(by, circle)
    found = []
    if hosts:
        found += [
            Panel("call", _("安排活动"), "calendar-event", reverse("help_studio_call", args=[circle.no]),
                  CallForm(auto_id="call_%s"), _("安排")),
            Panel("join", _("加入成员"), "user-plus", reverse("help_studio_join", args=[circle.no]), JoinForm(by=by), _("加入")),
        ]  # fmt: skip
    found.append(
        Panel("suggest", _("记一条建议"), "bulb", reverse("help_studio_suggest", args=[circle.no]),
              SuggestForm(people=people), _("记下"), text=_("有用的建议可以转为工单，由承办单位办理并答复。"))
    )  # fmt: skip
    if hosts:
        found.append(
            Panel("end", _("结束工作室"), "x", reverse("help_studio_close", args=[circle.no]), forms.Form(), _("结束"),
                  confirm=_("结束后不能再安排活动。确定吗？"))
        )  # fmt: skip
    return found


def _act(request: HttpRequest, no: str, key: str, form: Any, act: Any, done: str) -> HttpResponse:
    circle = access.circle_for(request.posting, no)  # type: ignore[attr-defined]
    return submit(
        request, form, lambda said: act(circle, said), done=done, to=studio_url(circle.no),
        again=lambda status: _page(request, circle, {key: form}, status),
    )  # fmt: skip


@require_POST
@helper
def join(request: HttpRequest, no: str) -> HttpResponse:
    by, at = request.posting, request.now  # type: ignore[attr-defined]
    form = JoinForm(request.POST, by=by)
    return _act(
        request,
        no,
        "join",
        form,
        lambda circle, said: circles.join(circle, said["subject"], by=by, at=at),
        _("已加入。"),
    )


@require_POST
@helper
def leave(request: HttpRequest, no: str, member: int) -> HttpResponse:
    by, at = request.posting, request.now  # type: ignore[attr-defined]

    def act(circle: Circle, said: dict[str, Any]) -> CircleMember:
        found = CircleMember.objects.filter(circle=circle, pk=member).select_related("circle").first()
        if found is None:
            raise access.NotFound
        return circles.leave(found, on=timezone.localdate(at), by=by, at=at)

    return _act(request, no, "leave", forms.Form(request.POST), act, _("已登记离开。"))


@require_POST
@helper
def call(request: HttpRequest, no: str) -> HttpResponse:
    form = CallForm(request.POST, auto_id="call_%s")
    return _act(request, no, "call", form, lambda circle, said: form.act(request, circle=circle), _("活动已安排。"))


@require_POST
@helper
def suggest(request: HttpRequest, no: str) -> HttpResponse:
    by, at = request.posting, request.now  # type: ignore[attr-defined]
    circle = access.circle_for(by, no)
    members = list(CircleMember.objects.filter(circle=circle, until=None))
    form = SuggestForm(request.POST, people=_choices(members, names_of_subjects(one.subject_id for one in members)))

    def act(circle: Circle, said: dict[str, Any]) -> Suggestion:
        who = Subject.objects.get(pk=said["who"]) if said["who"] else None
        return circles.suggest(said["text"], circle=circle, subject=who, by=by, at=at)

    return _act(request, no, "suggest", form, act, _("建议已记下。"))


@require_POST
@helper
def close(request: HttpRequest, no: str) -> HttpResponse:
    by, at = request.posting, request.now  # type: ignore[attr-defined]
    return _act(
        request, no, "end", forms.Form(request.POST),
        lambda circle, said: circles.close(circle, on=timezone.localdate(at), by=by, at=at), _("工作室已结束。"),
    )  # fmt: skip


# Suggestions


@require_safe
@raiser
def suggestions(request: HttpRequest) -> HttpResponse:
    """What was suggested in the area, the newest first. One query of the list."""
    found = lists.suggestions(request.posting, at=request.now, after=request.GET.get("after", ""))  # type: ignore[attr-defined]
    context = {
        "tabs": tabs_of("suggestions"), "suggestions": [_suggestion(row) for row in found.rows],
        "next_url": f"?after={found.after}" if found.after else "",
    }  # fmt: skip
    return page(request, "studios", "help/suggestions.html", context)


def _suggestion(row: lists.SuggestionRow) -> dict[str, Any]:
    return {
        "words": row.words, "meta": [word for word in (row.who, row.when, row.place, row.circle) if word],
        "case": _("已转为工单 %(no)s") % {"no": spoken(row.case_no)} if row.case_no else "",
        "url": "" if row.case_no else reverse("help_suggestion_case", args=[row.no]), "button": _("转为工单"),
        "question": _("工单将交诉求中心办理，办理情况会回访提建议的人。确定吗？"),
    }  # fmt: skip


def suggestions_of(request: HttpRequest, rows: Any) -> list[dict[str, Any]]:
    """Those of one studio or session, for whoever answers there or made them; others' words are not shown."""
    by = request.posting  # type: ignore[attr-defined]
    found = [one for one in rows.select_related("unit").order_by("-at")[:50] if _may_read(by, one)]
    texts = Text.objects.filter(region_id__in={one.region_id for one in found}, pk__in=[one.text_id for one in found])
    said = dict(texts.values_list("pk", "body"))
    names = names_of_subjects(one.subject_id for one in found if one.subject_id)
    cases = _case_numbers(found)
    return [_suggestion(_as_row(one, said, names, cases)) for one in found]


def _may_read(by: Posting, one: Suggestion) -> bool:
    return one.posting == by.pk or (may_raise(by) and covers(by, one.unit))


def _case_numbers(found: list[Suggestion]) -> dict[int, str]:
    ids = {one.case_id for one in found if one.case_id}
    with across_regions("a suggestion names the case it became, by region and id"):
        rows = Case.objects.filter(pk__in=ids, region_id__in={one.case_region for one in found if one.case_region})
        return dict(rows.values_list("pk", "no"))


def _as_row(one: Suggestion, said: dict[int, str], names: dict[int, str], cases: dict[int, str]) -> lists.SuggestionRow:
    when = f"{timezone.localtime(one.at):%Y-%m-%d}"
    return lists.SuggestionRow(
        one.no, names.get(one.subject_id or 0, ""), said.get(one.text_id, ""), when, one.unit.name, "",
        cases.get(one.case_id or 0, ""), "",
    )  # fmt: skip


@require_POST
@raiser
def make_case(request: HttpRequest, no: str) -> HttpResponse:
    """Turn a suggestion into a case of its place; the page then shows the number."""
    by, at = request.posting, request.now  # type: ignore[attr-defined]
    found = access.suggestion_for(by, no)
    back = studio_url(found.circle.no) if found.circle else reverse("help_suggestions")

    def act(said: dict[str, Any]) -> Any:
        return circles.make_case(found, by=by, at=at)

    form = forms.Form(request.POST)
    return submit(
        request, form, act, done=_("已转为工单。"), to=back, again=lambda status: _not_made(request, form, status)
    )


def _not_made(request: HttpRequest, form: forms.Form, status: int) -> HttpResponse:
    found = lists.suggestions(request.posting, at=request.now)  # type: ignore[attr-defined]
    context = {"tabs": tabs_of("suggestions"), "suggestions": [_suggestion(row) for row in found.rows],
               "refused": form.non_field_errors()}  # fmt: skip
    return page(request, "studios", "help/suggestions.html", context, status)


def month_bounds(asked: str, at: datetime) -> tuple[datetime, datetime, str]:
    """A month as two instants and its name; this one when nothing sensible was asked."""
    try:
        first = timezone.make_aware(datetime.fromisoformat(f"{asked[:7]}-01"))
    except ValueError:
        first = timezone.localtime(at).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    following = (first + timedelta(days=32)).replace(day=1)
    return first, following, f"{first:%Y-%m}"
