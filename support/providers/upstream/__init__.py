"""A service that the platform calls: it answers what it is told to, and keeps a ledger of effects."""
