"""Where each part of the product answers."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import include, path

# The staff admin has no way in of its own: second factors and limits hold for it, too.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

urlpatterns = [
    path("accounts/", include("allauth.urls")),
    path("console/", include("apps.console.urls")),
    path("staff-admin/", admin.site.urls),
    path("", include("apps.portal.urls")),
]
