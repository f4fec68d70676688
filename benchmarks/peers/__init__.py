"""The rules of `county_model` written again in what a user would pick instead: polars expressions and numpy."""
