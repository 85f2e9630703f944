"""Requests that are refused before any page reads them: too large, too many files. Each gets its sentence."""

from collections.abc import Callable

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.views.defaults import bad_request as any_bad_request

from bihuan.dossier.photos import LARGEST as PHOTO
from bihuan.dossier.photos import MOST as PHOTOS
from bihuan.net.imports.sheets import LARGEST as SHEETS

ROOM = 4 * 1024 * 1024  # what a form adds around its files
MOST_BYTES = PHOTOS * PHOTO + ROOM
MOST_BYTES_OF_SHEETS = SHEETS + ROOM
SHEETS_COME_TO = "/setup/imports/"


class SizeMiddleware:
    """Refuses a body larger than anything its page takes, before a byte of it is kept."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        most = MOST_BYTES_OF_SHEETS if request.path_info.startswith(SHEETS_COME_TO) else MOST_BYTES
        if int(request.META.get("CONTENT_LENGTH") or 0) > most:
            return _page(413, _too_big())
        return self.get_response(request)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The handler of 400, which Django also calls for what is too large to be read."""
    if isinstance(exception, RequestDataTooBig | TooManyFieldsSent):
        return _page(413, _too_big())
    if isinstance(exception, TooManyFilesSent):
        return _page(413, _("一次选的文件太多：照片最多 %(most)d 张。请返回上一页去掉几张再提交。") % {"most": PHOTOS})
    return any_bad_request(request, exception)


def _too_big() -> str:
    return _("提交的内容太大：照片每张最多 %(size)d MB，文字请写得短一些。请返回上一页减少后再提交。") % {
        "size": PHOTO >> 20
    }


def _page(status: int, sentence: str) -> HttpResponse:
    """Without the request, as Django's own pages of this kind: nobody knows yet whose it is."""
    words = {"code": status, "title": _("提交的内容太大"), "sentence": sentence}
    return HttpResponse(render_to_string("web/error.html", words), status=status)
