"""Sessions: signing in, staying signed in, and being shown out, on every node at once."""
