"""The author's desk through the door: who may come in, live checks, drafts, publishing, terms, moving one by one."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import localtime, now

from bihuan.loop.actions import dispatching, intake
from bihuan.loop.models import Case
from bihuan.loop.report import Report
from bihuan.net import revisions
from bihuan.net.models import Posting, Role
from bihuan.programs import versions
from bihuan.programs.models import Draft, Move, Version
from bihuan.release.moving import run_due
from tests.release.test_release import LATER, MERGED, MIGRATED, SOONER, TEXT, WORDED

OPENED = TEXT + '\n[open]\n"limit.handle.default" = "shorter"\n"limit.sign.default" = "shorter"\n'
DEEP = ("a = " + "[" * 50_000, "a = " + "1" * 9_000, TEXT + "\n[open." + ".".join("a" * 2_000) + "]\nb = 1\n")
WAITING_FOR_EVER = (
    ('lapse = "approve"\noutcome = "pass"', 'lapse = "urge"\nrepeat = "1wd"'),
    ('"supervisor", "leader"]\nper_day = 1', '"supervisor", "leader", "clock"]'),
    ('"handling", "replied"]\nby = ["clock"]', '"handling"]\nby = ["clock"]'),
    ('starts = ["approve"]', 'stops = ["handle", "redo"]\nstarts = ["approve"]'),
    ('"handling", "replied", "calling_back"]', '"handling"]'),
)
EDIT, CHECK, AFFECTS, PUBLISH = (f"/programs/request/{part}/" for part in ("edit", "check", "affects", "publish"))


@pytest.fixture
def author(login: Any) -> Client:
    return login("admin")


@pytest.fixture
def county_author(login: Any, cast: SimpleNamespace) -> Client:
    """An administrator of one county."""
    person = cast.admin.person
    cast.county_admin = Posting.objects.create(person=person, unit=cast.county, role=Role.ADMIN, since=cast.admin.since)
    return login("county_admin")


@pytest.fixture
def case(cast: SimpleNamespace) -> Case:
    """Dispatched to the water bureau, by the first version."""
    at = now() - timedelta(hours=2)
    report = Report(type="help", text="南关一网格门前黑水外溢", phone="13812345678", grid="219981001001001")
    case = Case.objects.get(no=intake.file(report, at=at).number)
    intake.accept(case, by=cast.dispatcher, at=at)
    dispatching.dispatch(case, to=cast.water, by=cast.dispatcher, at=at)
    return fresh(case)


def fresh(case: Case) -> Case:
    return Case.objects.get(region_id=case.region_id, pk=case.pk)


def said(answer: Any) -> str:
    return answer.content.decode()


def write(author: Client, doc: str, do: str = "save", was: str = "") -> Any:
    return author.post(EDIT, {"doc": doc, "do": do, "was": was})


def before() -> str:
    return str(Version.objects.filter(program__key="request", unit=None).order_by("-n").values_list("pk", flat=True)[0])


def publish(author: Client, doc: str, **words: str) -> Any:
    """Write it, look at the plan, and publish."""
    assert write(author, doc, "publish").status_code == 302
    seen = {"draft": Draft.objects.get().sha256, "before": before()}
    return author.post(PUBLISH, {**seen, **words})


# The door


def test_the_pages_open_for_an_administrator_and_nobody_else(author: Client, login: Any, case: Case) -> None:
    for path in ("/programs/", "/programs/request/", "/programs/three_way/?steps=1", EDIT):
        assert author.get(path).status_code == 200, path
        assert login("leader").get(path).status_code == 404
        assert Client().get(path).status_code == 302
    assert author.get("/programs/nothing/").status_code == 404
    assert 'href="/programs/"' in said(author.get("/setup/"))


def test_a_countys_administrator_reads_and_sets_terms_but_does_not_publish(
    county_author: Client, cast: SimpleNamespace, at: Any
) -> None:
    versions.publish(OPENED, by=None, at=now(), since=now())
    assert county_author.get("/programs/").status_code == 200
    assert EDIT not in said(county_author.get("/programs/request/"))
    for path in (EDIT, PUBLISH):
        assert county_author.get(path).status_code == 404
        assert county_author.post(path, {"doc": SOONER}).status_code == 404
    assert county_author.post(CHECK, {"doc": TEXT}).status_code == 404
    for unit, status in ((cast.county, 200), (cast.town, 200), (cast.city, 404), (cast.other_county, 404)):
        assert county_author.get(f"/programs/request/terms/{unit.code}/").status_code == status
    assert county_author.get(f"/programs/request/terms/{cast.water.code}/").status_code == 404  # no place


def test_a_programs_page_shows_its_drawing_places_and_versions(author: Client, case: Case) -> None:
    page = said(author.get("/programs/request/"))
    held = versions.in_force("request", now())
    for words in ("<svg", "群众诉求办理", "办理中", held.sha256[:12], "生效中"):
        assert words in page
    assert "<script" not in page.split("<svg", 1)[1].split("</svg>", 1)[0]
    assert "第1版 1" in said(author.get("/programs/"))  # how many are under way by it


# While it is written


def test_the_shape_is_told_with_its_key(author: Client) -> None:
    answer = said(author.post(CHECK, {"doc": TEXT.replace('default = "10wd"', 'default = "ten days"', 1)}))
    assert "limit." in answer and "ten days" in answer


@pytest.mark.parametrize(
    "doc", [*DEEP, "", "[[[", "program = 'request'", "<script>alert(1)</script>", "\x01\x02é\U0001f600", "a = 1\x00"]
)
def test_whatever_is_typed_gets_a_sentence_and_stays(author: Client, doc: str) -> None:
    answer = author.post(CHECK, {"doc": doc})
    assert answer.status_code == 200 and "还读不懂这个文件" in said(answer)
    assert "<script>" not in said(answer)
    kept = write(author, doc, "check")
    assert kept.status_code == 200 and "<script>alert" not in said(kept)
    assert write(author, doc).status_code == 302
    assert Draft.objects.get().doc == doc.replace("\x00", "")


def test_who_finishes_a_draft_that_somebody_finished_is_told(author: Client) -> None:
    write(author, WORDED)
    was = Draft.objects.get().sha256
    assert publish_again(author, was).status_code == 302
    answer = write(author, SOONER, was=was)
    assert answer.status_code == 409 and "已经被别人发布或放弃" in said(answer) and "7wd" in said(answer)
    assert write(author, "", "drop", was=was).status_code == 409


def publish_again(author: Client, was: str) -> Any:
    return author.post(PUBLISH, {"draft": was, "before": before()})


def test_a_document_too_large_is_refused_and_kept(author: Client) -> None:
    large = TEXT + "# 很长\n" * 25_000
    answer = write(author, large)
    assert answer.status_code == 422 and "最多 200 kB" in said(answer) and said(answer).count("很长") == 25_000
    assert not Draft.objects.exists()


def test_a_check_tells_the_story_of_who_is_stuck(author: Client) -> None:
    """A chief who never approves, a limit that only reminds him, and nobody above."""
    doc = TEXT
    for old, new in WAITING_FOR_EVER:
        doc = doc.replace(old, new)
    answer = said(author.post(CHECK, {"doc": doc}))
    assert "只要承办单位一直不办，事情就到不了终点" in answer and "怎么改：" in answer
    assert "state.replied" in answer and "改了什么" not in answer
    assert author.post(AFFECTS, {"doc": doc}).status_code == 200


def test_a_change_is_told_in_sentences_with_its_class(author: Client, case: Case) -> None:
    answer = said(author.post(CHECK, {"doc": SOONER}))
    for words in ("放宽", "10个工作日", "7个工作日", "自动改按新版本", AFFECTS, "<svg"):
        assert words in answer
    affected = said(author.post(AFFECTS, {"doc": SOONER}))
    assert "第1版下1件在办工单：自动改按新版本" in affected and "海澄市水务局" in affected
    assert Version.objects.filter(program__key="request").count() == 1  # nothing came of it


def test_who_would_have_nowhere_to_go_is_named(author: Client, case: Case, cast: SimpleNamespace) -> None:
    dispatching.sign(case, by=cast.handler, at=now())
    affected = said(author.post(AFFECTS, {"doc": MERGED}))
    assert case.no in affected and "没有去处的1件" in affected and "[migrate.1]" in affected
    assert "没有去处" not in said(author.post(AFFECTS, {"doc": MIGRATED}))


def test_without_scripts_the_check_button_says_all_of_it(author: Client, case: Case) -> None:
    answer = said(write(author, LATER, "check"))
    assert "收紧" in answer and "1件在办工单" in answer and "15wd" in answer
    assert not Draft.objects.exists()


def test_another_key_or_kind_is_another_program(author: Client) -> None:
    answer = said(author.post(CHECK, {"doc": TEXT.replace('program = "request"', 'program = "other"', 1)}))
    assert "一个事项的键和种类不能改" in answer


def test_a_draft_comes_back_and_the_second_author_is_told(author: Client, cast: SimpleNamespace) -> None:
    assert write(author, WORDED).status_code == 302
    assert "正在办" in said(author.get(EDIT))
    other = write(author, SOONER, was="")  # opened before there was a draft
    assert other.status_code == 409
    assert "秦管理在您之后保存了另一份草稿" in said(other) and "7wd" in said(other)
    assert Draft.objects.get().doc == WORDED
    assert write(author, SOONER, was=Draft.objects.get().sha256).status_code == 302
    assert Draft.objects.get().doc == SOONER
    assert write(author, "", "drop", was=Draft.objects.get().sha256).status_code == 302
    assert not Draft.objects.exists()


def test_line_ends_of_a_browser_change_nothing(author: Client) -> None:
    assert "一字不差" in said(author.post(CHECK, {"doc": TEXT.replace("\n", "\r\n")}))


# Publishing


def test_a_shorter_limit_is_published_and_moves_who_is_under_way(author: Client, case: Case) -> None:
    answer = publish(author, SOONER)
    assert answer.status_code == 302 and not Draft.objects.exists()
    held = versions.in_force("request", now() + timedelta(seconds=1))
    assert (held.n, versions.text(held)) == (2, SOONER)
    assert Move.objects.get().stage == Move.Stage.WAITING
    run_due(now() + timedelta(seconds=1))
    assert fresh(case).version == held.pk
    assert "已改 1 / 1" in said(author.get("/programs/request/"))


def test_a_publication_can_be_for_later(author: Client) -> None:
    later = localtime(now() + timedelta(days=3)).replace(second=0, microsecond=0)
    assert publish(author, SOONER, since=f"{later:%Y-%m-%dT%H:%M}").status_code == 302
    assert versions.in_force("request", now()).n == 1
    assert versions.in_force("request", later).n == 2
    assert f"定于{later:%Y-%m-%d %H:%M}生效" in said(author.get("/programs/"))


@pytest.mark.parametrize(("since", "words"), [("2020-01-01T00:00", "生效时间不能早于现在"), ("明天", "看不懂这个时间")])
def test_a_wrong_time_is_refused(author: Client, since: str, words: str) -> None:
    answer = publish(author, SOONER, since=since)
    assert answer.status_code == 422 and words in said(answer)
    assert Draft.objects.get().doc == SOONER


def test_what_changed_since_the_plan_was_seen_is_told(author: Client) -> None:
    write(author, SOONER)
    seen = {"draft": Draft.objects.get().sha256, "before": before()}
    write(author, WORDED, was=seen["draft"])
    answer = author.post(PUBLISH, seen)
    assert answer.status_code == 409 and "草稿又被改过" in said(answer)
    versions.publish(LATER, by=None, at=now(), since=now())
    answer = author.post(PUBLISH, {**seen, "draft": Draft.objects.get().sha256})
    assert answer.status_code == 409 and "别人发布了新版本" in said(answer)
    assert Draft.objects.get().doc == WORDED


def test_what_cannot_be_published_goes_back_to_the_editor(author: Client) -> None:
    answer = write(author, TEXT.replace("[[", "").replace('verb = "accept"', 'verb = "acept"'), "publish")
    assert answer.status_code == 422 and "还不能发布，草稿已保存" in said(answer) and "acept" in said(answer)
    assert author.get(PUBLISH).status_code == 200
    write(author, MERGED, was=Draft.objects.get().sha256)
    refused = author.post(PUBLISH, {"draft": Draft.objects.get().sha256, "before": before()})
    assert refused.status_code == 422 and "[migrate.1]" in said(refused)
    assert versions.in_force("request", now()).n == 1


# Terms


def test_a_county_sets_terms_sees_what_they_do_and_ends_them(
    county_author: Client, cast: SimpleNamespace, case: Case
) -> None:
    versions.publish(OPENED, by=None, at=now(), since=now())
    url = f"/programs/request/terms/{cast.county.code}/"
    page = said(county_author.get(url))
    assert "只许缩短" in page and "上级定的是10个工作日" in page
    handle = "limit.handle.default"
    wrong = county_author.post(url, {handle: "20wd", "do": "try"})
    assert wrong.status_code == 422 and "只许缩短" in said(wrong) and "20wd" in said(wrong)
    assert county_author.post(url, {"do": "try"}).status_code == 422
    tried = said(county_author.post(url, {handle: "6wd", "do": "try"}))
    assert "6个工作日" in tried and "1件在办工单" in tried
    mark = tried.split('name="own" value="')[1].split('"')[0]
    assert county_author.post(url, {handle: "6wd", "do": "publish", "own": "1-2"}).status_code == 409
    assert county_author.post(url, {handle: "6wd", "do": "publish", "own": mark}).status_code == 302
    own = versions.in_force("request", now() + timedelta(seconds=1), cast.south.pk)
    assert own.unit_id == cast.county.pk and "6wd" in said(county_author.get(url))
    assert versions.in_force("request", now(), cast.other_county.pk).unit_id is None
    assert county_author.post(f"{url}end/").status_code == 302
    assert versions.in_force("request", now() + timedelta(seconds=2), cast.south.pk).unit_id is None


# One by one


def test_who_stayed_is_moved_one_by_one_with_a_reason(
    author: Client, county_author: Client, login: Any, cast: SimpleNamespace, case: Case
) -> None:
    publish(author, LATER)
    url = f"/programs/request/moves/{Move.objects.get().pk}/"
    assert url in said(author.get("/programs/request/"))
    assert case.no in said(author.get(url)) and case.no in said(county_author.get(url))
    cast.far_admin = Posting.objects.create(
        person=cast.admin.person, unit=cast.other_county, role=Role.ADMIN, since=cast.admin.since
    )
    far = login("far_admin")
    assert case.no not in said(far.get(url))
    assert far.post(url, {"no": case.no, "why": "想改"}).status_code == 409
    assert author.post(url, {"no": case.no, "why": " "}).status_code == 422
    assert fresh(case).version != Move.objects.get().to_version_id
    assert county_author.post(url, {"no": case.no, "why": "材料不齐，经协商"}).status_code == 302
    assert fresh(case).version == Move.objects.get().to_version_id
    assert county_author.post(url, {"no": case.no, "why": "再来"}).status_code == 409
    assert author.get(f"/programs/three_way/moves/{Move.objects.get().pk}/").status_code == 404


def test_the_pages_ask_little_of_the_database(author: Client, case: Case) -> None:
    """However many versions there are."""
    first = [asked(author, path) for path in ("/programs/", "/programs/request/")]
    for days, doc in enumerate((SOONER, LATER, WORDED)):
        versions.publish(doc, by=None, at=now(), since=now() + timedelta(days=days))
    revisions.forget()
    assert [asked(author, path) for path in ("/programs/", "/programs/request/")] == first
    assert max(first) <= 10


def asked(author: Client, path: str) -> int:
    """How many queries a page takes once what is kept in memory is there."""
    author.get(path)
    with CaptureQueriesContext(connection) as queries:
        assert author.get(path).status_code == 200
    return len(queries)


def test_checking_while_typing_asks_little_of_the_database(author: Client) -> None:
    author.post(CHECK, {"doc": SOONER})
    with CaptureQueriesContext(connection) as queries:
        author.post(CHECK, {"doc": SOONER})
    assert len(queries) <= 6
