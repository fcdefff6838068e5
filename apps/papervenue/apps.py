from django.apps import AppConfig


class PaperVenueConfig(AppConfig):
    name = "apps.papervenue"
    label = "papervenue"
    verbose_name = "Paper venue"
