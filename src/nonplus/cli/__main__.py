"""``python -m nonplus.cli``: the command line without an installed script."""

from nonplus.cli import main

main()
