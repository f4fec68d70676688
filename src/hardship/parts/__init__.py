"""Registers in parts, for more households than memory holds; `run` is the way through, `find` what a part is."""
