"""SOQL: text to syntax tree, the tree held against the org's schema, then run on records.

`lexer` -> `parser` (makes `syntax`) -> `binding` -> `evaluation`.
"""
