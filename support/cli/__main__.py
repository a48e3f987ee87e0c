"""`python -m support.cli COMMAND`, the same as `./l3 COMMAND`."""

import sys

from support import footing
from support.settings import ROOT

footing.isolate(str(ROOT / "l3"), sys.argv[1:])

from support.cli.main import main

sys.exit(main(sys.argv[1:]))
