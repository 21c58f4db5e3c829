"""How Hypothesis looks for counterexamples here: repeatably in CI, afresh each time elsewhere."""

import os

from hypothesis import HealthCheck, settings

# A shared machine stalls now and then, so a slow example is no failure; what is slow is measured in benchmarks/.
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("default"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")
