"""The artefacts that prove a mapping: fixtures and what they catch."""
