"""What compiled mappings work with: transforms, look-ups, and the values they give back."""
