from agentwm.testing import EnvironmentTests


class TestLamps(EnvironmentTests):
    environment = "lamps"
