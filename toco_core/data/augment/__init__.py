"""The random views of a training image."""
