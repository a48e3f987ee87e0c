"""The platforms that the suite can judge, a folder for each, and the seam through which it talks to any of them."""
