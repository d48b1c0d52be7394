"""A lineage as GraphML, which networkx, igraph, Gephi, yEd and Cytoscape open.

Source: Brandes et al. 2002, GraphML Progress Report; http://graphml.graphdrawing.org.
"""

from collections.abc import Iterator
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from service.core.lineage.graph import LineageGraph, Node
from service.core.lineage.labels import xml_text

_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
"""
_TYPES = {
    "kind": "string",
    "name": "string",
    "state": "string",
    "task": "string",
    "parameters": "long",
    "images": "long",
    "seed": "long",
}


def as_graphml(lineage: LineageGraph) -> Iterator[bytes]:
    """The document, element by element; edges point from teacher to student and have a role."""
    measures = sorted({name for node in lineage.nodes for name in node.measured})
    types = {**_TYPES, **dict.fromkeys(measures, "double")}
    yield _HEAD.encode()
    for name, type_ in types.items():
        yield _key(name, "node", type_)
    yield _key("role", "edge", "string") + b'<graph edgedefault="directed">\n'
    for node in lineage.nodes:
        yield _node(node)
    for edge in lineage.edges:
        ends = f"source={quoteattr(edge.source)} target={quoteattr(edge.target)}"
        yield f"<edge {ends}>{_data('role', edge.role)}</edge>\n".encode()
    yield b"</graph>\n</graphml>\n"


def _key(name: str, kind: str, type_: str) -> bytes:
    attributes = (
        f'id={quoteattr(name)} for="{kind}" attr.name={quoteattr(name)} attr.type="{type_}"'
    )
    return f"<key {attributes}/>\n".encode()


def _node(node: Node) -> bytes:
    values = {**{name: getattr(node, name) for name in _TYPES}, **node.measured}
    data = "".join(_data(name, value) for name, value in values.items() if value is not None)
    return f"<node id={quoteattr(node.id)}>{data}</node>\n".encode()


def _data(key: str, value: Any) -> str:
    text = escape(xml_text(value)) if isinstance(value, str) else repr(value)
    return f"<data key={quoteattr(key)}>{text}</data>"
