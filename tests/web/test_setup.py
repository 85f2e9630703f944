"""The administrator's desk, through the door: a county set up from sheets, people, calendar, keys, audit."""

import io
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.utils.timezone import localdate, now
from python_calamine import CalamineWorkbook

from bihuan.book import looks
from bihuan.loop.models import Category, Duty
from bihuan.net import calendar, people, tree
from bihuan.net.imports import handed
from bihuan.net.models import CalendarDay, ImportRun, Person, Posting, Role, Token, Unit
from bihuan.net.regions import across_regions
from bihuan.programs.versions import ensure_packs
from tests.net.conftest import AT, BORN, County, county
from tests.net.test_imports import STAFF, UNITS
from tests.web.lives import dispatched

__all__ = ["county"]
pytestmark = pytest.mark.django_db
PASSWORD = "海城的雪-2026-真大"


@pytest.fixture
def admin(county: County, client: Client) -> Posting:
    """The county's administrator, signed in."""
    return signed_in(client, county.post("孙管理", county.county), "admin")


def signed_in(client: Client, posting: Posting, login: str) -> Posting:
    given = people.open_account(posting.person, login)
    people.change_password(posting.person, old=given.password, new=PASSWORD)
    client.post("/login/", {"username": login, "password": PASSWORD})
    return posting


def text(answer: HttpResponse) -> str:
    return answer.content.decode()


def hand_in(client: Client, kind: str, content: str | bytes, name: str = "sheet.csv", **options: str) -> HttpResponse:
    content = content.encode() if isinstance(content, str) else content
    return client.post(f"/setup/imports/{kind}/", {"files": SimpleUploadedFile(name, content), **options}, follow=True)


# The door

PAGES = ["", "imports/", "imports/units/", "units/", "people/", "people/new/", "calendar/", "duties/", "keys/", "audit/",
         "audit/net/", "status/"]  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
def test_every_page_opens_for_an_administrator_and_for_nobody_else(
    client: Client, county: County, admin: Posting, path: str
) -> None:
    calendar.seed_calendar(at=AT, last=2027)
    assert client.get(f"/setup/{path}").status_code == 200
    assert Client().get(f"/setup/{path}")["Location"].startswith("/login/")
    other = Client()
    signed_in(other, county.post("李建国", county.housing, Role.CHIEF), "li")
    assert other.get(f"/setup/{path}").status_code == 404


def test_a_towns_administrator_sees_the_town_only(client: Client, county: County) -> None:
    signed_in(client, county.post("王管理", county.haizhou), "wang")
    assert client.get(f"/setup/units/{county.nanguan.code}/").status_code == 200
    assert client.get(f"/setup/units/{county.housing.code}/").status_code == 404
    assert client.get("/setup/imports/units/").status_code == 404
    assert client.get("/setup/audit/").status_code == 404
    chief = county.post("李科长", county.housing, Role.CHIEF)
    assert client.get(f"/setup/people/{chief.person_id}/").status_code == 404
    assert client.get(f"/setup/postings/{chief.pk}/end/").status_code == 404
    assert "李科长" not in text(client.get("/setup/people/"))


# Imports


def test_a_sheet_is_tried_first_and_imported_when_wanted(client: Client, admin: Posting) -> None:
    page = hand_in(client, "units", UNITS + "X1,坏行,外星人,210381,,,,\n")
    assert "这是试算，还没有导入" in text(page) and "应为：部门单位" in text(page)
    assert not Unit.objects.filter(code="210381-GA").exists()
    run = ImportRun.objects.get()
    assert (run.state, run.created, run.wrong) == ("tried", 3, 1)
    page = client.post(f"/setup/imports/runs/{run.pk}/do/", follow=True)
    assert "已导入" in text(page)
    assert Unit.objects.filter(code="210381-GA").exists()
    again = client.post(f"/setup/imports/runs/{run.pk}/do/", follow=True)
    assert "已经处理过了" in text(again)
    sheet = client.get(f"/setup/imports/runs/{run.pk}/errors.csv").content.decode("utf-8-sig")
    assert sheet.splitlines()[1].startswith("5,类别,外星人,应为")
    assert client.get(f"/setup/imports/runs/{run.pk}/errors.xlsx").content[:2] == b"PK"


def test_passwords_are_fetched_once_and_only_by_who_imported(client: Client, county: County, admin: Posting) -> None:
    hand_in(client, "postings", STAFF)
    run = ImportRun.objects.get()
    assert client.post(f"/setup/imports/runs/{run.pk}/passwords/").status_code == 302  # a trial has none
    page = client.post(f"/setup/imports/runs/{run.pk}/do/", follow=True)
    assert "一次性密码表只能下载一次" in text(page)
    other = Client()
    signed_in(other, county.post("钱管理", county.county), "qian")
    assert other.post(f"/setup/imports/runs/{run.pk}/passwords/").status_code == 404
    answer = client.post(f"/setup/imports/runs/{run.pk}/passwords/")
    rows = CalamineWorkbook.from_filelike(io.BytesIO(answer.content)).get_sheet_by_index(0).to_python()
    assert [row[2] for row in rows] == ["登录名", "lijianguo", "zhouhang"]
    assert Person.objects.get(name="李建国").user.check_password(rows[1][3])
    again = client.post(f"/setup/imports/runs/{run.pk}/passwords/", follow=True)
    assert "一次性密码表已经取走" in text(again)


def test_a_sheet_that_cannot_be_used_says_why(client: Client, admin: Posting) -> None:
    assert "缺少列：代码、名称" in text(hand_in(client, "units", "甲,乙\n1,2\n"))
    assert ImportRun.objects.get().state == "failed"
    page = hand_in(client, "units", b"MZ\x90\x00", name="sheet.exe")
    assert page.status_code == 422 and "“sheet.exe”不能用" in text(page)
    page = hand_in(client, "units", "")
    assert page.status_code == 422
    page = client.post("/setup/imports/units/", {})
    assert page.status_code == 422


def test_a_large_sheet_waits_for_the_worker(client: Client, admin: Posting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handed, "SMALL", 10)
    page = hand_in(client, "units", UNITS)
    assert "正在处理，请稍候" in text(page) and 'hx-trigger="every 2s"' in text(page)
    run = ImportRun.objects.get()
    assert run.state == "queued"
    from bihuan.web.setup.imports import import_sheet

    import_sheet(run.pk)
    part = client.get(f"/setup/imports/runs/{run.pk}/", headers={"hx-request": "true"})
    assert "<html" not in text(part) and "这是试算" in text(part)


def test_the_template_of_a_kind_can_be_handed_in_again(client: Client, admin: Posting) -> None:
    template = client.get("/setup/imports/units/template.xlsx").content
    assert "210381-ZJ" in text(hand_in(client, "units", template, name="t.xlsx"))


# Units


def test_units_are_found_by_name_spelling_and_code_in_few_queries(
    client: Client, county: County, admin: Posting, django_assert_num_queries: object
) -> None:
    Unit.objects.filter(pk=county.nanguan.pk).update(pinyin="nanguanshequ ngsq")
    tree.forget()
    tree.snapshot()
    for words in ("南关", "ngsq", "210381001001"):
        assert f"/setup/units/{county.nanguan.code}/" in text(client.get("/setup/units/", {"q": words}))
    with django_assert_num_queries(3):  # type: ignore[operator]  # session, posting, units
        client.get("/setup/units/", {"q": "社区"})
    assert "没有找到" in text(client.get("/setup/units/", {"q": "' OR 1=1 --"}))


def test_a_unit_is_founded_renamed_moved_and_merged_with_its_history_shown(
    client: Client, county: County, admin: Posting
) -> None:
    here = f"/setup/units/{county.haizhou.code}"
    client.post(f"{here}/found/", {"code": "HZ-CG", "name": "海州城管所", "kind": "organ"})
    made = Unit.objects.get(code="HZ-CG")
    assert (made.level, made.l4, made.pinyin) == (4, county.haizhou.pk, "haizhouchengguansuo hzcgs")
    client.post("/setup/units/HZ-CG/rename/", {"name": "海州执法所", "phone": "0412-3222222"})
    page = client.post(
        "/setup/units/HZ-CG/move/", {"tree": "admin", "on": localdate().isoformat(), "parent": "210381102"}, follow=True
    )
    assert "“海州执法所”已移到“西柳镇”下" in text(page)
    assert "在“海州街道”下（行政）" in text(page) and "在“西柳镇”下（行政）" in text(page)
    page = client.post(
        f"/setup/units/{county.nanguan.code}/close/", {"on": localdate().isoformat(), "into": county.beiguan.code},
        follow=True,
    )  # fmt: skip
    assert "已经撤销，历史仍可查" in text(page)
    assert tree.snapshot().unit(county.first.id).parent == county.beiguan.id


def test_what_would_break_the_net_is_refused_with_what_was_typed(
    client: Client, county: County, admin: Posting
) -> None:
    asked = {"tree": "admin", "on": localdate().isoformat(), "parent": county.nanguan.code}
    page = client.post(f"/setup/units/{county.haizhou.code}/move/", asked)
    assert page.status_code == 422 and "不能成为它的上级" in text(page)
    assert f'value="{county.nanguan.code}"' in text(page)
    page = client.post(f"/setup/units/{county.haizhou.code}/move/", asked | {"parent": "999"})
    assert page.status_code == 422 and "没有代码为“999”的单位" in text(page)
    page = client.post(f"/setup/units/{county.housing.code}/close/", {"on": localdate().isoformat()})
    assert page.status_code == 422 and "下面还有单位" in text(page)


def test_a_unit_with_open_work_is_neither_closed_nor_merged(client: Client, cast: SimpleNamespace) -> None:
    client.force_login(cast.admin.person.user)
    client.post("/posting/", {"posting": cast.admin.pk})
    with across_regions("a case is brought to a unit"):
        dispatched(cast, to=cast.water)
    asked = {"on": localdate().isoformat(), "into": cast.roads.code}
    for way in (asked, {"on": asked["on"]}):
        page = client.post(f"/setup/units/{cast.water.code}/close/", way)
        # Told before it is told to let its people go: somebody must be there to hand the case back.
        assert page.status_code == 422 and "还有人任职" not in text(page)
    assert "没办完的工单 1 件、待办 1 项" in text(page) and "改派给接手的单位" in text(page)
    cast.water.refresh_from_db()
    assert cast.water.died is None


# People


def test_somebody_is_appointed_with_an_account_shown_once(client: Client, county: County, admin: Posting) -> None:
    page = client.get("/setup/people/new/", {"unit": "210381-ZJ"})
    assert 'value="210381-ZJ"' in text(page)
    asked = {
        "name": "李建国", "unit": "210381-ZJ", "role": "handler", "holding": "main", "since": "2026-03-01",
        "login": "lijianguo", "title": "", "phone": "",
    }  # fmt: skip
    page = client.post("/setup/people/new/", asked)
    person = Person.objects.get(name="李建国")
    assert "一次性密码，只显示这一次" in text(page)
    shown = text(page).split('class="mono">')[2].split("<")[0]
    assert person.user.check_password(shown)
    assert shown not in text(client.get(f"/setup/people/{person.pk}/"))
    page = client.post("/setup/people/new/", asked | {"name": "<script>alert(1)</script>", "login": "lijianguo"})
    assert page.status_code == 422 and "已经有人在用" in text(page) and "<script>alert" not in text(page)
    assert not Person.objects.filter(name__contains="script").exists()


def test_a_further_role_and_a_new_password(client: Client, county: County, admin: Posting) -> None:
    held = county.post("李建国", county.housing, Role.HANDLER)
    given = people.open_account(held.person, "li")
    here = f"/setup/people/{held.person_id}"
    asked = {"unit": county.team.code, "role": "chief", "holding": "acting", "since": "2026-03-01", "title": ""}
    assert client.post(f"{here}/appoint/", asked)["Location"] == f"{here}/"
    assert client.post(f"{here}/appoint/", asked).status_code == 422  # holds it already
    client.post(f"{here}/password/")
    held.person.user.refresh_from_db()
    assert not held.person.user.check_password(given.password)


def test_ending_a_posting_lists_what_follows_and_then_does_it(client: Client, county: County, admin: Posting) -> None:
    held = county.post("李建国", county.housing, Role.HANDLER)
    assert "没有未办完的工作" in text(client.get(f"/setup/postings/{held.pk}/end/"))
    page = client.post(f"/setup/postings/{held.pk}/end/", {"on": localdate().isoformat()})
    assert "岗位已结束" in text(page)
    held.refresh_from_db()
    assert held.until == localdate()
    page = client.post(f"/setup/postings/{held.pk}/end/", {"on": localdate().isoformat()})
    assert page.status_code == 422 and "已经结束" in text(page)


def test_n2_administrators_do_not_end_or_reset_themselves(client: Client, admin: Posting) -> None:
    page = client.post(f"/setup/postings/{admin.pk}/end/", {"on": localdate().isoformat()})
    assert page.status_code == 422 and "不能结束自己的岗位" in text(page)
    assert client.post(f"/setup/people/{admin.person_id}/password/")["Location"] == "/password/"


# Calendar, duties, keys


def test_the_year_shows_what_is_computed_and_takes_exceptions(client: Client, county: County, admin: Posting) -> None:
    calendar.seed_calendar(at=AT, last=2027)
    page = text(client.get("/setup/calendar/", {"year": "2026"}))
    assert "2026-02-17 休息 春节" in page and "2026-02-14 上班 春节调休" in page
    assert "推算" in text(client.get("/setup/calendar/", {"year": "2027"}))
    client.post(
        "/setup/calendar/day/", {"day": "2027-02-09", "works": "0", "name": "春节", "source": "国办发明电〔2026〕9号"}
    )
    assert CalendarDay.objects.get(unit=None, date="2027-02-09").confirmed
    assert "国办发明电" in text(client.get("/setup/calendar/", {"year": "2027"}))
    page = client.post("/setup/calendar/hours/", {"windows": "09:00-12:00，11:00-17:00", "since": "2026-06-01"})
    assert page.status_code == 422 and "重叠" in text(page)
    client.post("/setup/calendar/hours/", {"windows": "09:00-12:00，13:30-17:30", "since": "2026-06-01"})
    hours = calendar.calendar_for(None).hours_on(localdate() + timedelta(days=3650))
    assert [str(window) for window in hours.windows] == ["09:00-12:00", "13:30-17:30"]
    assert client.get("/setup/calendar/", {"year": "99999"}).status_code == 200


def test_a_towns_exception_is_its_own_and_can_be_taken_back(client: Client, county: County) -> None:
    signed_in(client, county.post("王管理", county.haizhou), "wang")
    asked = {"day": "2026-03-03", "works": "0", "name": "暴雪停工", "source": "街道通知"}
    client.post("/setup/calendar/day/", asked)
    assert not calendar.calendar_for(county.nanguan.id).is_workday(AT.date().replace(day=3))
    assert calendar.calendar_for(county.xiliu.id).is_workday(AT.date().replace(day=3))
    client.post("/setup/calendar/drop/", {"day": "2026-03-03"})
    assert calendar.calendar_for(county.nanguan.id).is_workday(AT.date().replace(day=3))


def test_the_duty_list_is_read_in_few_queries(
    client: Client, county: County, admin: Posting, django_assert_num_queries: object
) -> None:
    heating = Category.objects.create(key="heating", title="供热")
    for n in range(30):
        one = Category.objects.create(key=f"c{n}", title=f"事项{n}", parent=heating)
        Duty.objects.create(category=one, area=county.county, unit=county.housing, clause="条例", since=BORN)
    Duty.objects.create(area=county.haizhou, unit=county.haizhou, since=BORN)
    assert "属地兜底" in text(client.get("/setup/duties/"))
    tree.forget()
    tree.snapshot()
    with django_assert_num_queries(3):  # type: ignore[operator]
        client.get("/setup/duties/", {"q": "事项"})


def test_a_key_is_shown_once_works_and_is_revoked(client: Client, county: County, admin: Posting) -> None:
    ensure_packs(AT)
    handler = county.post("李建国", county.housing, Role.HANDLER)
    page = client.post("/setup/keys/make/", {"name": "热线平台", "posting": handler.pk})
    key = text(page).split('<p class="mono">')[1].split("<")[0]
    token = Token.objects.get()
    assert key.startswith("bh_") and key not in token.digest
    assert key not in text(client.get("/setup/keys/"))
    asked = {"authorization": f"Bearer {key}"}
    assert Client().get("/api/v1/cases", headers=asked).status_code == 200
    client.post(f"/setup/keys/{token.pk}/revoke/")
    assert Client().get("/api/v1/cases", headers=asked).status_code == 401
    page = client.post("/setup/keys/make/", {"name": "自己", "posting": admin.pk})
    assert page.status_code == 422  # a key that could appoint people is not given out


# Audit


def test_looks_at_personal_data_are_listed_newest_first(
    client: Client, county: County, admin: Posting, django_assert_max_num_queries: object
) -> None:
    agent = county.post("周航", county.centre, Role.AGENT)
    for n in range(60):
        looks.note(
            region_id=county.county.pk, case_id=None, what="phone", by=agent, purpose=f"回访第{n}次", at=now()
        )  # fmt: skip
    tree.forget()
    tree.snapshot()
    with django_assert_max_num_queries(5):  # type: ignore[operator]
        page = text(client.get("/setup/audit/"))
    assert "看电话" in page and "回访第59次" in page and "回访第9次" not in page
    older = page.split('rel="next" href="')[1].split('"')[0]
    assert "回访第9次" in text(client.get(f"/setup/audit/{older}"))


def test_the_record_is_verified_at_a_button(client: Client, admin: Posting) -> None:
    page = client.post("/setup/audit/verify/", {"range": "week"}, follow=True)
    assert "全部相符" in text(page)


def test_the_net_check_lists_what_is_wrong(client: Client, county: County, admin: Posting) -> None:
    calendar.seed_calendar(at=AT, last=2026)
    assert "没有发现问题" in text(client.get("/setup/audit/net/"))
    Unit.objects.filter(pk=county.first.pk).update(path=[1, 2, 3])
    assert "位置与上下级关系不一致" in text(client.get("/setup/audit/net/"))
