"""What datasets look like where they come from: each lists its images, and reads one of them."""
