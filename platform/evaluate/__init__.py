"""The command that scores a checkpoint: `python -m platform.evaluate CHECKPOINT`."""
