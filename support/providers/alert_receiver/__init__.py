"""The alert receiver: whoever is on call gets notifications here."""
