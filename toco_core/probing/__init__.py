"""What a frozen backbone knows of a data set, before anything is trained."""
