from argparse import ArgumentParser
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from bihuan.net.models import Unit
from bihuan.programs import changes, document, versions
from bihuan.programs.models import Move, Program
from bihuan.programs.overlays import BadTerms
from bihuan.programs.reading import BadDocument
from bihuan.release import publishing
from bihuan.release.publishing import Plan

SHOWN = 50  # tracks listed in a plan, unless all are asked for


class Command(BaseCommand):
    help = "发布新版本对在办的影响：plan | terms | end | moves。What a publication does to those under way."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        deeds = parser.add_subparsers(dest="deed", required=True)
        plan = deeds.add_parser("plan", help="试一试：发布这个文件会怎样，什么也不改")
        plan.add_argument("file", type=Path)
        plan.add_argument("--unit", help="这是某个单位的本级条款：单位的代码")
        plan.add_argument("--since", help="几时起生效，如 2026-01-01T00:00；不给就是现在")
        plan.add_argument("--all", action="store_true", help=f"列出全部在办的，不止前 {SHOWN} 件")
        terms = deeds.add_parser("terms", help="发布一个单位的本级条款")
        terms.add_argument("file", type=Path)
        terms.add_argument("--unit", required=True, help="单位的代码")
        terms.add_argument("--since", help="几时起生效；不给就是现在")
        end = deeds.add_parser("end", help="撤下一个单位的本级条款，以后按上级的版本")
        end.add_argument("key", help="事项的键")
        end.add_argument("--unit", required=True, help="单位的代码")
        moves = deeds.add_parser("moves", help="历次发布后，在办的移到新版本的进展")
        moves.add_argument("key", help="事项的键")

    def handle(self, *args: Any, deed: str, **options: Any) -> None:
        deeds = {"plan": self.plan, "terms": self.terms, "end": self.end, "moves": self.moves}
        try:
            deeds[deed](options, timezone.now())
        except (BadDocument, BadTerms, versions.NotPublishable) as error:
            raise CommandError(str(error)) from error

    def plan(self, options: dict[str, Any], at: datetime) -> None:
        unit = self._unit(options["unit"]) if options["unit"] else None
        text = document.read(options["file"])
        found = publishing.plan(text, at=at, since=self._since(options["since"], at), unit=unit)
        if found.refusals:
            raise CommandError("\n".join(["不能发布：", *found.refusals]))
        for line in changes.told(found.changes):
            self.stdout.write(line)
        self._tell(found, most=None if options["all"] else SHOWN)

    def _tell(self, found: Plan, most: int | None) -> None:
        for source in found.sources:
            does = "自动改按新版本" if source.moves else "留在原版本"
            many = sum(source.planned.values())
            self.stdout.write(
                f"{versions.name(source.version)} → {versions.name(source.target)}：在办 {many} 件，{does}"
            )
        for row in found.rows[:most]:
            self.stdout.write(f"  {row.track.no}  {row.track.place} → {row.to if row.moves else '（不动）'}")
        if most and len(found.rows) > most:
            self.stdout.write(f"  …… 共 {len(found.rows)} 件，加 --all 看全部")

    def terms(self, options: dict[str, Any], at: datetime) -> None:
        unit, text = self._unit(options["unit"]), document.read(options["file"])
        since = self._since(options["since"], at)
        version = publishing.release_terms(text, unit=unit, by=None, at=at, since=since)
        self.stdout.write(f"已发布 {versions.name(version)}，{timezone.localtime(since):%Y-%m-%d %H:%M} 起生效")

    def end(self, options: dict[str, Any], at: datetime) -> None:
        ended = versions.end_overlay(options["key"], unit=self._unit(options["unit"]), at=at, since=at)
        self.stdout.write(f"{versions.name(ended)}已撤下，在办的仍按它办完")

    def moves(self, options: dict[str, Any], at: datetime) -> None:
        program = Program.objects.filter(key=options["key"]).first()
        if program is None:
            raise CommandError(f"没有名为“{options['key']}”的事项")
        for move in publishing.program_moves(program):
            self.stdout.write(self._line(move))
            for number, why in move.reasons.items():
                self.stdout.write(f"  {number}：{why}")

    def _line(self, move: Move) -> str:
        stage = {"waiting": "正在移动", "kept": "留在原版本", "done": "已完成"}[move.stage]
        return (
            f"{versions.name(move.from_version)} → {versions.name(move.to_version)}  "
            f"{changes.Klass[move.klass.upper()].title}  {stage}：移动 {move.moved}，未移动 {move.left}"
        )

    def _unit(self, code: str) -> Unit:
        unit = Unit.objects.filter(code=code).first()
        if unit is None:
            raise CommandError(f"没有代码为“{code}”的单位")
        return unit

    def _since(self, text: str | None, at: datetime) -> datetime:
        if not text:
            return at
        try:
            moment = parse_datetime(text)
        except ValueError:
            moment = None
        if moment is None:
            raise CommandError(f"看不懂时间“{text}”，应写成 2026-01-01T00:00 的样子")
        return moment if moment.tzinfo else timezone.make_aware(moment)
