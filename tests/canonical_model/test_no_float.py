"""No binary floating point near money: neither written down, converted to, declared, nor let in through JSON."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("canonical_model", "connectors", "mappings", "billhub")

LITERAL, CALL, DECLARED, ROUND = "float literal", "float()", "declared float", "round()"
FOREIGN_JSON = "foreign JSON read without parse_float=Decimal or a type"
SECONDS = "seconds to wait, not an amount"
CONFIDENCE = "a confidence or likeness from 0 to 1, not an amount"
WIDTH = "width of a line of YAML, which has no end"
ROOMS = {"mappings/drafting/": CONFIDENCE}
"""Rooms without amounts of their own."""
ALLOWED = {
    ("billhub/retry.py", LITERAL): SECONDS,
    ("billhub/retry.py", CALL): SECONDS,
    ("billhub/retry.py", DECLARED): SECONDS,
    ("connectors/http.py", LITERAL): SECONDS,
    ("connectors/http.py", CALL): SECONDS,
    ("connectors/http.py", DECLARED): SECONDS,
    ("connectors/settings.py", FOREIGN_JSON): "connection settings hold no amounts",
    ("connectors/avatax/client.py", FOREIGN_JSON): "the reasons of a refusal hold no amounts",
    ("billhub/demo/airflow.py", LITERAL): SECONDS,
    ("billhub/demo/systems.py", LITERAL): SECONDS,
    ("billhub/cli/mapping/drafting.py", LITERAL): CONFIDENCE,
    ("billhub/cli/mapping/layered.py", CALL): WIDTH,
    ("mappings/testing/sources.py", DECLARED): CONFIDENCE,
}


def floats_in(source: str) -> Iterator[tuple[str, int]]:
    """Kind and line of every door to floating point in a module."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, float | complex):
            yield LITERAL, node.lineno
        elif isinstance(node, ast.Call):
            yield from ((kind, node.lineno) for kind in _kinds_of_call(node))
        else:
            yield from ((DECLARED, node.lineno) for annotation in _annotations(node) if _names_float(annotation))


def _kinds_of_call(call: ast.Call) -> Iterator[str]:
    name, keywords = ast.unparse(call.func), {each.arg: ast.unparse(each.value) for each in call.keywords}
    if name in ("float", "complex"):
        yield CALL
    elif name == "round":
        yield ROUND
    elif name == "msgspec.json.decode":
        if "Any" in keywords.get("type", "Any"):
            yield FOREIGN_JSON
    elif (name in ("json.loads", "json.load") or name.endswith(".json")) and keywords.get("parse_float") != "Decimal":
        yield FOREIGN_JSON


def _annotations(node: ast.AST) -> Iterator[ast.expr]:
    for place in ("annotation", "returns"):
        found = getattr(node, place, None)
        if isinstance(found, ast.expr):
            yield found


def _names_float(annotation: ast.expr) -> bool:
    return any(isinstance(part, ast.Name) and part.id == "float" for part in ast.walk(annotation))


def all_floats() -> dict[tuple[str, str], list[int]]:
    found: dict[tuple[str, str], list[int]] = {}
    for package in PACKAGES:
        for file in sorted((ROOT / package).rglob("*.py")):
            for kind, line in floats_in(file.read_text("utf-8")):
                if kind == FOREIGN_JSON and package != "connectors":
                    continue  # JSON of our own, whose decimals are strings; everything foreign comes in through a connector
                found.setdefault((file.relative_to(ROOT).as_posix(), kind), []).append(line)
    return found


def test_no_float_in_money_code():
    found = {place: lines for place, lines in all_floats().items() if not place[0].startswith(tuple(ROOMS))}
    forbidden = {place: lines for place, lines in found.items() if place not in ALLOWED}
    assert not forbidden, "use Decimal, or name the place in ALLOWED with the reason why it is no amount"


def test_every_exception_is_still_needed():
    assert set(ALLOWED) <= set(all_floats())


def test_the_canonical_model_has_no_exception():
    assert not [place for place, _ in ALLOWED if place.startswith("canonical_model/")]


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("price = 1.5", LITERAL),
        ("price = -1e3 * quantity", LITERAL),
        ("wave = 2j", LITERAL),
        ("price = float(text)", CALL),
        ("price = round(amount, 2)", ROUND),
        ("def price(amount: float) -> None: ...", DECLARED),
        ("async def price() -> float | None: ...", DECLARED),
        ("price: dict[str, float] = {}", DECLARED),
        ("body = json.loads(text)", FOREIGN_JSON),
        ("body = response.json()", FOREIGN_JSON),
        ("body = json.loads(text, parse_float=float)", FOREIGN_JSON),
        ("body = msgspec.json.decode(text)", FOREIGN_JSON),
        ("body = msgspec.json.decode(text, type=dict[str, Any])", FOREIGN_JSON),
    ],
)
def test_the_check_sees(source, kind):
    assert list(floats_in(source)) == [(kind, 1)]


@pytest.mark.parametrize(
    "source",
    [
        "price = Decimal('1.5') * 3",
        "is_float = isinstance(value, float)",
        "body = json.loads(text, parse_float=Decimal)",
        "body = response.json(parse_float=Decimal)",
        "body = msgspec.json.decode(text, type=Invoice)",
        "net = money.rounded()",
    ],
)
def test_the_check_lets_through(source):
    assert list(floats_in(source)) == []
