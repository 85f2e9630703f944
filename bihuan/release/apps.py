from django.apps import AppConfig


class Release(AppConfig):
    name = "bihuan.release"
    label = "release"
    verbose_name = "发布"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from bihuan.programs import versions
        from bihuan.release import cases, publishing, standings, telling  # noqa: F401 - some register themselves

        versions.guarded_by(publishing.refusals)
        versions.released_by(publishing.release)
