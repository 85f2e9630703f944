"""Sessions: the calendar of an area with its trainings, and one session from its announcement to who was there."""

from datetime import timedelta
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from bihuan.dossier.models import Subject, Text
from bihuan.net import tree
from bihuan.net.models import Level, Posting
from bihuan.net.scope import covers
from bihuan.offers import access, lists
from bihuan.offers.actions import circles
from bihuan.offers.models import Attendance, CircleMember, Session, Suggestion
from bihuan.programs.ladder import LadderProgram
from bihuan.web import pictures
from bihuan.web.help import studios
from bihuan.web.help.fields import SubjectField, UnitField, words
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
    submit,
    title_of,
)


class AreaCallForm(studios.CallForm):
    """A training or meeting of an area, without a studio."""

    field_order = ["title", "kind", "unit", "program", "begins_at", "ends_at", "venue", "seats"]

    def __init__(self, *args: Any, by: Posting, programs: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["unit"] = UnitField(label=_("举办的地区或单位"), covered_by=by, help_text=_("名称或代码。"))
        self.fields["program"] = forms.ChoiceField(label=_("培养项目"), choices=programs)
        self.order_fields(self.field_order)


def _form(request: HttpRequest, data: Any = None) -> AreaCallForm:
    by = request.posting  # type: ignore[attr-defined]
    programs = [(rules.key, title_of(rules)) for rules in programs_with(request, _has_people)]
    initial = {"kind": Session.Kind.TRAINING, "unit": own_area(request).name if may_raise(by) else by.unit.name}
    return AreaCallForm(data, by=by, programs=programs, initial=initial)


def _has_people(rules: LadderProgram) -> bool:
    return rules.about == "person"


@require_http_methods(["GET", "HEAD", "POST"])
@helper
def calendar(request: HttpRequest) -> HttpResponse:
    """A month of the area's sessions, day by day; a training is put into it here."""
    form = _form(request, request.POST if request.method == "POST" else None)
    if request.method != "POST":
        return _calendar(request, form)
    return submit(
        request, form, lambda said: form.act(request), done=_("活动已安排。"), to=lambda made: studios.session_url(made.no),
        again=lambda status: _calendar(request, form, status),
    )  # fmt: skip


def _calendar(request: HttpRequest, form: AreaCallForm, status: int = 200) -> HttpResponse:
    since, until, month = studios.month_bounds(request.GET.get("month", ""), request.now)  # type: ignore[attr-defined]
    found = lists.sessions(own_area(request), since=since, until=until, after=request.GET.get("after", ""))
    context = {
        "tabs": studios.tabs_of("sessions"), "month": month, "title": _("%(y)d年%(m)d月") % {"y": since.year, "m": since.month},
        "before": f"?month={since - timedelta(days=1):%Y-%m}", "following": f"?month={until:%Y-%m}",
        "rows": [_row(row) for row in found.rows], "form": form,
        "next_url": f"?month={month}&after={found.after}" if found.after else "",
    }  # fmt: skip
    return page(request, "studios", "help/calendar.html", context, status)


def _row(row: lists.SessionRow) -> dict[str, Any]:
    drawn = studios.session_row(row)
    return {**drawn, "meta": [row.when, *drawn["meta"][1:], row.circle or row.unit]}


# One session


class HoldForm(forms.Form):
    """Who was there of those who belong or signed up, and what came of it."""

    present = forms.MultipleChoiceField(
        label=gettext_lazy("到场"), required=False, widget=forms.CheckboxSelectMultiple
    )  # fmt: skip
    text = words(gettext_lazy("活动情况"))

    def __init__(self, *args: Any, people: dict[int, str], by: Posting, **kwargs: Any) -> None:
        super().__init__(*args, auto_id="hold_%s", **kwargs)
        self.fields["present"].choices = [(str(pk), name) for pk, name in people.items()]  # type: ignore[attr-defined]
        self.fields["other"] = SubjectField(
            by=by,
            label=_("还有谁到场"),
            required=False,
            help_text=_("名单上没有的，填姓名或编号；不止一人的，举办后再补登。"),
        )
        if not people:
            del self.fields["present"]

    def there(self) -> list[Subject]:
        said = self.cleaned_data
        known = list(Subject.objects.filter(pk__in=[int(pk) for pk in said.get("present", [])]))
        return [*known, said["other"]] if said["other"] else known


class SeatForm(forms.Form):
    def __init__(self, *args: Any, by: Posting, key: str, **kwargs: Any) -> None:
        super().__init__(*args, auto_id=f"{key}_%s", **kwargs)
        self.fields["subject"] = SubjectField(by=by, label=_("谁"), help_text=_("姓名，或档案上的编号。"))


class CancelForm(forms.Form):
    text = words(gettext_lazy("为什么取消"), rows=2)


@require_safe
@helper
def show(request: HttpRequest, no: str) -> HttpResponse:
    return _page(request, access.session_for(request.posting, no))  # type: ignore[attr-defined]


def _page(
    request: HttpRequest, session: Session, refused: dict[str, forms.BaseForm] | None = None, status: int = 200
) -> HttpResponse:
    session = Session.objects.select_related("circle", "unit").get(pk=session.pk)
    seats = list(Attendance.objects.filter(session=session))
    people = _people(session, seats)
    said = (
        Text.objects.filter(region_id=session.region_id, pk=session.text_id or 0).values_list("body", flat=True).first()
    )
    above = {"label": session.circle.title, "url": studios.studio_url(session.circle.no)} if session.circle else None
    context = {
        "title": session.title, "state": session.get_state_display(), "tone": studios.SESSION_TONES[session.state],
        "crumbs": [{"label": _("活动和培训"), "url": reverse("help_sessions")}, *([above] if above else []),
                   {"label": session.no}],
        "facts": _facts(session), "people": _attendance(request, session, seats, people), "words": said or "",
        "photos": pictures.strip(session.photos, session.title),
        "suggestions": studios.suggestions_of(request, Suggestion.objects.filter(session=session)),
        "panels": panels(request, _panels(request, session, people), refused or {}),
    }  # fmt: skip
    return page(request, "studios", "help/session.html", context, status)


def _people(session: Session, seats: list[Attendance]) -> dict[int, str]:
    """Those who have a seat and the members of the studio, by name. Two queries."""
    members = CircleMember.objects.filter(circle=session.circle_id, until=None) if session.circle_id else []
    ids = dict.fromkeys([*(one.subject_id for one in seats), *(one.subject_id for one in members)])
    names = names_of_subjects(ids)
    return {pk: names[pk] for pk in ids if pk in names}


def _facts(session: Session) -> list[dict[str, Any]]:
    begins, ends = timezone.localtime(session.begins_at), timezone.localtime(session.ends_at)
    until = f"{ends:%H:%M}" if ends.date() == begins.date() else f"{ends:%Y-%m-%d %H:%M}"
    said = [
        (_("类别"), session.get_kind_display()), (_("时间"), f"{begins:%Y-%m-%d %H:%M} — {until}"),
        (_("地点"), session.venue), (_("举办"), tree.snapshot().full_name(session.unit_id, Level.COUNTY)),
        (_("名额"), f"{session.signed}/{session.seats}" if session.seats else ""),
    ]  # fmt: skip
    return [{"label": label, "value": value} for label, value in said if value]


def _attendance(request: HttpRequest, session: Session, seats: list[Attendance], people: dict[int, str]) -> list[dict]:
    pages = pages_of_subjects(people, session.program) if may_raise(request.posting) else {}  # type: ignore[attr-defined]
    words_ = {True: (_("到场"), "ok"), False: (_("缺席"), "warn"), None: (_("已报名"), "")}
    return [
        {"url": pages.get(one.subject_id, ""), "title": people.get(one.subject_id, ""), "meta": [],
         "badge_text": words_[one.present][0], "badge_tone": words_[one.present][1]}
        for one in seats
    ]  # fmt: skip


def _may_run(by: Posting, session: Session) -> bool:
    return studios.hosts_it(by, session.circle) if session.circle else covers(by, session.unit)


def _panels(request: HttpRequest, session: Session, people: dict[int, str]) -> list[Panel]:
    by, at = request.posting, request.now  # type: ignore[attr-defined]
    if not _may_run(by, session) or session.state == Session.State.CANCELLED:
        return []
    if session.state == Session.State.HELD:
        return [Panel("attend", _("补登到场"), "user-check", reverse("help_session_attend", args=[session.no]),
                      SeatForm(by=by, key="attend"), _("补登"))]  # fmt: skip
    hold = Panel("hold", _("登记活动情况"), "checks", reverse("help_session_hold", args=[session.no]),
                 HoldForm(people=people, by=by), _("登记"), photos=True)  # fmt: skip
    seat = Panel("sign_up", _("报名"), "user-plus", reverse("help_session_sign_up", args=[session.no]),
                 SeatForm(by=by, key="sign_up"), _("报名"))  # fmt: skip
    cancel = Panel("cancel", _("取消活动"), "x", reverse("help_session_cancel", args=[session.no]),
                   CancelForm(auto_id="cancel_%s"), _("取消活动"))  # fmt: skip
    return [hold, seat, cancel] if at >= session.begins_at else [seat, cancel]


def _act(request: HttpRequest, no: str, key: str, make: Any, act: Any, done: str) -> HttpResponse:
    session = access.session_for(request.posting, no)  # type: ignore[attr-defined]
    form = make(session)
    return submit(
        request, form, lambda said: act(session, form), done=done, to=studios.session_url(session.no),
        again=lambda status: _page(request, session, {key: form}, status),
    )  # fmt: skip


@require_POST
@helper
def hold(request: HttpRequest, no: str) -> HttpResponse:
    by, at = request.posting, request.now  # type: ignore[attr-defined]

    def make(session: Session) -> HoldForm:
        return HoldForm(request.POST, people=_people(session, list(Attendance.objects.filter(session=session))), by=by)

    def act(session: Session, form: HoldForm) -> Session:
        photos = pictures.taken(request, at)
        return circles.hold(session, present=form.there(), text=form.cleaned_data["text"], by=by, at=at, photos=photos)

    return _act(request, no, "hold", make, act, _("活动情况已登记。"))


@require_POST
@helper
def sign_up(request: HttpRequest, no: str) -> HttpResponse:
    by, at = request.posting, request.now  # type: ignore[attr-defined]
    return _act(
        request, no, "sign_up", lambda session: SeatForm(request.POST, by=by, key="sign_up"),
        lambda session, form: circles.sign_up(session, form.cleaned_data["subject"], by=by, at=at), _("已报名。"),
    )  # fmt: skip


@require_POST
@helper
def attend(request: HttpRequest, no: str) -> HttpResponse:
    by, at = request.posting, request.now  # type: ignore[attr-defined]
    return _act(
        request, no, "attend", lambda session: SeatForm(request.POST, by=by, key="attend"),
        lambda session, form: circles.attend(session, form.cleaned_data["subject"], present=True, by=by, at=at),
        _("已补登。"),
    )  # fmt: skip


@require_POST
@helper
def cancel(request: HttpRequest, no: str) -> HttpResponse:
    by, at = request.posting, request.now  # type: ignore[attr-defined]
    return _act(
        request, no, "cancel", lambda session: CancelForm(request.POST, auto_id="cancel_%s"),
        lambda session, form: circles.cancel(session, text=form.cleaned_data["text"], by=by, at=at), _("活动已取消。"),
    )  # fmt: skip
