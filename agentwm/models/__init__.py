"""World models: rules first, and what answers where they are silent."""
