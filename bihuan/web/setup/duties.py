"""The duty list (派单目录), to be read: who is answerable for what, where, and by which clause."""

from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from bihuan.loop.models import Duty
from bihuan.net.models import Role
from bihuan.web.posting import desk
from bihuan.web.setup.frame import own_area, page, table

SHOWN = 200


@desk(Role.ADMIN)
@require_safe
def show(request: HttpRequest) -> HttpResponse:
    """Duties in force in the own area, by words in category, unit, area or clause. One query beside the door's."""
    words = request.GET.get("q", "").strip()[:60]
    duties = list(_found(request, words)[: SHOWN + 1])
    heads = [_("事项"), _("区域"), _("承办单位"), _("依据")]
    rows = table(_("派单目录"), heads, [_line(duty) for duty in duties[:SHOWN]], _("没有找到"))
    context = {"q": words, "duties": rows, "more": len(duties) > SHOWN}
    return page(request, "setup_duties", "duties.html", context)


def _found(request: HttpRequest, words: str) -> QuerySet[Duty]:
    today = localdate()
    standing = Q(since__lte=today) & (Q(until=None) | Q(until__gt=today))
    duties = Duty.objects.filter(standing, area__path__contains=[own_area(request)])
    if words:
        duties = duties.filter(
            Q(category__title__icontains=words)
            | Q(unit__name__icontains=words)
            | Q(area__name__icontains=words)
            | Q(clause__icontains=words)
        )
    return duties.select_related("category__parent", "area", "unit").order_by("area__code", "category__key")


def _line(duty: Duty) -> list[Any]:
    if duty.category is None:
        category: Any = {"badge": {"tone": "hold", "text": _("属地兜底")}, "text": ""}
    else:
        parent = duty.category.parent.title if duty.category.parent else ""
        category = {"text": duty.category.title, "sub": parent}
    unit = {"text": duty.unit.name, "url": f"/setup/units/{duty.unit.code}/"}
    return [category, duty.area.name, unit, {"text": duty.clause, "wide": True}]
