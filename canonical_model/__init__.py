"""The billing vocabulary: typed, immutable documents that every connected system is mapped to and from.

Documents are frozen `msgspec` structs named in the terms of EN 16931 and UBL; each field says its business term (BT/BG)
where it has one. Nothing here reads or writes anything.
"""
