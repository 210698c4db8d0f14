"""A search as one page that a researcher can read, believe and cite."""
