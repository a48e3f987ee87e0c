"""`python -m support.cli COMMAND`, the same as `./l3 COMMAND`."""

import sys

from support.cli.main import main

sys.exit(main(sys.argv[1:]))
