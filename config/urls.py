"""Where each part of the product answers."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("accounts/", include("allauth.urls")),
    path("console/", include("apps.console.urls")),
    path("staff-admin/", admin.site.urls),
    path("", include("apps.console.probe_urls")),
    path("", include("apps.portal.urls")),
]
