from django.apps import AppConfig


class Dossier(AppConfig):
    name = "bihuan.dossier"
    label = "dossier"
    verbose_name = "材料"
    default_auto_field = "django.db.models.BigAutoField"
