from django.urls import URLPattern, URLResolver, path, register_converter

from apps.portal.views import (
    accounts,
    by_hand,
    copy_settings,
    copying,
    drift,
    followers,
    gallery,
    home,
    mapping,
    masters,
    outcomes,
)


class ChangeConverter:
    """What can be done with a copy that exists."""

    regex = "pause|resume|stop|delete"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


class MasterChangeConverter(ChangeConverter):
    """What its owner can do with a master."""

    regex = "switch-off|switch-on|delete"


register_converter(ChangeConverter, "change")
register_converter(MasterChangeConverter, "master_change")

REPAIR, ACCEPT = {"action": "repair"}, {"action": "accept"}

app_name = "portal"
urlpatterns: list[URLPattern | URLResolver] = [
    path("", home.home, name="home"),
    path("theme/", home.theme, name="theme"),
    path("house/logo/<slug:mark>", home.house_logo, name="house_logo"),
    path("gallery/", gallery.gallery, name="gallery"),
    path("copying/", copying.copying, name="copying"),
    path("copying/follow/", copy_settings.follow, name="follow"),
    path("copying/follow/summary/", copy_settings.follow_summary, name="follow_summary"),
    path("copying/positions/<int:link>/close/", by_hand.close_position, name="close_position"),
    path("copying/positions/<int:link>/detach/", by_hand.detach_position, name="detach_position"),
    path("copying/<uuid:uuid>/", copying.subscription, name="subscription"),
    path("copying/<uuid:uuid>/settings/", copy_settings.edit, name="edit_copy"),
    path(
        "copying/<uuid:uuid>/settings/summary/",
        copy_settings.edit_summary,
        name="edit_copy_summary",
    ),
    path("copying/<uuid:uuid>/symbols/", mapping.mapping, name="mapping"),
    path("copying/<uuid:uuid>/symbols/pair/", mapping.change_pair, name="change_pair"),
    path("copying/<uuid:uuid>/symbols/upload/", mapping.upload_mapping, name="upload_mapping"),
    path("copying/<uuid:uuid>/symbols/remove/", mapping.remove_mapping, name="remove_mapping"),
    path("copying/<uuid:uuid>/symbols/sample.csv", mapping.sample_mapping, name="sample_mapping"),
    path("copying/outcomes/", outcomes.outcomes, name="outcomes"),
    path("copying/outcomes/outcomes.csv", outcomes.outcomes_csv, name="outcomes_csv"),
    path("copying/outcomes/<int:pk>/", outcomes.outcome, name="outcome"),
    path("copying/<uuid:uuid>/chain/", outcomes.check, name="check_chain"),
    path("copying/<uuid:uuid>/<change:action>/", copying.change, name="change_copy"),
    path("my-masters/", masters.master_list, name="masters"),
    path("my-masters/<uuid:uuid>/<master_change:action>/", masters.change, name="change_master"),
    path("my-accounts/", accounts.account_list, name="accounts"),
    path("my-accounts/drift/<int:pk>/repair/", drift.change, REPAIR, name="repair_drift"),
    path("my-accounts/drift/<int:pk>/accept/", drift.change, ACCEPT, name="accept_drift"),
    path("my-accounts/<uuid:uuid>/", accounts.account_detail, name="account"),
    path(
        "my-accounts/<uuid:uuid>/copying/",
        followers.follower_settings,
        name="follower_settings",
    ),
    path(
        "my-accounts/<uuid:uuid>/copying/delete/",
        followers.delete,
        name="delete_follower",
    ),
]
