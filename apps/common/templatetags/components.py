"""The tag behind ``<c-…>``: small components are written by Python, all others by their template.

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

from apps.common.components import WRITTEN

register = template.Library()


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
        slot = self.nodelist.render(context) if self.nodelist else ""
        return mark_safe(f"\n{self._write(given, slot)}\n")


def _literal(attr: PreparedAttr) -> Any:
    """A text of the template itself, which its author has written as it is to stand."""
    return mark_safe(attr.value) if isinstance(attr.value, str) else attr.value
