"""What is judged: a folder for each capability, under its key. None of them imports another."""
