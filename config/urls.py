"""Where each part of the product answers."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

# The staff admin has no way in of its own: second factors and limits hold for it, too.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

_security = RedirectView.as_view(pattern_name="portal:security")

urlpatterns = [
    # Second factors, passkeys and sessions stand together on a page of ours.
    path("accounts/2fa/", _security),
    path("accounts/2fa/webauthn/", _security),
    path("accounts/sessions/", _security),
    path("accounts/", include("allauth.urls")),
    path("console/", include("apps.console.urls")),
    path("staff-admin/", admin.site.urls),
    path("", include("apps.console.probe_urls")),
    path("", include("apps.portal.urls")),
]
