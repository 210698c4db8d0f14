"""What a search shows and leaves behind: a live table or lines, Parquet tables, TensorBoard."""
