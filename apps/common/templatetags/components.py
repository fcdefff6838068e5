"""The tag behind ``<c-…>``: frequent components are written by Python, others by a template.

It stands among the engine's builtins after cotton's own library, whose tag it takes the place of.
"""

from __future__ import annotations

from typing import Any

from django import template
from django.template.base import Node, NodeList, Parser, Token
from django.template.context import Context
from django.utils.safestring import SafeString, mark_safe
from django_cotton.templatetags import UnprocessableDynamicAttr
from django_cotton.templatetags._component import (
    AttrKind,
    CottonComponentNode,
    PreparedAttr,
    cotton_component,
)
from django_cotton.templatetags._slot import CottonSlotNode
from django_cotton.utils import get_cotton_data

from apps.common import chart_components, components, field_components, panels, rule_checks, shell

register = template.Library()

WRITTEN = {
    **components.WRITTEN,
    **panels.WRITTEN,
    **field_components.WRITTEN,
    **rule_checks.WRITTEN,
    **shell.WRITTEN,
    **chart_components.WRITTEN,
}


@register.tag("cotton")
def component(parser: Parser, token: Token) -> Node:
    """A component with its attributes and what stands inside."""
    node: CottonComponentNode = cotton_component(parser, token)
    return WrittenNode(node) if node.component_name in WRITTEN else node


class WrittenNode(Node):
    """A component that a function writes; attributes mean what they mean in all others.

    Lines are broken around it as around a template's text, which is a space between two of them.
    """

    nodelist: NodeList

    def __init__(self, node: CottonComponentNode) -> None:
        self.nodelist = node.nodelist
        self._write = WRITTEN[node.component_name]
        self._attrs = [
            attr if attr.compiled is not None else attr._replace(value=_literal(attr))
            for attr in node._prepared_attrs
        ]
        self._slotted = bool(self.nodelist.get_nodes_by_type(CottonSlotNode))

    def render(self, context: Context) -> SafeString:
        given: dict[str, Any] = {}
        for key, kind, value, compiled in self._attrs:
            if compiled is None:
                given[key] = value
            elif kind is AttrKind.ESCAPED:
                given[key] = compiled.render(context)
            else:
                try:
                    given[key] = compiled.resolve(context)
                except UnprocessableDynamicAttr:
                    if kind is AttrKind.UNQUOTED:
                        given[key] = value
        if self._slotted:
            slot, named = self._slots(context)
            given = {**named, **given}
        else:
            slot = self.nodelist.render(context) if self.nodelist else ""
        return mark_safe(f"\n{self._write(given, slot)}\n")

    def _slots(self, context: Context) -> tuple[str, dict[str, SafeString]]:
        """What stands inside, and what stands there under a name; slots look for it on a stack."""
        stack: list[dict[str, Any]] = get_cotton_data(context)["stack"]
        named: dict[str, SafeString] = {}
        stack.append({"slots": named})
        slot = self.nodelist.render(context)
        stack.pop()
        return slot, named


def _literal(attr: PreparedAttr) -> Any:
    """A text of the template itself, which its author has written as it is to stand."""
    return mark_safe(attr.value) if isinstance(attr.value, str) else attr.value
