"""Product Configs: which modules run."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from apps.accounts.api import Module, set_module_enabled
from apps.accounts.roles import Permission
from apps.accounts.selectors import audit_trail, may, product_config
from apps.console.access import StaffRequest, staff_page
from apps.console.forms import ModuleForm


@require_http_methods(["GET", "HEAD"])
@staff_page()
def product(request: StaffRequest) -> HttpResponse:
    """The modules, what depends on them, and who switched them last."""
    return _page(request, ModuleForm(auto_id="module_%s"))


@require_http_methods(["POST"])
@staff_page(Permission.MANAGE_PRODUCT)
def set_copy_trading(request: StaffRequest) -> HttpResponse:
    """Switch copy trading; the reason is kept."""
    form = ModuleForm(request.POST, auto_id="module_%s")
    if not form.is_valid():
        return _page(request, form, status=422)
    enabled = form.cleaned_data["enabled"]
    set_module_enabled(
        actor=request.user,
        module=Module.COPY_TRADING,
        enabled=enabled,
        reason=form.cleaned_data["reason"],
    )
    messages.success(request, f"Copy trading is {'on' if enabled else 'off'}.")
    return redirect("console:product")


def _page(request: StaffRequest, form: ModuleForm, status: int = 200) -> HttpResponse:
    context = {
        "form": form,
        "config": product_config(),
        "may_change": may(request.user, Permission.MANAGE_PRODUCT),
        "trail": audit_trail(object_type="product_config", limit=10),
    }
    return render(request, "console/product.html", context, status=status)
