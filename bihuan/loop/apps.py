from django.apps import AppConfig


class Loop(AppConfig):
    name = "bihuan.loop"
    label = "loop"
    verbose_name = "闭环"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from bihuan.loop import duties, handover, imports, kind, tell, touching  # noqa: F401 - some register themselves
        from bihuan.net import postings, tree

        kind.register()
        postings.on_end.append(handover.hand_over)
        tree.before_close.append(handover.require_nothing_open)
