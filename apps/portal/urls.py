from django.urls import URLPattern, URLResolver, path, register_converter

from apps.portal.views import (
    account_changes,
    accounts,
    against,
    becoming,
    by_hand,
    close_all,
    connecting,
    copy_settings,
    copying,
    discover,
    drift,
    exposure,
    follow,
    followers,
    gallery,
    home,
    legal,
    mapping,
    master,
    master_profile,
    masters,
    notifications,
    outcomes,
    security,
    track_record,
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

    regex = "switch-off|switch-on|delete|apply|withdraw|hide"


register_converter(ChangeConverter, "change")
register_converter(MasterChangeConverter, "master_change")

REPAIR, ACCEPT = {"action": "repair"}, {"action": "accept"}

app_name = "portal"
urlpatterns: list[URLPattern | URLResolver] = [
    path("", home.home, name="home"),
    path("theme/", home.theme, name="theme"),
    path("house/logo/<slug:mark>", home.house_logo, name="house_logo"),
    path("gallery/", gallery.gallery, name="gallery"),
    path("discover/", discover.discover, name="discover"),
    path("discover/compare/", discover.compare, name="compare"),
    path("terms/", legal.terms, name="terms"),
    path("terms/<slug:kind>/<int:version>/", legal.text, name="legal_text"),
    path("copying/", copying.copying, name="copying"),
    path("copying/follow/", follow.follow, name="follow"),
    path("copying/follow/summary/", follow.follow_summary, name="follow_summary"),
    path("copying/follow/rehearsal/", follow.follow_rehearsal, name="follow_rehearsal"),
    path("copying/exposure/", exposure.exposure, name="exposure"),
    path("copying/close-everything/", close_all.close_everything, name="close_everything"),
    path("copying/positions/<int:link>/close/", by_hand.close_position, name="close_position"),
    path("copying/positions/<int:link>/detach/", by_hand.detach_position, name="detach_position"),
    path("copying/<uuid:uuid>/", copying.subscription, name="subscription"),
    path("copying/<uuid:uuid>/against/", against.against, name="against"),
    path("copying/<uuid:uuid>/settings/", copy_settings.edit, name="edit_copy"),
    path(
        "copying/<uuid:uuid>/settings/summary/",
        copy_settings.edit_summary,
        name="edit_copy_summary",
    ),
    path(
        "copying/<uuid:uuid>/settings/rehearsal/",
        copy_settings.edit_rehearsal,
        name="edit_copy_rehearsal",
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
    path("notifications/", notifications.notices, name="notifications"),
    path("notifications/read/", notifications.read, name="read_notifications"),
    path("notifications/settings/", notifications.settings, name="notification_settings"),
    path("notifications/channels/add/", notifications.add_channel, name="add_channel"),
    path(
        "notifications/channels/<uuid:uuid>/test/", notifications.test_channel, name="test_channel"
    ),
    path(
        "notifications/channels/<uuid:uuid>/remove/",
        notifications.remove_channel,
        name="remove_channel",
    ),
    path("notifications/<int:pk>/", notifications.notice, name="notification"),
    path("security/", security.overview, name="security"),
    path("security/sign-ins/", security.sign_ins, name="sign_ins"),
    path("security/sessions/end-others/", security.end_others, name="end_other_sessions"),
    path("security/sessions/<int:pk>/end/", security.end_one, name="end_session"),
    path("discover/<uuid:uuid>/", master.master, name="discover_master"),
    path("my-masters/", masters.master_list, name="masters"),
    path("my-masters/become/", becoming.become, name="become_master"),
    path("my-masters/become/<uuid:uuid>/", becoming.apply, name="apply_as_master"),
    path("my-masters/<uuid:uuid>/", master_profile.profile, name="master_profile"),
    path("my-masters/<uuid:uuid>/picture/", master_profile.set_picture, name="set_picture"),
    path("pictures/<uuid:uuid>.webp", master_profile.picture, name="picture"),
    path("my-masters/<uuid:uuid>/<master_change:action>/", masters.change, name="change_master"),
    path("my-accounts/", accounts.account_list, name="accounts"),
    path("my-accounts/drift/<int:pk>/repair/", drift.change, REPAIR, name="repair_drift"),
    path("my-accounts/drift/<int:pk>/accept/", drift.change, ACCEPT, name="accept_drift"),
    path("my-accounts/add/", connecting.connect, name="connect"),
    path("my-accounts/add/paper/", connecting.open_paper, name="open_paper"),
    path("my-accounts/add/ctrader/", connecting.connect_ctrader, name="connect_ctrader"),
    path("my-accounts/add/ctrader/back/", connecting.ctrader_back, name="ctrader_back"),
    path(
        "my-accounts/add/ctrader/<uuid:uuid>/",
        connecting.choose_accounts,
        name="choose_accounts",
    ),
    path("my-accounts/<uuid:uuid>/", accounts.account_detail, name="account"),
    path("my-accounts/<uuid:uuid>/history/", accounts.account_history, name="account_history"),
    path("my-accounts/<uuid:uuid>/name/", account_changes.rename, name="rename_account"),
    path("my-accounts/<uuid:uuid>/remove/", account_changes.remove, name="remove_account"),
    path("my-accounts/<uuid:uuid>/record/", track_record.track_record, name="track_record"),
    path(
        "my-accounts/<uuid:uuid>/record/confirm/",
        track_record.confirm_record,
        name="confirm_record",
    ),
    path(
        "my-accounts/<uuid:uuid>/record/discard/",
        track_record.discard_record,
        name="discard_record",
    ),
    path(
        "my-accounts/<uuid:uuid>/record/remove/", track_record.remove_record, name="remove_record"
    ),
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
