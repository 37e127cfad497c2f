"""The prompts of the LLM mind: Markdown files with ``$slots``, one per role."""
