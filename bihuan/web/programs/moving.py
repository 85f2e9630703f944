"""Those whom a tightening left under their old version: moved one by one, on a decision with its reason."""

from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from bihuan.net.tree import snapshot
from bihuan.programs import versions
from bihuan.programs.models import Move
from bihuan.release import tracks
from bihuan.release.moving import NoReason, move_one
from bihuan.release.tracks import CannotMove, Live
from bihuan.web.posting import desk
from bihuan.web.programs.affecting import unit_words
from bihuan.web.programs.frame import AUTHORS, at_words, crumbs, is_author, own_area, page, place_words, version_words

MOST = 50  # shown at once; a number finds any other


class MoveForm(forms.Form):
    no = forms.CharField(label=gettext_lazy("编号"), max_length=40)
    why = forms.CharField(
        label=gettext_lazy("为什么改按新版本"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("写进这一件的记录。答复时间变晚的，会告诉本人。"),
    )


@desk(*AUTHORS)
@require_http_methods(["GET", "HEAD", "POST"])
def move(request: HttpRequest, key: str, number: int) -> HttpResponse:
    found = _move(key, number)
    live = _live(request, found)
    if request.method == "POST":
        return _move_one(request, found, live)
    form = MoveForm(initial={"no": request.GET.get("no", "")})
    return _page(request, found, live, form)


def _move(key: str, number: int) -> Move:
    """A publication that is in force and left somebody behind."""
    rows = Move.objects.select_related("program", "from_version", "to_version", "within")
    found = rows.filter(program__key=key, pk=number, since__lte=now()).first()
    if found is None or (found.to_version.until and found.to_version.until <= now()):
        raise Http404
    return found


def _live(request: HttpRequest, found: Move) -> list[Live]:
    """Those still under the old version in the acting posting's area; 404 when the publication is not of it."""
    kind, within = tracks.of(found.program.kind), found.within_id
    if not is_author(request):
        within = _narrower(own_area(request).id, within)
    if kind is None:
        raise Http404
    return kind.live(found.from_version_id, within)


def _narrower(area: int, within: int | None) -> int:
    """The smaller of an area and a publication's; 404 when neither holds the other."""
    net = snapshot()
    if within is None or within in net.unit(area).path:
        return area
    if area in net.unit(within).path:
        return within
    raise Http404


def _move_one(request: HttpRequest, found: Move, live: list[Live]) -> HttpResponse:
    form = MoveForm(request.POST)
    if not form.is_valid():
        return _page(request, found, live, form, status=422)
    track = next((one for one in live if one.no == form.cleaned_data["no"].strip()), None)
    if track is None:
        form.add_error("no", _("这个编号不在下面的单子里：它可能已经改按新版本，或者已经办结。"))
        return _page(request, found, live, form, status=409)
    try:
        with transaction.atomic():
            moved = move_one(
                found.program.kind, track, found.to_version, by=request.posting, at=now(), why=form.cleaned_data["why"]  # type: ignore[attr-defined]
            )  # fmt: skip
    except (NoReason, CannotMove) as error:
        form.add_error(None, str(error))
        return _page(request, found, live, form, status=422)
    _tell(request, track, moved)
    return redirect("program_move", found.program.key, found.pk)


def _tell(request: HttpRequest, track: Live, moved: bool) -> None:
    if moved:
        messages.success(request, _("%(no)s 已改按新版本。") % {"no": track.no})
    else:
        messages.info(request, _("%(no)s 已经在新版本下，或者已经办结。") % {"no": track.no})


def _page(request: HttpRequest, found: Move, live: list[Live], form: MoveForm, status: int = 200) -> HttpResponse:
    old, kind = versions.rules(found.from_version_id), tracks.of(found.program.kind)
    rows: list[dict[str, Any]] = [
        {
            "no": track.no,
            "url": f"?no={track.no}#move",
            "meta": [place_words(old, track.place), unit_words(track.unit_id)],
        }
        for track in live[:MOST]
    ]
    words = {"from": version_words(found.from_version), "to": version_words(found.to_version)}
    context = {
        "crumbs": crumbs(found.program, _("逐件改")),
        "program": found.program,
        "title": _("%(from)s → %(to)s") % words,
        "text": _("%(at)s起生效，收紧了办法，所以正在办的留在原版本。") % {"at": at_words(found.since)},
        "rows": rows,
        "shown": _("共%(n)s件，列出前%(most)d件；其他的直接填编号。") % {"n": f"{len(live):,}", "most": MOST} if len(live) > MOST
        else _("共%(n)s件") % {"n": len(live)},
        "word": kind.word if kind else "",
        "form": form,
    }  # fmt: skip
    return page(request, "move.html", context, key=found.program.key, status=status)
