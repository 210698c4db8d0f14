"""The machines that the commands run on: Ray, placement, and what one machine has."""
