"""The profile of one's own master, and the pictures of all masters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import quote_etag
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.selectors import product_config
from apps.analytics.domain.qualification import qualifies
from apps.analytics.qualifying import qualification_of
from apps.analytics.selectors import imported_spans
from apps.common.htmx import posted
from apps.common.pictures import MOST_BYTES
from apps.copytrading import api
from apps.copytrading.errors import CopyError, InvalidSettings
from apps.copytrading.profiles import named_like_another, own_master, picture_of, pictures_of
from apps.portal.access import SignedInRequest, copy_trading_page
from apps.portal.master_forms import NAME_TAKEN, PictureForm, ProfileForm

if TYPE_CHECKING:
    from apps.copytrading.models import CopyMaster


@require_http_methods(["GET", "POST"])
@copy_trading_page
def profile(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Edit what a master shows and whom it lets follow; its state stands beside."""
    master = _own(request, uuid)
    form = ProfileForm(posted(request), initial=_standing(master), auto_id="profile_%s")
    if request.method == "POST" and form.is_valid():
        try:
            renamed = form.cleaned_data["strategy_name"] != master.strategy_name
            if renamed and named_like_another(request.user, form.cleaned_data["strategy_name"]):
                raise InvalidSettings({"strategy_name": NAME_TAKEN})
            api.update_master(actor=request.user, master=master, **form.cleaned_data)
        except InvalidSettings as refusal:
            for name, sentence in refusal.fields.items():
                form.add_error(name if name in form.fields else None, sentence)
        except CopyError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, "The profile is saved.")
            return redirect("portal:master_profile", uuid)
    return _page(request, master, form=form)


@require_POST
@copy_trading_page
def set_picture(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Upload a picture, or take it away."""
    master = _own(request, uuid)
    if "remove" in request.POST:
        api.remove_picture(actor=request.user, master=master)
        messages.success(request, "The picture is removed.")
        return redirect("portal:master_profile", uuid)
    form = PictureForm(request.POST, request.FILES, auto_id="picture_%s")
    if form.is_valid():
        file = form.cleaned_data["picture"]
        try:
            api.set_picture(actor=request.user, master=master, data=file.read(MOST_BYTES + 1))
        except InvalidSettings as refusal:
            form.add_error("picture", str(refusal))
        else:
            messages.success(request, "The picture is saved.")
            return redirect("portal:master_profile", uuid)
    return _page(request, master, picture_form=form)


@require_safe
@login_required
def picture(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """The picture of a master that one may see, as an image and nothing else."""
    found = picture_of(request.user, uuid)
    if found is None:
        raise Http404("No picture.")
    etag = quote_etag(found.digest)
    fresh = request.headers.get("If-None-Match") == etag
    response = HttpResponse(b"" if fresh else found.image, content_type="image/webp")
    if fresh:
        response.status_code = 304
    current = request.GET.get("v") == found.digest
    response.headers["Cache-Control"] = (
        "private, max-age=31536000, immutable" if current else "private, no-cache"
    )
    response.headers["ETag"] = etag
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["Content-Disposition"] = "inline; filename=picture.webp"
    return response


def _own(request: SignedInRequest, uuid: UUID) -> CopyMaster:
    master = own_master(request.user, uuid)
    if master is None:
        raise Http404("There is no such master.")
    return master


def _standing(master: CopyMaster) -> dict[str, Any]:
    """The profile as the fields show it."""
    values = {name: getattr(master, name) for name in ProfileForm.base_fields}
    return values | {"min_investment": f"{master.min_investment.normalize():f}"}


def _page(
    request: SignedInRequest,
    master: CopyMaster,
    form: ProfileForm | None = None,
    picture_form: PictureForm | None = None,
) -> HttpResponse:
    chosen = form or ProfileForm(initial=_standing(master), auto_id="profile_%s")
    asked = picture_form or PictureForm(auto_id="picture_%s")
    applying = master.status in ("pending", "rejected") or master.visibility == "private"
    checks = qualification_of([master.account])[master.account_id] if applying else ()
    context = {
        "master": master,
        "account": master.account,
        "form": chosen,
        "picture_form": asked,
        "digest": pictures_of([master.pk]).get(master.pk),
        "imported": imported_spans([master.account_id]).get(master.account_id),
        "checks": checks,
        "may_apply": qualifies(checks) or not product_config().master_rules_bind,
    }
    wrong = bool(chosen.errors or asked.errors)
    return render(request, "portal/masters/profile.html", context, status=422 if wrong else 200)
