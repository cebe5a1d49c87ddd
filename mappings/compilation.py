"""From texts to a mapping ready for use; every fault is named with file, line and field."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path

from mappings.compiled import CompiledMapping
from mappings.files.bundles import Bundle, gather
from mappings.files.faults import Fault, refusal
from mappings.files.schemas import inspected
from mappings.files.yaml_source import Source
from mappings.language import overlays
from mappings.language.canonical import ENTITIES
from mappings.language.checks import check
from mappings.language.definition import Definition
from mappings.language.overlays import SELECTORS, Overlay
from mappings.language.parser import parse
from mappings.language.reading import Reading
from mappings.overlaid import Chosen, OverlaidMapping, Overlays


def compile_file(path: Path) -> CompiledMapping:
    """Compile the mapping in a file `<folder>/<system>/<entity>.yaml`, with the overlays and tables beside it.

    Raises:
        MappingError: It is not a sound mapping; the message lists every fault with file, line and field.
    """
    return compile_bundle(gather(path.parent.parent, f"{path.parent.name}/{path.stem}"))


def compile_bundle(bundle: Bundle, promised: Mapping[str, str] | None = None) -> CompiledMapping:
    """Compile the mapping in a bundle.

    Args:
        bundle: The texts.
        promised: The type that the source promises of a field, by path, so that records that keep the promise are mapped faster.

    Raises:
        MappingError: It is not a sound mapping; the message lists every fault with file, line and field.
    """
    base, patches = _sources(bundle)
    faults: list[Fault] = []
    definition = _definition(bundle, base, (), faults)
    chosen = _overlays(bundle, base, patches, faults) if patches else None
    _refuse(bundle, faults)
    if chosen:
        return OverlaidMapping(definition, chosen, bundle.fingerprint, promised or {})
    return CompiledMapping(definition, bundle.fingerprint, promised or {})


def laid_on(bundle: Bundle, *, legal_entity: str | None, customer: str | None) -> Source:
    """The mapping with the patches of one legal entity and customer on it; each value knows its file and line.

    Raises:
        MappingError: A file breaks its schema, or a patch finds no place.
    """
    base, patches = _sources(bundle)
    chosen = {"legal_entity": legal_entity, "customer": customer}
    merged, faults = overlays.laid_on(base, [patch for patch in patches if patch.suits(chosen)])
    _refuse(bundle, faults)
    return merged


def _sources(bundle: Bundle) -> tuple[Source, list[Overlay]]:
    """The mapping and its overlays, in the order in which they are laid on; each fits its schema, and they fit each other."""
    base, faults = inspected(bundle.files[bundle.file], bundle.file, "mapping")
    read = [inspected(bundle.files[file], file, "overlay") for file in bundle.overlays]
    _refuse(bundle, faults + [fault for _, found in read for fault in found])
    patches = overlays.in_order([source for source, _ in read])
    _refuse(bundle, [*_header_faults(bundle, base), *overlays.faults(base, patches)])
    return base, patches


def _header_faults(bundle: Bundle, base: Source) -> Iterator[Fault]:
    if base.data["mapping"] != bundle.name:
        message = f"the file calls itself {base.data['mapping']!r}; name and place must agree"
        yield Fault(base.mark(("mapping",)), "mapping", message)
    side = "target" if base.data["direction"] == "inbound" else "source"
    if base.data[side]["entity"] not in ENTITIES:
        yield Fault(base.mark((side, "entity")), f"{side}.entity", f"is not one of {', '.join(ENTITIES)}")
    if base.data["source"]["entity"] in base.data["source"].get("inputs", ()):
        yield Fault(
            base.mark(("source", "inputs")), "source.inputs", "names the document itself; inputs stand beside it"
        )


def _definition(bundle: Bundle, base: Source, patches: Sequence[Overlay], faults: list[Fault]) -> Definition:
    """The base with patches as typed rules; what is wrong with it, and has not been told yet, is added to `faults`."""
    source, unplaced = overlays.laid_on(base, patches) if patches else (base, [])
    versions = {base.file: base.data["version"]} | {patch.source.file: patch.version for patch in patches}
    reading = Reading(source, bundle, versions)
    definition = parse(reading)
    misread = {fault.field for fault in reading.faults}
    found = unplaced + reading.faults + [fault for fault in check(definition) if fault.field not in misread]
    told = {(fault.mark, fault.field) for fault in faults}
    faults += [fault for fault in found if (fault.mark, fault.field) not in told]
    return definition


def _overlays(bundle: Bundle, base: Source, patches: Sequence[Overlay], faults: list[Fault]) -> Overlays:
    """Which overlays there are, and the mapping with each combination of them; what is wrong is added to `faults`."""
    used = [name for name in SELECTORS if any(name in patch.values for patch in patches)]
    known = [frozenset(patch.values[name] for patch in patches if name in patch.values) for name in used]
    definitions: dict[Chosen, Definition] = {}
    for chosen in product(*([None, *sorted(values)] for values in known)):
        suiting = [patch for patch in patches if patch.suits(dict(zip(used, chosen, strict=True)))]
        if suiting:
            definitions[chosen] = _definition(bundle, base, suiting, faults)
    selectors = tuple(tuple(base.data["overlays"][name].removeprefix("$.").split(".")) for name in used)
    return Overlays(selectors=selectors, known=tuple(known), definitions=definitions)


def _refuse(bundle: Bundle, faults: Sequence[Fault]) -> None:
    if faults:
        raise refusal(bundle.name, faults)
