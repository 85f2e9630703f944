"""The working calendar: a year day by day with what is only computed marked, own exceptions, office hours."""

import calendar as months
from datetime import date
from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.timezone import localdate, now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from bihuan.lib.worktime import Hours, WorkCalendar, spell_name
from bihuan.loop.wording import language
from bihuan.net import calendar
from bihuan.net.models import CalendarDay, Role, Unit
from bihuan.web.posting import desk
from bihuan.web.setup.frame import has_whole, own_area, page, refusals_in
from bihuan.web.setup.units import DayField

YEARS = range(2015, 2100)


class DayForm(forms.Form):
    day = DayField(label=gettext_lazy("日期"))
    works = forms.ChoiceField(
        label=gettext_lazy("这一天"), choices=[("0", gettext_lazy("休息")), ("1", gettext_lazy("上班"))]
    )
    name = forms.CharField(max_length=40, label=gettext_lazy("事由"))
    source = forms.CharField(max_length=120, label=gettext_lazy("依据的文件"))


class HoursForm(forms.Form):
    windows = forms.CharField(
        max_length=80, label=gettext_lazy("工作时段"), help_text=gettext_lazy("写成 08:30-12:00，13:00-17:00。")
    )
    since = DayField(label=gettext_lazy("从哪天起"))


def _area(request: HttpRequest) -> Unit | None:
    """Whose calendar it is: the nation's for who looks after everything, else the own area's exceptions."""
    return None if has_whole(request) else Unit.objects.get(pk=own_area(request))


@desk(Role.ADMIN)
@require_safe
def show(request: HttpRequest) -> HttpResponse:
    """One year. Chosen days carry into the form."""
    return page(request, "setup_calendar", "calendar.html", _year_page(request))


def _year_page(request: HttpRequest, **forms_: Any) -> dict[str, Any]:
    today, area = localdate(), _area(request)
    year = _year(request, today)
    days = calendar.calendar_for(area.pk if area else None)
    own = set(CalendarDay.objects.filter(unit=area, date__year=year).values_list("date", flat=True)) if area else set()
    return {
        "year": year,
        "years": [
            {"label": str(one), "url": f"?year={one}", "current": one == year} for one in range(year - 2, year + 3)
        ],
        "weekdays": [_("一"), _("二"), _("三"), _("四"), _("五"), _("六"), _("日")],
        "months": [_month(year, month, days, own, today) for month in range(1, 13)],
        "computed": _("、").join(map(str, calendar.computed_years())),
        "area": area.name if area else _("全国通用"),
        "hours": _said(days.hours_on(today)),
        "drop_words": _("取消"),
        "exceptions": [_exception(day) for day in _exceptions(area, year)],
        "day_form": DayForm(initial={"day": request.GET.get("day") or today, "works": "0"}),
        "hours_form": HoursForm(initial={"since": today, "windows": _said(days.hours_on(today))}),
        **forms_,
    }


def _year(request: HttpRequest, today: date) -> int:
    asked = request.GET.get("year", "")
    return int(asked) if asked.isdecimal() and len(asked) == 4 and int(asked) in YEARS else today.year


def _said(hours: Hours) -> str:
    return _("，").join(str(window) for window in hours.windows)


def _month(year: int, month: int, days: WorkCalendar, own: set[date], today: date) -> dict[str, Any]:
    weeks = months.Calendar(firstweekday=0).monthdatescalendar(year, month)
    return {
        "name": _("%(month)d月") % {"month": month},
        "weeks": [[_day(day, days, own, today) if day.month == month else {} for day in week] for week in weeks],
    }


def _day(day: date, days: WorkCalendar, own: set[date], today: date) -> dict[str, Any]:
    """One square: what it is in words for a screen reader, a letter for the eye, and classes for both."""
    said = days.day(day)
    is_plain = said.is_workday == (day.weekday() < 5)
    kind = "work" if said.is_workday else "off"
    name = spell_name(said.name, lang=language())
    words = [_("上班") if said.is_workday else _("休息"), name, "" if said.confirmed else _("推算")]
    marks = [kind, "" if is_plain else "special", "" if said.confirmed else "computed", "own" if day in own else "",
             "is-today" if day == today else ""]  # fmt: skip
    return {
        "n": day.day,
        "mark": "" if is_plain else (_("班") if said.is_workday else _("休")),
        "classes": " ".join(mark for mark in marks if mark),
        "words": f"{day.isoformat()} {' '.join(word for word in words if word)}",
        "url": f"?year={day.year}&day={day.isoformat()}#day",
    }


def _exceptions(area: Unit | None, year: int) -> list[CalendarDay]:
    """What was entered by hand or by a notice here, not what was seeded."""
    rows = CalendarDay.objects.filter(unit=area, date__year=year, confirmed=True).order_by("date")
    return [day for day in rows if area is not None or not day.source.startswith("国务院办公厅放假通知")]


def _exception(day: CalendarDay) -> dict[str, Any]:
    return {
        "iso": day.date.isoformat(),
        "works": _("上班") if day.is_workday else _("休息"),
        "name": spell_name(day.name, lang=language()),
        "source": day.source,
        "can_drop": day.unit_id is not None,
    }


@desk(Role.ADMIN)
@require_POST
def set_day(request: HttpRequest) -> HttpResponse:
    form = DayForm(request.POST)
    if form.is_valid():
        asked = form.cleaned_data
        calendar.set_day(
            _area(request), asked["day"], is_workday=asked["works"] == "1", name=asked["name"],
            source=asked["source"], at=now(),
        )  # fmt: skip
        messages.success(request, _("已登记。之后算出的时限按新的日历。"))
        return redirect(f"{reverse('setup_calendar')}?year={asked['day'].year}")
    return page(request, "setup_calendar", "calendar.html", _year_page(request, day_form=form), 422)


@desk(Role.ADMIN)
@require_POST
def drop_day(request: HttpRequest) -> HttpResponse:
    """Take an exception of the own area back; what holds above it holds again."""
    area = _area(request)
    try:
        day = date.fromisoformat(request.POST.get("day", ""))
    except ValueError as error:
        raise Http404 from error
    if area is None:
        raise Http404
    calendar.drop_day(area, day, at=now())
    return redirect(f"{reverse('setup_calendar')}?year={day.year}")


@desk(Role.ADMIN)
@require_POST
def set_hours(request: HttpRequest) -> HttpResponse:
    form = HoursForm(request.POST)
    if form.is_valid():
        with refusals_in(form), transaction.atomic():
            windows = Hours.parse(form.cleaned_data["windows"]).windows
            calendar.set_hours(
                _area(request), [calendar.clock_times(window) for window in windows],
                since=form.cleaned_data["since"], at=now(),
            )  # fmt: skip
            messages.success(request, _("已登记。之后算出的时限按新的时段。"))
            return redirect("setup_calendar")
    return page(request, "setup_calendar", "calendar.html", _year_page(request, hours_form=form), 422)
