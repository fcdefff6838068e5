from django.urls import URLPattern, URLResolver, path

from apps.portal.views import accounts, gallery, home

app_name = "portal"
urlpatterns: list[URLPattern | URLResolver] = [
    path("", home.home, name="home"),
    path("theme/", home.theme, name="theme"),
    path("gallery/", gallery.gallery, name="gallery"),
    path("my-accounts/", accounts.account_list, name="accounts"),
    path("my-accounts/<uuid:uuid>/", accounts.account_detail, name="account"),
]
