"""The root of all errors of the hub, and those that need no external system."""


class HubError(Exception):
    """Root of all errors of the hub."""


class ConfigurationError(HubError):
    """A setting is missing or wrong; the message names it and says how to mend it."""


class MappingError(HubError):
    """A mapping could not make sense of a record.

    Attributes:
        mapping: Its name and version.
        field: The field of the target.
        text: What is wrong, without the place.
    """

    def __init__(self, message: str, *, mapping: str, field: str) -> None:
        super().__init__(f"{mapping}, field {field}: {message}")
        self.mapping, self.field, self.text = mapping, field, message


class IntegrityError(HubError):
    """Totals, duplicates or a closed period forbid going on with this record."""
