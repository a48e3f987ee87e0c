"""A payment provider in the shape of Stripe, for its official SDK: as much of it as a platform's payments rest on.

Money moves in memory only. What is not here answers 404 and names itself. Sources: docs.stripe.com/api (version
2026-10-28.endive), docs.stripe.com/webhooks, docs.stripe.com/testing.
"""
