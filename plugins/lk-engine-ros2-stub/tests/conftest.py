"""Where the processes of runs find the components, and the tests find each other."""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent)]
