"""The history of billing's schema, a file for each step; Alembic applies what a database has not had yet."""
