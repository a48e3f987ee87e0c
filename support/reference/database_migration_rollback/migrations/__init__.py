"""The history of the schema, a folder for each release and a file for each revision.

A revision says by SERVES_FROM which release is the oldest that still works once it is applied. What it cannot do in
one transaction stands in a revision of its own: what came before an autocommit block would be committed with it.
"""
