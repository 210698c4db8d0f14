"""The protocol card: under which conditions a number was measured."""
