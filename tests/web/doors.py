"""Every address of the product, taken from the URL resolver itself, and who may come in there.

An address that is missing here fails the tests, so that nobody adds a page without saying whose it is.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import get_resolver

from bihuan.net.models import Role

AGENTS = frozenset({Role.AGENT})
CENTRE = frozenset({Role.DISPATCHER, Role.CALLER, Role.SUPERVISOR})
DISPATCHERS = frozenset({Role.DISPATCHER})
PRESSING = frozenset({Role.DISPATCHER, Role.SUPERVISOR})
UNITS = frozenset({Role.HANDLER, Role.CHIEF})
WORKERS = frozenset({Role.GRID_WORKER})
WATCHING = frozenset({Role.LEADER, Role.SUPERVISOR, Role.DISPATCHER, Role.CHIEF})
ADMINS = frozenset({Role.ADMIN})
RAISING = frozenset({Role.ORGANISER, Role.SECRETARY})  # they raise people and see no case
GUIDING = RAISING | {Role.LEADER}  # they answer for those who rise
HELPING = GUIDING | UNITS  # and these help them
SEEING = frozenset(Role.values) - ADMINS - RAISING  # whoever may see the case

# The beginning of an address -> who may come in; the longest that fits counts.
STAFF = {
    "hotline/": AGENTS,
    "centre/": CENTRE,
    "centre/accept/": DISPATCHERS,
    "centre/urge/": PRESSING,
    "centre/units/urge/": PRESSING,
    "centre/options/places/": DISPATCHERS,
    "centre/cases/<str:number>/advice/": DISPATCHERS,
    "desk/": UNITS,
    "grid/": WORKERS,
    "wall/": WATCHING,
    "setup/": ADMINS,
    "programs/": ADMINS,
    "cases/": SEEING,
    "people/": GUIDING,
    **dict.fromkeys(("people/needs/", "people/studios/", "people/pairings/", "people/policies/"), HELPING),
    "people/units/<str:code>/": HELPING,
    **dict.fromkeys(("people/units/", "people/ledger/", "people/figures/"), GUIDING),
    **dict.fromkeys(("people/needs/new/", "people/needs/rounds/", "people/studios/suggestions/"), GUIDING),
    "people/pairings/<str:no>/part/": GUIDING,
}
# Whoever signed in, whatever the posting.
SIGNED_IN = ("posting/", "password/", "work/")
PUBLIC = ("i18n/", "theme.css", "login/", "logout/", "net/", "healthz", "readyz", "report/", "outlines.json", "track/")
PUBLIC += ("t/", "photos/", "styleguide/", "my/", "apply/", "notices/", "people/mine/")
_PART = re.compile(r"<(?:\w+:)?(\w+)>|\(\?P<(\w+)>[^)]*\)")


@dataclass(frozen=True)
class Door:
    """One address with its parameters as the resolver has it."""

    pattern: str

    @property
    def parts(self) -> list[str]:
        return [named or grouped for named, grouped in _PART.findall(self.pattern)]

    def url(self, values: dict[str, Any]) -> str:
        filled = _PART.sub(lambda part: str(values[part[1] or part[2]]), self.pattern)
        return "/" + filled.replace("^", "").replace("$", "").replace("\\", "")

    @property
    def is_api(self) -> bool:
        return self.pattern.startswith("api/")

    @property
    def roles(self) -> frozenset[str] | None:
        """Whose door it is; None for one that is not of staff."""
        if self.pattern.startswith(PUBLIC):
            return None
        fitting = [start for start in STAFF if self.pattern.startswith(start)]
        return STAFF[max(fitting, key=len)] if fitting else None

    @property
    def is_known(self) -> bool:
        known = self.pattern == "" or self.pattern.startswith((*PUBLIC, *SIGNED_IN)) or self.is_api
        return known or self.roles is not None


def doors() -> list[Door]:
    return [Door(pattern) for pattern in _walk(get_resolver().url_patterns)]


def _walk(patterns: Any, before: str = "") -> Iterator[str]:
    for one in patterns:
        here = before + str(one.pattern)
        if hasattr(one, "url_patterns"):
            yield from _walk(one.url_patterns, here)
        else:
            yield here
