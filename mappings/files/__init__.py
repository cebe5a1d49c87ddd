"""Mapping and table files: read narrowly, held against their JSON Schemas."""
