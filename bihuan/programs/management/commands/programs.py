import sys
from argparse import ArgumentParser
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import F
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from bihuan.programs import changes, document, drawing, scenarios, versions
from bihuan.programs.checks import check
from bihuan.programs.models import Version
from bihuan.programs.proof import Proof, prove, prove_file
from bihuan.programs.reading import BadDocument


class Command(BaseCommand):
    help = "事项文件：check | diff | draw | publish | list。Check, compare, draw, publish and list programs."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        deeds = parser.add_subparsers(dest="deed", required=True)
        check = deeds.add_parser("check", help="检查事项文件并演一遍它的场景；不给名字就检查随产品来的全部")
        check.add_argument("what", nargs="?", help="文件（.toml），或已发布事项的键")
        diff = deeds.add_parser("diff", help="两个版本有哪些不同，各属哪一类变化")
        diff.add_argument("old", help="文件（.toml），或已发布事项的键（可带版本号：request@2）")
        diff.add_argument("new", nargs="?", help="同上；不给就拿随产品来的文件与已发布的比")
        draw = deeds.add_parser("draw", help="画出一个事项：状态、动作、时限")
        draw.add_argument("what", help="文件（.toml），或已发布事项的键")
        draw.add_argument("--out", type=Path, help="写到这个文件（.svg）；不给就打印出来")
        draw.add_argument("--stages", action="store_true", help="培养类事项只画阶段，关口的步骤写成一句话")
        draw.add_argument("--narrow", action="store_true", help="画窄些，给手机看")
        publish = deeds.add_parser("publish", help="发布一个事项文件为新版本")
        publish.add_argument("file", type=Path)
        publish.add_argument("--since", help="几时起生效，如 2026-01-01T00:00；不给就是现在")
        publish.add_argument("--untested", action="store_true", help="没有场景文件也发布")
        deeds.add_parser("list", help="列出已发布的版本，并核对它们没有被改过")

    def handle(self, *args: Any, deed: str, **options: Any) -> None:
        try:
            self._deeds()[deed](options)
        except (BadDocument, versions.NotPublishable) as error:
            raise CommandError(str(error)) from error

    def _deeds(self) -> dict[str, Callable[[dict[str, Any]], None]]:
        deeds = {"check": self.check_programs, "diff": self.diff, "draw": self.draw}
        return deeds | {"publish": self.publish, "list": self.list}

    def diff(self, options: dict[str, Any]) -> None:
        old, new = options["old"], options["new"]
        if new is None:  # what came with the product, against what holds here
            new = str(self._shipped(old.partition("@")[0]))
        found = changes.diff(self._text(old), self._text(new))
        for line in changes.told(found):
            self.stdout.write(line)
        self.stdout.write(f"共 {len(found)} 处不同" if found else "内容没有不同")

    def draw(self, options: dict[str, Any]) -> None:
        program = document.load(self._text(options["what"]), options["what"])
        if wrong := [str(finding) for finding in check(program) if finding.severity == "error"]:
            raise CommandError("\n".join(["有错误的事项画不出来：", *wrong]))
        width = drawing.NARROW if options["narrow"] else drawing.WIDE
        picture = drawing.svg(program, width=width, steps=not options["stages"])
        if options["out"]:
            options["out"].write_text(picture, encoding="utf-8")
        else:
            self.stdout.write(picture, ending="")

    def _text(self, what: str) -> str:
        """The document a word stands for: a file, a program in force, or a version of it ("request@2")."""
        if what.endswith(".toml"):
            document.load_file(Path(what))  # a comparison needs documents of the right shape
            return document.read(Path(what))
        key, _, n = what.partition("@")
        if n:
            found = versions.find(key, int(n)) if n.isdigit() else None
            if found is None:
                raise CommandError(f"“{key}”没有第{n}版")
            return versions.text(found)
        return versions.text(self._version(key))

    def check_programs(self, options: dict[str, Any]) -> None:
        proofs = self._proofs(options["what"])
        for proof in proofs:
            self._tell(proof)
        if any(proof.errors for proof in proofs):
            sys.exit(1)

    def _proofs(self, what: str | None) -> list[Proof]:
        if what is None:
            return [prove_file(path) for path in versions.shipped("*")]
        if what.endswith(".toml"):
            return [prove_file(Path(what))]
        return [self._published(what)]

    def _published(self, key: str) -> Proof:
        """The version in force, against the scenarios that came with the product."""
        rules = versions.rules(self._version(key).pk)
        return prove(rules, scenarios.beside(self._shipped(key)))

    def _shipped(self, key: str) -> Path:
        """The file of a program that came with the product, or where it would be."""
        found = (path for path in versions.shipped("*") if path.stem == key)
        return next(found, document.PACKS / "standard" / f"{key}.toml")

    def _version(self, key: str) -> Version:
        try:
            return versions.in_force(key, timezone.now())
        except versions.NoVersion as error:
            raise CommandError(str(error)) from error

    def _tell(self, proof: Proof) -> None:
        program = proof.program
        self.stdout.write(f"{program.key} {program.title}：{program.sizes()}")
        for sentence in (*proof.warnings, *proof.errors):
            self.stdout.write(f"  {sentence}")
        steps = sum(len(scenario.steps) for scenario in proof.scenarios)
        verdict = f"有 {len(proof.errors)} 处要改" if proof.errors else "没有问题"
        self.stdout.write(f"  {len(proof.scenarios)} 个场景，{steps} 步；{verdict}")

    def publish(self, options: dict[str, Any]) -> None:
        path, at = options["file"], timezone.now()
        proof = prove_file(path)
        if proof.errors and not (options["untested"] and not proof.told):
            raise CommandError("\n".join(proof.errors))
        since = self._since(options["since"]) or at
        version = versions.release(document.read(path), by=None, at=at, since=since, file=path.name)
        begins = f"{timezone.localtime(version.since):%Y-%m-%d %H:%M}"
        self.stdout.write(f"已发布 {proof.program.key} 第{version.n}版，{begins} 起生效，校验 {version.sha256[:12]}")

    def _since(self, text: str | None) -> datetime | None:
        if not text:
            return None
        try:
            moment = parse_datetime(text)
        except ValueError:
            moment = None
        if moment is None:
            raise CommandError(f"看不懂时间“{text}”，应写成 2026-01-01T00:00 的样子")
        return moment if moment.tzinfo else timezone.make_aware(moment)

    def list(self, options: dict[str, Any]) -> None:
        published = (
            Version.objects.exclude(state=Version.State.DRAFT)
            .select_related("program", "unit")
            .order_by("program", F("unit").asc(nulls_first=True), "n")
        )
        for version in published:
            span = " 至 ".join(self._moment(moment) for moment in (version.since, version.until))
            self.stdout.write(
                f"{version.program.key:<16}第{version.n}版  {span}  {version.sha256[:12]}  {version.program.title}"
                f"{f'（{version.unit.name}）' if version.unit else ''}"
            )
        if broken := versions.broken():
            raise CommandError("\n".join(broken))

    def _moment(self, moment: datetime | None) -> str:
        return f"{timezone.localtime(moment):%Y-%m-%d %H:%M}" if moment else "今后"
