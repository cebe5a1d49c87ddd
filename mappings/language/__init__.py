"""The language: from a checked file to typed rules without faults."""
