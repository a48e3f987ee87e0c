"""What must hold, as matchers whose words say what was expected and what was seen."""
