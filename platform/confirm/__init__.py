"""The command that confirms a search: `python -m platform.confirm reports/NAME`."""
