"""From typed rules to one Python function."""
