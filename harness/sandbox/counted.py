"""A template's tree with what is to be counted written into it, so that it is paid for before it is done."""

from __future__ import annotations

from jinja2 import nodes
from jinja2.visitor import NodeTransformer

from harness.sandbox.meter import CHARS


class Counted(NodeTransformer):
    """Writes what is to be counted into a template's tree: as filters, under names that no template can write."""

    def visit_For(self, node: nodes.For) -> nodes.Node:
        steps = size(node)
        self.generic_visit(node)
        node.iter = _filter("loop ", node.iter, nodes.Const(steps))
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        self.generic_visit(node)
        return _filter("concat ", nodes.List(node.nodes))

    def visit_Add(self, node: nodes.Add) -> nodes.Node:
        self.generic_visit(node)
        return _filter("add ", node.left, node.right)

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:
        self.generic_visit(node)
        ends = [node.expr, *(operand.expr for operand in node.ops)]
        among = any(operand.op in ("in", "notin") for operand in node.ops)
        if len(ends) == 2 and not among and any(isinstance(end, nodes.Const) for end in ends):
            return node  # it is compared with a constant as far as that goes
        node.expr = _weighed(node.expr)
        for operand in node.ops:
            operand.expr = _weighed(operand.expr)
        return node

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:
        self.generic_visit(node)
        if isinstance(node.arg, nodes.Slice):
            return _filter("made ", node)
        node.arg = _weighed(node.arg)
        return node

    def visit_Dict(self, node: nodes.Dict) -> nodes.Node:
        self.generic_visit(node)
        for pair in node.items:
            pair.key = _weighed(pair.key)
        return node


def _weighed(node: nodes.Expr) -> nodes.Expr:
    constant = isinstance(node, nodes.Const) or (
        isinstance(node, (nodes.List, nodes.Tuple)) and all(isinstance(item, nodes.Const) for item in node.items)
    )
    return node if constant else _filter("weigh ", node)


def _filter(name: str, node: nodes.Node, *args: nodes.Expr) -> nodes.Filter:
    return nodes.Filter(node, name, list(args), [], None, None, lineno=node.lineno)


def size(node: nodes.Node) -> int:
    """The steps of going through ``node`` once."""
    own = getattr(node, "value", getattr(node, "data", None)) if isinstance(node, nodes.Literal) else None
    return 1 + (len(own) // CHARS if isinstance(own, str) else 0) + sum(map(size, node.iter_child_nodes()))
