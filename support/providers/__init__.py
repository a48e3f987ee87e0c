"""Providers: the third parties that a platform depends on, each played by a process that does what it is told.

A provider has two ports. On one it plays the third party, and knows nothing of being one of a test; on the other it
is told how to misbehave, and tells what really arrived. State is in memory only.
"""
