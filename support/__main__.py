"""`python support MODULE ARGUMENT…`: a process of the suite's own, which runs MODULE; see footing.helper."""

import runpy
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)

from support import footing

footing.take()
sys.argv = sys.argv[1:]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
