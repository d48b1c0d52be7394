"""The neighbor graph of a map as GraphML, which networkx, igraph, Gephi and Cytoscape open.

Source: Brandes et al. 2002, GraphML Progress Report; http://graphml.graphdrawing.org.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from xml.sax.saxutils import escape, quoteattr

_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
 xsi:schemaLocation="http://graphml.graphdrawing.org/xmlns http://graphml.graphdrawing.org/xmlns/1.0/graphml.xsd">
<key id="edge_weight" for="graph" attr.name="edge_weight" attr.type="double"/>
<key id="name" for="node" attr.name="name" attr.type="string"/>
<key id="cluster" for="node" attr.name="cluster" attr.type="int"/>
<key id="x" for="node" attr.name="x" attr.type="double"/>
<key id="y" for="node" attr.name="y" attr.type="double"/>
<key id="similarity" for="edge" attr.name="similarity" attr.type="double"/>
<graph edgedefault="undirected">
"""
# Characters that XML 1.0 cannot represent, not even escaped.
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def as_graphml(document: Mapping[str, Any]) -> Iterator[bytes]:
    """The document, element by element.

    Nodes are networks with name, cluster and coordinates. An edge joins two networks if either is
    among the nearest neighbors of the other.
    """
    models = document["models"]
    yield _HEAD.encode()
    yield _data("edge_weight", document["params"]["edge_weight"]).encode() + b"\n"
    for index, model_id in enumerate(models):
        x, y = document["points"][index]
        data = _data("name", document["names"][index])
        data += _data("cluster", document["clusters"][index]) + _data("x", x) + _data("y", y)
        yield f"<node id={quoteattr(model_id)}>{data}</node>\n".encode()
    for index, other, similarity in _edges(document["neighbors"]):
        ends = f"source={quoteattr(models[index])} target={quoteattr(models[other])}"
        yield f"<edge {ends}>{_data('similarity', similarity)}</edge>\n".encode()
    yield b"</graph>\n</graphml>\n"


def _edges(neighbors: list[list[dict[str, Any]]]) -> Iterator[tuple[int, int, float]]:
    """Every joined pair once."""
    near = [{neighbor["index"] for neighbor in row} for row in neighbors]
    for index, row in enumerate(neighbors):
        for neighbor in row:
            other = neighbor["index"]
            if index < other or index not in near[other]:
                yield index, other, neighbor["similarity"]


def _data(key: str, value: Any) -> str:
    text = escape(_NOT_IN_XML.sub("", value)) if isinstance(value, str) else repr(value)
    return f'<data key="{key}">{text}</data>'
