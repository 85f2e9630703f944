from typing import Any

from django.core.management.commands.migrate import Command as Migrate

from bihuan.run import roles


class Command(Migrate):
    help = "建表并授权（以所有者角色）Make or update the tables as the owner, then grant the application its rights."

    def handle(self, *args: Any, **options: Any) -> None:
        with roles.as_owner():
            super().handle(*args, **options)
            roles.grant()
