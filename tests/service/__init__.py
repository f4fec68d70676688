"""Proofs of the service, each against a real server process; `dev.py` has a command for every large run."""
