"""Which moment a wall shows: now, or the past moment that `?at=` names."""

from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.http import urlencode
from django.utils.translation import gettext as _

FIRST_YEAR = 2000  # case numbers begin here


class BadMoment(Exception):
    """`at` is no time, lies in the future, or before anything was counted; the message is for the user."""


@dataclass(frozen=True, slots=True)
class Moment:
    """`live`: it is now, and the page follows what happens."""

    at: datetime
    live: bool

    @property
    def words(self) -> str:
        """2020年10月22日 10:00"""
        local = timezone.localtime(self.at)
        return f"{date_format(local, 'DATE_FORMAT')} {local:%H:%M}"

    @property
    def query(self) -> dict[str, str]:
        """What a link must carry to stay at this moment."""
        return {} if self.live else {"at": f"{timezone.localtime(self.at):%Y-%m-%dT%H:%M:%S}".removesuffix(":00")}

    def url(self, path: str, **more: str) -> str:
        """An address at this moment."""
        query = urlencode({key: value for key, value in {**more, **self.query}.items() if value})
        return f"{path}?{query}" if query else path


def moment(request: HttpRequest, now: datetime) -> Moment:
    """The moment that a request asks for; a time without zone is local. Raises BadMoment."""
    text = request.GET.get("at", "").strip()
    return Moment(_past(text, now), live=False) if text else Moment(now, live=True)


def _past(text: str, now: datetime) -> datetime:
    try:
        named = datetime.fromisoformat(text)
        at = timezone.make_aware(named) if timezone.is_naive(named) else named
        year = timezone.localtime(at).year
    except (ValueError, OverflowError):
        raise BadMoment(_("时间写得不对，请写成 2020-10-22T10:00 这样。")) from None
    if at > now:
        raise BadMoment(_("这个时间还没有到，大屏只能回看过去。"))
    if year < FIRST_YEAR:
        raise BadMoment(_("只能回看 %(year)s 年以后的数据。") % {"year": FIRST_YEAR})
    return at
