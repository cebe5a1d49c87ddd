"""Form-encoded parameters with nested brackets, as Stripe's clients send them.

`metadata[order]=7`, `lines[0][amount]=5`, `expand[]=customer` and `lines[][amount]=5` all become
trees of dicts. An array is a dict with the keys "0", "1", ...: only the endpoint knows whether it
expects an array or a hash, so the tree does not guess.
"""

import re
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qsl

from sandbox.stripe.errors import StripeError, bad_parameter

Tree = dict[str, Any]

KEY = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
PART = re.compile(r"\[([^\[\]]*)\]")


def parse_form(text: str) -> Tree:
    """Read a query string or a form body.

    Args:
        text: `application/x-www-form-urlencoded` text, UTF-8 percent-encoded.

    Returns:
        The tree of parameters; leaves are strings, "" for a parameter that shall be unset.

    Raises:
        StripeError: A key has stray brackets, or names both a value and a hash.
    """
    tree: Tree = {}
    for key, value in parse_qsl(text, keep_blank_values=True):
        _place(tree, _path(key), value)
    return tree


def _path(key: str) -> list[str]:
    match = KEY.fullmatch(key)
    if match is None:
        raise _invalid(key)
    return [match[1], *PART.findall(match[2])]


def _place(tree: Tree, path: list[str], value: str) -> None:
    node = tree
    for part, following in pairwise(path):
        child = node.setdefault(part or _element(node, following), {})
        if isinstance(child, str):
            raise _invalid(path[0])
        node = child
    leaf = path[-1] or str(len(node))
    if isinstance(node.get(leaf), dict):
        raise _invalid(path[0])
    node[leaf] = value


def _element(node: Tree, following: str) -> str:
    # `a[][x]=1&a[][y]=2` is one element; the next `a[][x]` starts another.
    last = str(len(node) - 1)
    current = node.get(last)
    open_element = isinstance(current, dict) and following != "" and following not in current
    return last if open_element else str(len(node))


def _invalid(key: str) -> StripeError:
    return bad_parameter(f"Invalid parameter name or shape: {key}", param=key)
