"""Makes a model of a language model's own: what was lived as training data, training on it, and what came of that."""
