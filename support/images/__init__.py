"""The images: what is official, what stands in for it, and how one of them comes to this machine."""
