from django.apps import AppConfig


class Ladder(AppConfig):
    name = "bihuan.ladder"
    label = "ladder"
    verbose_name = "阶梯"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from bihuan.ladder import handover, imports, kind, rooms, tell  # noqa: F401 - some register themselves
        from bihuan.net import postings, tree

        kind.register()
        postings.on_end.append(handover.hand_over)
        tree.before_close.append(handover.require_nobody_left)
