"""`bihuan release plan | terms | end | moves`, and `bihuan programs diff | draw | publish` as its neighbours."""

from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from bihuan.loop.actions import intake
from bihuan.loop.models import Case
from bihuan.loop.report import Report
from bihuan.programs import scenarios, versions
from bihuan.programs.models import Move, Version
from tests.release.test_release import LATER, MERGED, SOONER, TEXT

OPENED = TEXT + '\n[open]\n"limit.handle.default" = "shorter"\n'
TERMS = 'program = "request"\n[set]\n"limit.handle.default" = "6wd"\n'


def run(command: str, *arguments: object) -> str:
    out = StringIO()
    call_command(command, *map(str, arguments), stdout=out)
    return out.getvalue()


@pytest.fixture
def write(tmp_path: Path):  # type: ignore[no-untyped-def]
    def write(doc: str, name: str = "request.toml") -> Path:
        path = tmp_path / name
        path.write_text(doc, encoding="utf-8")
        return path

    return write


@pytest.fixture
def case(cast) -> Case:  # type: ignore[no-untyped-def]
    at = timezone.now() - timedelta(minutes=5)
    return Case.objects.get(no=intake.file(Report(type="help", text="漏水", grid="219981001001001"), at=at).number)


def test_plan_tells_changes_and_cases_and_publishes_nothing(case, write) -> None:  # type: ignore[no-untyped-def]
    told = run("release", "plan", write(SOONER))
    assert "放宽（对群众只会更好，正在办的自动改按新版本）\n  “办理时限”由10个工作日改为7个工作日\n" in told
    assert f"“request”第1版 → “request”第2版：在办 1 件，自动改按新版本\n  {case.no}  filed → filed\n" in told
    assert "在办 1 件，留在原版本" in run("release", "plan", write(LATER))
    assert Version.objects.filter(program__key="request").count() == 1


def test_plan_says_why_it_would_be_refused(case, write) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(CommandError, match=r"不能发布：\n“request”第1版的“待联系”（signed，现有0件在办工单）"):
        run("release", "plan", write(MERGED))


def test_a_units_terms_are_planned_published_listed_and_ended(case, write) -> None:  # type: ignore[no-untyped-def]
    now = timezone.now()
    versions.publish(OPENED, by=None, at=now, since=now)
    terms = write(TERMS, "terms.toml")
    later = timezone.localtime(now + timedelta(hours=1)).isoformat()
    assert "“request”海州街道第1版" in run("release", "plan", terms, "--unit", "219981001000", "--since", later)
    assert "已发布 “request”海州街道第1版" in run("release", "terms", terms, "--unit", "219981001000", "--since", later)
    assert "群众诉求办理（海州街道）" in run("programs", "list")
    with pytest.raises(CommandError, match="新版本要晚于它"):
        run("release", "end", "request", "--unit", "219981001000")
    with pytest.raises(CommandError, match="没有代码为“1”的单位"):
        run("release", "terms", terms, "--unit", "1")
    with pytest.raises(CommandError, match="没有名为“other”的事项"):
        run("release", "moves", "other")


def test_publishing_lets_those_under_way_follow(case, write) -> None:  # type: ignore[no-untyped-def]
    from bihuan.release import moving

    path = write(TEXT.replace('title = "办理中"', 'title = "正在办"'))
    scenarios.beside(path).write_bytes(scenarios.beside(versions.shipped()[0]).read_bytes())
    run("programs", "publish", path)
    assert Move.objects.get().stage == "waiting"
    moving.run_due(timezone.now())
    assert "“request”第1版 → “request”第2版  措辞  正在移动：移动 1，未移动 0" in run("release", "moves", "request")


def test_diff_compares_files_and_versions(cast, write) -> None:  # type: ignore[no-untyped-def]
    assert run("programs", "diff", "request", write(LATER)).endswith(
        "“办理时限”由10个工作日改为15个工作日\n共 1 处不同\n"
    )
    assert run("programs", "diff", "request@1") == "内容没有不同\n"
    with pytest.raises(CommandError, match="“request”没有第7版"):
        run("programs", "diff", "request@7", write(TEXT))


def test_draw_draws_what_is_in_force(cast, tmp_path) -> None:  # type: ignore[no-untyped-def]
    assert run("programs", "draw", "request").startswith("<svg ")
    run("programs", "draw", "request", "--narrow", "--out", tmp_path / "narrow.svg")
    assert 'viewBox="0 0 4' in (tmp_path / "narrow.svg").read_text(encoding="utf-8")


def test_since_must_be_a_time(cast, write) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(CommandError, match="看不懂时间“soon”"):
        run("release", "plan", write(SOONER), "--since", "soon")
