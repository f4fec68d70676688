"""One module for each command of `hardship.cli`, imported when it is called."""
