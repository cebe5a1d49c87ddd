"""Connectors: one folder per external system, all behind `connectors.contract`."""
