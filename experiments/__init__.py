"""What measures or attacks the product: a package of its own, which imports `qfl` and is imported by nothing in it."""
