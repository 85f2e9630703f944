"""As whom a member of staff acts: `request.posting`, and the door of every desk.

    @desk(Role.DISPATCHER, Role.CALLER)
    def board(request): ...

The posting, its person, account and unit come in one query, which also answers `request.user`.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.views import redirect_to_login
from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.crypto import constant_time_compare
from django.utils.timezone import localdate
from django_htmx.http import HttpResponseClientRedirect

from bihuan.net import postings
from bihuan.net.models import Person, Posting
from bihuan.net.prepared import Prepared

SESSION_POSTING = "posting"
View = Callable[..., HttpResponse]


class PostingMiddleware:
    """Sets `request.posting`: what the session chose, if it holds today; else the only one held; else None."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.posting = _chosen(request)  # type: ignore[attr-defined]
        return self.get_response(request)


def _chosen(request: HttpRequest) -> Posting | None:
    chosen, user = request.session.get(SESSION_POSTING), request.session.get(SESSION_KEY)
    if not user or not chosen:
        return None
    found = ACTING.first(chosen=chosen, user=user, today=localdate())
    if found is None or not _is_same_login(request, found.person):
        return None
    request._cached_user = found.person.user  # type: ignore[attr-defined]  # request.user then needs no query
    return found


def _acting(chosen: Any, user: Any, today: Any) -> QuerySet[Posting]:
    """The chosen posting of an account, with all that a page says of it; `has_others`: there is another to choose."""
    standing = Posting.objects.filter(postings.standing_on(today))
    others = standing.filter(person=OuterRef("person")).exclude(pk=OuterRef("pk"))
    living = standing.filter(pk=chosen, person__user_id=user, unit__died=None, person__user__is_active=True)
    return living.select_related("person__user", "unit").annotate(has_others=Exists(others))


ACTING: Prepared[Posting] = Prepared(_acting)


def _is_same_login(request: HttpRequest, person: Person) -> bool:
    """The session was opened with the password the account still has."""
    given = request.session.get(HASH_SESSION_KEY, "")
    return person.user is not None and constant_time_compare(given, person.user.get_session_auth_hash())


def person_of(request: HttpRequest) -> Person | None:
    """The person behind the login, with or without a posting."""
    posting = getattr(request, "posting", None)
    if posting is not None:
        return posting.person
    if not request.user.is_authenticated:
        return None
    return Person.objects.filter(user=request.user).select_related("user").first()


def choose(request: HttpRequest, posting: Posting) -> None:
    """Act as this posting from now on."""
    request.session[SESSION_POSTING] = posting.pk
    request.posting = posting  # type: ignore[attr-defined]


def desk(*roles: str) -> Callable[[View], View]:
    """The door of a desk's page. Without roles: any posting.

    Not signed in: to the login and back. A one-time password: to its change. No posting chosen: to the choice.
    Another role: 404, as for a stranger. Answers are never stored by a browser or proxy.
    """

    def guard(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            away = _turned_away(request)
            if away is not None:
                return _as_htmx_takes_it(request, away)
            if roles and request.posting.role not in roles:  # type: ignore[attr-defined]
                raise Http404
            response = view(request, *args, **kwargs)
            add_never_cache_headers(response)
            return response

        return guarded

    return guard


def _turned_away(request: HttpRequest) -> HttpResponse | None:
    posting = request.posting  # type: ignore[attr-defined]
    if posting is None:
        return redirect_to_login(request.get_full_path()) if not request.user.is_authenticated else redirect("posting")
    if posting.person.must_change_password:
        return redirect("password")
    return None


def _as_htmx_takes_it(request: HttpRequest, away: HttpResponse) -> HttpResponse:
    """A part cannot show the login page inside itself: the whole page goes there."""
    if not getattr(request, "htmx", False):
        return away
    url = away["Location"] if request.user.is_authenticated else reverse("login")
    return HttpResponseClientRedirect(url)
