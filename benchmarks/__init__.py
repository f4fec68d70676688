"""Speed, measured beside what a user would pick instead: `python3 dev.py bench`."""
