"""The search that others are compared with, on this machine, where nothing befalls it."""

from tests.integration.conftest import undisturbed

__all__ = ["undisturbed"]
