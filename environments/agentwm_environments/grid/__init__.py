"""Grid worlds seen through a small window: MiniGrid and BabyAI, each a family of environments found by its full id."""
