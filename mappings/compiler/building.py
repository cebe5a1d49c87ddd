"""The part of a direct function that puts an object together: a canonical struct or a vendor's payload."""

from collections.abc import Mapping

import msgspec

from mappings.compiler.leaves import Made
from mappings.compiler.reads import Reads
from mappings.compiler.source_text import SourceText


class Building:
    """Writes the making of objects.

    Args:
        to: Where the code goes.
        reads: What the code has already.
    """

    def __init__(self, to: SourceText, reads: Reads) -> None:
        self._to, self._reads = to, reads

    def struct(self, struct: type[msgspec.Struct], made: Mapping[str, Made], name: str, *, may_be_none: bool) -> Made:
        """Code that leaves a struct in the variable `name`; with `may_be_none`, None where none of its fields is there."""
        self._to.names[struct.__name__] = struct
        arguments = [f"{key}={each.text}," for key, each in made.items()]
        known: Made | None = self._reads.recall("struct", struct, *arguments)
        if known:
            return known
        if may_be_none and all(each.there for each in made.values()):
            self._to.line(f"{name} = None")
            self._to.line(f"if {' or '.join(each.there for each in made.values())}:")
            with self._to.deeper():
                self._to.block(f"{name} = {struct.__name__}(", arguments, ")")
            return Made(text=name, there=f"{name} is not None")
        self._to.block(f"{name} = {struct.__name__}(", arguments, ")")
        self._reads.remember("struct", struct, *arguments, value=Made(text=name))
        return Made(text=name)

    def payload(self, made: Mapping[str, Made], name: str, *, may_be_none: bool) -> Made:
        """Code that leaves a dict in the variable `name`, without what is not there; with `may_be_none`, an empty one counts as nothing."""
        self._to.block(f"{name} = {{", [f"{key!r}: {each.text}," for key, each in made.items() if not each.there], "}")
        for key, each in made.items():
            if each.there:
                self._to.line_if(each.there, f"{name}[{key!r}] = {each.text}")
        return Made(text=name, there=name if may_be_none and all(each.there for each in made.values()) else "")
