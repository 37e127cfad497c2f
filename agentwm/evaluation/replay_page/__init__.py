"""An episode as one page for a browser."""

from agentwm.evaluation.replay_page.page import episode_page

__all__ = ["episode_page"]
