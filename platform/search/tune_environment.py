"""What Ray Tune reads from the environment, set before it is imported."""

from __future__ import annotations

import os


def set_up_tune() -> None:
    """Switch off what Tune would print, log and save beside us: the study is the record."""
    variables = {
        "RAY_AIR_NEW_OUTPUT": "0",
        "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
        "TUNE_GLOBAL_CHECKPOINT_S": "3600",
        "RAY_CHDIR_TO_TRIAL_DIR": "0",
        "RAY_TRAIN_V2_ENABLED": "1",
        "TUNE_DISABLE_SIGINT_HANDLER": "1",  # Ctrl-C is ours
    }
    os.environ.update(variables)
