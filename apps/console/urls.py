from django.urls import URLPattern, URLResolver, path

from apps.console.views import (
    applications,
    copies,
    copying,
    drift,
    home,
    kill_switch,
    outcomes,
    platforms,
    product,
)

app_name = "console"
urlpatterns: list[URLPattern | URLResolver] = [
    path("", home.home, name="home"),
    path("live/", copying.live, name="live"),
    path("outcomes/", outcomes.outcomes, name="outcomes"),
    path("outcomes/outcomes.csv", outcomes.outcomes_csv, name="outcomes_csv"),
    path("outcomes/<int:pk>/", outcomes.outcome, name="outcome"),
    path("copies/<uuid:uuid>/chain/", outcomes.check, name="check_chain"),
    path("copies/<uuid:uuid>/", copies.copy, name="copy"),
    path("masters/", copying.master_list, name="masters"),
    path("masters/<uuid:uuid>/", copying.master, name="master"),
    path("masters/<uuid:uuid>/<slug:action>/", copying.change_master, name="change_master"),
    path("applications/", applications.application_list, name="applications"),
    path(
        "applications/<uuid:uuid>/<slug:decision>/",
        applications.decide,
        name="decide_application",
    ),
    path("drift/", drift.drift, name="drift"),
    path("drift/repair/", drift.change, {"action": "repair"}, name="repair_drift"),
    path("drift/accept/", drift.change, {"action": "accept"}, name="accept_drift"),
    path("kill-switch/", kill_switch.kill_switch, name="kill_switch"),
    path("kill-switch/closes/", kill_switch.confirm_closes, name="confirm_closes"),
    path("kill-switch/everything/", kill_switch.kill_everything, name="kill_everything"),
    path("kill-switch/platform/<slug:code>/", kill_switch.kill_platform, name="kill_platform"),
    path("kill-switch/account/<uuid:uuid>/", kill_switch.kill_account, name="kill_account"),
    path("platforms/", platforms.platforms, name="platforms"),
    path("product/", product.product, name="product"),
    path("product/copy-trading/", product.set_copy_trading, name="copy_trading"),
    path("product/defaults/", product.set_defaults, name="defaults"),
    path("product/rules/", product.set_rules, name="rules"),
]
