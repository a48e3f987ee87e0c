"""What cached prices are made of."""
