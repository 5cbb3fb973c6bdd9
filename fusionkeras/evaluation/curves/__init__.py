"""A metric against what is done to the cells: noise, typos, absence."""
