"""Several objectives at once: what is on the front, what is stopped, what is proposed."""
