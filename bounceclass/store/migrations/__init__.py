"""How the tables came to be: one module for each step, run in order by `bounceclass.store.migration`."""
