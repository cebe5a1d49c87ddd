"""Salesforce record ids: 15 case-sensitive characters and their 18-character form.

The first three characters tell the object type. The last three of the long form are a
checksum of the upper-case letters, so that the id survives systems that ignore case
(SOAP API Developer Guide v60.0, "ID Field Type").
"""

import re
import string

LOCATOR_PREFIX = "01g"

_CHECKSUM_ALPHABET = string.ascii_uppercase + "012345"
_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
_POD = "Hu00000"
_SEQUENCE_DIGITS = 5
_SHORT_LENGTH = 15
_LONG_LENGTH = 18
_ID_FORM = re.compile(r"[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?")


def make_id(key_prefix: str, sequence: int) -> str:
    """Return the 18-character id of the n-th record of a type.

    Args:
        key_prefix: The three characters of the object type, e.g. `001` for Account.
        sequence: The record's number, 0 <= sequence < 62 ** 5.
    """
    digits = []
    for _ in range(_SEQUENCE_DIGITS):
        sequence, digit = divmod(sequence, len(_BASE62))
        digits.append(_BASE62[digit])
    return with_checksum(key_prefix + _POD + "".join(reversed(digits)))


def with_checksum(short_id: str) -> str:
    """Return a 15-character id with its 3-character checksum."""
    chunks = (short_id[start : start + 5] for start in range(0, _SHORT_LENGTH, 5))
    return short_id + "".join(_checksum_character(chunk) for chunk in chunks)


def normalise(text: str) -> str | None:
    """Return the 18-character form of an id, or None where the text is not an id.

    Accepts 15 and 18 characters. A long id whose checksum does not fit is not an id.
    """
    if not _ID_FORM.fullmatch(text):
        return None
    long_id = with_checksum(text[:_SHORT_LENGTH])
    if len(text) == _LONG_LENGTH and text != long_id:
        return None
    return long_id


def _checksum_character(chunk: str) -> str:
    bits = sum(1 << place for place, letter in enumerate(chunk) if letter.isupper())
    return _CHECKSUM_ALPHABET[bits]
