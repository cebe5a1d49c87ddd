"""From typed rules to Python functions: a direct one for ordinary records, a careful one for all others."""
