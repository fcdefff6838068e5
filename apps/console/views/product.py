"""Product Configs: which modules run, and what accounts and copies inherit."""

from __future__ import annotations

from decimal import Decimal

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from apps.accounts.api import Module, set_module_enabled, update_product_defaults
from apps.accounts.errors import InvalidDefaults
from apps.accounts.roles import Permission
from apps.accounts.selectors import AuditRow, audit_trail, may, product_config
from apps.common.templatetags.figures import plain
from apps.console.access import StaffRequest, staff_page
from apps.console.forms import RULE_LABELS, DefaultsForm, ModuleForm, RulesForm
from apps.copytrading.setting_words import LABELS


@require_http_methods(["GET", "HEAD"])
@staff_page()
def product(request: StaffRequest) -> HttpResponse:
    """The modules, what depends on them, the defaults, and who changed them last."""
    return _page(request)


@require_http_methods(["POST"])
@staff_page(Permission.MANAGE_PRODUCT)
def set_copy_trading(request: StaffRequest) -> HttpResponse:
    """Switch copy trading; the reason is kept."""
    form = ModuleForm(request.POST, auto_id="module_%s")
    if not form.is_valid():
        return _page(request, module_form=form, status=422)
    enabled = form.cleaned_data["enabled"]
    set_module_enabled(
        actor=request.user,
        module=Module.COPY_TRADING,
        enabled=enabled,
        reason=form.cleaned_data["reason"],
    )
    messages.success(request, f"Copy trading is {'on' if enabled else 'off'}.")
    return redirect("console:product")


@require_http_methods(["POST"])
@staff_page(Permission.MANAGE_PRODUCT)
def set_defaults(request: StaffRequest) -> HttpResponse:
    """Change the defaults of copying; the reason is kept."""
    form = DefaultsForm(request.POST, auto_id="default_%s")
    if form.is_valid():
        try:
            changed = update_product_defaults(
                actor=request.user, reason=form.cleaned_data["reason"], **form.defaults()
            )
        except InvalidDefaults as refusal:
            for name, sentence in refusal.fields.items():
                form.add_error(name, sentence)
        else:
            told = "They hold from now on." if changed else "Nothing was different."
            messages.success(request, f"Defaults saved. {told}")
            return redirect("console:product")
    return _page(request, defaults_form=form, status=422)


@require_http_methods(["POST"])
@staff_page(Permission.MANAGE_PRODUCT)
def set_rules(request: StaffRequest) -> HttpResponse:
    """Change who may become a master, and how many paper accounts a customer may open."""
    form = RulesForm(request.POST, auto_id="rule_%s")
    if form.is_valid():
        try:
            changed = update_product_defaults(
                actor=request.user, reason=form.cleaned_data["reason"], **form.rules()
            )
        except InvalidDefaults as refusal:
            for name, sentence in refusal.fields.items():
                form.add_error(name, sentence)
        else:
            told = "They hold from now on." if changed else "Nothing was different."
            messages.success(request, f"Rules saved. {told}")
            return redirect("console:product")
    return _page(request, rules_form=form, status=422)


def _page(
    request: StaffRequest,
    module_form: ModuleForm | None = None,
    defaults_form: DefaultsForm | None = None,
    rules_form: RulesForm | None = None,
    status: int = 200,
) -> HttpResponse:
    config = product_config()
    standing = DefaultsForm.standing(config)
    context = {
        "form": module_form or ModuleForm(auto_id="module_%s"),
        "defaults": defaults_form or DefaultsForm(initial=standing, auto_id="default_%s"),
        "standing": standing,
        "rules": rules_form or RulesForm(initial=RulesForm.standing(config), auto_id="rule_%s"),
        "rules_standing": RulesForm.standing(config),
        "config": config,
        "may_change": may(request.user, Permission.MANAGE_PRODUCT),
        "trail": [(e, _what(e)) for e in audit_trail(object_type="product_config", limit=10)],
    }
    return render(request, "console/product.html", context, status=status)


def _what(entry: AuditRow) -> str:
    """What an entry of the trail says: 'Copy trading on', 'Maximum delay 10 to 5'."""
    if "enabled" in entry.after:
        return f"{entry.object_label} {'on' if entry.after['enabled'] else 'off'}"
    return ", ".join(
        f"{_LABELS[name]} {_shown(entry.before[name])} to {_shown(value)}"
        for name, value in entry.after.items()
    )


_LABELS = LABELS | RULE_LABELS


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return plain(Decimal(str(value)))
