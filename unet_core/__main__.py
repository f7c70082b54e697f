"""``python -m unet_core`` is the command line, `unet_core.cli`."""

import sys

from unet_core.cli import main

sys.exit(main())
