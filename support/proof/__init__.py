"""The proof that the suite would notice: bugs planted into the reference platform, and who catches them."""
