"""Pages and API answers at a table's size: each asked again and again by one browser, one after the other."""

import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from bench import world
from bench.meter import Browser, Meter, Taken
from bihuan.dossier import vault
from bihuan.dossier.models import Contact
from bihuan.loop.actions import intake
from bihuan.loop.categories import categories
from bihuan.loop.models import Case
from bihuan.loop.report import Report
from bihuan.net import tree
from bihuan.net.models import Posting, Token
from bihuan.net.regions import across_regions

TIMES = 150
DISPATCHER, HANDLER, LEADER, AGENT = "paidan2", "chengguan1", "lingdao2", "huawu2"


def measure(meter: Meter, session: Callable[[str], dict[str, str]]) -> Iterator[tuple[str, Taken]]:
    """Every line of the table: what was asked, and what it took."""
    now = timezone.now()
    staff = Browser(settings.PORT, _token(world.actor(DISPATCHER)))
    yield "list of 100, first page (API)", _get(meter, staff, "/api/v1/cases?limit=100")
    yield "list of 100, page far behind (API)", _get(meter, staff, f"/api/v1/cases?limit=100&after={_far()}")
    yield "filtered: open, state, category, 100 (API)", _get(meter, staff, f"/api/v1/cases?limit=100{_filter()}")
    yield "a move: accept (API)", _moves(meter, staff)
    for name, login, path in _pages(now):
        browser = Browser(settings.PORT, session(login))
        yield name, _get(meter, browser, path)


def _pages(now) -> Iterator[tuple[str, str, str]]:  # type: ignore[no-untyped-def]
    dispatcher = world.actor(DISPATCHER)
    county = dispatcher.unit.l3
    yield "desk, list of 100", HANDLER, "/desk/?tab=doing"
    yield "centre, list of 100", DISPATCHER, "/centre/open/"
    phone = _phone(county)
    yield "search by phone (the agent's part)", AGENT, f"/hotline/caller/?caller={phone}"
    yield "hotline, whole page with the caller", AGENT, f"/hotline/?caller={phone}"
    yield "case page", DISPATCHER, f"/cases/{_some_case(county).no}/"
    code = tree.snapshot().unit(county).code
    yield "wall, whole page", LEADER, f"/wall/{code}/"
    yield "wall, numbers", LEADER, f"/wall/{code}/numbers/"
    yield "wall, map counts of 429 grids", LEADER, f"/wall/{code}/counts.json?by=grid"


def _get(meter: Meter, browser: Browser, path: str) -> Taken:
    return meter.run(lambda n: browser.get(path) and None, times=TIMES)


def _token(posting: Posting) -> dict[str, str]:
    """Headers of a system that acts as this posting."""
    key = f"bench-{posting.pk}"
    digest = hashlib.sha256(key.encode()).hexdigest()
    Token.objects.get_or_create(
        digest=digest, defaults={"posting": posting, "name": "bench", "made_at": timezone.now()}
    )
    return {"Authorization": f"Bearer {key}", "Host": "localhost"}


def _far() -> str:
    """A cursor in the middle of the open cases."""
    moment = timezone.now() + timedelta(days=60)
    return f"{moment.timestamp():.6f}-0"


def _filter() -> str:
    with across_regions("any category that is in use"):
        case = Case.objects.filter(closed_at=None, state="handling", category_id__isnull=False).first()
    assert case is not None
    return f"&state=handling&category={categories()[case.category_id].key}"


def _moves(meter: Meter, staff: Browser) -> Taken:
    """Accept a fresh case each time; the filings are not timed."""
    place = world.actor(DISPATCHER).unit
    grid = next(unit for unit in tree.snapshot() if unit.l3 == place.l3 and unit.level == 5)
    report = Report(type="help", text="门前路灯不亮，晚上出行不便，请来看看。", grid=grid.code)
    numbers = [intake.file(report, at=timezone.now()).number for _ in range(TIMES + 10)]

    def accept(n: int) -> None:
        path = f"/api/v1/cases/{numbers[n + 10]}/accept"
        staff.send("POST", path, json.dumps({"n": 1}).encode(), **{"Content-Type": "application/json"})

    return meter.run(accept, times=TIMES)


def _some_case(county: int) -> Case:
    case = Case.objects.filter(region_id=county, state="handling").order_by("pk").first()
    assert case is not None
    return case


def _phone(county: int) -> str:
    contact = Contact.objects.filter(region_id=county, phone_sealed__isnull=False).order_by("pk").first()
    assert contact is not None
    return vault.numbers_for_sending(county, [contact.pk])[contact.pk]
