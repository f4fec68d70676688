"""`python -m hardship`."""

from hardship.cli import main

main()
