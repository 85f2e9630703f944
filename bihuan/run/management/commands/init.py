import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.utils.timezone import now

from bihuan.net.people import AccountFault
from bihuan.run.first_day import County, NotFirstDay, begin

QUESTIONS = {
    "code": "本县（市、区）的六位区划代码，例如 210381",
    "place": "省、市、县名称，用 / 分开，例如 辽宁省/鞍山市/海城市",
    "name": "管理员姓名",
    "login": "管理员登录名",
}


class Command(BaseCommand):
    help = "建一个空的县：表、日历、事项、第一位管理员。Begin an empty county with one administrator; no demo data."

    def add_arguments(self, parser: ArgumentParser) -> None:
        for name, question in QUESTIONS.items():
            parser.add_argument(f"--{name}", help=question)

    def handle(self, *args: Any, **options: Any) -> None:
        given = {name: options[name] or self.ask(name) for name in QUESTIONS}
        try:
            county = County.read(given["code"], given["place"])
            call_command("migrate", verbosity=0)
            account = begin(county, person=given["name"], login=given["login"], at=now())
        except (NotFirstDay, AccountFault) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"{county.names[-1]}已经建好，里面还没有单位和人员。\n\n"
            f"  登录名      {account.login}\n  一次性密码  {account.password}\n\n"
            "密码只显示这一次，第一次登录时要换掉。接着运行 bihuan serve，登录后在“设置”里导入区划、单位和岗位。"
        )

    def ask(self, name: str) -> str:
        if not sys.stdin.isatty():
            raise CommandError(f"请用 --{name} 给出{QUESTIONS[name]}。")
        while not (answer := input(f"{QUESTIONS[name]}：").strip()):
            pass
        return answer
