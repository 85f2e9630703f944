"""What every page frame shows: who is acting, which desks the posting opens, the bottom bar, the language.

A page of a desk adds its own `nav_items` (side) or `tab_items` (bottom); this module knows only the ways between desks.
"""

from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, Resolver404, resolve, reverse
from django.utils.functional import SimpleLazyObject
from django.utils.timezone import localdate
from django.utils.translation import gettext_lazy as _

from bihuan.net.models import Posting, Role


@dataclass(frozen=True)
class Way:
    """One entry of a navigation. `roles` empty: for everybody."""

    label: str
    url: str
    icon: str
    roles: frozenset[str] = frozenset()
    current: bool = False


DESKS = (
    Way(_("话务受理"), "/hotline/", "headset", frozenset({Role.AGENT})),
    Way(_("指挥调度"), "/centre/", "layout-dashboard", frozenset({Role.DISPATCHER, Role.CALLER, Role.SUPERVISOR})),
    Way(_("承办工作台"), "/desk/", "clipboard-list", frozenset({Role.HANDLER, Role.CHIEF})),
    Way(_("网格工作"), "/grid/", "map-pin", frozenset({Role.GRID_WORKER})),
    Way(_("一支队伍"), "/people/", "users-group", frozenset({Role.ORGANISER, Role.SECRETARY, Role.LEADER})),
    Way(_("帮扶"), "/people/needs/", "heart-handshake", frozenset({Role.HANDLER, Role.CHIEF})),
    Way(_("一网大屏"), "/wall/", "chart-line", frozenset({Role.LEADER, Role.SUPERVISOR, Role.DISPATCHER, Role.CHIEF})),
    Way(_("编排"), "/programs/", "route", frozenset({Role.ADMIN})),
    Way(_("系统设置"), "/setup/", "settings", frozenset({Role.ADMIN})),
)
PUBLIC = (
    Way(_("首页"), "/", "home"),
    Way(_("我要反映"), "/report/", "message-plus"),
    Way(_("查进度"), "/track/", "progress-check"),
    Way(_("谁服务我"), "/net/", "map-pin"),
)


def shell(request: HttpRequest) -> dict[str, Any]:
    """The context processor. Nothing is looked up for a page that shows no frame (an htmx part)."""
    return {"shell": SimpleLazyObject(lambda: frame(request))}


def frame(request: HttpRequest) -> dict[str, Any]:
    user, posting = getattr(request, "user", None), getattr(request, "posting", None)
    signed_in = bool(user and user.is_authenticated)
    name = (posting.person.name if posting else user.get_username()) if signed_in else ""
    return {
        "city": settings.CITY_NAME,
        "public": ways(PUBLIC, request.path),
        "desks": ways([desk for desk in DESKS if posting and posting.role in desk.roles], request.path),
        "home_url": home_of(posting),
        "name": name,
        "initial": name[:1],
        "acting_as": f"{posting.unit.short or posting.unit.name} · {posting.get_role_display()}" if posting else "",
        "postings": choices(posting) if posting else [],
        **{f"{name}_url": where(name) for name in ("login", "logout", "password", "posting")},
    }


def choices(posting: Posting, on: date | None = None) -> list[dict[str, Any]]:
    """The postings that the acting person holds today; empty when there is nothing to choose, as the posting's own query
    says already."""
    if not getattr(posting, "has_others", True):
        return []
    today = on or localdate()
    held = Posting.objects.filter(person_id=posting.person_id, since__lte=today).exclude(until__lte=today)
    found = [choice(one, posting) for one in held.select_related("unit").order_by("id")]
    return found if len(found) > 1 else []


def choice(one: Posting, acting: Posting) -> dict[str, Any]:
    return {"id": one.pk, "unit": one.unit.name, "role": one.get_role_display(), "current": one.pk == acting.pk}


def home_of(posting: Posting | None) -> str:
    """The first desk that the posting opens and that this installation has."""
    fitting = [desk.url for desk in DESKS if posting and posting.role in desk.roles and exists(desk.url)]
    return fitting[0] if fitting else "/"


def ways(all_ways: Any, path: str) -> list[Way]:
    """Those that exist here; what is absent is left out, never greyed."""
    return [replace(way, current=leads_to(way.url, path)) for way in all_ways if exists(way.url)]


def leads_to(url: str, path: str) -> bool:
    return path == url if url == "/" else path.startswith(url)


@cache
def exists(path: str) -> bool:
    try:
        resolve(path)
    except Resolver404:
        return False
    return True


@cache
def where(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""
