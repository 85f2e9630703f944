"""Who stands at the door: staff systems by token, everybody else by address - and not too often."""

import hashlib
import threading
import time
from datetime import timedelta

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from ninja.security import HttpBearer

from bihuan.api.errors import Refused
from bihuan.net.models import Posting, Token
from bihuan.net.postings import is_standing


class ByToken(HttpBearer):
    """`Authorization: Bearer <token>` acts as the token's posting. One query."""

    def authenticate(self, request: HttpRequest, token: str) -> Posting | None:
        digest = hashlib.sha256(token.encode()).hexdigest()
        known = Token.objects.filter(digest=digest, revoked_at=None)
        found = known.select_related("posting__person__user", "posting__unit").first()
        return found.posting if found and _may_act(found.posting) else None


def _may_act(posting: Posting) -> bool:
    """A posting that has ended, or whose unit or account was closed, acts no more - by token either."""
    user = posting.person.user
    closed = posting.unit.died is not None or (user is not None and not user.is_active)
    return is_standing(posting, timezone.localdate()) and not closed


class Turnstile:
    """Counts calls by key in this process, within a sliding minute cut in two halves. Takes microseconds."""

    def __init__(self, most: int, span: timedelta = timedelta(minutes=1)) -> None:
        self.most, self.half = most, span.total_seconds() / 2
        self._counts: dict[str, int] = {}
        self._before: dict[str, int] = {}
        self._since = 0.0
        self._lock = threading.Lock()

    def passes(self, key: str, now: float) -> bool:
        """Count one call of `key` at `now` (seconds); False when there were too many."""
        with self._lock:
            if now - self._since >= self.half:
                self._before, self._counts, self._since = self._counts, {}, now
            self._counts[key] = self._counts.get(key, 0) + 1
            return self._counts[key] + self._before.get(key, 0) <= self.most


# Carriers put thousands of phones behind one address, so the bound is generous: it stops loops, not crowds.
_turnstile = Turnstile(settings.CALLS_A_MINUTE)


def admit(request: HttpRequest) -> None:
    """Let an anonymous call in, or raise Refused 429 when its address calls without end."""
    if not _turnstile.passes(address(request), time.monotonic()):
        raise Refused(429, "too_many", "访问太频繁，请一分钟后再试。")


def address(request: HttpRequest) -> str:
    """The caller's address; behind our own proxies the one the nearest of them saw."""
    forwarded = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
    if settings.PROXIES and len(forwarded) >= settings.PROXIES:
        return forwarded[-settings.PROXIES]
    return request.META.get("REMOTE_ADDR", "")
