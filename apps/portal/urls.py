from django.urls import URLPattern, URLResolver, path, register_converter

from apps.portal.views import accounts, copying, gallery, home


class ChangeConverter:
    """What can be done with a copy that exists."""

    regex = "pause|resume|stop"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(ChangeConverter, "change")

app_name = "portal"
urlpatterns: list[URLPattern | URLResolver] = [
    path("", home.home, name="home"),
    path("theme/", home.theme, name="theme"),
    path("gallery/", gallery.gallery, name="gallery"),
    path("copying/", copying.copying, name="copying"),
    path("copying/follow/", copying.follow, name="follow"),
    path("copying/<uuid:uuid>/", copying.subscription, name="subscription"),
    path("copying/<uuid:uuid>/settings/", copying.edit, name="edit_copy"),
    path("copying/<uuid:uuid>/<change:action>/", copying.change, name="change_copy"),
    path("my-accounts/", accounts.account_list, name="accounts"),
    path("my-accounts/<uuid:uuid>/", accounts.account_detail, name="account"),
]
