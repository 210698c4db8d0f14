"""The command that sets results side by side: `python -m platform.compare A B`."""
