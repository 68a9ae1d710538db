"""The engine on trial: planted portfolios, exact oracles and simple rivals.

Pure and seeded: the same engine gives the same table.  Nothing here is used to judge
an engagement.
"""
