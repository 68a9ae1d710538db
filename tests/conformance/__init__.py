"""Tools that others wrote, holding a live product to the standards it claims."""
