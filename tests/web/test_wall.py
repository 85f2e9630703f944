"""The wall: what it shows is what its lists hold (Q1), for one's own area only, now and as of any past moment."""

import gzip
import json
import re
from datetime import timedelta
from html import unescape

import pytest
import shapely
from django.test import Client
from django.utils import timezone, translation
from shapely.geometry import shape

from bihuan.book import tallies
from bihuan.loop.actions import intake
from bihuan.net.models import Boundary
from bihuan.net.revisions import touch
from bihuan.web.wall_moment import BadMoment, Moment, moment
from tests.browser.conftest import outlines  # noqa: F401 - the cast's boundaries
from tests.web import lives

HOUR = timedelta(hours=1)
FIGURE = re.compile(r'<a class="value" href="([^"]*)" data-figure="(\w+)" data-count="(\d+)">')


@pytest.fixture
def now():
    return timezone.now().replace(microsecond=0)


@pytest.fixture
def matters(cast, now):
    """One waiting since yesterday, one dispatched, one answered, one withdrawn, one found in a grid, one secret."""
    from bihuan.loop.actions import closing

    waiting = lives.filed(cast, at=now - 30 * HOUR)
    sent = lives.dispatched(cast, at=now - 5 * HOUR)
    answered = lives.filed(cast, at=now - 4 * HOUR)
    intake.answer(answered, "这样办", by=cast.agent, at=now - 3 * HOUR)
    withdrawn = lives.filed(cast, at=now - 2 * HOUR)
    closing.withdraw(withdrawn, at=now - HOUR)
    found = lives.filed(cast, at=now - HOUR, finder=cast.worker)
    secret = lives.dispatched(cast, at=now - HOUR, secrecy="secret", text="不能说的事")
    return {"waiting": waiting, "sent": sent, "answered": answered, "found": found, "secret": secret}


def body(client, url):
    answer = client.get(url)
    assert answer.status_code == 200, url
    return answer.content.decode()


def figures(page):
    return {key: (unescape(url), int(count)) for url, key, count in FIGURE.findall(page)}


def listed(client, url):
    """How many rows a list has through all its pages, and the total it names; what the pages said."""
    rows, said = 0, ""
    while url:
        page = body(client, url)
        rows, said = rows + page.count("<tr data-case"), said + page
        total = int(re.search(r"data-total>([\d,]+)<", page)[1].replace(",", ""))
        found = re.search(r'rel="next" href="([^"]+)"', page)
        url = unescape(found[1]) if found else ""
    return rows, total, said


# Figure and list


@pytest.mark.parametrize("folded", [False, True])
@pytest.mark.parametrize("hours_ago", [0, 0.5, 2.5, 20])
def test_Q1_every_figure_opens_a_list_of_as_many_cases(login, matters, now, folded, hours_ago):
    if folded:
        tallies.fold(10_000)
    leader = login("leader")
    at = f"?at={timezone.localtime(now - hours_ago * HOUR):%Y-%m-%dT%H:%M:%S}" if hours_ago else ""
    page = body(leader, f"/wall/{at}")
    shown = figures(page)
    pressing = {"late", "soon"} if not at else {"late_this_month"}
    assert shown.keys() == {"accepted", "accepted_today", "settled_today", "open"} | pressing
    for key, (url, count) in shown.items():
        assert listed(leader, url)[:2] == (count, count), key
    for key in ("grid_accepted", "grid_grassroots"):
        rows, total, _said = listed(leader, f"/wall/219981000000/list/?what={key}&{at[1:]}")
        assert rows == total


def test_Q1_a_long_list_is_paged_and_ends_at_the_figure(login, cast, now):
    for n in range(103):
        lives.filed(cast, at=now - timedelta(minutes=n + 1), phone=f"1391234{n:04}")
    leader = login("leader")
    url, count = figures(body(leader, "/wall/"))["open"]
    first = body(leader, url)
    assert count == 103 and first.count("<tr data-case") == 100
    assert listed(leader, url)[:2] == (103, 103)


def test_Q1_a_units_count_and_its_late_ones_open_their_lists(login, cast, matters, now):
    from tests.gauge.test_wall import finish

    finish(lives.fresh(matters["sent"]), cast, now - HOUR)
    leader = login("leader")
    for where in ("", "219981001000/"):
        page = body(leader, f"/wall/{where}")
        name, count = re.search(
            r'<a class="name clip" href="([^"]+)">海澄?市?水务局</a>.*?class="amount"[^>]*>(\d+)<', page
        ).groups()
        assert listed(leader, unescape(name))[:2] == (int(count), int(count)) == (1, 1)
        late = re.search(r'class="rate[^"]*" href="([^"]+)">100.0%', page)[1]
        assert listed(leader, unescape(late))[:2] == (0, 0)


def test_Q1_a_grid_of_a_communitys_map_opens_what_is_open_in_it(login, cast, matters):
    leader = login("leader")
    page = body(leader, f"/wall/{cast.south.code}/")
    url, count = re.search(rf'<a href="([^"]+)" data-part="{cast.grid1.code}" data-open="(\d+)"', page).groups()
    assert listed(leader, unescape(url))[:2] == (int(count), int(count)) == (4, 4)
    assert leader.get(f"/wall/{cast.grid1.code}/").headers["Location"] == unescape(url)


def test_a_past_moment_is_shown_as_it_was_and_says_so(login, matters, now):
    leader = login("leader")
    then = timezone.localtime(now - 3.5 * HOUR)
    page = body(leader, f"/wall/?at={then:%Y-%m-%dT%H:%M:%S}")
    assert figures(page)["accepted"][1] == 1 and figures(page)["open"][1] == 3
    assert "数据截至" in page and f"{then:%H:%M}" in page
    assert "data-live-topics" not in page and "hx-get" not in page and "data-past" in page
    live = body(leader, "/wall/")
    assert "数据截至" not in live and f'data-live-topics="area:{matters["sent"].l3}"' in live


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("gestern", "时间写得不对"),
        ("2020-13-01T00:00", "时间写得不对"),
        ("2999-01-01T00:00", "这个时间还没有到"),
        ("1999-12-31T23:59", "只能回看 2000 年以后"),
        ("0001-01-01T00:00", "只能回看|时间写得不对"),
        ("9999-12-31T23:59:59-23:59", "时间写得不对|还没有到"),
    ],
)
@pytest.mark.parametrize("part", ["", "219981000000/list/", "219981000000/counts.json"])
def test_a_time_that_cannot_be_shown_is_answered_with_a_sentence(login, part, text, sentence):
    answer = login("leader").get(f"/wall/{part}", {"at": text, "what": "open"})
    assert answer.status_code == 422
    assert re.search(sentence, answer.content.decode())


def test_a_moment_is_read_as_local_time_and_kept_in_links(rf, now):
    then = moment(rf.get("/wall/", {"at": "2020-10-22T10:00"}), now)
    assert then.at.isoformat() == "2020-10-22T10:00:00+08:00" and not then.live
    with translation.override("zh-hans"):
        assert then.words == "2020年10月22日 10:00"
    assert then.url("/wall/1/", what="open", after="") == "/wall/1/?what=open&at=2020-10-22T10%3A00"
    assert moment(rf.get("/wall/", {"at": "2020-10-22T02:00Z"}), now).at == then.at
    assert moment(rf.get("/wall/"), now) == Moment(now, live=True)
    with pytest.raises(BadMoment):
        moment(rf.get("/wall/", {"at": f"{now + HOUR:%Y-%m-%dT%H:%M:%S%z}"}), now)


# Who sees what


def test_the_wall_is_for_those_who_lead_and_for_their_own_area(login, cast, client):
    assert client.get("/wall/").headers["Location"].startswith("/login/")
    for role in ("agent", "handler", "worker", "caller", "admin"):
        assert login(role).get("/wall/").status_code == 404
    for role, own in (
        ("leader", "海澄市"),
        ("supervisor", "海澄市"),
        ("dispatcher", "海澄市"),
        ("chief", "海澄市"),
        ("town_chief", "海州街道"),
    ):
        assert f"<strong>{own}</strong>" in body(login(role), "/wall/")


PARTS = ("", "numbers/", "pressing/", "units/", "latest/", "curve.json", "counts.json", "parts.json", "list/?what=open")


@pytest.mark.parametrize("part", PARTS)
def test_a_towns_chief_opens_the_own_town_and_below_but_no_other(login, cast, part):
    chief = login("town_chief")
    for name in ("town", "south"):
        assert chief.get(f"/wall/{getattr(cast, name).code}/{part}").status_code == 200
    for name in ("other_town", "county", "city", "other_county", "water"):
        assert chief.get(f"/wall/{getattr(cast, name).code}/{part}").status_code == 404
    assert chief.get(f"/wall/999999999999/{part}").status_code == 404


def test_a_list_of_nothing_the_wall_shows_is_not_found(login, cast):
    leader = login("leader")
    for query in (
        "",
        "?what=secrets",
        "?what=unit_settled",
        "?what=late&at=2020-01-01",
        "?what=open&unit=219902000000",
    ):
        assert leader.get(f"/wall/{cast.county.code}/list/{query}").status_code == 404
    assert leader.get(f"/wall/{cast.county.code}/list/?what=open&after=x").status_code == 422


def test_a_secret_case_is_counted_but_shown_without_a_word(login, cast, matters):
    _rows, total, said = listed(login("leader"), f"/wall/{cast.county.code}/list/?what=open")
    assert total == 4 and said.count("保密工单") == 1
    assert matters["secret"].no[-7:] not in said.replace("-", "") and "不能说的事" not in said
    assert "不能说的事" in listed(login("dispatcher"), f"/wall/{cast.county.code}/list/?what=open")[2]
    assert (
        "不能说的事" in listed(login("chief"), f"/wall/{cast.county.code}/list/?what=open")[2]
    )  # the water bureau's own
    assert matters["secret"].no[-7:] not in body(login("leader"), "/wall/").replace("-", "")


def test_a_chief_reads_the_words_of_the_own_unit_only(login, cast, now):
    lives.dispatched(cast, at=now - HOUR, text="水务局的事")
    lives.dispatched(cast, at=now - HOUR, text="住建局的事", to=cast.roads)
    rows, total, said = listed(login("chief"), f"/wall/{cast.county.code}/list/?what=open")
    assert rows == total == 2
    assert "水务局的事" in said and "住建局的事" not in said


def test_the_screen_itself_holds_no_words_and_no_name_of_a_resident(login, cast, now):
    lives.filed(cast, at=now - HOUR, text="邻居张三家漏水", name="张三", finder=cast.worker)
    page = body(login("leader"), "/wall/")
    assert "张三" not in page and "漏水" not in page and "蒋网格" not in page
    assert "海州街道南关社区" in page  # the place, no finer than that


# The map


@pytest.fixture
def drawn(cast, outlines):  # noqa: F811
    return cast


def test_the_outlines_are_kept_by_the_browser_under_their_version(login, drawn):
    leader = login("leader")
    page = body(leader, f"/wall/{drawn.town.code}/")
    url = unescape(re.search(r'data-parts="([^"]+)"', page)[1])
    answer = leader.get(url)
    outlined = json.loads(answer.content)
    assert {one["properties"]["name"] for one in outlined["features"]} == {"南关社区", "北关社区"}
    assert outlined["made_up"] is True and "边界为示意" in page
    assert "immutable" in answer.headers["Cache-Control"] and "no-store" not in answer.headers["Cache-Control"]
    packed = leader.get(url, HTTP_ACCEPT_ENCODING="gzip, br")
    assert packed.headers["Content-Encoding"] == "gzip" and gzip.decompress(packed.content) == answer.content
    again = leader.get(url, HTTP_IF_NONE_MATCH=answer.headers["ETag"])
    assert again.status_code == 304 and "immutable" in again.headers["Cache-Control"]
    stale = leader.get(re.sub("v=[0-9a-f]+", "v=000000000000", url))
    assert stale.status_code == 200 and "no-store" in stale.headers["Cache-Control"]
    for query in ("?v=", "?v=1"):
        away = Client().get(f"/wall/{drawn.town.code}/parts.json{query}", HTTP_HX_REQUEST="true")
        assert "HX-Redirect" in away.headers and "immutable" not in away.headers.get("Cache-Control", "")


def test_another_boundary_gets_another_version(login, drawn, now):
    leader = login("leader")
    before = re.search(r'data-parts="([^"]+)"', body(leader, f"/wall/{drawn.town.code}/"))[1]
    moved = Boundary.objects.get(unit=drawn.north)
    moved.geometry["coordinates"][0][1][0] += 0.001
    moved.save()
    touch("boundaries", now)
    after = re.search(r'data-parts="([^"]+)"', body(leader, f"/wall/{drawn.town.code}/"))[1]
    assert before != after


def test_simplified_neighbours_still_share_their_border(login, drawn):
    """A winding border between two communities, simplified together: no gap and no overlap."""
    west, east = [122.690, 40.844], [122.716, 40.844]
    border = [[122.703 + 0.000002 * (n % 3), 40.844 + 0.00002 * n] for n in range(1000)]
    for unit, ring in (
        (drawn.south, [*border, [west[0], border[-1][1]], west]),
        (drawn.north, [*border, [east[0], border[-1][1]], east]),
    ):
        geometry = {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
        Boundary.objects.filter(unit=unit).update(geometry=geometry)
    touch("boundaries", timezone.now())
    found = json.loads(login("leader").get(f"/wall/{drawn.town.code}/parts.json").content)
    south, north = (shape(one["geometry"]) for one in found["features"])
    assert len(south.exterior.coords) < 300  # of a thousand
    assert south.intersection(north).area == 0 and south.intersection(north).length > 0.0199
    assert shapely.union_all([south, north]).geom_type == "Polygon"


def test_the_counts_are_those_of_the_list_beside_the_map(login, drawn, matters):
    leader = login("leader")
    for where in (f"{drawn.county.code}/counts.json?by=grid", f"{drawn.town.code}/counts.json"):
        assert leader.get(f"/wall/{where}").json() == {"open": {drawn.south.code: 4, drawn.north.code: 0}}
    page = body(leader, f"/wall/{drawn.county.code}/?by=grid")
    assert f'data-part="{drawn.south.code}" data-open="4"' in page and "2 个一级网格" in page


def test_without_boundaries_the_list_stands_for_the_map(login, cast, matters):
    page = body(login("leader"), f"/wall/{cast.county.code}/")
    assert "data-wall-map" not in page and f'data-part="{cast.town.code}" data-open="4"' in page


# Its price

PAGE = 9  # revisions, session, posting, numbers (2), map, pressing, units, latest
ANSWERS = {
    "numbers/": 2,
    "pressing/": 1,
    "units/": 1,
    "latest/": 1,
    "curve.json": 2,
    "counts.json": 1,
    "parts.json": 0,
    "list/?what=accepted": 3,
}


def test_the_page_and_its_parts_cost_few_statements(
    login, drawn, matters, django_assert_max_num_queries, django_assert_num_queries
):
    leader = login("leader")
    leader.get("/wall/219981001000/")
    with django_assert_max_num_queries(PAGE):
        leader.get("/wall/219981001000/")
    for part, own in ANSWERS.items():
        leader.get(f"/wall/219981001000/{part}")
        with django_assert_num_queries(own + 2):  # session and posting
            leader.get(f"/wall/219981001000/{part}")


def test_the_curve_has_24_hours_that_hold_the_day(login, matters):
    found = login("leader").get("/wall/219981000000/curve.json").json()
    assert [len(found[key]) for key in ("hours", "accepted", "settled")] == [24, 24, 24]
    assert sum(found["accepted"]) == 4 and sum(found["settled"]) == 1


def test_it_speaks_english_too(login, matters):
    leader = login("leader")
    leader.cookies["django_language"] = "en"
    page = body(leader, "/wall/")
    assert "Closed today" in page and "今日办结" not in page
