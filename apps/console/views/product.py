"""Product Configs: which modules run, and what accounts and copies inherit."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from apps.accounts.api import Module, set_module_enabled, update_product_defaults
from apps.accounts.errors import InvalidDefaults
from apps.accounts.roles import Permission
from apps.accounts.selectors import audit_trail, may, product_config
from apps.common.templatetags.figures import signed
from apps.console.access import StaffRequest, form_of, staff_page
from apps.console.audit_view import values_in_words
from apps.console.forms import DefaultsForm, ModuleForm, RulesForm
from apps.copytrading.module import Live, live_copies, live_copies_lately

#: What each module does while it is on, and while it is off.
MODULES = {
    Module.COPY_TRADING: (
        "Copy Trading",
        "Master trades are copied to their followers.",
        "Nothing is copied, and the module's pages are hidden. Positions that were copied before "
        "still close with their master.",
    ),
    Module.BOT_TRADING: (
        "Bot Trading",
        "Customers may run bots on their accounts.",
        "No bot trades, and the module's pages are hidden.",
    ),
}


@require_http_methods(["GET", "HEAD"])
@staff_page()
def product(request: StaffRequest) -> HttpResponse:
    """The modules, what depends on them, the defaults, and who changed them last."""
    return _page(request)


@staff_page(Permission.MANAGE_PRODUCT)
@form_of("console:product")
def set_module(request: StaffRequest, module: Module) -> HttpResponse:
    """Switch a module; the reason is kept. With something running, switching off asks first."""
    form = ModuleForm(request.POST, auto_id=f"{module}_%s")
    if not form.is_valid():
        return _page(request, module_forms={module: form}, status=422)
    enabled, name = form.cleaned_data["enabled"], MODULES[module][0]
    if not enabled and not request.POST.get("confirmed"):
        lines = consequences(module)
        if lines:
            context = {"form": form, "name": name, "lines": lines, "address": request.path}
            return render(request, "console/module_off.html", context)
    set_module_enabled(
        actor=request.user, module=module, enabled=enabled, reason=form.cleaned_data["reason"]
    )
    words = name.lower().capitalize()
    messages.success(request, f"{words} is {'on' if enabled else 'off'}.")
    return redirect("console:product")


def consequences(module: Module) -> list[str]:
    """What switching a module off means for what runs now; empty where nothing runs."""
    if module is not Module.COPY_TRADING:
        return []
    return _copying_stops(live_copies())


def running_now(module: Module) -> str:
    """What of a module runs now, in a sentence; '' where nothing does."""
    live = live_copies_lately() if module is Module.COPY_TRADING else None
    if not live:
        return ""
    return (
        f"Running now: {live.copies} cop{'y' if live.copies == 1 else 'ies'} of {live.customers} "
        f"customer{'' if live.customers == 1 else 's'}, {live.positions} copied "
        f"position{'' if live.positions == 1 else 's'} open"
        f"{' at ' + _result(live) if live.floating else ''}."
    )


def _result(live: Live) -> str:
    return ", ".join(f"{signed(value, code)} {code}" for code, value in live.floating)


def _copying_stops(live: Live) -> list[str]:
    if not live:
        return []
    lines = [
        f"{live.copies} running cop{'y' if live.copies == 1 else 'ies'} of {live.customers} "
        f"customer{'' if live.customers == 1 else 's'} open{'s' if live.copies == 1 else ''} "
        "nothing new from now on."
    ]
    if live.positions:
        lines.append(
            f"{live.positions} copied position{'s stay' if live.positions > 1 else ' stays'} open, "
            f"at {_result(live)} now. What is open closes with its master, and customers close it "
            "under Accounts."
        )
    if live.resting:
        rest = "s that rest are" if live.resting > 1 else " that rests is"
        lines.append(f"{live.resting} copied order{rest} not filled up or renewed.")
    lines.append("Pages and API of copying answer as if they were not there.")
    return lines


@staff_page(Permission.MANAGE_PRODUCT)
@form_of("console:product")
def set_defaults(request: StaffRequest) -> HttpResponse:
    """Change the defaults; the reason is kept."""
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


@staff_page(Permission.MANAGE_PRODUCT)
@form_of("console:product")
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
    module_forms: dict[Module, ModuleForm] | None = None,
    defaults_form: DefaultsForm | None = None,
    rules_form: RulesForm | None = None,
    status: int = 200,
) -> HttpResponse:
    config = product_config()
    standing = DefaultsForm.standing(config)
    may_change = may(request.user, Permission.MANAGE_PRODUCT)
    defaults = defaults_form or DefaultsForm(initial=standing, auto_id="default_%s")
    modules = [
        {
            "name": name,
            "title": name.lower().capitalize(),
            "view": f"console:{module}",
            "on": getattr(config, f"{module}_enabled"),
            "does": does,
            "off": off,
            "live": running_now(module),
            "form": (module_forms or {}).get(module) or ModuleForm(auto_id=f"{module}_%s"),
        }
        for module, (name, does, off) in MODULES.items()
    ]
    context = {
        "modules": modules,
        "defaults": defaults,
        "groups": defaults.groups(),
        "standing": standing,
        "rules": rules_form or RulesForm(initial=RulesForm.standing(config), auto_id="rule_%s"),
        "rules_standing": RulesForm.standing(config),
        "config": config,
        "may_change": may_change,
        "trail": [
            (e, values_in_words(e)) for e in audit_trail(object_type="product_config", limit=10)
        ],
    }
    return render(request, "console/product.html", context, status=status)
