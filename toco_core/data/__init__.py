"""The Parquet data format, its one reader, and the batches of training and scoring."""
