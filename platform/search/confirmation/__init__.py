"""The best configurations of a search and its recipe, trained again on seeds of their own."""
