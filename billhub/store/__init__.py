"""The hub's own durable store: the only truth about what was received, decided and sent."""
